"""The 68 landmarks of a face and its regions."""

from __future__ import annotations

import numpy as np

from resnet_demo.errors import UserError

# Regions of the 68 iBUG landmarks (Sagonas et al. 2013, "300 Faces in-the-Wild Challenge"), counted from 0.
REGIONS: dict[str, tuple[int, ...]] = {
    "all": tuple(range(68)),
    "jaw": tuple(range(0, 17)),
    "brows": tuple(range(17, 27)),
    "nose": tuple(range(27, 36)),
    "eyes": tuple(range(36, 48)),
    "mouth": tuple(range(48, 68)),
}

# Landmark i of a mirrored face is landmark MIRROR[i] of the original (iBUG 68 markup, counted from 0).
MIRROR = np.array(
    [
        *(*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)),  # jaw, brows, nose
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),  # eyes
        *(*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1)),  # mouth
    ]
)


def region_points(region: str, points: int = 68) -> tuple[int, ...]:
    """Indices of a face region's keypoints; ``all`` works for any number of points.

    Raises:
        UserError: no such region.
    """
    if region == "all":
        return tuple(range(points))
    if region not in REGIONS or points != 68:
        known = list(REGIONS) if points == 68 else ["all"]
        raise UserError("There is no face region {region!r}: choose one of {known}.", region=region, known=known)
    return REGIONS[region]
