"""The Lab's other experiments: gradients through the layers, depth without shortcuts, traps, stages, and numbers.

They come when the tab is opened, and not with the page.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from resnet_demo.inference import results
from resnet_demo.page import result_cache
from resnet_demo.page.i18n.errors import sentence
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.tabs import lab_layers, lab_numbers, lab_recorded, lab_stages, lab_training, lab_traps
from resnet_demo.page.widgets.inputs import note

SCRIPT = Path(__file__).with_suffix(".js")


def build() -> None:
    """Build them inside the page that is being built."""
    gr.HTML(
        html_template='<div class="lab"></div>',
        js_on_load=SCRIPT.read_text("utf-8"),
        server_functions=[lab_open, lab_measured, lab_seen],
        elem_id="lab-more",
    )


def answered(make: Callable[[], str]) -> dict:
    """For the browser: {html}, or {html, failed} with one sentence."""
    try:
        return {"html": make()}
    except Exception as error:
        return {"html": note(html.escape(html.unescape(sentence(error)), quote=False), alert=True), "failed": True}


def lab_open(data: dict) -> dict:
    """For the browser: all sections, with places for what is measured."""
    return answered(sections)


def sections() -> str:
    parts = []
    # Where it was run.
    training = f'<div class="lab-training">{lab_training.shown()}</div>' if lab_training.FILE.is_file() else ""
    for name, content in (
        ("layers", f'{lab_layers.controls()}<div class="lab-layers"></div>{lab_recorded.shown()}'),
        ("training", training),
        ("traps", lab_traps.shown()),
        ("stages", '<div class="lab-stages"></div>'),
        ("numbers", lab_numbers.numbers()),
    ):
        if content:
            parts.append(
                f"<section><h2>{say(f'lab_title_{name}')}</h2><p>{say(f'lab_lead_{name}')}</p>{content}</section>"
            )
    return "".join(parts)


def lab_measured(data: dict) -> dict:
    """For the browser: gradients and activations, {depth, shortcuts, norm}."""
    return answered(lambda: lab_layers.measured(int(data["depth"]), bool(data["shortcuts"]), bool(data["norm"])))


def lab_seen(data: dict) -> dict:
    """For the browser: the strongest channels of each stage, {token, out} of the answer on screen."""
    return answered(lambda: seen(str(data["token"]), [name for name in str(data["out"]).split(",") if name]))


def seen(token: str, out: list[str]) -> str:
    found = result_cache.find(token)
    assert isinstance(found, results.Prediction)
    return lab_stages.pictures(found, out)
