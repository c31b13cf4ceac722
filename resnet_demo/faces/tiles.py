"""Parts of a photo that are searched on their own: windows of a panorama, tiles of a large photo."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels

LONG = 2.5  # a photo longer than this many times its short side is searched in windows
MOST_WINDOWS = 8
TILE = (576, 448)  # pixels of a scaled photo: with a border it fills the canvas of the first search
OVERLAP = 96  # pixels of a scaled photo, more than a face that the search before left to the tiles
MOST_TILES = 64  # of one search, so that a photo full of hints takes a bounded time


def windows(size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """The whole photo, or overlapping windows of twice its short side along a panorama.

    Args:
        size: width and height of the photo in pixels.
    """
    width, height = size
    long, short = max(size), min(size)
    if long <= LONG * short:
        return [(0, 0, width, height)]
    count = min(math.ceil((long - short / 2) / (1.5 * short)), MOST_WINDOWS)
    # Neighbours share a quarter of a window, half the short side.
    length = min(long, math.ceil(long / (0.75 * count + 0.25)))
    boxes = []
    for index in range(count):
        start = round(index * (long - length) / max(1, count - 1))
        boxes.append((start, 0, start + length, height) if width == long else (0, start, width, start + length))
    return boxes


def tiles(size: tuple[int, int], scale: float, hints: Iterable[tuple[float, float]]) -> list[Box]:
    """The tiles of a photo that hold hints, those with the most first, ``MOST_TILES`` at most.

    Args:
        size: width and height of the photo in pixels.
        scale: pixels of the scaled photo for one of the photo's.
        hints: (x, y) in the photo's pixels.

    Returns:
        Boxes in the photo's pixels. Each hint has at least half of ``OVERLAP`` round it in some tile.
    """
    sides = [min(tile / scale, length) for tile, length in zip(TILE, size, strict=True)]
    counts, steps = [], []
    for side, length in zip(sides, size, strict=True):
        count = max(1, math.ceil((length - OVERLAP / scale) / (side - OVERLAP / scale))) if side < length else 1
        counts.append(count)
        steps.append((length - side) / max(1, count - 1))
    held: Counter[tuple[int, int]] = Counter()
    for hint in hints:
        place = [
            min(max(round((value - side / 2) / step), 0), count - 1) if step else 0
            for value, side, step, count in zip(hint, sides, steps, counts, strict=True)
        ]
        held[place[0], place[1]] += 1
    boxes = []
    for (column, row), _ in held.most_common(MOST_TILES):
        x, y = column * steps[0], row * steps[1]
        boxes.append((x, y, x + sides[0], y + sides[1]))
    return boxes


def centred(size: tuple[int, int], scale: float, centre: tuple[float, float]) -> Box:
    """The tile of a photo whose middle is nearest to a point.

    Args:
        size, scale: as in ``tiles``.
        centre: x and y in the photo's pixels.

    Returns:
        A box in the photo's pixels, within the photo.
    """
    sides = [min(tile / scale, length) for tile, length in zip(TILE, size, strict=True)]
    x, y = (min(max(at - side / 2, 0), length - side) for at, side, length in zip(centre, sides, size, strict=True))
    return (x, y, x + sides[0], y + sides[1])
