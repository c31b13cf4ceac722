"""ImageNet-1k: photos to measure on, and the bundled ResNet-50: that of Keras Applications, as ``convert`` gives it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

from resnet_demo import checkpoints
from resnet_demo.errors import UserError
from resnet_demo.imagenet_names import names, synsets
from resnet_demo.images import open_photo
from resnet_demo.predictor import Predictor
from resnet_demo.tasks import CLASSIFICATION, TaskSpec
from resnet_demo.training.card import model_card
from resnet_demo.training.data import SUFFIXES, Pictures, data_folder
from resnet_demo.training.evaluation import evaluate_classes

TASK = "imagenet1k"
SAMPLES = "imagenet-sample-images"  # what the folder is called where it is cloned as it is
SYNSET = re.compile(r"n\d{8}")
ONE_A_CLASS = "the sample photos of the public repository EliSchwartz/imagenet-sample-images, one of each class"
MANY_A_CLASS = "the photos of an ImageNet folder with a subfolder a synset, such as its validation set"
CAUTION = {
    ONE_A_CLASS: "**This is not the validation accuracy**, which is 74.9 % top-1 as published for these weights. The "
    "sample photos probably come from ImageNet's training set, so the figures are most likely too good; they show "
    "that the stored file computes what it should.",
    MANY_A_CLASS: "The figures are the validation accuracy only if the folder holds the validation set.",
}


class Photos(Pictures):
    """Photos that are opened anew each time: the validation set would not fit into memory."""

    def picture(self, index: int) -> Image.Image:
        return open_photo(self.paths[index])


def imagenet_spec() -> TaskSpec:
    """The task with the preprocessing of Keras' and torchvision's weights: short side to 256 pixels, centre 224."""
    return TaskSpec(TASK, CLASSIFICATION, labels=names(), size=224, resize=256)


def find_photos(data: Path | None, named: bool = True) -> Path:
    """The folder of photos: the subfolder ``imagenet1k`` of the data sets' folder ``data``, or ``data`` itself.

    Args:
        data: None is the usual folder of the data sets.
        named: whether ImageNet was asked for by name; else ``data`` is the data sets' folder and nothing else.

    Raises:
        UserError: there is no such folder.
    """
    root = data or data_folder()
    if (root / TASK).is_dir():
        return root / TASK
    if named and data and data.is_dir():
        return data
    missing = data if named and data else root / TASK
    raise UserError(
        f"There is no folder {missing} of ImageNet photos: measure it by name with --data and the folder of "
        f"github.com/EliSchwartz/{SAMPLES}, or of ImageNet's validation set with a subfolder a synset."
    )


def read_photos(folder: Path) -> Photos:
    """The photos of a folder: files whose names begin with their synset, or a subfolder of files for each synset.

    Raises:
        UserError: none there, or a synset that is none of the 1,000.
    """
    number = {synset: index for index, synset in enumerate(synsets())}
    flat = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and SYNSET.match(path.name)]
    deep = [
        path
        for sub in folder.iterdir()
        if sub.is_dir() and SYNSET.fullmatch(sub.name)
        for path in sub.iterdir()
        if path.suffix.lower() in SUFFIXES
    ]
    found = sorted((path.name[:9] if path.parent == folder else path.parent.name, path) for path in flat or deep)
    if not found:
        raise UserError(
            f"There are no ImageNet photos in {folder}: their names, or those of their subfolders, must begin with a "
            "synset such as n01440764."
        )
    if unknown := sorted({synset for synset, _ in found} - number.keys()):
        raise UserError(f"{folder} holds {unknown[0]}, which is no class of ImageNet-1k: use the set of ILSVRC 2012.")
    labels = np.array([number[synset] for synset, _ in found], np.int64)
    return Photos(TASK, [path for _, path in found], labels, names())


def what_it_is(photos: Photos) -> str:
    """The photos in words, for a model card."""
    one_each = len(photos) == len(np.unique(photos.labels))
    return ONE_A_CLASS if one_each else MANY_A_CLASS


def bundle_imagenet(data: Path | None) -> Path:
    """Store ``convert``'s ResNet-50 as 8-bit integers in ``weights/``, measured and described.

    Returns:
        The folder in ``weights/``.

    Raises:
        UserError: no photos to measure on, or no weights and no npm to fetch them.
    """
    from resnet_demo.training.start import depth_of, read_state

    photos = read_photos(find_photos(data))
    state, variant = read_state("imagenet")
    spec, depth = imagenet_spec(), depth_of(state)
    made = checkpoints.Checkpoint(spec, depth, variant, checkpoints.quantise(state), {})
    metrics = evaluate_classes(Predictor(TASK, depth, checkpoint=made), photos).metrics
    on = what_it_is(photos)
    folder = SAMPLES if on == ONE_A_CLASS else (data or Path(TASK)).name
    record = {
        "init": "imagenet",
        "commands": ["python -m resnet_demo convert", f"python -m resnet_demo bundle imagenet --data {folder}"],
        "measured": {"on": on, "caution": CAUTION[on], "data": folder},
    }
    config = {"depth": depth, "variant": variant, "metrics": metrics, "task": spec.to_json(), **record}
    target = checkpoints.weights_folder() / TASK / f"resnet{depth}"
    checkpoints.save(target, state, spec, depth, variant, metrics, model_card(config), record)
    checkpoints.register(target)
    return target
