"""Every format that is known again by what lies there."""

from __future__ import annotations

from pathlib import Path

from resnet_demo.training.data.formats import (
    cifar10,
    coco,
    cvat,
    flowers102,
    ibug,
    imglab,
    kaggle_faces,
    labelme,
    udacity,
)
from resnet_demo.training.data.formats.format import Format

# The first that fits: those with fixed file names before those of any name.
FORMATS = tuple(
    module.FORMAT for module in (flowers102, cifar10, udacity, kaggle_faces, cvat, imglab, coco, labelme, ibug)
)


def recognise(data: Path) -> tuple[Format, Path] | None:
    """The format of a file or folder, and what its ``read`` takes; None where it is in none of them."""
    return next(((one, found) for one in FORMATS if (found := one.find(data)) is not None), None)
