"""Kinds of TIFF that Pillow would read wrongly, or call damaged: told from their tags, before any pixel is decoded."""

from __future__ import annotations

from typing import BinaryIO

from PIL import Image, TiffImagePlugin

from resnet_demo.errors import Text, UserError

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_KIND, _WIDTH, _LENGTH, _BITS, _COMPRESSION, _STRIPS, _SAMPLES, _PLANAR = 254, 256, 257, 258, 259, 273, 277, 284
_TILES, _FURTHER, _FORMAT, _DNG, _MEANING = 324, 330, 339, 50706, 262
# Compressions of raw photos, and those that the libtiff in Pillow's packages decodes.
_RAW = (32767, 34713, 34892, 65000, 65535)
_READABLE = (1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32946, 34925, 50000)


def check(file: BinaryIO, subject: str | Text) -> None:
    """Raise a UserError for a raw photo, or a TIFF that would come out wrong; ``subject`` begins the sentence."""
    try:
        header, tags = _tags(file)
        compression = tags.get(_COMPRESSION, 1)
        # Raw photos begin with a thumbnail, and keep themselves behind it; Canon's say so in the header.
        raw = _DNG in tags or compression in _RAW or header[8:10] == b"CR"
        raw = raw or (tags.get(_KIND, 0) & 1 and _FURTHER in tags)
        planes = tags.get(_PLANAR, 1) == 2 and tags.get(_SAMPLES, 1) > 1 and max(tags.get(_BITS, (1,))) > 8
    except Exception:  # Whatever broken tags do: the decoder has its own sentence for them.
        return
    if raw:
        raise UserError(
            "{subject} is a camera's raw photo, which cannot be read here: export a JPEG of it.", subject=subject
        )
    if planes or compression not in _READABLE:
        raise unreadable(subject)


def unreadable(subject: str | Text) -> UserError:
    return UserError("{subject} is a kind of TIFF that cannot be read here: save it as JPEG or PNG.", subject=subject)


def is_whole(file: BinaryIO) -> bool:
    """Whether a file that Pillow does not take has the tags of a TIFF: then its kind is the trouble, not damage."""
    try:
        _, tags = _tags(file)
        return tags[_WIDTH] > 0 and tags[_LENGTH] > 0 and (_STRIPS in tags or _TILES in tags)
    except Exception:
        return False


def is_unsigned(image: Image.Image) -> bool:
    """Whether the whole numbers of a picture of 32 bits have no sign; Pillow takes those of a TIFF for signed ones."""
    tags = getattr(image, "tag_v2", {})
    return image.mode == "I" and tags.get(_BITS) == (32,) and tags.get(_FORMAT, (1,)) == (1,)


def is_negative(image: Image.Image) -> bool:
    """Whether zero is white in a picture of 16 or 32 bits; Pillow inverts those of 8 bits and fewer."""
    return getattr(image, "tag_v2", {}).get(_MEANING) == 0


def _tags(file: BinaryIO) -> tuple[bytes, TiffImagePlugin.ImageFileDirectory_v2]:
    """The first 16 bytes and the tags of the first picture; raises anything on broken ones."""
    file.seek(0)
    header = file.read(16)
    tags = TiffImagePlugin.ImageFileDirectory_v2(header if header[2:4] in (b"+\0", b"\0+") else header[:8])
    file.seek(tags.next)
    tags.load(file)
    return header, tags
