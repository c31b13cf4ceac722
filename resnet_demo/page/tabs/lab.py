"""The tab Lab: take blocks out of a network, and the experiments below that (``lab_sections``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from resnet_demo import checkpoints, tasks
from resnet_demo.images.overlay import fit_within
from resnet_demo.inference import results
from resnet_demo.page import catalog, restore, result_cache
from resnet_demo.page.endpoints import check_photo, check_weights, complain
from resnet_demo.page.events import QUIET, Form, Listener, connect
from resnet_demo.page.i18n.texts import label
from resnet_demo.page.tabs import classify, lab_blocks, lab_sections
from resnet_demo.page.tabs.registry import tab
from resnet_demo.page.widgets.examples import THINGS
from resnet_demo.page.widgets.inputs import (
    DRAFT_SIDE,
    asking_row,
    depth_input,
    note_output,
    retry_button,
    task_input,
)
from resnet_demo.page.widgets.photo import photo_credits, photo_input

FOLDER = Path(__file__).parent
SIDE = 640  # pixels of a kept photo's long side
SHOWN = 3  # classes
TEXTS = ("blocks", "back", "each", "looking", "block")


@dataclass(frozen=True)
class Board:
    """The row of blocks as the visitor has it: ``network`` is ``task/depth``, or nothing at first."""

    network: str = ""
    out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What the tab is asked: a photo's path, the network, and which of its blocks are out."""

    photo: str | None
    task: str
    depth: int
    board: Board = field(default_factory=Board)

    def __post_init__(self) -> None:
        # As the browser sends it: what an event may change has lost what ``read_with`` put there.
        if not isinstance(self.board, Board):
            object.__setattr__(self, "board", read_board(self.board))

    @property
    def network(self) -> str:
        return f"{self.task}/{self.depth}"


def read_board(payload: object) -> Board:
    """What the browser says of the row of blocks; anything else is an empty one."""
    found = payload if isinstance(payload, dict) else {}
    out = found.get("out")
    names = tuple(str(name) for name in out) if isinstance(out, list) else ()
    return Board(str(found.get("network") or ""), names)


def whole(image: str, task: str, depth: int) -> tuple[results.Prediction, str]:
    """The whole network's answer with a small copy of its photo, and its name in ``result_cache``: made once, so that
    leaving a block out costs one pass.

    Raises:
        UserError: no usable photo, or no weights.
    """
    check_photo(image)
    check_weights(task, depth)
    network = classify.classifier(task, depth)

    def look() -> results.Prediction:
        return smaller(network(image, SHOWN, DRAFT_SIDE))

    folder = checkpoints.weights_folder()
    question = "lab", str(folder), checkpoints.index_version(folder), image, task, depth
    return result_cache.remembered(question, look)


def smaller(prediction: results.Prediction) -> results.Prediction:
    """The same answer about a copy of its photo of at most ``SIDE`` pixels."""
    photo = fit_within(prediction.photo, SIDE)
    if photo is prediction.photo:
        photo = photo.copy()  # What is kept must not count as one of the photos that are decoded, see ``pixel_budget``.
    photo.info.update(prediction.photo.info)
    scale = photo.width / prediction.photo.width, photo.height / prediction.photo.height
    return replace(prediction, photo=photo, window=prediction.window.scaled(*scale))


def answer(asked: Question) -> dict[str, Any]:
    """What the tab shows."""
    before, token = whole(check_photo(asked.photo), asked.task, asked.depth)
    out: tuple[str, ...] = ()
    shown: dict[str, Any] = {}
    if asked.board.network == asked.network:
        known = {name for names in before.blocks.values() for name in names}
        out = tuple(name for name in asked.board.out if name in known)
    else:
        shown = {"board": board_of(before), "shares": lab_blocks.shares(asked.task, asked.depth, before.blocks)}
    after = before.without(*out) if out else None
    return {
        **shown,
        "pair": lab_blocks.pair(before, after, out, token),
        "line": lab_blocks.words(before, after, out),
    }


def board_of(prediction: results.Prediction) -> dict:
    """The row of blocks of a network, all of them in."""
    texts = {key: label(f"lab_{key}") for key in TEXTS}
    return {
        "network": f"{prediction.task}/{prediction.depth}",
        "stages": prediction.blocks,
        "out": [],
        "texts": texts,
    }


def each(image: str, task: str, depth: int) -> Iterator[str]:
    """Leave out one block after the other → the plot so far, as HTML."""
    before, token = whole(check_photo(image), task, depth)
    best = int(before.probabilities.argmax())
    names = [name for found in before.blocks.values() for name in found]
    drops: dict[str, float] = {}
    for name in names:
        if len(drops) % 4 == 0:
            yield lab_blocks.of(token, lab_blocks.trying(len(drops), len(names)))
        drops[name] = float(before.probabilities[best] - before.without(name).probabilities[best])
    yield lab_blocks.of(token, lab_blocks.drops(before, drops))


def restored(values: Mapping[str, object]) -> dict[str, Any]:
    """Kept values → updates of the controls."""
    return restore.task_and_depths(values, catalog.first_task(tasks.CLASSIFICATION), tasks.CLASSIFICATION)


@tab("lab", restore=restored, derived=("last_task",), shown=lambda: catalog.shows(tasks.CLASSIFICATION))
def build() -> dict[str, Component]:
    """Build the tab inside the page that is being built."""
    gr.HTML(f"<h2>{label('lab_title_blocks')}</h2><p>{label('lab_lead_blocks')}</p>", elem_classes=["lab-head"])
    with asking_row(tasks.CLASSIFICATION):
        photo = photo_input("lab-photo", THINGS, catalog.first_task(tasks.CLASSIFICATION), "lab-board")
        task = task_input("lab-task", catalog.first_task(tasks.CLASSIFICATION), tasks.CLASSIFICATION)
        depth = depth_input(catalog.first_task(tasks.CLASSIFICATION), "lab-depth")
    script = (FOLDER / "lab.js").read_text("utf-8")
    board = gr.HTML({}, html_template='<div class="lab-board"></div>', js_on_load=script, elem_id="lab-board")
    line, retry = note_output("lab_hint", "lab-note"), retry_button("lab-retry")
    pair = gr.HTML(elem_id="lab-pair", elem_classes=["lab-pair-holder"])
    tried = gr.HTML(elem_id="lab-tried")
    shares = gr.HTML(elem_id="lab-shares")
    lab_sections.build()
    photo_credits("credits_flowers")
    form = Form(
        Question,
        {"photo": photo, "task": task, "depth": depth, "board": board},
        shown={"pair": pair, "line": line, "board": board, "shares": shares},
        empty={"pair": lambda: ""},
        hint="lab_hint",
        retry=retry,
        viewer="lab-board",
    )
    connect(Listener(form, answer), board.input)

    def try_each(image, task_name, depth_number):
        if not image:
            return
        try:
            yield from each(image, task_name, depth_number)
        except Exception as error:
            yield complain(error)

    board.select(try_each, [photo, task, depth], tried, trigger_mode="always_last", **QUIET)
    return {"task": task, "depth": depth, "last_task": form.last_task}
