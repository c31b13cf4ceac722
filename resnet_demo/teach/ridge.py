"""Ridge regression of classes on pooled features, in closed form, and what it says of each picture without having seen
it.

The targets are one for a picture's class and zero for the others; pictures are weighed so that each class counts the
same. What the fit says of a picture that is left out follows from the hat matrix, exactly and without fitting again
(Allen 1974, "The relationship between variable selection and data augmentation and a method for prediction").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Penalties as shares of the pictures' number, for features whose mean square is one.
PENALTIES = tuple(10.0 ** (step / 2) for step in range(-10, 3))


@dataclass(frozen=True, eq=False)
class Fit:
    """A linear head.

    Attributes:
        weights, bias: float64 (classes, C) and (classes,), on the features as they were given.
        left_out: float64 (n, classes), the scores of each picture by a fit to all the others.
        penalty: the chosen one of ``PENALTIES``, by the least squared error of ``left_out``.
    """

    weights: np.ndarray
    bias: np.ndarray
    left_out: np.ndarray
    penalty: float


def fit(features: np.ndarray, labels: np.ndarray, classes: int) -> Fit:
    """Pooled features (n, C) of pictures and their classes (n,) → a head.

    Each of the ``classes`` needs at least two pictures, as otherwise nothing is known of it when one is left out.
    """
    features = features.astype(np.float64)
    targets = np.eye(classes)[labels]
    weight = 1 / np.bincount(labels, minlength=classes)[labels] / classes  # they sum to one
    middle = weight @ features
    centred = features - middle
    scale = np.sqrt(weight @ np.square(centred).sum(axis=1)) or 1.0
    root = np.sqrt(weight * len(labels))[:, None]
    rows = centred / scale * root
    left, values = left_vectors(rows)  # (n, m), (m,)
    mean = weight @ targets
    projected = left.T @ ((targets - mean) * root)  # (m, classes)
    # The intercept is not shrunk: its part of the hat matrix stands by itself, as the rows are centred.
    own_part = np.square(root[:, 0]) / len(labels)

    def leave_out(penalty: float) -> np.ndarray:
        kept = values / (values + penalty)
        fitted = mean + left @ (kept[:, None] * projected) / root
        leverage = own_part + np.square(left) @ kept
        return targets - (targets - fitted) / np.maximum(1 - leverage, 1e-9)[:, None]

    def error(penalty: float) -> float:
        return float(weight @ np.square(leave_out(penalty * len(labels)) - targets).sum(axis=1))

    penalty = min(PENALTIES, key=error)
    inside = left @ (projected / (values + penalty * len(labels))[:, None])  # (n, classes)
    weights = inside.T @ rows / scale
    return Fit(weights, mean - weights @ middle, leave_out(penalty * len(labels)), penalty)


def left_vectors(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, C) → its left singular vectors (n, m) and their squared singular values (m,), those of zero left out.

    Through the smaller of its two products, a hundred times as quick as by the decomposition itself.
    """
    wide = rows.shape[0] <= rows.shape[1]
    values, vectors = np.linalg.eigh(rows @ rows.T if wide else rows.T @ rows)
    there = values > values[-1] * 1e-10
    values, vectors = values[there], vectors[:, there]
    return (vectors if wide else rows @ vectors / np.sqrt(values)), values
