"""Pictures that show none of a task's classes, to measure how many of them are said to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.tasks import BUNDLED
from resnet_demo.tasks.imagenet_names import synsets
from resnet_demo.training.data.datasets import Pictures, data_set_of, unlabelled_pictures
from resnet_demo.training.data.seeds import seed_of

MAX_PICTURES = 1000  # of a folder or data set

# Of the 1,000 sample photos of EliSchwartz/imagenet-sample-images, those in which a flower is in the middle. They were
# picked by eye before any score was computed. Flowers at the edge or in the background (a weevil on a leaf, a rabbit
# beside a rose, a greenhouse, window boxes, a vase on a desk) and what only looks like one (sea anemone, pinwheel,
# cauliflower, coil of leaves) stay in as no flowers.
SHOWN_FLOWERS = {  # index of the class: its name, and what its photo shows
    21: "kite: magnolia blossoms in the middle, the birds at the edge",
    309: "bee: on a flowering umbel of ivy",
    317: "leafhopper: on a petal that fills the photo",
    320: "damselfly: on a buttercup",
    321: "admiral: on blossoming twigs",
    322: "ringlet: among yellow flowers",
    323: "monarch: on a flower",
    324: "cabbage butterfly: on a yellow composite flower",
    325: "sulphur butterfly: among yellow composite flowers",
    326: "lycaenid: on a small flower",
    738: "pot: a plant in full bloom",
    944: "artichoke: one of the 102 classes",
    946: "cardoon: in bloom",
    984: "rapeseed: a field in bloom",
    985: "daisy",
    986: "yellow lady's slipper",
}

# Indices of the classes of ImageNet-1k that are one of CIFAR-10's ten.
CIFAR10_CLASSES = {
    "airplane": (404, 895),
    "automobile": (407, 436, 468, 511, 609, 627, 656, 661, 751, 817),
    "bird": (*range(7, 25), *range(80, 101), *range(127, 147)),
    "cat": tuple(range(281, 286)),
    "dog": tuple(range(151, 269)),
    "frog": (30, 31, 32),
    "horse": (339,),
    "ship": (403, 484, 510, 554, 625, 628, 724, 780, 814, 871, 914),
    "truck": (555, 569, 675, 717, 734, 864, 867),
}
# Those of which one could say so, or nearly: wild dogs and cats, zebra and cattle, airship and canoe, trains, buses and
# machines on wheels, a wing, a wreck.
NEARLY_CIFAR10 = (
    *(*range(269, 281), *range(286, 294), 340, *range(345, 356), 405, 408, 472, 517, 547, 565, 573, 576, 586, 595),
    *(603, 654, 705, 757, 779, 802, 803, 820, 829, 833, 847, 856, 866, 874, 908, 913),
)


def shown_in_samples(task: str) -> set[int]:
    """Classes of ImageNet-1k whose sample photos show what a bundled task knows, or nearly."""
    if task in BUNDLED and BUNDLED[task].flowers:
        return set(SHOWN_FLOWERS)
    return {*sum(CIFAR10_CLASSES.values(), ()), *NEARLY_CIFAR10} if task == "cifar10" else set()


def ood_pictures(task: str, source: str, data: Path | None) -> Pictures:
    """Pictures of a folder, or of a data set's train and val parts, at most ``MAX_PICTURES`` by a fixed seed; where
    ``source`` holds the ImageNet sample photos, without ``shown_in_samples``.

    Raises:
        UserError: there are none, or ``source`` is the task's own data set.
    """
    if data_set_of(source) == data_set_of(task):
        raise UserError(f"The pictures of {task} show its classes: name others, which show none of them.")
    pictures = unlabelled_pictures([source], ("train", "val"), data)
    paths = pictures.paths
    if is_sample_set(paths):
        shown = {synsets()[index] for index in shown_in_samples(task)}
        paths = [path for path in paths if path.name[:9] not in shown]
    if len(paths) > MAX_PICTURES:
        chosen = np.random.default_rng(seed_of("unlike", Path(source).name)).choice(
            len(paths), MAX_PICTURES, replace=False
        )
        paths = [paths[index] for index in sorted(chosen)]
    return replace(pictures, paths=paths, labels=np.zeros(len(paths), np.int64), sources=[])


def is_sample_set(paths: list[Path]) -> bool:
    """Whether these are the sample photos: one for each synset, in its name."""
    return len(paths) == 1000 == len({path.name[:9] for path in paths}) and paths[0].name.startswith("n01440764")
