"""Networks for the page: weights that come from the Hugging Face Hub show how far they are."""

from __future__ import annotations

import contextvars

import gradio as gr

from resnet_demo.inference import predictor
from resnet_demo.page import catalog
from resnet_demo.page.i18n.texts import say


def network(task: str, depth: int) -> predictor.Predictor:
    """``predictor.load``, with Gradio's progress display of the running event while weights are downloaded.

    Raises:
        UserError: see ``predictor.load``.
    """
    display, event = gr.Progress(), contextvars.copy_context()
    said = say("downloading", network=catalog.network_title(task, depth))

    def show(here: int, whole: int | None) -> None:
        # The client may call from a thread of its own, which knows neither the event nor its language.
        event.run(display, (here, whole), desc=said, unit="bytes")

    return predictor.load(task, depth, progress=show)
