"""Face landmarks drawn on a photo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

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
    points = min(max(size / 7, 10), 72)
    font = ImageFont.load_default(points)
    draw = ImageDraw.Draw(canvas)
    x0, y0, x1, y1 = draw.textbbox((0, 0), text, font=font)
    pad = max(2, round(points / 5))
    width, height = x1 - x0 + 2 * pad, y1 - y0 + 2 * pad
    x = min(max(float(corner[0]), 0), max(0, canvas.width - width))
    y = min(max(float(corner[1]) - height - pad, 0), max(0, canvas.height - height))
    draw.rounded_rectangle((x, y, x + width, y + height), radius=pad, fill=_DARK)
    draw.text((x + pad - x0, y + pad - y0), text, font=font, fill="white")
