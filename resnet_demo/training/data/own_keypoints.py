"""Keypoints of one's own: reading and checking a CSV, and the whole picture in the place of a found face.

Two layouts are read. By names: the columns ``image``, ``x0``, ``y0``, ``x1``, ``y1`` …, and, where they are there,
``source``, ``identity`` and ``split``. By places: the picture's name first, then x and y of each point in turn, with
a line of headings or without. Coordinates are pixels of the upright picture, as a viewer shows it; empty ones and NaN
are unknown.
"""

from __future__ import annotations

import csv
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

PARTS = ("train", "val", "test")
SQUARE = 256  # side of the squashed training pictures, in pixels
MOST_SOURCES = 8  # with more the column is no list of sources
COORDINATE = re.compile(r"([xy])_?(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One picture of the CSV.

    Attributes:
        line: in the file, counted from 1.
        name: the picture, as the CSV names it.
        path: where it lies.
        points: float32 (points, 2), NaN where unknown.
        source, identity, part: of the optional columns; empty where there are none.
    """

    line: int
    name: str
    path: Path
    points: np.ndarray
    source: str = ""
    identity: str = ""
    part: str = ""


@dataclass(frozen=True)
class Columns:
    """Which cell of a line holds what: ``image``, the points' ``pairs`` of x and y, and the optional ``others``."""

    count: int
    image: int
    pairs: list[tuple[int, int]]
    others: dict[str, int]


def read_points(path: Path) -> list[Row]:
    """The rows of a CSV of keypoints, checked; every picture it names is there, though perhaps not readable.

    Raises:
        UserError: which line is wrong and why, or which pictures are missing.
    """
    lines = read_lines(path)
    if not lines:
        raise UserError(f"{path} is empty: each line must hold a picture's name, then x and y of each point.")
    files = files_below(path.parent)
    names = heading(path, *lines[0], files)
    columns = by_names(path, names) if names and any(map(COORDINATE.fullmatch, names)) else by_places(path, *lines[0])
    rows = [read_row(path, line, cells, columns, files) for line, cells in (lines[1:] if names else lines)]
    check_rows(path, rows)
    if len({row.source for row in rows}) > MOST_SOURCES:
        rows = [replace(row, source="") for row in rows]
    return rows


def read_lines(path: Path) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not blank."""
    lines = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    lines.append((reader.line_num, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}: save the table as CSV again.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text: save the table as CSV in UTF-8.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({(error.strerror or str(error)).lower()}): check the file.") from None
    return lines


def files_below(folder: Path) -> dict[str, list[Path]]:
    """File name → where files of that name lie in ``folder`` and below it, hidden ones left out."""
    files: dict[str, list[Path]] = {}
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if not hidden and file.is_file():
            files.setdefault(file.name, []).append(file)
    return files


def locate(folder: Path, name: str, files: dict[str, list[Path]]) -> Path:
    """Where a picture lies: at its path from the CSV's folder on, else wherever its name exists exactly once."""
    path = folder / name.replace("\\", "/")
    if not path.is_file() and len(found := files.get(path.name, [])) == 1:
        return found[0]
    return path


def heading(path: Path, line: int, cells: list[str], files: dict[str, list[Path]]) -> list[str]:
    """The first line's cells where they are headings, else an empty list.

    Headings may be mere numbers: 0 to 135 above 68 points, with nothing above the names.
    """
    if cells[0] and locate(path.parent, cells[0], files).is_file():
        return []
    numbers = [number(cell) if cell else math.nan for cell in cells[1:]]
    counted = any(numbers == list(range(first, first + len(numbers))) for first in (0, 1))
    return cells if not cells[0] or None in numbers or (counted and "." not in cells[0]) else []


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


def read_row(path: Path, line: int, cells: list[str], columns: Columns, files: dict[str, list[Path]]) -> Row:
    """One line, checked."""
    where = f"{path}, line {line}"
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
        raise UserError(f"{where}: the split is {part or 'empty'!r}, but must be one of {', '.join(PARTS)}.")
    source = re.sub(r"[^a-z0-9_-]+", "-", others.get("source", "").lower())
    return Row(line, name, locate(path.parent, name, files), points, source, others.get("identity", ""), part)


def coordinate(where: str, column: int, cell: str) -> float:
    """A cell's number, NaN where it is empty."""
    value = number(cell) if cell else math.nan
    if value is None or math.isinf(value):
        raise UserError(f"{where}: {cell!r} in column {column + 1} is no coordinate: mend it, or empty it if unknown.")
    return value


def number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def check_rows(path: Path, rows: list[Row]) -> None:
    """What can only be seen over all rows."""
    if not rows:
        raise UserError(f"{path} has headings but no pictures: add a line for each picture.")
    first: dict[Path, Row] = {}
    for row in rows:
        if (other := first.setdefault(row.path, row)) is not row:
            raise UserError(f"{path}, line {row.line} names {row.name} again, after line {other.line}: keep one line.")
    if missing := [f"{row.name} (line {row.line})" for row in rows if not row.path.is_file()]:
        names = "a picture that is" if len(missing) == 1 else f"{len(missing)} pictures that are"
        more = " …" if len(missing) > 3 else ""
        raise UserError(f"{path} names {names} not there: {', '.join(missing[:3])}{more}.")
    known = np.stack([row.points for row in rows])
    if unknown := [index for index in range(known.shape[1]) if np.isnan(known[:, index]).all()]:
        raise UserError(f"{path}: point {unknown[0]} (counted from 0) has no coordinates in any line: leave it out.")
    if np.nanmax(known) <= 1:
        raise UserError(f"{path} has no coordinate above 1: give them in pixels of the picture.")


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
