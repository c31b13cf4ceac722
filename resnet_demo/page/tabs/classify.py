"""The tab Classify: what is in the photo, and which part of it says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from resnet_demo import tasks
from resnet_demo.errors import UserError
from resnet_demo.images import overlay as image_overlay
from resnet_demo.inference import results
from resnet_demo.inference.classifier import Classifier
from resnet_demo.page import catalog, networks, restore
from resnet_demo.page.endpoints import check_photo, check_weights, endpoint, facts, photo_lines, record
from resnet_demo.page.events import Events
from resnet_demo.page.gradio_patches.event_data import sent
from resnet_demo.page.i18n import class_names
from resnet_demo.page.i18n.texts import label, say
from resnet_demo.page.tabs.registry import tab
from resnet_demo.page.widgets.class_list import blank as no_list
from resnet_demo.page.widgets.class_list import class_list, listing
from resnet_demo.page.widgets.examples import FLOWERS
from resnet_demo.page.widgets.inputs import (
    DISPLAY_SIDE,
    DRAFT_SIDE,
    LATEST,
    LISTENER,
    PRIVATE,
    depth_input,
    details_output,
    example_photos,
    jpeg,
    note,
    note_output,
    number_input,
    photo_input,
    picture_output,
    target_choices,
    target_input,
    task_input,
)
from resnet_demo.page.widgets.viewer import blank as no_view
from resnet_demo.page.widgets.viewer import view_of, viewer

MAX_TOP_K = 10


def classify(image: str, task: str, depth: int, top_k: int, target: str | None) -> tuple[dict, str, dict]:
    """Name what is in a photo and show which part of it speaks for a class (Grad-CAM).

    Args:
        image: the photo, as an uploaded file, a public http(s) address or a data URL (data:image/jpeg;base64,…): JPEG,
            PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC, at most 50 megapixels (JPEG: 200).
        task: what to look for, such as flowers102 (102 kinds of flowers), imagenet1k (1,000 things and animals), or a
            task of your own pictures.
        depth: layers of the ResNet: 18, 34, 50, 101 or 152, as far as it has weights.
        top_k: how many classes to return, 1 to 10.
        target: the class, by name or number, whose heat is shown; empty for the most likely one.

    Returns:
        The most likely classes with their probabilities, the photo with a heat map over it, and the details as JSON.
    """
    prediction = predict(image, task, depth, top_k)
    return scores(prediction), heat(prediction, target), details_of(prediction, target)


def predict(image: str, task: str, depth: int, top_k: int) -> results.Prediction:
    """The classes of an uploaded photo.

    Raises:
        UserError: no usable photo, weights or number of classes.
    """
    check_photo(image)
    check_weights(task, depth)
    if not isinstance(top_k, int) or not 1 <= top_k <= MAX_TOP_K:
        raise UserError(say("bad_top_k"))
    network = networks.network(task, depth)
    if network.spec.kind != tasks.CLASSIFICATION:
        raise UserError(say("not_classes", task=catalog.title(task)))
    return network.as_a(Classifier)(image, top_k, DRAFT_SIDE)


def scores(prediction: results.Prediction) -> dict[str, float]:
    """Class names and probabilities for ``gr.Label``."""
    return {class_names.shown(prediction.task, score.label): score.probability for score in prediction.top_k}


def heat(prediction: results.Prediction, target: str | None) -> str:
    """The photo at display size with the heat of a class over it → the path of its JPEG."""
    photo = image_overlay.fit_within(prediction.photo, DISPLAY_SIDE)
    window = prediction.window.scaled(photo.width / prediction.photo.width, photo.height / prediction.photo.height)
    cam = prediction.low_resolution_cam(class_names.label_of(prediction.task, target) or None)
    return jpeg(image_overlay.overlay(photo, cam, window=window), "heat")


def details_of(prediction: results.Prediction, target: str | None) -> dict:
    """The record of a prediction, and whether the heat of the class is none at all."""
    details = record(prediction)
    known = class_names.label_of(prediction.task, target) or None
    if prediction.is_blank(known):
        index = tasks.class_index(prediction.spec, known)
        label_ = prediction.top_k[0].label if index is None else prediction.spec.labels[index]
        details["notes"] = [*details.get("notes", []), say("heat_none", label=label_)]
    return details


def words(prediction: results.Prediction) -> str:
    """What else is to be said, for the line under the classes."""
    lines = [f"<b>{say('unknown')}</b>"] if prediction.unknown else []
    lines += photo_lines(prediction)
    width, height = prediction.photo.size
    seen = prediction.window
    if (seen.right - seen.left) * (seen.bottom - seen.top) < 0.98 * width * height:
        lines.append(say("dimmed"))
    return note(*lines, facts=facts(prediction), alert=prediction.unknown)


def restored(values: Mapping[str, object]) -> dict[str, Any]:
    """Kept values → updates of the controls."""
    found = restore.task_and_depths(values, catalog.FLOWERS, tasks.CLASSIFICATION)
    for count in restore.numbers(values.get("top_k"), range(1, MAX_TOP_K + 1)):
        found["top_k"] = gr.update(value=count)
    return found


@tab("flowers", restore=restored, derived=("target", "last_task"))
def build() -> dict[str, Component]:
    """Build the tab inside the page that is being built → its controls by name."""
    with gr.Row(elem_classes=["columns"]):
        with gr.Column(min_width=300):
            photo = photo_input("flowers-photo")
            example_photos(FLOWERS, photo, "credits_flowers", "flowers-examples")
            run = gr.Button(label("run"), variant="primary", elem_id="flowers-run")
        with gr.Column(min_width=300):
            view = viewer("flowers-overlay", "classes")
            with gr.Group(elem_classes=["controls"]):
                with gr.Row():
                    task = task_input("flowers-task", catalog.FLOWERS, tasks.CLASSIFICATION)
                    target = target_input("flowers-target")
                depth = depth_input(catalog.FLOWERS, "flowers-depth")
                top_k = number_input(1, MAX_TOP_K, 5, "top_k", "flowers-top-k")
        with gr.Column(min_width=300):
            classes = class_list("flowers-classes", "flowers-overlay")
            words_line = note_output("hint_classes", "flowers-note")
            details = details_output("flowers-details")

    inputs = [photo, task, depth, top_k, target]
    # A listener of its own, so that the endpoint returns what the contract says and the page may show more.
    named, overlay = gr.Label(label=label("classes"), visible=False), picture_output("overlay", visible=False)
    gr.Button(visible=False).click(
        endpoint(classify), inputs, [named, overlay, details], api_name="classify", **LISTENER
    )

    answered = gr.State()  # the inputs of the answer on screen

    def answer(image, task_name, depth_number, count, wanted):
        prediction = predict(image, task_name, depth_number, count)
        known = class_names.label_of(task_name, wanted) or None
        return {
            view: view_of(prediction, known),
            classes: listing(prediction, known),
            details: record(prediction),
            words_line: words(prediction),
            answered: [image, task_name, depth_number, count, wanted],
        }

    empty = {view: no_view, classes: no_list, details: None}
    react = Events(answer, photo, depth, words_line, "hint_classes", empty)

    def show_photo(image, *controls):
        """The page's answer to another photo: its most likely class."""
        return {target: "", **react.show_photo(image, *controls[:3], "")}

    # Gradio reports an input too when the tab key only passes a control (see reactions): an answer then would undo a
    # chosen class.
    def show_change(*values):
        """The page's answer to another number of classes or another class."""
        *controls, before = values
        return gr.skip() if controls == before else react.show(*controls)

    last_task = gr.State(catalog.FLOWERS)

    def show_task(image, task_name, depth_number, count, before):
        """The page's answer to another task: its depths and classes."""
        if task_name == before:
            return gr.skip()
        classes_of = gr.update(value="", choices=target_choices(task_name))
        return {target: classes_of, last_task: task_name, **react.show_task(image, task_name, depth_number, count, "")}

    def show_class(event: gr.EventData):
        """The page's answer to a click on a class, whose heat the browser shows already."""
        return sent(event)["value"]

    quiet: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": view, **PRIVATE}
    everything = [view, classes, details, words_line, answered]
    photo.change(show_photo, inputs, [photo, target, *everything], **quiet)
    task.input(show_task, [*inputs[:4], last_task], [depth, target, last_task, *everything], **quiet, **LATEST)
    depth.input(react.show_depth, [*inputs, details], [depth, *everything], **quiet, **LATEST)
    gr.on([top_k.release, target.input], show_change, [*inputs, answered], everything, **quiet, **LATEST)
    run.click(react.show, inputs, everything, **quiet)
    classes.select(show_class, None, target, show_progress="hidden", **PRIVATE)
    return {"task": task, "depth": depth, "top_k": top_k, "target": target, "last_task": last_task}
