"""The tab Live: keypoints on the camera's picture, as many frames a second as the machine gives.

``live.js`` sends one small frame at a time, the next one when the answer is there, and draws the points itself: only
numbers come back. Frames are looked at and forgotten.
"""

from __future__ import annotations

import base64
import binascii
import html
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.components import Component

from resnet_demo.backends import zerogpu_lease
from resnet_demo.errors import UserError
from resnet_demo.images import draw_landmarks
from resnet_demo.images.decode import open_photo
from resnet_demo.inference import predictor, tracking
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.page import catalog
from resnet_demo.page.endpoints import check_weights
from resnet_demo.page.i18n.errors import sentence
from resnet_demo.page.i18n.texts import label, say
from resnet_demo.page.tabs.registry import tab
from resnet_demo.page.widgets.inputs import read_depth

FOLDER = Path(__file__).parent
FRAME_SIDE = 480  # pixels of a frame's long side: the detector's time grows with it
DETECT_AGAIN = 400  # milliseconds for which faces are followed without the detector, two frames at least
MAX_BYTES = 1_000_000  # of a frame's JPEG; one of the page's has some 30,000
MAX_PIXELS = 1280 * 1280
MAX_FOLLOWED = 16  # faces
SMALLEST = 8  # pixels of a face that is followed
TEXTS = (
    *("start", "stop", "depth", "hint", "asking", "waiting", "nobody", "facts", "stopped"),
    *("insecure", "refused", "no_camera", "camera_busy", "camera_gone", "lost", "no_weights"),
)


@tab("live", shown=lambda: not catalog.has_only_own())
def build() -> dict[str, Component]:
    """Build the tab inside the page that is being built."""
    depths = catalog.available(catalog.FACES)
    gr.HTML(
        {"texts": {key: label(f"live_{key}") for key in TEXTS}},
        html_template=(FOLDER / "live.html").read_text("utf-8"),
        js_on_load=(FOLDER / "live.js").read_text("utf-8"),
        server_functions=[live_points],
        depths=depths,  # The shallowest comes first: it is the fastest.
        titles={str(depth): catalog.network_title(catalog.FACES, depth) for depth in depths},
        contours=[list(contour) for contour in draw_landmarks.CONTOURS],
        colours={region: f"rgb{colour}" for region, colour in draw_landmarks.FACE_COLOURS.items()},
        side=FRAME_SIDE,
        again=DETECT_AGAIN,
        elem_id="live",
    )
    return {}


def live_points(data: dict) -> dict:
    """For the browser: the faces of a frame, {frame, depth, faces} → {faces, ms} or {error}. It raises nothing.

    ``frame`` is a JPEG in base64. ``faces`` are those of the answer before, where they are to be followed; else the
    detector looks for faces. Points are pixels of the frame; ``ms`` the milliseconds of each step.
    """
    try:
        depth = read_depth(data["depth"])
        check_weights(catalog.FACES, depth)
        frame = open_photo(content(data["frame"]), MAX_PIXELS)
        # A lent GPU is lent by the call, and each costs the visitor: frames are for the CPU there.
        device = "cpu" if zerogpu_lease.is_lent() else "auto"
        network = predictor.load(catalog.FACES, depth, device).as_a(LandmarkPredictor)
        known = followed(data.get("faces"))
        found = network(frame) if known is None else tracking.follow(network, frame, known)
        return {
            "faces": [np.round(face.keypoints.astype(float), 1).tolist() for face in found.faces],
            "ms": {step: round(value, 1) for step, value in found.milliseconds.items()},
        }
    except Exception as error:
        return {"error": html.unescape(sentence(error))}


def content(frame: object) -> bytes:
    """A frame in base64 → its bytes.

    Raises:
        UserError: it is none, or too large.
    """
    if not isinstance(frame, str) or len(frame) > MAX_BYTES * 4 / 3:
        raise UserError(say("live_too_large" if isinstance(frame, str) else "live_broken"))
    try:
        return base64.b64decode(frame, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UserError(say("live_broken")) from error


def followed(faces: object) -> np.ndarray | None:
    """Faces as the browser sends them → float32 (faces, 68, 2), or None where they cannot be followed."""
    try:
        points = np.asarray(faces or (), np.float32)
    except (ValueError, TypeError):
        return None
    if points.ndim != 3 or points.shape[1:] != (68, 2) or len(points) > MAX_FOLLOWED:
        return None
    if not (np.abs(points) < 1e5).all() or np.ptp(points, axis=1).min() < SMALLEST:  # NaN is not smaller either.
        return None
    return points
