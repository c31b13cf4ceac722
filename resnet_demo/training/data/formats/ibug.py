"""300-W (Sagonas et al. 2013): a ``.pts`` beside each picture, as in iBUG's annotations of AFW, HELEN, LFPW and IBUG.

Their first pixel is 1, as in MATLAB. The parts are those of the challenge: what lies in a ``testset``, and IBUG, is for
testing, all else is learnt from.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.tasks import KEYPOINTS
from resnet_demo.training.data.formats.format import Format
from resnet_demo.training.data.own_items import Found, Item
from resnet_demo.training.data.tables import is_file

PICTURES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG", ".bmp", ".webp")
FIRST = 1.0  # coordinate of the first pixel's middle
TEST = {"testset", "ibug"}
SOURCES = ("afw", "helen", "ibug", "lfpw")


def find(data: Path) -> Path | None:
    return data if data.is_dir() and any(visible(path) for path in data.rglob("*.pts")) else None


def visible(path: Path) -> bool:
    return not path.name.startswith(".") and "__MACOSX" not in path.parts


def read(folder: Path) -> Found:
    """One item a ``.pts``; all must have as many points.

    Raises:
        UserError: a file that is none, or has another number of points than most.
    """
    files = sorted(filter(visible, folder.rglob("*.pts")))
    points = {path: read_points(path) for path in files}
    counts = [len(found) for found in points.values()]
    most = max(set(counts), key=counts.count)
    items, odd, alone = [], [], []
    divided = any("testset" in words(path, folder) for path in files)
    for path in files:
        picture = next((one for ending in PICTURES if is_file(one := path.with_suffix(ending))), None)
        if len(points[path]) != most:
            odd.append(path)
        elif picture is None:
            alone.append(path)
        else:
            found = words(path, folder)
            part = ("test" if found & TEST else "train") if divided else ""
            source = next((name for name in SOURCES if name in found), "")
            name = picture.relative_to(folder).as_posix()
            items.append(Item(picture, name, points[path], source=source, part=part))
    remarks = [f"Skipped {path}: it has {len(points[path])} points, most have {most}." for path in odd]
    remarks += [f"Skipped {path}: no picture of that name lies beside it." for path in alone]
    return Found(items, remarks=tuple(remarks), skipped=len(remarks))


def words(path: Path, folder: Path) -> set[str]:
    """The names of the folders that a file lies in, that of the data set included."""
    return {part.lower() for part in (folder.name, *path.relative_to(folder).parts[:-1])}


def read_points(path: Path) -> np.ndarray:
    """Points float32 (n, 2) with the middle of the first pixel at 0."""
    try:
        head, _, rest = path.read_text("utf-8", errors="replace").partition("{")
        body, end, _ = rest.partition("}")
        found = np.array([float(word) for word in body.split()], np.float32).reshape(-1, 2)
        if "n_points" not in head or not end or not len(found) or not np.isfinite(found).all():
            raise ValueError
    except (OSError, ValueError):
        raise UserError(
            f"{path} is no list of points (version, n_points, and x y of each in braces): mend it."
        ) from None
    return found - np.float32(FIRST)


FORMAT = Format("pictures with a .pts beside each (300-W)", KEYPOINTS, find, read)
