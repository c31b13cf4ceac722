"""Pictures to measure with: real ones where the data set is there, else drawn ones of the same size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from resnet_demo.errors import UserError
from resnet_demo.training.data.datasets import Pictures, load_pictures

COUNT = 128  # more would only take memory: each one is cropped anew every time
CLASSES = 102
WIDTH, HEIGHT = 309, 232  # as the pictures of the project's flowers102 are stored


def flower_pictures(folder: Path, data: Path | None = None) -> tuple[Pictures, str]:
    """JPEG files with labels, and one word on where they are from.

    Args:
        folder: where drawn pictures go.
        data: folder of the data sets.

    Raises:
        UserError: ``data`` was given and has no flowers102.
    """
    try:
        real = load_pictures("flowers102", ("train",), data)
    except UserError:
        if data:
            raise
        return drawn_pictures(folder), "drawn"
    chosen = np.unique(np.linspace(0, len(real) - 1, COUNT).astype(int))
    return real.some(chosen.tolist()), "flowers102 train"


def drawn_pictures(folder: Path) -> Pictures:
    """Seeded coloured blobs with grain, which take about as long to decode as photographs."""
    random = np.random.default_rng(0)
    paths = [folder / f"{index:03}.jpg" for index in range(COUNT // 4)]
    for path in paths:
        blobs = Image.fromarray(random.integers(0, 256, (8, 10, 3), np.uint8)).resize((WIDTH, HEIGHT))
        grain = random.normal(0, 3, (HEIGHT, WIDTH, 1))
        Image.fromarray((np.asarray(blobs) + grain).clip(0, 255).astype(np.uint8)).save(path, quality=75)
    classes = tuple(str(index) for index in range(CLASSES))
    return Pictures("flowers102", paths, random.integers(0, CLASSES, len(paths)), classes)
