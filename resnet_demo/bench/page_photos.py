"""Photographs to send: one of the examples, cut out elsewhere each time, so that no answer is known already."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

from resnet_demo import render
from resnet_demo.bench.photos import EXAMPLES, QUALITY, example

WIDTH, HEIGHT = 700, 500
PLACES = 40  # pixels by which a photo may lie elsewhere, each way


def flower(number: int) -> bytes:
    """A JPEG of ``WIDTH`` × ``HEIGHT`` pixels; of 1,600 numbers in a row all give other pixels."""
    left, top = number % PLACES, number // PLACES % PLACES
    return render.encode_jpeg(_larger().crop((left, top, left + WIDTH, top + HEIGHT)), QUALITY)


def face() -> bytes:
    """A JPEG with one face."""
    return (EXAMPLES / "astronaut.jpg").read_bytes()


def face_frames(width: int, height: int, count: int) -> list[bytes]:
    """JPEGs of a camera in front of which somebody sways to and fro, once in ``count`` frames."""
    face = example("astronaut").resize((height, height))
    frames = []
    for turn in np.linspace(0, 2 * np.pi, count, endpoint=False):
        frame = Image.new("RGB", (width, height), "grey")
        frame.paste(face, (round((width - height) / 2 * (1 + np.sin(turn) / 4)), round(height / 80 * np.cos(turn))))
        frames.append(render.encode_jpeg(frame, QUALITY))
    return frames


@cache
def _larger() -> Image.Image:
    return example("dahlia").resize((WIDTH + PLACES, HEIGHT + PLACES))
