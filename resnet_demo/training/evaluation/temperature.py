"""How true a classifier's probabilities are, and the temperature that makes them truer."""

from __future__ import annotations

import numpy as np

from resnet_demo.checkpoints import Metric
from resnet_demo.tasks import softmax

BINS = 15
RESAMPLES = 1000
LOWEST, HIGHEST = 0.05, 20.0
# Deviation of the logarithm of a temperature. Chosen among 0.25, 0.5, 1 and none for heads on 30 to 300 train pictures
# of flowers5, 12 draws each: with 30 pictures of two classes the mean NLL on others was 0.181 with it, 0.311 with none.
PRIOR = 0.5
GRID = 61


def nll(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Negative log-likelihood of each picture's label, in nats (n,)."""
    scaled = logits / temperature
    largest = scaled.max(axis=1)
    return largest + np.log(np.exp(scaled - largest[:, None]).sum(axis=1)) - scaled[np.arange(len(labels)), labels]


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The likeliest temperature, where its logarithm lies round 0 by ``PRIOR`` before any picture is seen.

    Likelihood alone is surest where the few pictures there are happen to be right: then any photo gets a class at
    99.8 %. From a hundred pictures on the prior hardly says anything any more.
    """

    def cost(logarithm: float) -> float:
        return nll(logits, labels, np.exp(logarithm)).mean() + (logarithm / PRIOR) ** 2 / (2 * len(labels))

    grid = np.linspace(np.log(LOWEST), np.log(HIGHEST), GRID)
    best = int(np.argmin([cost(each) for each in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)]
    for _ in range(30):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if cost(left) < cost(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error (Naeini et al. 2015) in percent, over 15 bins of equal width.

    Args:
        confidence: (n,) the largest probability of each picture, 0..1.
        right: (n,) bool.
    """
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, right.astype(float) - confidence, BINS)
    return float(np.abs(gaps).sum() / len(right) * 100)


def calibration_metrics(logits: np.ndarray, labels: np.ndarray, temperature: float) -> dict[str, Metric]:
    """ECE in percent (its 95 % interval by 1,000 resamples) and mean NLL in nats, as they were and at ``temperature``.

    Resampling makes the error a little larger on average, so its interval may lie off the value's middle.
    """
    metrics: dict[str, Metric] = {}
    random = np.random.default_rng(0)
    for suffix, value in (("_before", 1.0), ("", temperature)):
        probabilities = softmax(logits / value)
        confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        drawn = random.integers(0, len(labels), (RESAMPLES, len(labels)))
        errors = [calibration_error(confidence[rows], right[rows]) for rows in drawn]
        low, high = np.percentile(errors, (2.5, 97.5))
        metrics["ece" + suffix] = rounded(calibration_error(confidence, right), low, high, len(labels))
        each = nll(logits, labels, value)
        margin = 1.96 * each.std(ddof=1) / np.sqrt(len(each))
        metrics["nll" + suffix] = rounded(each.mean(), each.mean() - margin, each.mean() + margin, len(labels))
    return metrics


def rounded(value: float, low: float, high: float, n: int) -> Metric:
    """A figure as those of ``evaluation``, with a place more."""
    value, low, high = (round(float(number), 4) for number in (value, low, high))
    return Metric(value, low, high, float(n))


def reliability(logits: np.ndarray, labels: np.ndarray, temperature: float) -> list[tuple[float, int, int]]:
    """(mean confidence, right, pictures) of each of the 15 bins that has any, for a diagram."""
    probabilities = softmax(logits / temperature)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        (round(float(confidence[bins == k].mean()), 4), int(right[bins == k].sum()), int((bins == k).sum()))
        for k in range(BINS)
        if (bins == k).any()
    ]
