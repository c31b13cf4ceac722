"""Scores that tell known pictures from others, out of one forward pass, to be compared; the nearest class mean won.

Each takes pooled features (n, C) and logits (n, classes) and gives (n,), higher for what is known.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from resnet_demo.tasks.calibration import class_means

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]
NEIGHBOUR = 5  # which neighbour's distance counts
SHRINKAGE = 0.1  # of the shared covariance towards a sphere: there are fewer pictures than features


def scores(pooled: np.ndarray, labels: np.ndarray, nearest: Callable[[np.ndarray], np.ndarray]) -> dict[str, Score]:
    """All scores by name, the simplest first.

    Args:
        pooled, labels: known pictures (n, C) and their classes (n,), for those that compare with them.
        nearest: ``calibration.ClassMeans.nearest``.
    """
    return {
        "largest logit (Hendrycks et al. 2022)": lambda _, logits: logits.max(axis=1),
        "energy (Liu et al. 2020)": lambda _, logits: energy(logits),
        "nearest class mean (cosine)": lambda features, _: nearest(features),
        f"neighbour number {NEIGHBOUR} (Sun et al. 2022)": neighbour(pooled),
        "Mahalanobis, shared covariance (Lee et al. 2018)": mahalanobis(pooled, labels),
    }


def energy(logits: np.ndarray) -> np.ndarray:
    """The negative free energy, log Σ exp."""
    largest = logits.max(axis=1)
    return largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1))


def neighbour(pooled: np.ndarray) -> Score:
    """Cosine to the fifth nearest known picture."""
    bank = directions(pooled)
    rank = min(NEIGHBOUR, len(bank))
    return lambda features, _: np.partition(directions(features) @ bank.T, -rank, axis=1)[:, -rank]


def mahalanobis(pooled: np.ndarray, labels: np.ndarray) -> Score:
    """Negative distance to the nearest class mean, in the metric of the spread within classes."""
    present, own = np.unique(labels, return_inverse=True)
    means = class_means(pooled, own, len(present))
    spread = pooled - means[own]
    covariance = spread.T @ spread / len(pooled)
    covariance += np.eye(len(covariance), dtype=covariance.dtype) * (np.trace(covariance) / len(covariance) * SHRINKAGE)
    inverse = np.linalg.inv(covariance)
    own_part = np.einsum("kc,kc->k", means @ inverse, means)

    def score(features: np.ndarray, _: np.ndarray) -> np.ndarray:
        turned = features @ inverse
        return -(np.einsum("nc,nc->n", turned, features)[:, None] - 2 * turned @ means.T + own_part).min(axis=1)

    return score


def directions(features: np.ndarray) -> np.ndarray:
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
