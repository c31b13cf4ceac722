"""Oxford 102 Flowers (Nilsback and Zisserman 2008) as torchvision's ``Flowers102(root, download=True)`` lays it out.

``jpg/image_00001.jpg`` to ``image_08189.jpg``, the classes from 1 on in ``imagelabels.mat`` and the numbers of the
pictures of each part in ``setid.mat``, both MATLAB files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.tasks import CLASSIFICATION
from resnet_demo.tasks.flower_names import names
from resnet_demo.training.data.formats.format import Format
from resnet_demo.training.data.own_items import Found, Item

LABELS, PARTS = "imagelabels.mat", "setid.mat"
KEYS = {"train": "trnid", "val": "valid", "test": "tstid"}


def find(data: Path) -> Path | None:
    for folder in (data, data / "flowers-102"):
        if (folder / "jpg").is_dir() and all((folder / name).is_file() for name in (LABELS, PARTS)):
            return folder
    return None


def read(folder: Path) -> Found:
    """The official split; the classes by the names of the bundled networks."""
    labels = numbers(folder / LABELS, "labels")
    items = []
    for part, key in KEYS.items():
        for number in numbers(folder / PARTS, key):
            label = labels[number - 1] if 1 <= number <= len(labels) else 0
            if not 1 <= label <= len(names()):
                raise broken(folder / PARTS)
            name = f"jpg/image_{number:05d}.jpg"
            items.append(Item(folder / name, name, int(label) - 1, part=part))
    return Found(items, names())


def numbers(path: Path, key: str) -> np.ndarray:
    """The whole numbers (n,) of a variable in a MATLAB file."""
    try:
        from scipy.io import loadmat
    except ImportError:
        raise UserError(
            f"Reading {path.name} needs SciPy: pip install scipy, as torchvision asks for it too."
        ) from None
    try:
        values = np.asarray(loadmat(path, variable_names=[key])[key]).ravel().astype(np.int64)
    except Exception:  # SciPy raises whatever its parser meets in a file that is none.
        raise broken(path) from None
    return values


def broken(path: Path) -> UserError:
    return UserError(f"{path} is not the one of Oxford 102 Flowers: download it again.")


FORMAT = Format(
    f"Flowers102 (jpg/, {LABELS}, {PARTS}), split as published",
    CLASSIFICATION,
    find,
    read,
)
