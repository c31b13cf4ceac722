"""A share of pictures as a metric."""

from __future__ import annotations

import math

from resnet_demo.checkpoints.records import Metric


def proportion(right: int, shown: int) -> Metric:
    """Percentage with Wilson's 95 % interval (Wilson 1927)."""
    share, z = right / shown, 1.96
    centre = (share + z * z / (2 * shown)) / (1 + z * z / shown)
    margin = z / (1 + z * z / shown) * math.sqrt(share * (1 - share) / shown + z * z / (4 * shown * shown))
    low, high = rounded(100 * (centre - margin)), rounded(100 * (centre + margin))
    return Metric(rounded(100 * share), low, high, float(shown))


def rounded(figure: float) -> float:
    return round(float(figure), 3)
