"""What a taught head's numbers are worth: probabilities that come true, and "probably none of these".

Both are fitted to what is said of each picture without having seen it, so no pictures have to be set aside.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from resnet_demo.tasks.calibration import ClassMeans, class_means

# Share of the pictures, each left out in turn, that pass as known. Measured on five classes of twenty photos each: with
# 0.98 a fifth of the photos of something else passed too, with 0.95 a tenth.
KEPT = 0.95
LOWEST, HIGHEST = 0.01, 3.0


def temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The temperature at which the softmax of left-out scores (n, classes) comes true for classes (n,).

    Where all pictures are named right, the likeliest one would be zero and every answer certain; so the truth counts as
    certain only as far as so many pictures can show it, (n + 1) / (n + 2), as in Platt 1999, "Probabilistic Outputs for
    Support Vector Machines".
    """
    n, classes = scores.shape
    truth = np.full(scores.shape, 1 / (n + 2) / (classes - 1))
    truth[np.arange(n), labels] = (n + 1) / (n + 2)

    def loss(temperature: float) -> float:
        scaled = scores / temperature
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return float(-(truth * (scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)))).sum())

    return float(min(np.geomspace(LOWEST, HIGHEST, 200), key=loss))


def means(features: np.ndarray, labels: np.ndarray, classes: int) -> ClassMeans:
    """Pooled features (n, C) and classes (n,) → the classes' means, with the threshold that ``KEPT`` of the pictures
    pass when they have no part in the mean of their class."""
    mean = class_means(features, labels, classes)
    found = ClassMeans.of(mean)
    count = np.bincount(labels, minlength=classes)[labels][:, None]
    without = (mean[labels] * count - features) / np.maximum(count - 1, 1)
    lengths = np.linalg.norm(features, axis=1)
    cosines = features @ unit(mean).T / lengths[:, None]
    cosines[np.arange(len(labels)), labels] = (features * unit(without)).sum(axis=1) / lengths
    nearest = cosines.max(axis=1)
    return replace(found, threshold=float(np.quantile(nearest, 1 - KEPT)), spread=float(max(nearest.std(), 1e-6)))


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
