"""Which uploads browsers can show: not HEIC and TIFF; and which they show just as the networks see them."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

from resnet_demo.errors import UserError
from resnet_demo.images.decode import open_photo
from resnet_demo.page.widgets.inputs import cache_folder, jpeg

ORIENTATION = 0x0112  # tag of EXIF
HIDDEN = (".heic", ".heif", ".hif", ".tif", ".tiff")


def jpeg_of(path: str) -> str | None:
    """A JPEG copy (path) of a photo that browsers cannot show; None for all others, and for what cannot be read."""
    name, ending = os.path.splitext(os.path.basename(path))
    if ending.lower() not in HIDDEN:
        return None
    try:
        return jpeg(open_photo(path), name, quality=95)
    except UserError:
        return None  # Whoever looks at the photo says what is wrong with it.


def is_served(path: str) -> bool:
    """Whether a file lies in Gradio's cache, from where the browser may fetch it."""
    return Path(path).resolve().is_relative_to(cache_folder().parent.resolve())


def is_shown_as_it_is(path: str, size: tuple[int, int]) -> bool:
    """Whether a file is a JPEG of this size (width, height), upright and in the usual colours."""
    try:
        with Image.open(path, formats=["JPEG"]) as image:
            turned = image.getexif().get(ORIENTATION, 1) != 1
            return image.size == size and image.mode == "RGB" and not turned and "icc_profile" not in image.info
    except (OSError, SyntaxError, ValueError):
        return False
