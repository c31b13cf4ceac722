"""What a task is: labels, input size, normalisation, head width, preprocessing and decoding.

One ``TaskSpec`` travels with each checkpoint (its ``config.json``), so pictures are always prepared as they were
in training, also for tasks that people train on their own pictures.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple

import numpy as np
from PIL import Image

from resnet_demo.errors import UserError

CLASSIFICATION, KEYPOINTS = "classification", "keypoints"
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

TITLES = {
    "flowers102": "102 flowers",
    "flowers5": "5 flowers",
    "faces68": "Face keypoints",
    "imagenet1k": "ImageNet, 1,000 classes",
}

# Regions of the 68 iBUG landmarks (Sagonas et al. 2013, "300 Faces in-the-Wild Challenge"), counted from 0.
REGIONS: dict[str, tuple[int, ...]] = {
    "all": tuple(range(68)),
    "jaw": tuple(range(0, 17)),
    "brows": tuple(range(17, 27)),
    "nose": tuple(range(27, 36)),
    "eyes": tuple(range(36, 48)),
    "mouth": tuple(range(48, 68)),
}


@dataclass(frozen=True)
class TaskSpec:
    """One record with all that preparing a picture and reading the outputs needs.

    Attributes:
        name: task name, as in the contract (``flowers102``) or chosen by who trained it.
        kind: ``classification`` or ``keypoints``.
        labels: class names in the order of the outputs (empty for keypoints).
        points: number of keypoints (0 for classification).
        size: side of the square network input, in pixels.
        resize: short side before the centre crop of ``size``; equal to ``size`` when ``fit`` is ``squash``.
        fit: ``crop`` (short side to ``resize``, centre crop) or ``squash`` (the whole photo, aspect ratio ignored).
        margin: keypoints only: side of the crop relative to the face, see ``faces.crop_matrix``.
        detector: keypoints only: ``face`` (each face that is found gets its points) or empty (the whole photo does).
        mean, std: RGB normalisation of values in 0..1.
        interpolation: how pictures are scaled, ``bilinear`` or ``bicubic``.
    """

    name: str
    kind: str
    labels: tuple[str, ...] = ()
    points: int = 0
    size: int = 224
    resize: int = 256
    fit: str = "crop"
    margin: float = 1.0
    detector: str = "face"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"

    @property
    def outputs(self) -> int:
        """Width of the network's head."""
        return len(self.labels) if self.kind == CLASSIFICATION else 2 * self.points

    @property
    def has_regions(self) -> bool:
        """Whether the keypoints have regions such as mouth and eyes."""
        return self.points == len(REGIONS["all"])

    @property
    def pipeline(self) -> str:
        """What the Hub calls this kind of task (https://huggingface.co/tasks), for model cards."""
        return "image-classification" if self.kind == CLASSIFICATION else "keypoint-detection"

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict) -> TaskSpec:
        """The record of a ``config.json``; keys this version does not know are ignored."""
        known = {field.name for field in fields(cls)}
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}
        return cls(**{key: value for key, value in values.items() if key in known})


class Window(NamedTuple):
    """The part of a photo that the network saw, in the photo's pixels (half-open, floats)."""

    left: float
    top: float
    right: float
    bottom: float

    def scaled(self, across: float, down: float) -> Window:
        """The same part of a copy of the photo, whose sides were scaled by these factors."""
        return Window(self.left * across, self.top * down, self.right * across, self.bottom * down)


def window_of(spec: TaskSpec, width: int, height: int) -> Window:
    """The part of a photo of ``width`` × ``height`` that the spec's preprocessing shows the network."""
    if spec.fit == "squash":
        return Window(0, 0, width, height)
    side = min(width, height) * spec.size / spec.resize
    left, top = (width - side) / 2, (height - side) / 2
    return Window(left, top, left + side, top + side)


def preprocess(spec: TaskSpec, photo: Image.Image) -> tuple[np.ndarray, Window]:
    """An upright RGB photo → (uint8 array (size, size, 3), the window of the photo that it shows).

    Cutting and scaling are one antialiased step. Normalisation happens in the engine.
    """
    window = window_of(spec, *photo.size)
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


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits (..., classes) → probabilities that sum to 1 along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def decode_classes(spec: TaskSpec, logits: np.ndarray, top_k: int) -> list[tuple[int, float]]:
    """Logits (classes,) → (class index, probability) of the ``top_k`` most probable, best first."""
    probabilities = softmax(logits)
    best = np.argsort(-probabilities, kind="stable")[: max(1, min(top_k, len(probabilities)))]
    return [(int(index), float(probabilities[index])) for index in best]


def decode_keypoints(logits: np.ndarray) -> np.ndarray:
    """Logits (..., 2·points) → coordinates in 0..1 of the crop, (..., points, 2), x before y, through a sigmoid."""
    points = 1.0 / (1.0 + np.exp(-logits.astype(np.float32)))
    return points.reshape(*points.shape[:-1], -1, 2)


def class_index(spec: TaskSpec, target: str | int | None) -> int | None:
    """A class given by index, name (any case) or None (the top one) → its index, or None.

    Raises:
        UserError: no such class.
    """
    if target is None or target == "":
        return None
    if isinstance(target, int | np.integer) or re.fullmatch(r"\s*-?\d+\s*", str(target)):
        index = int(target)
        if 0 <= index < len(spec.labels):
            return index
        raise UserError(f"There is no class {index}: {spec.name} has the classes 0 to {len(spec.labels) - 1}.")
    lowered = [label.lower() for label in spec.labels]
    if str(target).strip().lower() in lowered:
        return lowered.index(str(target).strip().lower())
    import difflib

    near = difflib.get_close_matches(str(target).lower(), lowered, n=1)
    hint = f" Did you mean {spec.labels[lowered.index(near[0])]!r}?" if near else ""
    raise UserError(f"There is no class {target!r} in {spec.name}.{hint}")


def region_points(region: str, points: int = 68) -> tuple[int, ...]:
    """Indices of a face region's keypoints; ``all`` works for any number of points.

    Raises:
        UserError: no such region.
    """
    if region == "all":
        return tuple(range(points))
    if region not in REGIONS or points != 68:
        known = ", ".join(REGIONS) if points == 68 else "all"
        raise UserError(f"There is no face region {region!r}: choose one of {known}.")
    return REGIONS[region]


def check_top_k(top_k: int) -> int:
    """``top_k`` as a whole number of at least 1.

    Raises:
        UserError: anything else.
    """
    number = isinstance(top_k, int | float | np.number) and not isinstance(top_k, bool)
    if not number or not math.isfinite(top_k) or top_k < 1 or top_k != int(top_k):
        raise UserError(f"top_k must be a whole number from 1 on, not {top_k!r}.")
    return int(top_k)
