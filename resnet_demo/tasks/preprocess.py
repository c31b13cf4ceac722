"""From a photo to a network's input."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from resnet_demo.tasks.spec import TaskSpec

LONG = 1.7  # longer side to shorter one from which on a photo is looked at in three squares


class CropBox(NamedTuple):
    """The part of a photo that the network saw, in the photo's pixels (half-open, floats)."""

    left: float
    top: float
    right: float
    bottom: float

    def scaled(self, across: float, down: float) -> CropBox:
        """The same part of a copy of the photo, whose sides were scaled by these factors."""
        return CropBox(self.left * across, self.top * down, self.right * across, self.bottom * down)


def crop_box(spec: TaskSpec, width: int, height: int) -> CropBox:
    """The part of a photo of ``width`` × ``height`` that the spec's preprocessing shows the network."""
    if spec.fit == "squash":
        return CropBox(0, 0, width, height)
    side = min(width, height) * spec.size / spec.resize
    left, top = (width - side) / 2, (height - side) / 2
    return CropBox(left, top, left + side, top + side)


def end_boxes(spec: TaskSpec, width: int, height: int) -> list[CropBox]:
    """The squares at both ends of a photo that is too long for the middle one to show it; none of other photos."""
    if spec.fit == "squash" or max(width, height) < LONG * min(width, height):
        return []
    middle = crop_box(spec, width, height)
    across, down = (middle.left, 0.0) if width > height else (0.0, middle.top)
    return [
        CropBox(
            middle.left + way * across, middle.top + way * down, middle.right + way * across, middle.bottom + way * down
        )
        for way in (-1, 1)
    ]


def preprocess(spec: TaskSpec, photo: Image.Image, window: CropBox | None = None) -> tuple[np.ndarray, CropBox]:
    """An upright RGB photo → (uint8 array (size, size, 3), the window of the photo that it shows).

    Cutting and scaling are one antialiased step. Normalisation happens in the engine.

    Args:
        window: the part of the photo; None is the spec's, see ``crop_box``.
    """
    window = window or crop_box(spec, *photo.size)
    box = (window.left, window.top, window.right, window.bottom)
    # reducing_gap lets Pillow skip most of a large photo's pixels; from 2.0 on no difference is visible.
    filter_ = Image.Resampling.BICUBIC if spec.interpolation == "bicubic" else Image.Resampling.BILINEAR
    small = photo.resize((spec.size, spec.size), filter_, box=box, reducing_gap=2.0)
    return np.asarray(small), window


def normalise(spec: TaskSpec, pictures: np.ndarray) -> np.ndarray:
    """uint8 (b, rows, columns, 3) → float32 (b, 3, rows, columns) with the spec's mean and deviation."""
    mean = np.asarray(spec.mean, np.float32) * 255
    std = np.asarray(spec.std, np.float32) * 255
    return np.ascontiguousarray(((pictures.astype(np.float32) - mean) / std).transpose(0, 3, 1, 2))
