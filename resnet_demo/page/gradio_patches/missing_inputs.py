"""Inputs that a program leaves out of a request.

Seen in Gradio 6.31: ``Blocks.validate_inputs(function, inputs)`` refuses a list that is too short, in many lines.
Gradio's own client fills it up from the description of the endpoint; plain HTTP does not. The method is replaced by one
that fills the list in place.
"""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
from gradio.blocks import BlockFunction

from resnet_demo.page.gradio_patches.reach import inside


def fill_with(page: gr.Blocks, fill: Callable[[BlockFunction, list], None]) -> None:
    """Let ``fill(function, inputs)`` complete the inputs of each request, in place of the check of their number."""
    inside(page, "validate_inputs", __name__)
    page.validate_inputs = fill  # type: ignore[method-assign,assignment]
