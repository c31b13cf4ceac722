"""How steady keypoints are: what a network says of the same face mirrored and turned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from resnet_demo.faces import alignment
from resnet_demo.tasks.decode import decode_keypoints
from resnet_demo.tasks.landmarks import MIRROR

TURNS = (-9, -3, 3, 9)  # degrees


def views(size: int, mirrors: bool) -> list[np.ndarray]:
    """Affine matrices (2, 3) from a crop's pixels to those of its views: each of ``TURNS``, mirrored too where that
    has a meaning."""
    found, middle = [], np.full(2, size / 2)
    for side in (1, -1) if mirrors else (1,):
        for turn in np.radians(TURNS):
            linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.diag([side, 1])
            found.append(np.column_stack([linear, middle - linear @ middle]))
    return found


def spread_of(
    picture: np.ndarray, points: int, run: Callable[[np.ndarray], np.ndarray], to_photo: np.ndarray
) -> np.ndarray:
    """The keypoints' spread over a crop's views.

    Args:
        picture: uint8 (S, S, 3), the crop; its views are cut out of it, with grey corners.
        points: how many keypoints there are; 68 are those of a face, whose mirror images are known.
        run: uint8 pictures (b, S, S, 3) → logits (b, outputs).
        to_photo: linear map (2, 2) from distances in the crop to those in the photo.

    Returns:
        float32 (points,) in the photo's pixels: root mean square distance of a keypoint in the views, put back, from
        its mean over them.
    """
    size, mirrors = len(picture), points == len(MIRROR)
    matrices, photo = views(size, mirrors), Image.fromarray(picture)
    logits = run(np.stack([alignment.crop(photo, matrix, size) for matrix in matrices]))
    back = []
    for matrix, found in zip(matrices, decode_keypoints(logits) * size, strict=True):
        mirrored = np.linalg.det(matrix[:, :2]) < 0
        back.append(alignment.transform(alignment.invert(matrix), found[MIRROR] if mirrored else found))
    away = (np.stack(back) - np.mean(back, axis=0)) @ to_photo.T  # (views, points, 2)
    return np.sqrt((away**2).sum(axis=2).mean(axis=0)).astype(np.float32)
