"""Maps of relevance: scaled, resized, and put where the network looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    pass


def normalise01(cam: np.ndarray) -> np.ndarray:
    """Divide by the maximum: zero stays "no evidence"; a map without positive values becomes all zeros."""
    cam = np.maximum(cam, 0).astype(np.float32)
    largest = cam.max()
    return cam / largest if largest > 0 else cam


def normalise_signed(cam: np.ndarray) -> np.ndarray:
    """Divide by the largest magnitude: −1..1, zero stays zero."""
    cam = np.asarray(cam, np.float32)
    largest = np.abs(cam).max()
    return cam / largest if largest > 0 else cam


def resize_map(cam: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Map (r, c) → smooth float32 map of ``shape`` (rows, columns), within the range of the given values."""
    picture = Image.fromarray(np.ascontiguousarray(cam, np.float32))
    large = np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
    # Bicubic interpolation overshoots a little at steep edges.
    return np.clip(large, cam.min(), cam.max())


def place_map(cam: np.ndarray, box: tuple[float, float, float, float], shape: tuple[int, int]) -> np.ndarray:
    """Map (r, c) of the part ``box`` (left, top, right, bottom) of a photo → float32 map of the photo's ``shape``.

    What lies outside of the box is zero: the network did not see it.
    """
    rows, columns = shape
    left, top, right, bottom = (round(edge) for edge in box)
    left, right = min(max(left, 0), columns - 1), min(max(right, left + 1), columns)
    top, bottom = min(max(top, 0), rows - 1), min(max(bottom, top + 1), rows)
    if (bottom - top, right - left) == (rows, columns):
        return resize_map(cam, shape)
    whole = np.zeros(shape, np.float32)
    whole[top:bottom, left:right] = resize_map(cam, (bottom - top, right - left))
    return whole


def warp_map(cam: np.ndarray, matrix: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Map (r, c) of a turned and scaled crop → float32 map of the photo's ``shape``, zero outside of the crop.

    Args:
        matrix: 2×3, a photo's pixel (x, y, 1) → position in the map, where (0, 0) is the first cell's outer corner.
    """
    rows, columns = shape
    inverse = np.linalg.inv(np.vstack([matrix, (0, 0, 1)]))
    height, width = cam.shape
    corners = inverse @ np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1]], float)
    # Only the crop's surroundings are computed: in a large group photo that is a small part.
    left, top = (int(max(np.floor(edge.min()), 0)) for edge in corners[:2])
    right, bottom = (
        int(min(np.ceil(edge.max()), limit)) for edge, limit in zip(corners[:2], (columns, rows), strict=True)
    )
    whole = np.zeros(shape, np.float32)
    if right <= left or bottom <= top:
        return whole
    (a, b, c), (d, e, f) = np.asarray(matrix, float)
    shifted = (a, b, a * left + b * top + c, d, e, d * left + e * top + f)
    picture = Image.fromarray(np.ascontiguousarray(cam, np.float32))
    size = (right - left, bottom - top)
    # Pillow samples at pixel centres and fills with zero outside of the source.
    part = picture.transform(size, Image.Transform.AFFINE, shifted, Image.Resampling.BICUBIC)
    whole[top:bottom, left:right] = np.clip(np.asarray(part), min(cam.min(), 0), max(cam.max(), 0))
    return whole
