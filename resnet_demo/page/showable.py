"""Uploads that browsers cannot show, such as HEIC and TIFF."""

from __future__ import annotations

import os

from resnet_demo.errors import UserError
from resnet_demo.images import open_photo
from resnet_demo.page.components import jpeg

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
