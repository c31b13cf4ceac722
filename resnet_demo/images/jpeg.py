"""What a JPEG's headers say before it is decoded, and how much of one that ends too early is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PIL import Image

END = b"\xff\xd9"
HEADERS = 1_000_000  # bytes from the start within which the first scan begins

# Not the bytes that stand for themselves within a scan, nor the marks that only divide it.
_MARKER = re.compile(rb"\xff[\x02-\xcf\xda-\xfe]")
_SEQUENTIAL, _FRAMES = (0xC0, 0xC1), (0xC0, 0xC1, 0xC2)
_SCAN = 0xDA
# What libjpeg puts where nothing came.
_MISSING = {"L": 128, "RGB": (128, 128, 128)}


def needs_little_memory(content: bytes) -> bool:
    """Whether a reduced decoding takes the memory of its result alone, by a file's first ``HEADERS`` bytes.

    A picture in several scans, as of the progressive kind, is held as a whole in either case.
    """
    frame = None
    for marker, body in _segments(content):
        if marker in _FRAMES and len(body) > 5:
            frame = marker, body[5]
        if marker == _SCAN and body:
            return frame is not None and frame[0] in _SEQUENTIAL and frame[1] == body[0]
    return False


def has_all_scans(content: bytes) -> bool:
    """Whether the last scan of each component has begun at least, so that no part of the picture is coarse."""
    expected, seen = None, set()
    for marker, body in _segments(content):
        if marker in _FRAMES and len(body) > 5:
            expected = body[5]
        if marker == _SCAN and body and len(body) >= 4 + 2 * body[0]:
            count = body[0]
            first, last, bits = body[1 + 2 * count : 4 + 2 * count]
            if bits & 15 == 0:  # These coefficients come to their last bit.
                for component in body[1 : 1 + 2 * count : 2]:
                    seen |= {(component, "mean")} if first == 0 else set()
                    seen |= {(component, "detail")} if last == 63 else set()
    return expected is not None and len(seen) >= 2 * expected


def missing_rows(image: Image.Image) -> float:
    """The share of rows, as they are stored, that did not come to their end; 1 where that cannot be told."""
    nothing = _MISSING.get(image.mode)
    width, height = image.size
    edge = list(image.crop((width - 1, 0, width, height)).get_flattened_data())
    missing = 0
    while nothing is not None and missing < height and edge[-1 - missing] == nothing:
        missing += 1
    return missing / height if nothing is not None else 1.0


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment, those between the scans too."""
    position = 2
    while found := _MARKER.search(content, position):
        length = int.from_bytes(content[found.end() : found.end() + 2], "big")
        yield found[0][1], content[found.end() + 2 : found.end() + length]
        position = found.end() + max(length, 2)
