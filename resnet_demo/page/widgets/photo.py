"""The photo to look at: chosen with one tap, dropped, pasted, taken, or one of the examples.

Gradio's own picture input needs two taps for another photo and knows nothing of the other tabs. This one is always
ready; ``photo.js`` uploads the file, a large one scaled by ``smaller.js``, and keeps in the browser which one it was,
for the other tabs and for a reload.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from PIL import Image

from resnet_demo.images import overlay
from resnet_demo.page import catalog, photo_source
from resnet_demo.page.gradio_patches import file_cache
from resnet_demo.page.gradio_patches.preprocess import read_with
from resnet_demo.page.i18n.texts import label
from resnet_demo.page.widgets.examples import example, names
from resnet_demo.page.widgets.inputs import address, cache_folder
from resnet_demo.page.widgets.scripts import once

FOLDER = Path(__file__).parent
SMALL = 128  # pixels of a thumbnail's side
TEXTS = (
    *("photo_new", "photo_camera", "photo_capture", "photo_cancel", "photo_drop", "photo_failed"),
    *("photo_full", "photo_full_hint"),
    *("photo_examples", "photo_example"),
    *("live_insecure", "live_refused", "live_camera_busy", "live_no_camera"),
)


def photo_input(elem_id: str, examples: Sequence[str], task: str, viewer: str = "") -> gr.HTML:
    """The component; triggers ``input``. Its value is the path of a file in Gradio's cache, or None.

    Args:
        examples: names of example photos; the first is shown until something else is chosen, if there are weights.
        task: the one that the tab has at first.
        viewer: the element that is told of a photo before the server has seen it, see ``viewer``.
    """
    photo = gr.HTML(
        None,
        html_template=(FOLDER / "photo.html").read_text("utf-8"),
        js_on_load=once("photo"),
        texts={key.partition("_")[2]: label(key) for key in TEXTS},
        examples=[described(name) for name in examples],
        start=bool(catalog.available(task)),
        viewer=viewer,
        elem_id=elem_id,
        elem_classes=["photo-holder"],
    )
    for name in examples:
        photo.keep_in_cache |= {cached(name), thumbnail(name)}
    return read_with(photo, lambda payload: chosen(payload, file_cache.folder(photo)))


def photo_credits(key: str) -> None:
    """Who took the examples."""
    gr.HTML(f"<p>{label(key)}</p>", elem_classes=["credits"])


def described(name: str) -> dict[str, str]:
    """An example for the browser."""
    return {
        "example": name,
        "name": label(f"example_{name}"),
        "url": address(cached(name)),
        "small": address(thumbnail(name)),
    }


def chosen(payload: object, cache: str) -> str | None:
    """What the browser says of the photo → its path; None for none, and a path where nothing is for what is not its to
    name."""
    found = payload if isinstance(payload, dict) else {}
    if found.get("example") in names():
        return cached(str(found["example"]))
    path = found.get("path")
    return photo_source.within(str(path), cache) or os.path.join(cache, "gone") if path else None


def is_example(path: str) -> bool:
    """Whether a photo is one of the examples, so that its answers are worth keeping."""
    return example_of(path) is not None


def example_of(path: str) -> str | None:
    """Which of the examples a photo is."""
    return next((name for name in sorted(names()) if path == cached(name)), None)


def cached(name: str) -> str:
    """An example in Gradio's cache, from where the browser may fetch it → its path."""
    path = cache_folder() / "examples" / f"{name}.jpg"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(example(name), path)
    return str(path)


def thumbnail(name: str) -> str:
    """The middle of an example, small → the path of its JPEG in Gradio's cache."""
    path = cache_folder() / "examples" / f"{name}-{SMALL}.jpg"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        with Image.open(example(name)) as photo:
            side = min(photo.size)
            left, top = (photo.width - side) // 2, (photo.height - side) // 3
            small = photo.resize((SMALL, SMALL), Image.Resampling.LANCZOS, (left, top, left + side, top + side))
        path.write_bytes(overlay.encode_jpeg(small, 80))
    return str(path)
