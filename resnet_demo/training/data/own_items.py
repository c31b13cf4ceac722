"""The record behind every layout of pictures of one's own: a picture, what is known of it, and a whole data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")  # of picture files
# What coordinates are given in: pixels, or the picture's sides from 0 to 1 or from -1 to 1.
PIXELS, UNIT, SIGNED = "pixels", "0 to 1", "-1 to 1"
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


@dataclass(frozen=True, eq=False)
class Item:
    """A picture and what is known of it.

    Attributes:
        path: the file; of several pictures in one file, that file.
        name: its path inside the data set's folder, the same on every machine; no two items have the same.
        label: class index, or keypoints (points, 2), NaN where unknown.
        group: items of one group stay on one side of the split; empty: it is its own.
        source: where it is from, or empty.
        part: train, val or test where the data set says so, else empty.
        unit: what keypoints are given in.
        box: the object in the upright picture that the item is; None: the whole picture is.
        pixels: uint8 (rows, columns, 3) where the picture is no file of its own.
    """

    path: Path
    name: str
    label: int | np.ndarray
    group: str = ""
    source: str = ""
    part: str = ""
    unit: str = PIXELS
    box: Box | None = None
    pixels: np.ndarray | None = None


@dataclass(frozen=True)
class Found:
    """What a data set holds, before its pictures are opened.

    Attributes:
        items: those of ``parts`` that are not said are chosen by a fixed seed.
        classes: names by index; empty for keypoints.
        remarks: sentences to be said before training.
        skipped: pictures or objects that were left out already; the remarks say why.
    """

    items: list[Item]
    classes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    skipped: int = 0
