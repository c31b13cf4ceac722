"""What a task is: labels, input size, normalisation, head width, preprocessing and decoding.

One ``TaskSpec`` travels with each checkpoint (its ``config.json``), so pictures are always prepared as they were
in training, also for tasks that people train on their own pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from resnet_demo.tasks.landmarks import REGIONS

CLASSIFICATION, KEYPOINTS, REGRESSION = "classification", "keypoints", "regression"
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class TaskSpec:
    """One record with all that preparing a picture and reading the outputs needs.

    Attributes:
        name: task name, as in the contract (``flowers102``) or chosen by who trained it.
        kind: ``classification``, ``keypoints`` or ``regression``, one number a picture.
        labels: class names in the order of the outputs (empty for other kinds).
        points: number of keypoints (0 for other kinds).
        size: side of the square network input, in pixels.
        resize: short side before the centre crop of ``size``; equal to ``size`` when ``fit`` is ``squash``.
        fit: ``crop`` (short side to ``resize``, centre crop) or ``squash`` (the whole photo, aspect ratio ignored).
        margin: keypoints only: side of the crop relative to the face, see ``alignment.crop_matrix``.
        detector: keypoints only: ``face`` (each face that is found gets its points) or empty (the whole photo does).
        mean, std: RGB normalisation of values in 0..1.
        interpolation: how pictures are scaled, ``bilinear`` or ``bicubic``.
        mirrored: classification only: whether the logits are the mean of those of the picture and of its mirror image.
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
    mirrored: bool = False

    @property
    def outputs(self) -> int:
        """Width of the network's head."""
        if self.kind == REGRESSION:
            return 1
        return len(self.labels) if self.kind == CLASSIFICATION else 2 * self.points

    @property
    def passes(self) -> int:
        """How many pictures the network sees for an answer."""
        return 1 + self.mirrored

    @property
    def has_regions(self) -> bool:
        """Whether the keypoints have regions such as mouth and eyes."""
        return self.points == len(REGIONS["all"])

    @property
    def pipeline(self) -> str:
        """What the Hub calls this kind of task (https://huggingface.co/tasks), for model cards."""
        # There is none for a number of a picture.
        known = {CLASSIFICATION: "image-classification", KEYPOINTS: "keypoint-detection"}
        return known.get(self.kind, "other")

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, object]) -> TaskSpec:
        """The record of a ``config.json``; keys this version does not know are ignored."""
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in record.items()
        }
        return cls(**{key: value for key, value in values.items() if key in known})
