"""The tab Compare: one photo, all depths side by side."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, singledispatch, wraps
from typing import Any

import gradio as gr
from gradio.components import Component

from resnet_demo import checkpoints, tasks
from resnet_demo.checkpoints.records import Metrics
from resnet_demo.errors import UserError
from resnet_demo.images import draw_landmarks, overlay
from resnet_demo.images.decode import open_photo
from resnet_demo.inference import results
from resnet_demo.inference.base import Predictor
from resnet_demo.models import cost
from resnet_demo.page import catalog, example_answers, networks, restore
from resnet_demo.page.endpoints import check_photo, check_weights, endpoint, record
from resnet_demo.page.events import Form, StreamingListener, connect
from resnet_demo.page.i18n import class_names
from resnet_demo.page.i18n.texts import label, language, say
from resnet_demo.page.result_cache import light
from resnet_demo.page.tabs import classify, number
from resnet_demo.page.tabs import compare_plot as plot
from resnet_demo.page.tabs.compare_cards import Card, Line, cards_html, words
from resnet_demo.page.tabs.registry import tab
from resnet_demo.page.widgets.examples import BOTH
from resnet_demo.page.widgets.heat import with_heat
from resnet_demo.page.widgets.inputs import (
    DISPLAY_SIDE,
    DRAFT_SIDE,
    LISTENER,
    asking_row,
    cache_file,
    depth_input,
    details_output,
    jpeg,
    note_output,
    program_photo,
    retry_button,
    task_input,
)
from resnet_demo.page.widgets.photo import is_example, photo_credits, photo_input

COLUMNS = Line._fields


def compare(image: str, task: str, depths: list[int]) -> tuple[list[tuple[str, str]], list[list], dict]:
    """Show one photo to ResNets of several depths and put their answers side by side.

    Args:
        image: the photo, as an uploaded file, a public http(s) address or a data URL (data:image/jpeg;base64,…): JPEG,
            PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC, at most 50 megapixels (JPEG: 200).
        task: what to look for, such as flowers102 (102 kinds of flowers), imagenet1k (1,000 things and animals),
            faces68 (face keypoints) or a task of your own pictures.
        depths: layers of each network, from 18, 34, 50, 101 and 152 and others of a task of your own, as far as they
            have weights.

    Returns:
        One picture with a heat map for each depth; a table of depth, top label, probability, milliseconds, parameters
        in millions, GFLOPs and test metric; and the details as JSON.
    """
    gallery, table, records = [], [], []
    for card in answers(image, task, depths):
        gallery.append((card.picture, say("caption", network=card.result.network_title, label=card.name)))
        table.append([*card.line])
        records.append(details_of(card, image))
    return gallery, table, {"task": task, "results": records}


def answers(image: str, task: str, depths: list[int]) -> Iterator[Card]:
    """One depth's answer after the other; the photo is decoded once.

    Raises:
        UserError: no usable photo, depth or weights, all before the first answer.
    """
    check_photo(image)
    if not depths:
        raise UserError(say("no_depth"))
    depths = sorted(set(depths))
    for depth in depths:
        check_weights(task, depth)
    faces = catalog.kind(task) == tasks.KEYPOINTS
    photo = open_photo(image, draft_side=None if faces else DRAFT_SIDE)
    for depth in depths:
        network = networks.network(task, depth)
        network.warm_up()  # Its time would not be comparable otherwise.
        result = network(photo)
        picture, name, probability = summary(result)
        yield Card(depth, picture, name, probability, row(network, result, name, probability), result)


def details_of(card: Card, image: str) -> dict:
    """A card's answer as the command line prints it."""
    return {**record(card.result), "image": os.path.basename(image)}


@singledispatch
def summary(result: results.Result) -> tuple[str, str, float | None]:
    """A result's picture (path), and its top label and probability; faces have no probability."""
    raise NotImplementedError


@summary.register
def _(result: results.Prediction) -> tuple[str, str, float | None]:
    best = result.top_k[0]
    return classify.heat(result, None), class_names.shown(result.task, best.label), best.probability


@summary.register
def _(result: results.FacesPrediction) -> tuple[str, str, float | None]:
    count = len(result.faces)
    photo = overlay.fit_within(result.photo, DISPLAY_SIDE)
    if count:
        scale = photo.width / result.photo.width
        photo = with_heat(photo, result.cam(size=(photo.height, photo.width)))
        photo = draw_landmarks.draw_faces(photo, [face.keypoints * scale for face in result.faces])
    if count and not result.spec.detector:
        name = say("points_short", count=len(result.faces[0].keypoints))
    else:
        name = say("face_short") if count == 1 else say("faces_short", count=count)
    return jpeg(photo, "heat"), name, None


@summary.register
def _(result: results.NumberPrediction) -> tuple[str, str, float | None]:
    return number.heat(result), f"{result.value:.4g}", None


def row(network: Predictor, result: results.Result, name: str, probability: float | None) -> Line:
    """A line of the table."""
    spec, architecture = network.spec, network.checkpoint.architecture
    return Line(
        depth=network.depth,
        label=name,
        probability=None if probability is None else round(probability, 4),
        milliseconds=round(result.milliseconds["total"], 1),
        parameters=round(cost.count_parameters(architecture, spec.outputs) / 1e6, 1),
        gflops=round(spec.passes * cost.count_gflops(architecture, spec.outputs, None, spec.size), 2),
        metric=metric(network.checkpoint.metrics),
    )


def metric(metrics: Metrics) -> str:
    """The figure that says most about a checkpoint, in words."""
    found = figure(metrics)
    if not found:
        return say("metric_none")
    key, source, value = found
    return say(key, value=f"{value:.1f}" if key == "metric_top1" else f"{value:.2f}", source=source)


def figure(metrics: Metrics) -> tuple[str, str, float] | None:
    """The same as the key of its text, its source (of keypoints) and its value in percent; None where none is there."""
    for key, measured in metrics.items():
        if key == "top1":
            return "metric_top1", "", measured.value
        if key == "nme":
            return "metric_nme_plain", "", measured.value
        if key.startswith("nme_"):
            return "metric_nme", key.removeprefix("nme_").upper(), measured.value
    return None


def curve(task: str, cards: dict[int, Card]) -> str:
    """The plot of all depths' test metric against their time, as SVG.

    A depth's time is that of ``python -m resnet_demo report`` where there is one, so that the plot does not change from
    photo to photo; where one is missing, all are those that were just measured.
    """
    points, axis = [], ""
    timing, depths = measured_times(), catalog.available(task)
    if any(f"{task}/resnet{depth}" not in timing for depth in depths):  # Times of two machines or days do not compare.
        timing = {f"{task}/resnet{depth}": card.result.milliseconds["network"] for depth, card in cards.items()}
    for depth in depths:
        measured = figure(checkpoints.find(task, depth).metrics)
        time = timing.get(f"{task}/resnet{depth}")
        if measured and time:
            key, source, value = measured
            axis = say(f"{key}_axis", source=source)
            points.append(plot.Point(depth, time, value, depth in cards, catalog.network_title(task, depth)))
    return plot.plot(points, axis)


def headed(lines: list[list]) -> dict:
    """The table's lines with headers in the visitor's language: Gradio does not translate those."""
    return {"headers": [say(f"column_{column}") for column in COLUMNS], "data": lines}


def measured_times() -> dict[str, float]:
    """Checkpoint → milliseconds of one photo through the network, as the report beside the weights has it."""
    try:
        report = json.loads((checkpoints.weights_folder() / "report.json").read_text("utf-8"))
        return {name: float(measured["network"]) for name, measured in report["checkpoints"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


@dataclass(frozen=True)
class Question:
    """What the tab is asked: a photo's path, and its controls."""

    photo: str | None
    task: str
    depth: list[int]


def answer(asked: Question) -> Iterator[dict[str, Any]]:
    """What the tab shows, after each depth."""
    image, depths = check_photo(asked.photo), sorted(set(asked.depth))
    example = depths and is_example(image)
    cards: dict[int, Card] = {}
    titles = {depth: catalog.network_title(asked.task, depth) for depth in depths}
    available = len(catalog.available(asked.task))
    for card in (shared if example else answers)(image, asked.task, depths):
        if not cards:
            yield {"cards": cards_html(titles, {}), "curve": "", "file": gr.update(interactive=False), "details": None}
        cards[card.depth], titles[card.depth] = card, card.result.network_title
        yield {"cards": cards_html(titles, cards), "line": words(titles, cards, available)}
    yield {
        "curve": curve(asked.task, cards),
        "file": gr.update(value=table_file([*cards.values()]), interactive=True),
        "details": {"task": asked.task, "results": [details_of(card, image) for card in cards.values()]},
    }


def shared(image: str, task: str, depths: list[int]) -> Iterator[Card]:
    """The same as ``answers`` of an example, computed once for all visitors."""

    def look(depth: int) -> Card:
        card = next(answers(image, task, [depth]))
        return replace(card, result=light(card.result))

    for depth in depths:
        card, _ = example_answers.once(image, ("compare", language(), task, depth), partial(look, depth))
        # Its picture goes with all other files of the cache.
        yield card if os.path.exists(card.picture) else look(depth)


def restored(values: Mapping[str, object]) -> dict[str, Any]:
    """Kept values → updates of the controls."""
    kinds = tasks.CLASSIFICATION, tasks.KEYPOINTS
    return restore.task_and_depths(values, catalog.compared_task(*kinds), *kinds)


@tab(
    "compare",
    restore=restored,
    derived=("last_task",),
    shown=lambda: catalog.shows(tasks.CLASSIFICATION, tasks.KEYPOINTS),
)
def build() -> dict[str, Component]:
    """Build the tab inside the page that is being built → its controls by name."""
    first = catalog.compared_task(tasks.CLASSIFICATION, tasks.KEYPOINTS)
    with asking_row(tasks.CLASSIFICATION, tasks.KEYPOINTS):
        photo = photo_input("compare-photo", BOTH, first)
        task = task_input("compare-task", first, tasks.CLASSIFICATION, tasks.KEYPOINTS)
        depths = depth_input(first, "compare-depths", several=True)
    line, retry = note_output("hint_compare", "compare-note"), retry_button("compare-retry")
    cards = gr.HTML(elem_id="compare-cards", elem_classes=["cards-holder"])
    curve_ = gr.HTML(elem_id="compare-curve")
    with gr.Row():
        # Not to be seen while it is off, see page.css. Gradio 6.31 loses what an answer says of `visible` while the
        # browser is still putting the tab together, and keeps everything else that it says.
        file = gr.DownloadButton(label("take_csv"), interactive=False, size="sm", elem_id="compare-csv")
    details = details_output("compare-details")
    photo_credits("credits_compare")
    form = Form(
        Question,
        {"photo": photo, "task": task, "depth": depths},
        shown={"cards": cards, "curve": curve_, "file": file, "details": details, "line": line},
        empty={
            "cards": lambda: "",
            "curve": lambda: "",
            "file": lambda: gr.update(interactive=False),
            "details": lambda: None,
        },
        hint="hint_compare",
        retry=retry,
    )
    connect(StreamingListener(form, answer))
    for_programs([task, depths], details)
    return {"task": task, "depths": depths, "last_task": form.last_task}


def for_programs(controls: list[Component], details: Component) -> None:
    """The endpoint, which returns what the contract says while the page may show more."""
    gallery = gr.Gallery(label=label("gallery"), format="jpeg", visible=False)
    table = gr.Dataframe(
        headers=[label(f"column_{column}") for column in COLUMNS],
        datatype=["number", "str", "number", "number", "number", "number", "str"],
        label=label("table"),
        type="array",
        visible=False,
    )

    @wraps(compare)
    def compared(*values):
        pictures, lines, record_ = compare(*values)
        return pictures, headed(lines), record_

    inputs, outputs = [program_photo(), *controls], [gallery, table, details]
    gr.Button(visible=False).click(endpoint(compared), inputs, outputs, api_name="compare", **LISTENER)


def table_file(cards: Sequence[Card]) -> str:
    """The comparison as a CSV file that spreadsheets open → its path; a last column names the networks."""
    path = cache_file("comparison", ".csv")
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        head = [say(f"column_{column}") for column in (*COLUMNS, "network")]
        csv.writer(file).writerows([head, *([*card.line, card.result.network_title] for card in cards)])
    return path
