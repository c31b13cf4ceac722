"""Photographs to send: one of the examples, cut out elsewhere each time, so that no answer is known already."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WIDTH, HEIGHT = 700, 500
QUALITY = 90
GRAIN = 13  # of 255
PLACES = 40  # pixels by which a photo may lie elsewhere, each way


def flower(number: int) -> bytes:
    """A JPEG of ``WIDTH`` × ``HEIGHT`` pixels; of 1,600 numbers in a row all give other pixels."""
    left, top = number % PLACES, number // PLACES % PLACES
    return encoded(_larger().crop((left, top, left + WIDTH, top + HEIGHT)))


def large(number: int) -> bytes:
    """A JPEG of about 4 MB and 12 megapixels, with a camera's grain; each number gives other pixels."""
    with Image.open(EXAMPLES / "dahlia.jpg") as image:
        pixels = np.asarray(image.convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC), np.int16)
    grain = np.random.default_rng(number).integers(-GRAIN, GRAIN + 1, (*pixels.shape[:2], 1), np.int16)
    return encoded(Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)))


def face() -> bytes:
    """A JPEG with one face."""
    return (EXAMPLES / "astronaut.jpg").read_bytes()


def face_frames(width: int, height: int, count: int) -> list[bytes]:
    """JPEGs of a camera in front of which somebody sways to and fro, once in ``count`` frames."""
    with Image.open(EXAMPLES / "astronaut.jpg") as image:
        face = image.convert("RGB").resize((height, height))
    frames = []
    for turn in np.linspace(0, 2 * np.pi, count, endpoint=False):
        frame = Image.new("RGB", (width, height), "grey")
        frame.paste(face, (round((width - height) / 2 * (1 + np.sin(turn) / 4)), round(height / 80 * np.cos(turn))))
        frames.append(encoded(frame))
    return frames


@cache
def _larger() -> Image.Image:
    with Image.open(EXAMPLES / "dahlia.jpg") as image:
        return image.convert("RGB").resize((WIDTH + PLACES, HEIGHT + PLACES))


def encoded(picture: Image.Image) -> bytes:
    """A picture as a JPEG."""
    file = BytesIO()
    picture.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
