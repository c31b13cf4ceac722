"""Ridge regression (Hoerl and Kennard 1970) of many numbers on many others, with a bias that nothing holds back."""

from __future__ import annotations

import numpy as np


def ridge(x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights (d, k) and bias (k,) for which ``x @ weights + bias`` is nearest to ``y``.

    Args:
        x, y: float, (n, d) and (n, k).
        penalty: of the squared weights, for each of the n rows.
    """
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    x = x - x_mean
    square = x.T @ x + penalty * len(x) * np.eye(x.shape[1])
    weights = np.linalg.solve(square, x.T @ (y - y_mean))
    return weights, y_mean - x_mean @ weights
