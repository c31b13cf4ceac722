"""Drawing: colour maps, heat over a photo, face landmarks, colour bars, JPEG. Only numpy and Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from io import BytesIO
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from resnet_demo.errors import UserError


class WindowLike(Protocol):
    """A rectangle in the photo's pixels, half-open, floats (``tasks.Window`` is one)."""

    left: float
    top: float
    right: float
    bottom: float


# --- Colour maps ------------------------------------------------------------------------------------------------------

# Turbo as the polynomial its authors published (A. Mikhailov and R. Du, Google, 2019, Apache-2.0): powers 0 to 5.
_TURBO = (
    (0.13572138, 4.61539260, -42.66032258, 132.13108234, -152.94239396, 59.28637943),
    (0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604),
    (0.10667330, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973),
)
# Evenly spaced anchors: viridis, inferno (S. van der Walt, N. Smith; CC0) and RdBu reversed (ColorBrewer, Apache-2.0).
_ANCHORS = {
    "viridis": "440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725",
    "inferno": "000004 1b0c41 4a0c6b 781c6d a52c60 cf4446 ed6925 fb9b06 f7d13d fcffa4",
    "diverging": "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f",
}
COLOURS = ("turbo", *_ANCHORS)


@cache
def colour_table(name: str) -> np.ndarray:
    """A colour map's name → its colours from low to high, uint8 (256, 3), read-only.

    Raises:
        UserError: no such map.
    """
    x = np.linspace(0, 1, 256)
    if name == "turbo":
        table = np.stack([np.polynomial.polynomial.polyval(x, channel) * 255 for channel in _TURBO], axis=1)
    elif name in _ANCHORS:
        anchors = np.array([list(bytes.fromhex(colour)) for colour in _ANCHORS[name].split()], float)  # (anchors, 3)
        places = np.linspace(0, 1, len(anchors))
        table = np.stack([np.interp(x, places, anchors[:, channel]) for channel in range(3)], axis=1)
    else:
        raise UserError(f"There is no colour map {name!r}: choose one of {', '.join(COLOURS)}.")
    table = np.rint(table).clip(0, 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def colour_map(values: np.ndarray, name: str = "turbo") -> np.ndarray:
    """Values 0..1 of shape (H, W) → colours, uint8 (H, W, 3). Values outside are clamped, NaN counts as 0."""
    return colour_table(name)[_to_index(values)]


def _to_index(values: np.ndarray) -> np.ndarray:
    values = np.nan_to_num(np.asarray(values, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    return (values.clip(0, 1) * 255 + 0.5).astype(np.uint8)


# --- Heat over a photo ------------------------------------------------------------------------------------------------

# Share of the photo's light that stays outside the part the network saw.
_OUTSIDE = 0.7
_DIMMED = [round(level * _OUTSIDE) for level in range(256)] * 3


def overlay(
    photo: Image.Image,
    cam: np.ndarray,
    opacity: float = 0.5,
    colours: str = "turbo",
    window: WindowLike | None = None,
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
    window: WindowLike | None = None,
    dim_outside: bool = True,
) -> Image.Image:
    """As ``overlay`` for values of -1 (blue) to 1 (red); around 0 the photo shows through."""
    alpha = np.minimum(np.abs(np.linspace(-1, 1, 256)) * 1.5, 1.0) * opacity
    halved = (np.asarray(values, np.float32) + 1) / 2
    return _blend(photo, halved, 0.5, signed_table(), alpha, window, dim_outside)


def signed_table() -> np.ndarray:
    """Colours of the values -1 (blue) to 1 (red) over a photo, uint8 (256, 3)."""
    signed = np.linspace(-1, 1, 256)
    # The map's pale middle would lie like fog over a dark photo; weak values are faint through alpha alone.
    return colour_map(0.5 + 0.5 * np.sign(signed) * (0.4 + 0.6 * np.abs(signed))[None], "diverging")[0]


def _blend(
    photo: Image.Image,
    values: np.ndarray,
    nothing: float,
    table: np.ndarray,
    alpha: np.ndarray,
    window: WindowLike | None,
    dim_outside: bool,
) -> Image.Image:
    """Lay ``table[values]`` over the photo with ``alpha[values]``; NaN counts as ``nothing``."""
    if values.ndim != 2:
        raise ValueError(f"a heat map has the shape (rows, columns), not {values.shape}")
    # From here on in steps of the table; converting to 8 bits cuts off the rest of each number, hence the half.
    levels = Image.fromarray(np.nan_to_num(values, nan=nothing).clip(0, 1) * np.float32(255) + np.float32(0.5))
    width, height = photo.size
    left, top, right, bottom = (0, 0, width, height)
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
        beside = ((0, 0, width, box[1]), (0, box[3], width, height))
        beside += ((0, box[1], box[0], box[3]), (box[2], box[1], width, box[3]))
        for part in beside:
            if part[0] < part[2] and part[1] < part[3]:
                result.paste(result.crop(part).point(_DIMMED), part)
    result.paste(inside, box[:2])
    return result


# --- Faces ------------------------------------------------------------------------------------------------------------

FACE_COLOURS = {
    "jaw": (86, 204, 255),
    "brows": (255, 214, 74),
    "nose": (84, 232, 130),
    "eyes": (255, 105, 220),
    "mouth": (255, 104, 66),
}
# Lines through the 68 iBUG landmarks: (region, first, last + 1, closed).
CONTOURS = (
    ("jaw", 0, 17, False),
    ("brows", 17, 22, False),
    ("brows", 22, 27, False),
    ("nose", 27, 31, False),
    ("nose", 31, 36, False),
    ("eyes", 36, 42, True),
    ("eyes", 42, 48, True),
    ("mouth", 48, 60, True),
    ("mouth", 60, 68, True),
)
_DARK = (16, 18, 24)
# Strokes are drawn this many times larger and scaled down, which smooths their edges.
_OVERSAMPLE = 4
_MAX_TILE_PIXELS = 16_000_000


def draw_faces(
    photo: Image.Image,
    faces: Sequence[np.ndarray],
    boxes: Sequence[Sequence[float]] | None = None,
    scores: Sequence[float] | None = None,
) -> Image.Image:
    """The photo with each face's landmarks on it; the photo's other pixels stay as they are.

    Args:
        photo: RGB.
        faces: for each face its points in the photo's pixels, (68, 2) float; with another number of points only dots
            are drawn. Points may lie outside the photo.
        boxes: for each face (x0, y0, x1, y1) in the photo's pixels, drawn as a thin frame.
        scores: for each face 0..1, written beside its number.
    """
    result = photo.convert("RGB")
    if result is photo:
        result = photo.copy()
    faces = [np.asarray(points, np.float64).reshape(-1, 2) for points in faces]
    for index, points in enumerate(faces):
        _draw_face(result, points, boxes[index] if boxes is not None else None)
    # Labels last, so that no neighbour's contour covers them.
    for index, points in enumerate(faces):
        parts = [str(index + 1)] if len(faces) > 1 else []
        if scores is not None:
            parts.append(f"{scores[index]:.0%}")
        if parts:
            corners = np.reshape(boxes[index], (2, 2)) if boxes is not None else points
            _draw_label(result, "  ".join(parts), corners.min(axis=0), _face_size(points))
    return result


def _face_size(points: np.ndarray) -> float:
    return float(max(np.ptp(points, axis=0).max(), 1.0))


def _draw_face(canvas: Image.Image, points: np.ndarray, box: Sequence[float] | None) -> None:
    size = _face_size(points)
    line = min(max(size / 130, 0.7), 14)
    radius = min(max(size / 95, 0.75), 18)
    # On faces of a few dozen pixels an outline would cover what it is meant to set off.
    outline = min(size / 260, 5) if size >= 90 else 0.0

    drawn = points if box is None else np.vstack([points, np.reshape(box, (2, 2))])
    border = radius + line + outline + 2
    left, top = np.maximum(np.floor(drawn.min(axis=0) - border), 0).astype(int)
    right, bottom = np.minimum(np.ceil(drawn.max(axis=0) + border), canvas.size).astype(int)
    if left >= right or top >= bottom:
        return
    width, height = int(right - left), int(bottom - top)
    scale = _OVERSAMPLE
    while scale > 1 and width * height * scale * scale > _MAX_TILE_PIXELS:
        scale -= 1

    # On an enlarged copy of the photo, which comes back as it was where nothing is drawn, however often it is enlarged:
    # so no layer with transparency has to be made, scaled down and laid over the photo.
    place = (int(left), int(top), int(right), int(bottom))
    tile = canvas.crop(place).resize((width * scale, height * scale), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(tile)
    # Far-away coordinates are clamped: a broken prediction must not make the line rasteriser walk for ever.
    near = np.clip((points - (left, top)) * scale, -4 * max(tile.size), 5 * max(tile.size))

    def stroke(path: np.ndarray, colour: tuple[int, int, int], thickness: float) -> None:
        # Corners need no rounding: on each lies a dot that is wider than the line, and a frame's are square.
        draw.line(path.ravel().tolist(), fill=colour, width=max(1, round(thickness)))

    if box is not None:
        frame = (np.reshape(box, (2, 2)) - (left, top)) * scale
        (x0, y0), (x1, y1) = np.clip(frame, -4 * max(tile.size), 5 * max(tile.size))
        frame_line = max(line * 0.7, 1)
        path = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
        stroke(path, _DARK, (frame_line + 1.2 * outline) * scale)
        stroke(path, (255, 255, 255), frame_line * scale)

    contours = CONTOURS if len(points) == 68 else ()
    lines = [
        (region, np.vstack([near[a:b], near[a : a + 1]]) if closed else near[a:b]) for region, a, b, closed in contours
    ]
    if outline:
        for _, path in lines:
            stroke(path, _DARK, (line + 2 * outline) * scale)
    for region, path in lines:
        stroke(path, FACE_COLOURS[region], line * scale)

    dots = [(FACE_COLOURS[region], near[a:b]) for region, a, b, _ in contours] or [(FACE_COLOURS["jaw"], near)]
    for colour, some in dots:
        dot, mask = _dot(colour, radius * scale, outline * scale)
        for x, y in np.rint(some - mask.width / 2).astype(int).tolist():
            tile.paste(dot, (x, y), mask)
    canvas.paste(tile.reduce(scale) if scale > 1 else tile, place)


@lru_cache(maxsize=64)
def _dot(colour: tuple[int, int, int], radius: float, outline: float) -> tuple[Image.Image, Image.Image]:
    """A dot with its dark outline, to be pasted at each point, and the mask of its circle."""
    side = 2 * math.ceil(radius + outline) + 1
    dot, mask = Image.new("RGB", (side, side), _DARK), Image.new("1", (side, side))
    middle = (side - 1) / 2
    for picture, reach, fill in ((dot, radius, colour), (mask, radius + outline, 1)):
        ImageDraw.Draw(picture).ellipse((middle - reach, middle - reach, middle + reach, middle + reach), fill=fill)
    return dot, mask


def _draw_label(canvas: Image.Image, text: str, corner: np.ndarray, size: float) -> None:
    """A small dark plate with white text above a face's upper left corner, moved to lie inside the photo."""
    font = ImageFont.load_default(min(max(size / 7, 10), 72))
    draw = ImageDraw.Draw(canvas)
    x0, y0, x1, y1 = draw.textbbox((0, 0), text, font=font)
    pad = max(2, round(font.size / 5))
    width, height = x1 - x0 + 2 * pad, y1 - y0 + 2 * pad
    x = min(max(float(corner[0]), 0), max(0, canvas.width - width))
    y = min(max(float(corner[1]) - height - pad, 0), max(0, canvas.height - height))
    draw.rounded_rectangle((x, y, x + width, y + height), radius=pad, fill=_DARK)
    draw.text((x + pad - x0, y + pad - y0), text, font=font, fill="white")


# --- Sizes, bars, files -----------------------------------------------------------------------------------------------


def fit_within(photo: Image.Image, side: int) -> Image.Image:
    """The photo scaled down so that its long side is at most ``side`` pixels; a smaller one comes back as it is."""
    longest = max(photo.size)
    if longest <= side:
        return photo
    size = tuple(max(1, round(length * side / longest)) for length in photo.size)
    # As sharp to the eye as Lanczos where pictures are scaled down, at a third of its cost.
    return photo.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)


def encode_jpeg(photo: Image.Image, quality: int = 90) -> bytes:
    """The photo as a JPEG file's bytes, without metadata."""
    buffer = BytesIO()
    photo.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def colour_bar(colours: str, width: int, height: int, low: str = "low", high: str = "high") -> Image.Image:
    """A legend: the map's colours from left to right, RGB ``width`` × ``height``, the two words inside its ends.

    The words are drawn in Pillow's own font, which has Latin letters only.
    """
    values = np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width))
    bar = Image.fromarray(colour_map(values, colours))
    draw = ImageDraw.Draw(bar)
    font = ImageFont.load_default(max(8, height * 0.6))
    pad = max(3, height // 4)
    table = colour_table(colours)
    for text, x, anchor, colour in ((low, pad, "lm", table[8]), (high, width - 1 - pad, "rm", table[-9])):
        light = colour @ np.array([0.299, 0.587, 0.114]) > 140
        draw.text((x, height / 2), text, font=font, anchor=anchor, fill="black" if light else "white")
    return bar
