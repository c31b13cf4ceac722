"""The tab Number: what a regression says of the photo, and what raises or lowers it. There only with such a task."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from resnet_demo import checkpoints, tasks
from resnet_demo.errors import UserError
from resnet_demo.images import overlay
from resnet_demo.inference.regressor import Regressor
from resnet_demo.inference.results import NumberPrediction
from resnet_demo.page import catalog, networks, restore
from resnet_demo.page.endpoints import check_photo, check_weights, dimmed_lines, facts, photo_lines, record
from resnet_demo.page.events import Form, Listener, connect
from resnet_demo.page.i18n.texts import label, say
from resnet_demo.page.tabs.registry import tab
from resnet_demo.page.widgets.examples import THINGS
from resnet_demo.page.widgets.inputs import (
    DISPLAY_SIDE,
    DRAFT_SIDE,
    asking_row,
    depth_input,
    details_output,
    jpeg,
    note,
    note_output,
    retry_button,
    task_input,
)
from resnet_demo.page.widgets.photo import photo_credits, photo_input


@dataclass(frozen=True)
class Question:
    """What the tab is asked: a photo's path, and its controls."""

    photo: str | None
    task: str
    depth: int


def predict(asked: Question) -> NumberPrediction:
    """The number of an uploaded photo.

    Raises:
        UserError: no usable photo, or no weights for numbers.
    """
    image = check_photo(asked.photo)
    check_weights(asked.task, asked.depth)
    return networks.network(asked.task, asked.depth).as_a(Regressor)(image, draft_side=DRAFT_SIDE)


def answer(asked: Question) -> dict[str, Any]:
    """What the tab shows."""
    found = predict(asked)
    return {"view": heat(found), "number": large(found), "details": record(found), "line": words(found)}


def heat(found: NumberPrediction) -> str:
    """The photo in greys with what raises and lowers its number over it → the path of its JPEG."""
    photo = overlay.in_greys(overlay.fit_within(found.photo, DISPLAY_SIDE))
    window = found.window.scaled(photo.width / found.photo.width, photo.height / found.photo.height)
    return jpeg(overlay.signed_overlay(photo, found.low_resolution_cam(), window=window), "heat")


def large(found: NumberPrediction) -> str:
    """The number as it is to be read first."""
    return f"<p><span>{html.escape(found.task)}</span> <b>{found.value:.4g}</b></p>"


def words(found: NumberPrediction) -> str:
    """How far it is usually off, and what the colours say."""
    lines = []
    try:
        error = checkpoints.find(found.task, found.depth).metrics.get("mae")
    except UserError:  # It was removed meanwhile.
        error = None
    if error:
        lines.append(say("number_error", error=f"{error.value:.3g}", count=f"{error.n or 0:,.0f}"))
    lines += [say("number_heat"), *dimmed_lines(found.photo, found.window), *photo_lines(found)]
    return note(*lines, facts=facts(found))


def restored(values: Mapping[str, object]) -> dict[str, Any]:
    """Kept values → updates of the controls."""
    return restore.task_and_depths(values, catalog.first_task(tasks.REGRESSION), tasks.REGRESSION) if shown() else {}


def shown() -> bool:
    """There is a task of numbers."""
    return catalog.offers(tasks.REGRESSION)


@tab("number", restore=restored, derived=("last_task",), shown=shown)
def build() -> dict[str, Component]:
    """Build the tab inside the page that is being built → its controls by name; none where there is no such task."""
    if not shown():
        return {}
    first = catalog.first_task(tasks.REGRESSION)
    with asking_row(tasks.REGRESSION):
        photo = photo_input("number-photo", THINGS, first)
        task = task_input("number-task", first, tasks.REGRESSION)
        depth = depth_input(first, "number-depth")
    with gr.Row(elem_classes=["columns", "answer"]):
        with gr.Column(min_width=300, scale=7):
            view = gr.Image(
                type="filepath",
                interactive=False,
                show_label=False,
                label=label("overlay"),
                alt_text=label("overlay"),
                elem_id="number-overlay",
            )
        with gr.Column(min_width=300, scale=5):
            number = gr.HTML("", elem_id="number-value", elem_classes=["number"])
            line, retry = note_output("hint_number", "number-note"), retry_button("number-retry")
            details = details_output("number-details")
    photo_credits("credits_flowers")
    form = Form(
        Question,
        {"photo": photo, "task": task, "depth": depth},
        shown={"view": view, "number": number, "details": details, "line": line},
        empty={"view": lambda: None, "number": lambda: "", "details": lambda: None},
        hint="hint_number",
        retry=retry,
    )
    connect(Listener(form, answer))
    return {"task": task, "depth": depth, "last_task": form.last_task}
