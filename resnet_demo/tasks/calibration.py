"""What a classifier's numbers are worth: probabilities that come true, and "probably none of these".

Two things that ``training/evaluation/calibrate.py`` fits, and ``config.json`` keeps under ``calibration``:

- a **temperature** by which the logits are divided (Guo et al. 2017, "On Calibration of Modern Neural Networks"); the
  order of the classes stays as it is;
- the **class means** of the pooled features of known pictures, and how near to one of them a picture must come: one
  whose features, from the same forward pass, point in the direction of none of them is probably none of the classes.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from resnet_demo.utils.linalg import products


@dataclass(frozen=True, eq=False)
class ClassMeans:
    """The directions of the classes in the space of the pooled features.

    Attributes:
        levels: int8 (rows, C), each mean's direction; a class may have several.
        threshold: the cosine to the nearest mean below which a picture is probably none of the classes.
        spread: deviation of that cosine among known pictures.
    """

    levels: np.ndarray
    threshold: float
    spread: float

    def nearest(self, pooled: np.ndarray) -> np.ndarray:
        """Pooled features (n, C) → the largest cosine to a class mean (n,), -1..1."""
        cosines = products(pooled, self._directions)
        return cosines.max(axis=1) / np.maximum(np.linalg.norm(pooled, axis=1), 1e-12)

    @cached_property
    def _directions(self) -> np.ndarray:
        """Unit vectors (rows, C), made once: that takes longer than a picture's cosines."""
        means = self.levels.astype(np.float32)
        return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)

    def to_json(self) -> dict[str, object]:
        words = base64.b64encode(self.levels.tobytes()).decode()
        # "classes" are the rows: it is older than classes with several.
        return {"classes": len(self.levels), "levels": words, "threshold": self.threshold, "spread": self.spread}

    @classmethod
    def from_json(cls, record: Mapping, channels: int) -> ClassMeans:
        levels = np.frombuffer(base64.b64decode(record["levels"], validate=True), np.int8)
        return cls(levels.reshape(record["classes"], channels), float(record["threshold"]), float(record["spread"]))

    @classmethod
    def of(cls, means: np.ndarray, threshold: float = 0.0, spread: float = 1.0) -> ClassMeans:
        """From float means (rows, C), rounded to 8 bits, each with a scale of its own."""
        largest = np.maximum(np.abs(means).max(axis=1, keepdims=True), 1e-12)
        return cls(np.rint(means / largest * 127).astype(np.int8), threshold, spread)


@dataclass(frozen=True, eq=False)
class Calibration:
    """A checkpoint's calibration; without one, probabilities are as training left them and nothing is unknown.

    Attributes:
        temperature: above 0; 1 changes nothing.
        means: None where nothing is said of unknown pictures.
    """

    temperature: float = 1.0
    means: ClassMeans | None = None

    def scaled(self, logits: np.ndarray) -> np.ndarray:
        """Logits whose softmax is calibrated."""
        return logits if self.temperature == 1 else logits / np.float32(self.temperature)

    def familiarity(self, features: np.ndarray) -> float | None:
        """Last feature map (C, r, c) → 0..1, how much the picture is like those that are known; below 0.5 it is
        probably none of them. None where there are no means. A measure to sort by, not a probability."""
        if self.means is None:
            return None
        nearest = float(self.means.nearest(features.mean(axis=(1, 2))[None])[0])
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, (nearest - self.means.threshold) / self.means.spread))))

    def to_json(self) -> dict[str, object]:
        return {"temperature": self.temperature, "means": self.means.to_json() if self.means else None}

    @classmethod
    def from_json(cls, record: Mapping | None, channels: int) -> Calibration:
        """The record of a ``config.json``, or none.

        Raises:
            ValueError: it is no calibration of a network with so many pooled features.
        """
        if not record:
            return cls()
        try:
            temperature = float(record["temperature"])
            means = ClassMeans.from_json(record["means"], channels) if record.get("means") else None
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"its calibration is incomplete: {error!r}") from error
        sound = temperature > 0 and (means is None or (means.spread > 0 and math.isfinite(means.threshold)))
        if not (sound and math.isfinite(temperature)):
            raise ValueError("its calibration has numbers that cannot be")
        return cls(temperature, means)


def class_means(pooled: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """The mean of each class's pooled features (n, C) → (classes, C); zeros for a class without pictures."""
    counts = np.bincount(labels, minlength=classes)
    sums = np.zeros((classes, pooled.shape[1]), np.float64)
    np.add.at(sums, labels, pooled)
    return (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
