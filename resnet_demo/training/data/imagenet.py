"""ImageNet-1k: photos to measure on, and the bundled ResNet-50: that of Keras Applications, as ``convert`` gives it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

from resnet_demo.errors import UserError
from resnet_demo.images.decode import open_photo
from resnet_demo.tasks import CLASSIFICATION, TaskSpec
from resnet_demo.tasks.imagenet_names import names, synsets
from resnet_demo.training.data.datasets import Pictures, data_folder
from resnet_demo.training.data.own_items import SUFFIXES

TASK = "imagenet1k"
SAMPLES = "imagenet-sample-images"  # what the folder is called where it is cloned as it is
SYNSET = re.compile(r"n\d{8}")


class Photos(Pictures):
    """Photos that are opened anew each time: the validation set would not fit into memory."""

    def picture(self, index: int) -> Image.Image:
        return self.coloured(open_photo(self.paths[index]))


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
