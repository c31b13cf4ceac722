"""What our own script sends along with an event.

Seen in Gradio 6.31: ``gr.EventData._data`` holds the value that a component of HTML triggered its event with. Typed
event data (``gr.SelectData``) has only what Gradio's own components send.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from resnet_demo.page.gradio_patches.reach import inside


def sent(event: gr.EventData) -> Any:
    """The value that the browser's ``trigger`` was called with."""
    return inside(event, "_data", __name__)
