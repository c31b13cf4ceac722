"""Keypoints of one's own: reading and checking a CSV, and the whole picture in the place of a found face.

Two layouts are read. By names: the columns ``image``, ``x0``, ``y0``, ``x1``, ``y1`` …, and, where they are there,
``source``, ``identity`` and ``split``. By places: the picture's name first, then x and y of each point in turn, with
a line of headings or without. Coordinates are pixels of the upright picture, as a viewer shows it, or where nearly all
lie within ±1 parts of its sides, from 0 to 1 or from -1 to 1; empty ones and NaN are unknown.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from resnet_demo.errors import UserError
from resnet_demo.faces.alignment import Frame
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.data.own_items import PIXELS, SIGNED, UNIT
from resnet_demo.training.data.tables import LABELS, Table, check_pictures, number, quoted, read_table

PARTS = ("train", "val", "test")
SQUARE = 256  # side of the squashed training pictures, in pixels
# Coordinates up to this are parts of a side, if so many of all are; beyond the other one they cannot be.
NEAR_ONE, FAR_FROM_ONE, MOST = 1.1, 2.0, 0.95
MOST_SOURCES = 8  # with more the column is no list of sources
COORDINATE = re.compile(r"([xy])_?(\d+)", re.IGNORECASE)
_AXIS = {axis: re.compile(rf"(^|[^a-z]){axis}([^a-z]|$)") for axis in "xy"}  # as in left_eye_x


@dataclass(frozen=True)
class Row:
    """One picture of the CSV.

    Attributes:
        line: in the file, counted from 1.
        name: the picture, as the CSV names it.
        path: where it lies.
        points: float32 (points, 2), NaN where unknown.
        source, identity, part: of the optional columns; empty where there are none.
        unit: what the points are given in.
    """

    line: int
    name: str
    path: Path
    points: np.ndarray
    source: str = ""
    identity: str = ""
    part: str = ""
    unit: str = PIXELS


@dataclass(frozen=True)
class Columns:
    """Which cell of a line holds what: ``image``, the points' ``pairs`` of x and y, and the optional ``others``."""

    count: int
    image: int
    pairs: list[tuple[int, int]]
    others: dict[str, int]


def read_points(table: Table | Path) -> list[Row]:
    """The rows of a CSV of keypoints, checked; every picture it names is there, though perhaps not readable.

    Raises:
        UserError: which line is wrong and why, or which pictures are missing.
    """
    table = read_table(table) if isinstance(table, Path) else table
    path = table.path
    if not table.lines:
        raise UserError(
            f"{path} is empty: each line must hold a picture's name, then x and y of each point, or its class."
        )
    if table.names and any(map(COORDINATE.fullmatch, table.names)):
        columns = by_names(path, table.names)
    else:
        columns = by_places(path, *table.lines[0])
    rows = [read_row(table, line, cells, columns) for line, cells in table.rows]
    check_rows(table, rows)
    unit = unit_of(path, rows)
    if len({row.source for row in rows}) > MOST_SOURCES:
        rows = [replace(row, source="") for row in rows]
    return [replace(row, unit=unit) for row in rows]


def are_points(table: Table) -> bool:
    """Whether a table with more than two columns is one of keypoints, well-formed or not."""
    names = [name.lower() for name in table.names]
    if any(map(COORDINATE.fullmatch, names)):
        return True
    pairs = list(zip(names[1::2], names[2::2], strict=False))
    if pairs and all(_AXIS["x"].search(x) and _AXIS["y"].search(y) for x, y in pairs):
        return True
    cells = [row[1:] for _, row in table.rows]
    numeric = all(not cell or number(cell) is not None for row in cells for cell in row)
    if not numeric or (names and all(number(name) is None for name in names[1:]) and LABELS & set(names)):
        return False
    # Classes and folds repeat, points hardly; an odd number of cells is refused as such.
    return (not names and len(cells[0]) % 2 == 1) or len({tuple(row) for row in cells}) > len(cells) / 2


def by_names(path: Path, names: list[str]) -> Columns:
    """Columns by their headings."""
    lowered = [name.lower() for name in names]
    if doubled := sorted(name for name, count in Counter(lowered).items() if name and count > 1):
        raise UserError(f"{path}, line 1 has the column {doubled[0]} twice: rename or remove one.")
    found: dict[int, dict[str, int]] = {}
    for index, name in enumerate(lowered):
        if match := COORDINATE.fullmatch(name):
            found.setdefault(int(match[2]), {})[match[1]] = index
    for point, pair in sorted(found.items()):
        if len(pair) < 2:
            have, lacks = ("x", "y") if "x" in pair else ("y", "x")
            raise UserError(f"{path}, line 1: point {point} has the column {have}{point} but no {lacks}{point}.")
    others: dict[str, int] = {name: lowered.index(name) for name in ("source", "identity", "split") if name in lowered}
    image = lowered.index("image") if "image" in lowered else 0
    if COORDINATE.fullmatch(lowered[image]):
        raise UserError(f"{path}, line 1 has no column image, which must name the pictures.")
    return Columns(len(names), image, [(pair["x"], pair["y"]) for _, pair in sorted(found.items())], others)


def by_places(path: Path, line: int, cells: list[str]) -> Columns:
    """Columns by their order: name, x, y, x, y …"""
    coordinates = len(cells) - 1
    if coordinates < 2 or coordinates % 2:
        raise UserError(
            f"{path}, line {line} has {coordinates} cells after the picture's name, which must be pairs of x and y, "
            "separated by commas."
        )
    return Columns(len(cells), 0, [(k, k + 1) for k in range(1, len(cells), 2)], {})


def read_row(table: Table, line: int, cells: list[str], columns: Columns) -> Row:
    """One line, checked."""
    where = table.where(line)
    if len(cells) != columns.count:
        raise UserError(f"{where} has {len(cells)} cells instead of {columns.count}: mend or remove it.")
    name = cells[columns.image]
    if not name:
        raise UserError(f"{where} names no picture: mend or remove it.")
    points = np.full((len(columns.pairs), 2), np.nan, np.float32)
    for point, pair in enumerate(columns.pairs):
        values = [coordinate(where, index, cells[index]) for index in pair]
        # Half a point is no point.
        if not any(map(math.isnan, values)):
            points[point] = values
    others = {key: cells[index] for key, index in columns.others.items()}
    part = others.get("split", "").lower()
    if "split" in others and part not in PARTS:
        raise UserError(f"{where}: the split is {quoted(part or 'empty')}, but must be one of {', '.join(PARTS)}.")
    source = re.sub(r"[^a-z0-9_-]+", "-", others.get("source", "").lower())
    return Row(line, name, table.locate(name), points, source, others.get("identity", ""), part)


def coordinate(where: str, column: int, cell: str) -> float:
    """A cell's number, NaN where it is empty."""
    value = number(cell) if cell else math.nan
    if value is None or math.isinf(value):
        raise UserError(
            f"{where}: {quoted(cell)} in column {column + 1} is no coordinate: mend it, or empty it if unknown."
        )
    return value


def check_rows(table: Table, rows: list[Row]) -> None:
    """What can only be seen over all rows."""
    path = table.path
    if not rows:
        raise UserError(f"{path} has headings but no pictures: add a line for each picture.")
    check_pictures(table, [(row.line, row.name, row.path) for row in rows])
    known = np.stack([row.points for row in rows])
    if unknown := [index for index in range(known.shape[1]) if np.isnan(known[:, index]).all()]:
        raise UserError(f"{path}: point {unknown[0]} (counted from 0) has no coordinates in any line: leave it out.")


def unit_of(path: Path, rows: list[Row]) -> str:
    """What the points of a table are given in, as their values tell: pixels, or sides from 0 or -1 to 1.

    Raises:
        UserError: some are pixels, and others not.
    """
    points = np.stack([row.points for row in rows])
    sizes = np.abs(points[~np.isnan(points)])
    if (sizes <= NEAR_ONE).mean() < MOST:
        return PIXELS
    if sizes.max() > FAR_FROM_ONE:
        row = next(row for row in rows if np.nanmax(np.abs(row.points), initial=0) > FAR_FROM_ONE)
        raise UserError(
            f"{path}, line {row.line} has a coordinate of {np.nanmax(np.abs(row.points)):g}, and nearly all others are "
            "at most 1: give all in pixels, or all as parts of the picture's sides."
        )
    return SIGNED if np.nanmin(points) < -(NEAR_ONE - 1) else UNIT


def in_pixels(points: np.ndarray, unit: str, width: int, height: int) -> np.ndarray:
    """Points (points, 2) in pixels of a picture."""
    if unit == PIXELS:
        return points
    return (((points + 1) / 2 if unit == SIGNED else points) * (width, height)).astype(np.float32)


def squash(pictures: Pictures) -> tuple[Pictures, np.ndarray]:
    """Training pictures as the network will see them, whole: squares with the square itself as the frame.

    So the augmentation of faces serves them as it is.

    Returns:
        The pictures, and their mean points (points, 2) in 0..1: what an untrained head should say.
    """
    squares, scaled = {}, []
    for index, points in enumerate(pictures.labels):
        photo = pictures.picture(index)
        squares[index] = np.asarray(photo.resize((SQUARE, SQUARE), Image.Resampling.BILINEAR, reducing_gap=2.0))
        scaled.append(points * (SQUARE / photo.width, SQUARE / photo.height))
    labels = np.array(scaled, np.float32)
    frames = [Frame((SQUARE / 2, SQUARE / 2), float(SQUARE), 0.0)] * len(pictures)
    known = ~np.isnan(labels)
    mean = np.where(known, labels, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1) / SQUARE
    # A point that only val and test know starts in the middle.
    mean = np.where(known.any(axis=0), mean, 0.5)
    return replace(pictures, cache=squares, labels=labels, frames=frames), mean
