"""Puts the page together: heading, tabs, and the line that says what it runs on."""

from __future__ import annotations

import html

import gradio as gr

from resnet_demo import predictor, zerogpu
from resnet_demo.errors import UserError
from resnet_demo.page import choices, compare, faces, flowers
from resnet_demo.page.components import PRIVATE
from resnet_demo.page.strings import label, say

# Seconds between two looks at the cache, and the age at which uploads and pictures are deleted.
CLEARED = (1800, 6 * 3600)


def build() -> gr.Blocks:
    """The page, not yet launched."""
    zerogpu.prepare()
    with gr.Blocks(title=label("title"), delete_cache=CLEARED, analytics_enabled=False) as page:
        with gr.Row(elem_classes=["masthead"]):
            gr.HTML(f"<h1>{label('title')}</h1><p>{label('tagline')}</p>", elem_classes=["heading"])
            status = gr.HTML(status_line(label("getting_ready")), elem_id="status", elem_classes=["status"])
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab(label("tab_flowers"), id="flowers", elem_id="tab-flowers"):
                flowers.tab()
            with gr.Tab(label("tab_faces"), id="faces", elem_id="tab-faces"):
                faces.tab()
            with gr.Tab(label("tab_compare"), id="compare", elem_id="tab-compare"):
                compare.tab()
        page.validate_inputs = fill_inputs
        page.load(device_line, None, status, show_progress="hidden", **PRIVATE)
    return page


def fill_inputs(function: gr.blocks.BlockFunction, inputs: list) -> None:
    """Programs may leave out the last inputs of an endpoint: Gradio's own client then sends what the page starts with,
    plain HTTP does not, and would get an error of many lines."""
    inputs += [component.value for component in function.inputs[len(inputs) :]]


def device_line() -> str:
    """What the networks run on; waits until the first of them is loaded."""
    for task in choices.ALWAYS:
        if choices.available(task):
            try:
                network = predictor.load(task, choices.default_depth(task))
            except UserError as error:
                return status_line(str(error))
            engine = network.backend.split(" on ")[0]
            return status_line(say("running_on", device=network.device.upper(), engine=engine))
    return status_line(label("no_index"))


def status_line(text: str) -> str:
    return f"<span>{html.escape(text)}</span>"
