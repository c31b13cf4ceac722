"""Kaggle's "Facial Keypoints Detection": ``training.csv``, x and y of 15 points and the grey pixels of 96 × 96 faces.

Two thirds of its faces have four of the points only; they are left out, as in most of what is compared with.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.tasks import KEYPOINTS
from resnet_demo.training.data.formats.format import Format
from resnet_demo.training.data.own_items import Found, Item

NAME, PIXELS = "training.csv", "image"
LONGEST_CELL = 10_000_000
READ = 100_000  # characters of a line that are looked at


def find(data: Path) -> Path | None:
    path = data / NAME if data.is_dir() else data
    if not path.is_file() or path.suffix.lower() != ".csv":
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = [name.strip().lower() for name in next(csv.reader([file.readline(READ)]), [])]
            first = file.readline(READ)
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    pairs = list(zip(names[:-1:2], names[1:-1:2], strict=False))
    named = len(names) > 2 and len(names) % 2 == 1 and names[-1] == PIXELS
    pixels = len(first.rsplit(",", 1)[-1].split()) > 1  # and not the name of a file
    return path if named and pixels and all(x.endswith("_x") and y.endswith("_y") for x, y in pairs) else None


@contextmanager
def long_cells() -> Iterator[None]:
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def read(path: Path) -> Found:
    """Every face with all of its points.

    Raises:
        UserError: a line that is none.
    """
    items, unknown = [], 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file, long_cells():
            rows = csv.reader(file)
            width = len(next(rows))
            for cells in filter(None, rows):
                where = f"{path}, line {rows.line_num}"
                if len(cells) != width:
                    raise UserError(f"{where} has {len(cells)} cells instead of {width}: download it again.")
                if "" in cells[:-1]:
                    unknown += 1
                    continue
                items.append(face(path, rows.line_num, where, cells))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read ({error}): download it again.") from None
    remarks = (f"Skipped {unknown:,} faces some of whose points are not given.",) if unknown else ()
    return Found(items, remarks=remarks, skipped=unknown)


def face(path: Path, line: int, where: str, cells: list[str]) -> Item:
    """One line as an item."""
    try:
        points = np.array(cells[:-1], np.float32).reshape(-1, 2)
        values = np.array(cells[-1].split(), np.int64)
        side = math.isqrt(len(values))
        if side * side != len(values) or not side or values.min() < 0 or values.max() > 255:
            raise ValueError
    except ValueError:
        raise UserError(
            f"{where}: its last column must hold the pixels of a square, 0 to 255: download it again."
        ) from None
    grey = values.astype(np.uint8).reshape(side, side, 1)
    return Item(path, f"{path.name}/{line}", points, pixels=np.repeat(grey, 3, axis=2))


FORMAT = Format("Kaggle's facial keypoints (pixels in the column Image)", KEYPOINTS, find, read)
