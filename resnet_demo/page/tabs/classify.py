"""The tab Classify: what is in the photo, and which part of it says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from resnet_demo import tasks
from resnet_demo.errors import UserError
from resnet_demo.images import overlay as image_overlay
from resnet_demo.inference import results
from resnet_demo.inference.classifier import Classifier
from resnet_demo.page import catalog, example_answers, networks, restore
from resnet_demo.page.endpoints import (
    check_photo,
    check_weights,
    dimmed_lines,
    endpoint,
    facts,
    photo_lines,
    record,
)
from resnet_demo.page.events import Form, Listener, connect
from resnet_demo.page.i18n import class_names
from resnet_demo.page.i18n.texts import label, say
from resnet_demo.page.result_cache import light
from resnet_demo.page.tabs.registry import tab
from resnet_demo.page.widgets.class_list import blank as no_list
from resnet_demo.page.widgets.class_list import class_list, listing
from resnet_demo.page.widgets.examples import SHOWN, THINGS
from resnet_demo.page.widgets.heat import with_heat
from resnet_demo.page.widgets.inputs import (
    DISPLAY_SIDE,
    DRAFT_SIDE,
    LISTENER,
    PRIVATE,
    asking_row,
    depth_input,
    details_output,
    jpeg,
    note,
    note_output,
    number_input,
    picture_output,
    program_photo,
    retry_button,
    target_choices,
    target_input,
    task_input,
)
from resnet_demo.page.widgets.photo import example_of, photo_credits, photo_input
from resnet_demo.page.widgets.viewer import blank as no_view
from resnet_demo.page.widgets.viewer import view_of, viewer

MAX_TOP_K = 10
FINE = 64  # pixels of a side: what a network for small pictures sees, few would guess from the photo on the page


def classify(image: str, task: str, depth: int, top_k: int, target: str | None) -> tuple[dict, str, dict]:
    """Name what is in a photo and show which part of it speaks for a class (Grad-CAM).

    Args:
        image: the photo, as an uploaded file, a public http(s) address or a data URL (data:image/jpeg;base64,…): JPEG,
            PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC, at most 50 megapixels (JPEG: 200).
        task: what to look for, such as flowers102 (102 kinds of flowers), imagenet1k (1,000 things and animals), or a
            task of your own pictures.
        depth: layers of the network: 18, 34, 50, 101 or 152, or another depth of a task of your own, as far as it has
            weights.
        top_k: how many classes to return, 1 to 10.
        target: the class, by name or number, whose heat is shown; empty for the most likely one.

    Returns:
        The most likely classes with their probabilities, the photo with a heat map over it, and the details as JSON.
    """
    prediction = predict(image, task, depth, top_k)
    return scores(prediction), heat(prediction, target), details_of(prediction, target)


def embed(image: str, task: str, depth: int) -> dict:
    """Describe a photo in numbers, to find others like it: photos that look alike have embeddings with a dot product
    near 1.

    Args:
        image: the photo, as an uploaded file, a public http(s) address or a data URL (data:image/jpeg;base64,…): JPEG,
            PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC, at most 50 megapixels (JPEG: 200).
        task: whose network looks at it, such as flowers102 or imagenet1k.
        depth: layers of the network: 18, 34, 50, 101 or 152, or another depth of a task of your own, as far as it has
            weights.

    Returns:
        The task, the depth and the embedding: the means of the last feature map, of length 1; 512 numbers (ResNet-18
        and 34) or 2,048, of other networks as many as the map has channels.
    """
    check_photo(image)
    check_weights(task, depth)
    embedding = classifier(task, depth).embed(image, DRAFT_SIDE)
    return {"task": task, "depth": depth, "embedding": [round(float(value), 6) for value in embedding]}


def predict(image: str, task: str, depth: int, top_k: int) -> results.Prediction:
    """The classes of an uploaded photo.

    Raises:
        UserError: no usable photo, weights or number of classes.
    """
    check_photo(image)
    check_weights(task, depth)
    if not isinstance(top_k, int) or not 1 <= top_k <= MAX_TOP_K:
        raise UserError(say("bad_top_k"))
    return classifier(task, depth)(image, top_k, DRAFT_SIDE)


def classifier(task: str, depth: int) -> Classifier:
    """Raises UserError where a task has no classes, or no weights."""
    network = networks.network(task, depth)
    if network.spec.kind != tasks.CLASSIFICATION:
        raise UserError(say("not_classes", task=catalog.title(task)))
    return network.as_a(Classifier)


def scores(prediction: results.Prediction) -> dict[str, float]:
    """Class names and probabilities for ``gr.Label``."""
    return {class_names.shown(prediction.task, score.label): score.probability for score in prediction.top_k}


def heat(prediction: results.Prediction, target: str | None) -> str:
    """The photo at display size with the heat of a class over it → the path of its JPEG."""
    photo = image_overlay.fit_within(prediction.photo, DISPLAY_SIDE)
    window = prediction.window.scaled(photo.width / prediction.photo.width, photo.height / prediction.photo.height)
    cam = prediction.low_resolution_cam(class_names.label_of(prediction.task, target) or None)
    return jpeg(with_heat(photo, cam, window), "heat")


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
    lines += example_lines(prediction)
    lines += photo_lines(prediction)
    lines += dimmed_lines(prediction.photo, prediction.window)
    if (side := prediction.spec.size) < FINE:
        lines += [say("few_pixels", side=side)]
    return note(*lines, facts=facts(prediction), alert=prediction.unknown)


def example_lines(prediction: results.Prediction) -> list[str]:
    """Of an example, what it is and whether the network is right; nothing of other photos and of tasks of one's own."""
    shown = example_of(prediction.image or "")
    if shown not in SHOWN or prediction.task not in tasks.BUNDLED:
        return []
    right = SHOWN[shown].get(prediction.task)
    if right is None:
        return [say("example_none", name=say(f"example_{shown}"))]
    is_right = prediction.top_k[0].label in right
    return [say("example_right" if is_right else "example_wrong", name=say(f"example_{shown}"))]


@dataclass(frozen=True)
class Question:
    """What the tab is asked: a photo's path, and its controls."""

    photo: str | None
    task: str
    depth: int
    top_k: int
    target: str | None


def answer(asked: Question) -> dict[str, Any]:
    """What the tab shows."""
    image = check_photo(asked.photo)
    question = asked.task, asked.depth, asked.top_k
    prediction, token = example_answers.once(image, question, lambda: predict(image, *question), light)
    known = class_names.label_of(asked.task, asked.target) or None
    return {
        "view": view_of(prediction, known, token),
        "classes": listing(prediction, known),
        "details": record(prediction),
        "line": words(prediction),
    }


def restored(values: Mapping[str, object]) -> dict[str, Any]:
    """Kept values → updates of the controls."""
    found = restore.task_and_depths(values, catalog.first_task(tasks.CLASSIFICATION), tasks.CLASSIFICATION)
    for count in restore.numbers(values.get("top_k"), range(1, MAX_TOP_K + 1)):
        found["top_k"] = gr.update(value=count)
    return found


@tab("flowers", restore=restored, derived=("target", "last_task"), shown=lambda: catalog.shows(tasks.CLASSIFICATION))
def build() -> dict[str, Component]:
    """Build the tab inside the page that is being built → its controls by name."""
    first = catalog.first_task(tasks.CLASSIFICATION)
    with asking_row(tasks.CLASSIFICATION):
        photo = photo_input("flowers-photo", THINGS, first, "flowers-overlay")
        task = task_input("flowers-task", first, tasks.CLASSIFICATION)
        depth = depth_input(first, "flowers-depth")
    with gr.Row(elem_classes=["columns", "answer"]):
        with gr.Column(min_width=300, scale=7):
            view = viewer("flowers-overlay", "classes")
        with gr.Column(min_width=300, scale=5):
            classes = class_list("flowers-classes", "flowers-overlay")
            line, retry = note_output("hint_classes", "flowers-note"), retry_button("flowers-retry")
            with gr.Row(elem_classes=["more-controls"]):
                target = target_input(first, "flowers-target")
                top_k = number_input(1, MAX_TOP_K, 5, "top_k", "flowers-top-k")
            details = details_output("flowers-details")
    photo_credits("credits_flowers")
    form = Form(
        Question,
        {"photo": photo, "task": task, "depth": depth, "top_k": top_k, "target": target},
        shown={"view": view, "classes": classes, "details": details, "line": line},
        empty={"view": no_view, "classes": no_list, "details": lambda: None},
        hint="hint_classes",
        retry=retry,
        viewer="flowers-overlay",
        of_photo={"target": ""},
        of_task=lambda task: {"target": gr.update(value="", choices=target_choices(task))},
    )
    connect(Listener(form, answer), top_k.input, target.input)
    # The browser shows the heat of a class that was clicked by itself.
    classes.select(None, None, target, js="() => window.resnet.chosen", **PRIVATE)
    for_programs([task, depth, top_k, target], details)
    controls = {name: part for name, part in form.parts.items() if name != "photo"}
    return {**controls, "last_task": form.last_task}


def for_programs(controls: list[Component], details: Component) -> None:
    """The endpoint, which returns what the contract says while the page may show more."""
    named, overlay = gr.Label(label=label("classes"), visible=False), picture_output("overlay")
    inputs, outputs = [program_photo(), *controls], [named, overlay, details]
    gr.Button(visible=False).click(endpoint(classify), inputs, outputs, api_name="classify", **LISTENER)
    inputs = [program_photo(), *controls[:2]]
    gr.Button(visible=False).click(endpoint(embed), inputs, gr.JSON(visible=False), api_name="embed", **LISTENER)
