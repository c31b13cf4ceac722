"""Face landmarks drawn on a photo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
Contour = tuple[str, int, int, bool]
CONTOURS: tuple[Contour, ...] = (
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
    widths = _Widths.of(_face_size(points))
    tile = _Tile.round_points(canvas, points if box is None else np.vstack([points, np.reshape(box, (2, 2))]), widths)
    if tile is None:
        return
    if box is not None:
        _draw_frame(tile, box, widths)
    near = tile.place(points)
    contours = CONTOURS if len(points) == 68 else ()
    _draw_lines(tile, near, contours, widths)
    dots = [(FACE_COLOURS[region], near[a:b]) for region, a, b, _ in contours] or [(FACE_COLOURS["jaw"], near)]
    for colour, some in dots:
        tile.dots(some, colour, widths)
    tile.put_back()


@dataclass(frozen=True)
class _Widths:
    """How thick things are drawn, in the photo's pixels."""

    line: float
    radius: float
    outline: float

    @classmethod
    def of(cls, size: float) -> _Widths:
        """For a face of so many pixels."""
        # On faces of a few dozen pixels an outline would cover what it is meant to set off.
        outline = min(size / 260, 5) if size >= 90 else 0.0
        return cls(min(max(size / 130, 0.7), 14), min(max(size / 95, 0.75), 18), outline)

    @property
    def border(self) -> float:
        """How far round a point something is drawn."""
        return self.radius + self.line + self.outline + 2


class _Tile:
    """An enlarged copy of the part of a photo in which a face lies, to be drawn on and put back.

    It comes back as it was where nothing is drawn, however often it is enlarged: so no layer with transparency has to
    be made, scaled down and laid over the photo.
    """

    def __init__(self, canvas: Image.Image, place: tuple[int, int, int, int]):
        left, top, right, bottom = place
        width, height = right - left, bottom - top
        scale = _OVERSAMPLE
        while scale > 1 and width * height * scale * scale > _MAX_TILE_PIXELS:
            scale -= 1
        self._canvas, self._box, self._scale = canvas, place, scale
        self._picture = canvas.crop(place).resize((width * scale, height * scale), Image.Resampling.NEAREST)
        self._draw = ImageDraw.Draw(self._picture)

    @classmethod
    def round_points(cls, canvas: Image.Image, points: np.ndarray, widths: _Widths) -> _Tile | None:
        """The tile that holds all points; None where they lie outside the photo."""
        left, top = np.maximum(np.floor(points.min(axis=0) - widths.border), 0).astype(int)
        right, bottom = np.minimum(np.ceil(points.max(axis=0) + widths.border), canvas.size).astype(int)
        if left >= right or top >= bottom:
            return None
        return cls(canvas, (int(left), int(top), int(right), int(bottom)))

    def place(self, points: np.ndarray) -> np.ndarray:
        """The photo's pixels → the tile's; (n, 2)."""
        # Far-away coordinates are clamped: a broken prediction must not make the line rasteriser walk for ever.
        longest = max(self._picture.size)
        return np.clip((points - self._box[:2]) * self._scale, -4 * longest, 5 * longest)

    def line(self, path: np.ndarray, colour: tuple[int, int, int], width: float) -> None:
        # Corners need no rounding: on each lies a dot that is wider than the line, and a frame's are square.
        self._draw.line(path.ravel().tolist(), fill=colour, width=max(1, round(width * self._scale)))

    def dots(self, points: np.ndarray, colour: tuple[int, int, int], widths: _Widths) -> None:
        dot, mask = _dot(colour, widths.radius * self._scale, widths.outline * self._scale)
        for x, y in np.rint(points - mask.width / 2).astype(int).tolist():
            self._picture.paste(dot, (x, y), mask)

    def put_back(self) -> None:
        self._canvas.paste(self._picture.reduce(self._scale) if self._scale > 1 else self._picture, self._box)


def _draw_frame(tile: _Tile, box: Sequence[float], widths: _Widths) -> None:
    """The detector's box."""
    (x0, y0), (x1, y1) = tile.place(np.reshape(box, (2, 2)))
    path = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
    line = max(widths.line * 0.7, 1)
    tile.line(path, _DARK, line + 1.2 * widths.outline)
    tile.line(path, (255, 255, 255), line)


def _draw_lines(tile: _Tile, near: np.ndarray, contours: Sequence[Contour], widths: _Widths) -> None:
    """The contours, all outlines below all lines."""
    lines = [
        (region, np.vstack([near[a:b], near[a : a + 1]]) if closed else near[a:b]) for region, a, b, closed in contours
    ]
    if widths.outline:
        for _, path in lines:
            tile.line(path, _DARK, widths.line + 2 * widths.outline)
    for region, path in lines:
        tile.line(path, FACE_COLOURS[region], widths.line)


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
