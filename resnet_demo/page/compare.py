"""The tab Compare: one photo, all depths side by side."""

from __future__ import annotations

import os
from functools import lru_cache

import gradio as gr

from resnet_demo import checkpoints, predictor, render, tasks
from resnet_demo.errors import UserError
from resnet_demo.images import open_photo
from resnet_demo.page import choices, cost, flowers, loading
from resnet_demo.page.answers import check_photo, check_weights, endpoint, record
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
    task_input,
)
from resnet_demo.page.examples import BOTH
from resnet_demo.page.reactions import Reactions
from resnet_demo.page.strings import label, say

COLUMNS = ("depth", "label", "probability", "milliseconds", "parameters", "gflops", "metric")


def compare(image: str, task: str, depths: list[int]) -> tuple[list[tuple[str, str]], list[list], dict]:
    """Show one photo to ResNets of several depths and put their answers side by side.

    Args:
        image: the photo: JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC, at most 50 megapixels.
        task: what to look for, such as flowers102 (102 kinds of flowers), imagenet1k (1,000 things and animals),
            faces68 (face keypoints) or a task of your own pictures.
        depths: layers of each ResNet, from 18, 34, 50, 101 and 152, as far as they have weights.

    Returns:
        One picture with a heat map for each depth; a table of depth, top label, probability, milliseconds, parameters
        in millions, GFLOPs and test metric; and the details as JSON.
    """
    check_photo(image)
    if not depths:
        raise UserError(say("no_depth"))
    depths = sorted(set(depths))
    for depth in depths:
        check_weights(task, depth)
    photo = open_photo(image)  # Once for all depths.
    gallery, table, results = [], [], []
    for depth in depths:
        network = loading.network(task, depth)
        warm_up(network)
        result = network(photo)
        picture, name, probability = summary(result)
        gallery.append((picture, say("caption", depth=depth, label=name)))
        table.append(row(network, result, name, probability))
        results.append({**record(result), "image": os.path.basename(image)})
    return gallery, table, {"task": task, "results": results}


@lru_cache(maxsize=64)
def warm_up(network: predictor.Predictor) -> None:
    """Compile a network before its first picture: its time would not be comparable otherwise."""
    network.warm_up()


def summary(result: predictor.Prediction | predictor.FacesPrediction) -> tuple[str, str, float | None]:
    """A result's picture (path), and its top label and probability; faces have no probability."""
    if isinstance(result, predictor.Prediction):
        return flowers.heat(result, None), result.top_k[0].label, result.top_k[0].probability
    count = len(result.faces)
    photo = render.fit_within(result.photo, DISPLAY_SIDE)
    if count:
        scale = photo.width / result.photo.width
        photo = render.overlay(photo, result.cam(size=(photo.height, photo.width)))
        photo = render.draw_faces(photo, [face.keypoints * scale for face in result.faces])
    if count and not choices.finds_faces(result.task):
        name = say("points_short", count=len(result.faces[0].keypoints))
    else:
        name = say("face_short") if count == 1 else say("faces_short", count=count)
    return jpeg(photo, "heat"), name, None


def row(network: predictor.Predictor, result, name: str, probability: float | None) -> list:
    """A line of the table, in the order of ``COLUMNS``."""
    spec, depth = network.spec, network.depth
    return [
        depth,
        name,
        None if probability is None else round(probability, 4),
        round(result.milliseconds["total"], 1),
        round(cost.count_parameters(depth, spec.outputs) / 1e6, 1),
        round(cost.count_gflops(depth, spec.outputs, network.checkpoint.variant, spec.size), 2),
        metric(checkpoints.find(network.task, depth).metrics),
    ]


def metric(metrics: dict) -> str:
    """The figure that says most about a checkpoint, in words; metrics as ``training.evaluation`` writes them."""
    for key, measured in metrics.items():
        value = measured.get("value") if isinstance(measured, dict) else measured
        if not isinstance(value, int | float):
            continue
        if key == "top1":
            return say("metric_top1", value=f"{value:.1f}")
        if key == "nme":
            return say("metric_nme_plain", value=f"{value:.2f}")
        if key.startswith("nme_"):
            return say("metric_nme", value=f"{value:.2f}", source=key.removeprefix("nme_").upper())
    return say("metric_none")


def words(count: int, available: int) -> str:
    """How many of the available depths were compared."""
    if count > 1:
        return say("compared", count=count)
    return say("compared_one" if available == 1 else "compared_alone")


def tab() -> None:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_classes=["columns"]):
        with gr.Column(min_width=300, scale=1):
            photo = photo_input("compare-photo")
            example_photos(BOTH, photo, "credits_compare", "compare-examples")
            run = gr.Button(label("compare"), variant="primary", elem_id="compare-run")
            with gr.Group(elem_classes=["controls"]):
                task = task_input("compare-task", choices.FLOWERS, tasks.CLASSIFICATION, tasks.KEYPOINTS)
                depths = depth_input(choices.FLOWERS, "compare-depths", several=True)
        with gr.Column(min_width=300, scale=2):
            gallery = gr.Gallery(
                label=label("gallery"),
                columns=3,
                object_fit="contain",
                format="jpeg",
                interactive=False,
                buttons=["download", "fullscreen"],
                elem_id="compare-gallery",
                elem_classes=["picture"],
            )
            words_line = note_output("hint_compare", "compare-note")
            table = gr.Dataframe(
                headers=[label(f"column_{column}") for column in COLUMNS],
                datatype=["number", "str", "number", "number", "number", "number", "str"],
                label=label("table"),
                interactive=False,
                wrap=True,
                column_widths=["11%", "21%", "15%", "13%", "13%", "11%", "16%"],
                type="array",
                buttons=["copy"],
                elem_id="compare-table",
            )
            details = details_output("compare-details")

    inputs = [photo, task, depths]
    results = [gallery, table, details]
    gr.Button(visible=False).click(endpoint(compare), inputs, results, api_name="compare", **LISTENER)

    def answer(image, task_name, numbers):
        pictures, lines, record_ = compare(image, task_name, numbers)
        sentence = words(len(lines), len(choices.available(task_name)))
        return {gallery: pictures, table: lines, details: record_, words_line: note(sentence)}

    empty = {gallery: None, table: [], details: None}
    react = Reactions(answer, photo, depths, words_line, "hint_compare", empty)
    quiet = {"show_progress": "minimal", "show_progress_on": gallery, **PRIVATE}
    everything = [*results, words_line]
    photo.change(react.show_photo, inputs, [photo, *everything], **quiet)
    task.input(react.show_task, inputs, [depths, *everything], **quiet)
    depths.input(react.show_depth, [*inputs, details], [depths, *everything], **quiet)
    run.click(react.show, inputs, everything, **quiet)
