"""Gradio components as this page wants them.

Where a component's check of its input would answer with a technical sentence, or fail before ours is reached, it is
replaced: see ``gradio_patches.preprocess``.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
from PIL import Image

from resnet_demo.images import overlay
from resnet_demo.page import catalog
from resnet_demo.page.fetch import fetch_carefully
from resnet_demo.page.gradio_patches.api_description import describe
from resnet_demo.page.gradio_patches.preprocess import read_with
from resnet_demo.page.i18n import class_names
from resnet_demo.page.i18n.texts import fixed, label, say

DISPLAY_SIDE = 1280  # pixels of a heat map's long side
DRAFT_SIDE = 960  # pixels of a photo's short side that are enough for it, where no keypoints are to be placed
LONGEST_NAME = 100  # characters that are said again
EXAMPLE_ADDRESS = "https://example.com/photo.jpg"

# Every listener: inference is locked by the engine itself, decoding and drawing may overlap.
LISTENER: dict[str, Any] = {"concurrency_limit": 4}
PRIVATE: dict[str, Any] = {**LISTENER, "api_visibility": "private"}
# A control that is moved again before its answer is there gets a second one, with the values of then.
LATEST: dict[str, Any] = {"trigger_mode": "always_last"}


def program_photo() -> gr.Image:
    """The photo that programs send; not to be seen. Hands over the path of the upload as it came."""
    photo = gr.Image(label=label("photo"), type="filepath", image_mode=None, visible=False)
    example_photo = {**dict.fromkeys(("path", "url"), EXAMPLE_ADDRESS), "meta": {"_type": "gradio.FileData"}}
    return as_uploaded(describe(photo, example=example_photo))


def as_uploaded(picture: gr.Image) -> gr.Image:
    """The component, which hands over the path of the upload as it came (see ``photo_source``)."""
    # Gradio would open the file with Pillow and fail on a broken one, or on HEIC, with a sentence of its own.
    return fetch_carefully(read_with(picture, lambda payload: payload.path if payload else None))


def picture_output(key: str) -> gr.Image:
    """A picture for programs, with heat or keypoints; takes the path of a JPEG from ``jpeg``."""
    return gr.Image(label=label(key), type="filepath", format="jpeg", visible=False)


def retry_button(elem_id: str) -> gr.Button:
    """To be seen after an error only."""
    return gr.Button(label("retry"), visible=False, size="md", elem_id=elem_id, elem_classes=["retry"])


def asking_row(*kinds: str) -> gr.Row:
    """The line of what a tab is asked: the photo, the task where there are several of these kinds, the depth. Its
    components come up one after the other, so their room is kept."""
    several = len(catalog.task_choices(*kinds)) > 1
    return gr.Row(elem_classes=["ask", *(["has-task"] if several else [])])


def task_input(elem_id: str, value: str, *kinds: str, key: str = "task") -> gr.Dropdown:
    """The tasks of some kinds; nothing to see where there is only one."""
    names = catalog.task_choices(*kinds)
    task = gr.Dropdown(
        names,
        value=value,
        label=label(key),
        visible=len(names) > 1,
        filterable=False,
        min_width=170,
        elem_id=elem_id,
    )
    # An unknown task gets our sentence.
    return read_with(task, read_name)


def target_input(task: str, elem_id: str) -> gr.Dropdown:
    """The class whose heat is shown; nothing chosen means the most likely one."""
    target = gr.Dropdown(
        target_choices(task),
        value="",
        label=label("target"),
        allow_custom_value=True,
        min_width=170,
        elem_id=elem_id,
    )
    # The classes of other tasks, and numbers of classes, are as good as those of the task the page starts with. A text
    # stays as it is: it may be the name of a class, such as 01.
    read_with(
        target, lambda payload: payload if payload is None or isinstance(payload, str) else str(read_number(payload))
    )
    return describe(target, {"anyOf": [{"type": "string"}, {"type": "integer"}], "title": "Class"})


def target_choices(task: str) -> list[tuple[str, str]]:
    return [(label("target_top"), ""), *((class_names.shown(task, name), name) for name in catalog.labels(task))]


def region_input(task: str, elem_id: str) -> gr.Radio:
    regions = [(label(f"region_{region}"), region) for region in catalog.REGIONS]
    region = gr.Radio(regions, value="all", label=label("region"), visible=catalog.has_regions(task), elem_id=elem_id)
    return read_with(region, lambda payload: read_name(payload or "all"))


def read_name(value: object) -> str:
    """A task's or region's name as it is; there may be none of this name.

    Raises:
        gr.Error: anything that is no name.
    """
    if isinstance(value, str) and len(value) <= LONGEST_NAME:
        return value
    raise gr.Error(say("http_bad"), print_exception=False)


def depth_input(task: str, elem_id: str, *, several: bool = False) -> gr.Radio | gr.CheckboxGroup:
    """One depth, or several: then all whose weights are at hand are chosen at first."""
    component: type[gr.Radio] | type[gr.CheckboxGroup] = gr.CheckboxGroup if several else gr.Radio
    value: Any = catalog.compared_depths(task) if several else catalog.default_depth(task)
    depth = component(
        value=value,
        label=label("depths" if several else "depth"),
        elem_id=elem_id,
        **depth_look(task),
    )
    schema = {"type": "integer", "enum": catalog.known_depths(), "title": "Depth"}
    if several:
        return describe(read_with(depth, read_depths), {"type": "array", "items": schema, "title": "Depths"})
    return describe(read_with(depth, read_depth), schema)


def depth_look(task: str) -> dict:
    """How the choice of depths looks for a task, without its value."""
    return {
        "choices": catalog.depth_choices(task),
        "info": fixed(lambda: catalog.depth_info(task)),
        "elem_classes": catalog.depth_classes(task),
    }


def number_input(low: int, high: int, value: int, key: str, elem_id: str) -> gr.Slider:
    """A whole number; whoever takes it checks it."""
    slider = gr.Slider(low, high, value, step=1, label=label(key), elem_id=elem_id, buttons=[])
    return read_with(slider, read_number)  # Gradio compares a text with its limits and fails.


def read_number(value: object) -> object:
    """3, 3.0 or "3" → 3, as programs send numbers; all else stays as it is."""
    text = str(value).removesuffix(".0")
    return int(text) if isinstance(value, int | float | str) and re.fullmatch(r"-?[0-9]{1,9}", text) else value


def read_depth(value: object) -> int:
    """50, 50.0 or "50" → 50: programs send numbers in all these ways.

    Raises:
        gr.Error: anything that is no depth.
    """
    for depth in catalog.known_depths():
        if str(value).removesuffix(".0") == str(depth):
            return depth
    raise bad_depth(value)


def bad_depth(value: object) -> gr.Error:
    *first, last = map(str, catalog.known_depths())
    depths = say("separator").join(first) + say("or") + last
    return gr.Error(say("bad_depth", depth=str(value)[:LONGEST_NAME], depths=depths), print_exception=False)


def read_depths(values: object) -> list[int]:
    """The same for a list; nothing means none."""
    if not isinstance(values, list | tuple | None):
        raise bad_depth(values)
    return [read_depth(value) for value in values or ()]


def details_output(elem_id: str) -> gr.JSON:
    with gr.Accordion(label("details"), open=False, elem_classes=["details"]):
        return gr.JSON(show_label=False, container=False, max_height=360, elem_id=elem_id)


def note_output(key: str, elem_id: str) -> gr.HTML:
    """The line that says in words what came out, or what went wrong."""
    return gr.HTML(note(label(key)), elem_id=elem_id, elem_classes=["note-holder"])


def note(*lines: str, facts: str = "", alert: bool = False) -> str:
    """Lines of text, already safe to show as HTML, for ``note_output``; ``facts`` is set smaller below them."""
    role, css_class = ("alert", "note alert") if alert else ("status", "note")
    parts = [*(f"<p>{line}</p>" for line in lines), *([f'<p class="facts">{facts}</p>'] if facts else [])]
    return f'<div class="{css_class}" role="{role}">{"".join(parts)}</div>'


def jpeg(picture: Image.Image, name: str, quality: int = 90) -> str:
    """Write a picture into Gradio's own cache and return its path: served as it is, and deleted with the cache."""
    path = cache_file(name, ".jpg")
    Path(path).write_bytes(overlay.encode_jpeg(picture, quality))
    return path


def address(path: str) -> str:
    """Where the browser finds a file of Gradio's cache, relative to the page."""
    return f"gradio_api/file={quote(path)}"


def cache_file(name: str, suffix: str) -> str:
    """The path of a new, empty file in Gradio's own cache."""
    handle, path = tempfile.mkstemp(suffix, f"{name}-", cache_folder())
    os.close(handle)
    return path


def cache_folder() -> Path:
    """A folder of ours in Gradio's own cache."""
    cache = os.environ.get("GRADIO_TEMP_DIR") or (Path(tempfile.gettempdir()) / "gradio").resolve()
    root = Path(cache) / "pictures"
    root.mkdir(parents=True, exist_ok=True)
    return root
