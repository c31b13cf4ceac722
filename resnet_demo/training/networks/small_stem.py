"""The stem of a network for small pictures, out of that of one for photos."""

from __future__ import annotations

import numpy as np

from resnet_demo.models.architecture import Architecture

SCALE = 4  # the stem of a network for photos makes its pictures so much smaller
PLACES = (-2, 0, 2)  # where the convolution stands, of which the pooling takes the largest, in pixels


def small_stem(weight: np.ndarray) -> np.ndarray:
    """A 3×3 kernel of stride 1 for pictures of 32 pixels from a 7×7 one of stride 2 with its 3×3 pooling of stride 2.

    The small picture is taken for a photo of four times its side, each pixel a square of one colour. There a weight of
    the large kernel meets one pixel of the small picture, and the 3×3 kernel is the sum of those that meet the same
    one, the mean over the nine places that are pooled. (The pooling takes their largest value: training does the rest.)

    Args:
        weight: float32 (outputs, inputs, 7, 7).

    Returns:
        float32 (outputs, inputs, 3, 3).
    """
    to = np.zeros((7, 3), np.float32)  # share of each row of the large kernel in each row of the small one
    for place in PLACES:
        for row in range(7):
            pixel = (place + row - 3) // SCALE + 1
            to[row, min(max(pixel, 0), 2)] += 1 / len(PLACES)
    return np.einsum("oirc,ra,cb->oiab", weight, to, to).astype(np.float32)


def is_small_of(small: Architecture, photos: Architecture) -> bool:
    """Whether the one has the stem for small pictures where the other has that for photos."""
    return small.stem == "cifar" and photos.stem == "imagenet"
