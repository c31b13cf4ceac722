"""Drawing: colour maps, heat over a photo, face landmarks, colour bars, JPEG. Only numpy and Pillow."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
from typing import Protocol

import numpy as np
from PIL import Image

from resnet_demo.images.colormaps import colour_table, signed_table
from resnet_demo.utils import cpu

REDUCING_GAP = 2.0  # Pillow reduces a photo by whole steps first, down to so many times the wanted size
LEAST_ROWS = 256  # of a scaled photo that is worth all CPUs


class CropBoxLike(Protocol):
    """A rectangle in the photo's pixels, half-open, floats (``tasks.CropBox`` is one)."""

    @property
    def left(self) -> float: ...

    @property
    def top(self) -> float: ...

    @property
    def right(self) -> float: ...

    @property
    def bottom(self) -> float: ...


# --- Heat over a photo ------------------------------------------------------------------------------------------------

# Share of the photo's light that stays outside the part the network saw.
_OUTSIDE = 0.7
_DIMMED = [round(level * _OUTSIDE) for level in range(256)] * 3


def overlay(
    photo: Image.Image,
    cam: np.ndarray,
    opacity: float = 0.5,
    colours: str = "turbo",
    window: CropBoxLike | None = None,
    proportional: bool = True,
    dim_outside: bool = True,
) -> Image.Image:
    """The photo with a heat map laid over it, at the photo's size.

    Args:
        photo: RGB.
        cam: values 0..1, (h, w): small (it is scaled up over the window) or of the photo's own size.
        opacity: 0..1, of the hottest places.
        colours: one of ``COLOURS``.
        window: the part of the photo that a small ``cam`` covers; None: all of it.
        proportional: cold places let the photo through; False: the same opacity everywhere.
        dim_outside: darken what lies outside the window a little; False: leave it untouched.
    """
    strength = np.linspace(0, 1, 256)
    # Full opacity from two thirds of the heat on: a soft edge, yet the hot core has the map's clean colour.
    alpha = np.minimum(strength * 1.5, 1.0) if proportional else np.ones(256)
    return _blend(photo, np.asarray(cam, np.float32), 0.0, colour_table(colours), alpha * opacity, window, dim_outside)


def signed_overlay(
    photo: Image.Image,
    values: np.ndarray,
    opacity: float = 0.75,
    window: CropBoxLike | None = None,
    dim_outside: bool = True,
) -> Image.Image:
    """As ``overlay`` for values of -1 (blue) to 1 (red); around 0 the photo shows through."""
    alpha = np.minimum(np.abs(np.linspace(-1, 1, 256)) * 1.5, 1.0) * opacity
    halved = (np.asarray(values, np.float32) + 1) / 2
    return _blend(photo, halved, 0.5, signed_table(), alpha, window, dim_outside)


def _blend(
    photo: Image.Image,
    values: np.ndarray,
    nothing: float,
    table: np.ndarray,
    alpha: np.ndarray,
    window: CropBoxLike | None,
    dim_outside: bool,
) -> Image.Image:
    """Lay ``table[values]`` over the photo with ``alpha[values]``; NaN counts as ``nothing``."""
    if values.ndim != 2:
        raise ValueError(f"a heat map has the shape (rows, columns), not {values.shape}")
    # From here on in steps of the table; converting to 8 bits cuts off the rest of each number, hence the half.
    levels = Image.fromarray(np.nan_to_num(values, nan=nothing).clip(0, 1) * np.float32(255) + np.float32(0.5))
    width, height = photo.size
    left, top, right, bottom = 0.0, 0.0, float(width), float(height)
    if window is not None:
        left, top, right, bottom = window.left, window.top, window.right, window.bottom
    # The whole pixels that the window touches.
    box = (max(0, int(left)), max(0, int(top)), min(width, int(-(-right // 1))), min(height, int(-(-bottom // 1))))
    if box[0] >= box[2] or box[1] >= box[3]:
        raise ValueError(f"the window {left, top, right, bottom} lies outside a photo of {width} × {height}")

    if levels.size == photo.size:
        levels = levels.crop(box)
    else:
        per_x, per_y = levels.width / (right - left), levels.height / (bottom - top)
        part = (
            max(0.0, (box[0] - left) * per_x),
            max(0.0, (box[1] - top) * per_y),
            min(float(levels.width), (box[2] - left) * per_x),
            min(float(levels.height), (box[3] - top) * per_y),
        )
        levels = levels.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BICUBIC, box=part)

    # Pillow's palettes colour a large photo several times faster than indexing with numpy.
    heat = levels.convert("L")
    mask = heat.point(np.rint(alpha.clip(0, 1) * 255).astype(int).tolist())
    heat.putpalette(table.tobytes())
    heat = heat.convert("RGB")
    result = photo.convert("RGB")
    inside = result.crop(box)
    inside.paste(heat, mask=mask)
    if dim_outside:
        above, below = (0, 0, width, box[1]), (0, box[3], width, height)
        beside = (0, box[1], box[0], box[3]), (box[2], box[1], width, box[3])
        for strip in (above, below, *beside):
            if strip[0] < strip[2] and strip[1] < strip[3]:
                result.paste(result.crop(strip).point(_DIMMED), strip)
    result.paste(inside, box[:2])
    return result


_DARKER = [round(0.8 * level) for level in range(256)]


def in_greys(photo: Image.Image) -> Image.Image:
    """The photo in greys, a little darker, RGB: red heat would be lost on a red flower."""
    return photo.convert("L").point(_DARKER).convert("RGB")


# --- Sizes, bars, files -----------------------------------------------------------------------------------------------


def fit_within(photo: Image.Image, side: int) -> Image.Image:
    """The photo scaled down so that its long side is at most ``side`` pixels; a smaller one comes back as it is."""
    longest = max(photo.size)
    if longest <= side:
        return photo
    photo.load()  # Threads cannot decode a picture together.
    width, height = (max(1, round(length * side / longest)) for length in photo.size)
    per_row = photo.height / height

    def strip(rows: tuple[int, int]) -> Image.Image:
        """Rows of the scaled photo, as in the whole but for rounding: what lies beside a box counts at its edge too."""
        box = (0, rows[0] * per_row, photo.width, rows[1] * per_row)
        # As sharp to the eye as Lanczos where pictures are scaled down, at a third of its cost.
        size = (width, rows[1] - rows[0])
        return photo.resize(size, Image.Resampling.HAMMING, box, reducing_gap=REDUCING_GAP)

    # Where Pillow reduces the photo first, strips would begin elsewhere in its steps; but then there is little to do.
    count = cpu.cpu_count() if longest < 2 * REDUCING_GAP * side and height >= LEAST_ROWS else 1
    edges = [height * index // count for index in range(count + 1)]
    strips = cpu.each(strip, list(pairwise(edges)))
    if len(strips) == 1:
        return strips[0]
    scaled = Image.new(photo.mode, (width, height))
    for part, top in zip(strips, edges, strict=False):
        scaled.paste(part, (0, top))
    return scaled


def encode_jpeg(photo: Image.Image, quality: int = 90) -> bytes:
    """The photo as a JPEG file's bytes, without metadata."""
    buffer = BytesIO()
    photo.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
