"""Heat over a photo, in the one way in which the whole page draws it: ``viewer.js`` does the same in the browser."""

from __future__ import annotations

import numpy as np
from PIL import Image

from resnet_demo.images import overlay
from resnet_demo.images.overlay import CropBoxLike

COLOURS = "inferno"  # grows lighter all the way, for the colour-blind too
OPACITY = 0.55


def with_heat(photo: Image.Image, cam: np.ndarray, window: CropBoxLike | None = None) -> Image.Image:
    """The photo in greys with heat over it; arguments as of ``overlay.overlay``."""
    return overlay.overlay(overlay.in_greys(photo), cam, OPACITY, COLOURS, window)
