"""A function for visitors who leave, of which several run at a time.

Gradio 6.31 gives ``Blocks.unload`` no argument for that, and lets one visitor leave after the other.
"""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from resnet_demo.page.gradio_patches.reach import inside


def on_leaving(page: gr.Blocks, function: Callable[[gr.Request], None], at_once: int) -> None:
    """Call ``function`` when a visitor of a page that is being built closes or leaves it, ``at_once`` at a time."""
    page.unload(function)
    functions = inside(page, "fns", __name__)
    functions[max(functions)].concurrency_limit = at_once
