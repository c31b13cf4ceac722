"""Opening pictures of one's own: all by the page's decoder, scaled down, and objects cut out by their boxes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from PIL import Image
from tqdm import tqdm

from resnet_demo.errors import UserError
from resnet_demo.images.decode import MAX_PIXELS, MIN_SIDE, open_photo
from resnet_demo.training.data.own_items import Box, Item
from resnet_demo.training.data.own_keypoints import SQUARE, in_pixels
from resnet_demo.utils.memory import available

SIDE, LONGEST = 256, 1024  # of the pictures in memory: pixels of the short side, and at most of the long one
BYTES = 3 * SIDE * 300  # of a usual one
LOOKED_AT = 64  # pictures whose headers tell more exactly how much memory all take
AROUND = 0.25  # of a box's sides, what is cut out with it on each side: boxes end at the object, or within it


def complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def decode(items: Sequence[Item]) -> tuple[list[Item], list[np.ndarray], int]:
    """Open every picture → the readable items, their points scaled as the picture is; the photos; how many are left
    out, each of them with the reason on standard error.

    Raises:
        UserError: they do not fit into memory.
    """
    check_memory(items)
    kept, photos, reasons = [], [], []
    # Decoders let other threads run.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        opened = pool.map(opened_or_reason, items)
        for found in tqdm(opened, desc="reading", total=len(items), unit="picture"):
            if isinstance(found, str):
                reasons.append(found)
            else:
                kept.append(found[0])
                photos.append(found[1])
    for reason in reasons:
        complain(reason)
    return kept, photos, len(reasons)


def opened_or_reason(item: Item) -> tuple[Item, np.ndarray] | str:
    """What ``open_small`` gives, or why it does not."""
    try:
        return open_small(item)
    except UserError as error:
        return f"Skipped {item.path if item.pixels is None else item.name}: {error}"


def open_small(item: Item) -> tuple[Item, np.ndarray]:
    """The item, with its points in pixels of the photo, and the upright photo: uint8 (rows, columns, 3)."""
    points = item.label if isinstance(item.label, np.ndarray) else None
    if item.pixels is not None:
        photo = open_photo(item.pixels)
    else:
        # A JPEG decoded at a fraction of its size would no longer tell what the points' pixels are.
        photo = open_photo(item.path, None if points is None else MAX_PIXELS, SIDE if points is None else None)
    if points is not None:
        points = in_pixels(points, item.unit, *photo.size)
        if item.box:
            photo, points = cut_out(photo, points, item.box)
        check_inside(points, *photo.size)
    width, height = photo.size
    size = small_size(width, height)
    if size != photo.size:
        photo = photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    if points is not None:
        item = replace(item, label=points * np.array((photo.width / width, photo.height / height), np.float32))
    return item, np.asarray(photo)


def small_size(width: int, height: int) -> tuple[int, int]:
    """The size of a picture in memory."""
    scale = min(1.0, SIDE / min(width, height), LONGEST / max(width, height))
    if scale == 1:
        return width, height
    return max(MIN_SIDE, round(width * scale)), max(MIN_SIDE, round(height * scale))


def cut_out(photo: Image.Image, points: np.ndarray, box: Box) -> tuple[Image.Image, np.ndarray]:
    """The part of a photo that shows an object, a quarter of its sides wider all round, and its points there.

    Raises:
        UserError: the box lies outside.
    """
    left, top, right, bottom = box
    wide, high = AROUND * (right - left), AROUND * (bottom - top)
    x0, x1 = max(0, round(left - wide)), min(photo.width, round(right + wide))
    y0, y1 = max(0, round(top - high)), min(photo.height, round(bottom + high))
    if min(x1 - x0, y1 - y0) < MIN_SIDE:
        raise UserError(f"The box of an object shows less than {MIN_SIDE} pixels of the picture.")
    return photo.crop((x0, y0, x1, y1)), points - np.array((x0, y0), np.float32)


def check_inside(points: np.ndarray, width: int, height: int) -> None:
    """Check that a picture shows some of its points.

    Raises:
        UserError: none is known, or all lie outside.
    """
    known = points[~np.isnan(points).any(axis=1)]
    if not len(known):
        raise UserError("None of its points is known.")
    if not ((known >= 0) & (known <= (width, height))).all(axis=1).any():
        raise UserError(f"All of its points lie outside of the upright picture of {width} × {height} pixels.")


def check_memory(items: Sequence[Item]) -> None:
    """Check beforehand that all pictures fit into the memory that is free.

    Raises:
        UserError: they do not.
    """
    free = available()
    if free is None or sum(map(usual_bytes, items)) < free:
        return
    sizes = [found for item in items[:: max(1, len(items) // LOOKED_AT)] if (found := bytes_of(item)) is not None]
    needed = len(items) * sum(sizes) / max(1, len(sizes))
    if needed >= free:
        raise UserError(
            f"These {len(items):,} pictures take {needed / 1e9:.1f} GB in memory, and {free / 1e9:.1f} GB are free: "
            "close other programs, or pass fewer pictures."
        )


def usual_bytes(item: Item) -> int:
    """What an item takes in memory, where nothing is known of its size."""
    # Of keypoints, training keeps a square too.
    return (BYTES if item.pixels is None else item.pixels.nbytes) + (3 * SQUARE**2 if point_item(item) else 0)


def point_item(item: Item) -> bool:
    return isinstance(item.label, np.ndarray)


def bytes_of(item: Item) -> int | None:
    """What an item takes in memory, by the size in its file's header; None for what is no picture."""
    if item.pixels is not None:
        return usual_bytes(item)
    try:
        with Image.open(item.path) as image:
            width, height = small_size(*image.size)
    except Exception:  # Pillow raises anything; reading it says why.
        return None
    return 3 * width * height + (3 * SQUARE**2 if point_item(item) else 0)
