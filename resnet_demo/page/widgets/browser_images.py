"""Which uploads browsers show just as the networks see them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from resnet_demo.page.widgets.inputs import cache_folder

ORIENTATION = 0x0112  # tag of EXIF


def is_served(path: str) -> bool:
    """Whether a file lies in Gradio's cache, from where the browser may fetch it."""
    return Path(path).resolve().is_relative_to(cache_folder().parent.resolve())


def is_shown_as_it_is(path: str, longest: int) -> bool:
    """Whether a file is a JPEG with sides of no more pixels than this, upright and in the usual colours."""
    try:
        with Image.open(path, formats=["JPEG"]) as image:
            turned = image.getexif().get(ORIENTATION, 1) != 1
            return max(image.size) <= longest and image.mode == "RGB" and not turned and "icc_profile" not in image.info
    except (OSError, SyntaxError, ValueError):
        return False
