"""The tab Flowers: what is in the photo, and which part of it says so."""

from __future__ import annotations

import html

import gradio as gr

from resnet_demo import predictor, render, tasks
from resnet_demo.errors import UserError
from resnet_demo.page import choices, loading
from resnet_demo.page.answers import (
    check_photo,
    check_weights,
    endpoint,
    facts,
    percent,
    record,
)
from resnet_demo.page.components import (
    DISPLAY_SIDE,
    LISTENER,
    PRIVATE,
    depth_input,
    details_output,
    example_photos,
    jpeg,
    note,
    note_output,
    photo_input,
    picture_output,
    target_choices,
    target_input,
    task_input,
)
from resnet_demo.page.examples import FLOWERS
from resnet_demo.page.reactions import Reactions
from resnet_demo.page.strings import label, say

MAX_TOP_K = 10


def classify(image: str, task: str, depth: int, top_k: int, target: str | None) -> tuple[dict, str, dict]:
    """Name what is in a photo and show which part of it speaks for a class (Grad-CAM).

    Args:
        image: the photo: JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC, at most 50 megapixels.
        task: what to look for, such as flowers102 (102 kinds of flowers), imagenet1k (1,000 things and animals), or a
            task of your own pictures.
        depth: layers of the ResNet: 18, 34, 50, 101 or 152, as far as it has weights.
        top_k: how many classes to return, 1 to 10.
        target: the class, by name or number, whose heat is shown; empty for the most likely one.

    Returns:
        The most likely classes with their probabilities, the photo with a heat map over it, and the details as JSON.
    """
    prediction = predict(image, task, depth, top_k)
    return scores(prediction), heat(prediction, target), record(prediction)


def predict(image: str, task: str, depth: int, top_k: int) -> predictor.Prediction:
    """The classes of an uploaded photo.

    Raises:
        UserError: no usable photo, weights or number of classes.
    """
    check_photo(image)
    check_weights(task, depth)
    if not isinstance(top_k, int | float) or top_k != int(top_k) or not 1 <= top_k <= MAX_TOP_K:
        raise UserError(say("bad_top_k"))
    network = loading.network(task, depth)
    if network.spec.kind != tasks.CLASSIFICATION:
        raise UserError(say("not_classes", task=choices.title(task)))
    return network(image, int(top_k))


def scores(prediction: predictor.Prediction) -> dict[str, float]:
    """Class names and probabilities for ``gr.Label``."""
    return {score.label: score.probability for score in prediction.top_k}


def heat(prediction: predictor.Prediction, target: str | None) -> str:
    """The photo at display size with the heat of a class over it → the path of its JPEG."""
    photo = render.fit_within(prediction.photo, DISPLAY_SIDE)
    across, down = photo.width / prediction.photo.width, photo.height / prediction.photo.height
    seen = prediction.window
    window = tasks.Window(seen.left * across, seen.top * down, seen.right * across, seen.bottom * down)
    return jpeg(render.overlay(photo, prediction.small_cam(target or None), window=window), "heat")


def words(prediction: predictor.Prediction, target: str | None) -> str:
    """What came out, for the line under the classes."""
    spec = predictor.load(prediction.task, prediction.depth).spec
    index = tasks.class_index(spec, target or None)
    if index is None:
        index = int(prediction.probabilities.argmax())
    lines = [
        say("heat_for", label=html.escape(spec.labels[index]), probability=percent(prediction.probabilities[index]))
    ]
    width, height = prediction.photo.size
    seen = prediction.window
    if (seen.right - seen.left) * (seen.bottom - seen.top) < 0.98 * width * height:
        lines.append(say("dimmed"))
    return note(*lines, facts=facts(prediction))


def tab() -> None:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_classes=["columns"]):
        with gr.Column(min_width=300):
            photo = photo_input("flowers-photo")
            example_photos(FLOWERS, photo, "credits_flowers", "flowers-examples")
            run = gr.Button(label("run"), variant="primary", elem_id="flowers-run")
        with gr.Column(min_width=300):
            overlay = picture_output("overlay", "flowers-overlay")
            with gr.Group(elem_classes=["controls"]):
                with gr.Row():
                    task = task_input("flowers-task", choices.FLOWERS, tasks.CLASSIFICATION)
                    target = target_input("flowers-target")
                depth = depth_input(choices.FLOWERS, "flowers-depth")
                top_k = gr.Slider(1, MAX_TOP_K, 5, step=1, label=label("top_k"), elem_id="flowers-top-k", buttons=[])
        with gr.Column(min_width=300):
            classes = gr.Label(
                label=label("classes"), num_top_classes=MAX_TOP_K, elem_id="flowers-classes", elem_classes=["classes"]
            )
            words_line = note_output("hint_classes", "flowers-note")
            details = details_output("flowers-details")

    inputs = [photo, task, depth, top_k, target]
    results = [classes, overlay, details]
    # A listener of its own, so that the endpoint returns what the contract says and the page may show more.
    gr.Button(visible=False).click(endpoint(classify), inputs, results, api_name="classify", **LISTENER)

    def answer(image, task_name, depth_number, count, wanted):
        prediction = predict(image, task_name, depth_number, count)
        return {
            classes: scores(prediction),
            overlay: heat(prediction, wanted),
            details: record(prediction),
            words_line: words(prediction, wanted),
        }

    react = Reactions(answer, photo, depth, words_line, "hint_classes", dict.fromkeys(results))

    def show_photo(image, *controls):
        """The page's answer to another photo: its most likely class."""
        return {target: "", **react.show_photo(image, *controls[:3], "")}

    def show_task(image, task_name, depth_number, count):
        """The page's answer to another task: its depths and classes."""
        classes_of = gr.update(value="", choices=target_choices(task_name))
        return {target: classes_of, **react.show_task(image, task_name, depth_number, count, "")}

    def show_class(image, task_name, depth_number, count, event: gr.SelectData):
        """The page's answer to a click on a class."""
        return {target: event.value, **react.show(image, task_name, depth_number, count, event.value)}

    quiet = {"show_progress": "minimal", "show_progress_on": overlay, **PRIVATE}
    everything = [*results, words_line]
    photo.change(show_photo, inputs, [photo, target, *everything], **quiet)
    task.input(show_task, inputs[:4], [depth, target, *everything], **quiet)
    depth.input(react.show_depth, [*inputs, details], [depth, *everything], **quiet)
    gr.on([top_k.release, target.input, run.click], react.show, inputs, everything, **quiet)
    classes.select(show_class, inputs[:4], [target, *everything], **quiet)
