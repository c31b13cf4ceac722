"""What takes microseconds is done where it is, not handed to a thread.

Seen in Gradio 6.31 with FastAPI 0.165.0: ``Blocks.preprocess_data`` and ``Blocks.postprocess_data`` hand each input and
each output of an event to a thread of its own, and FastAPI does so with ``login_check`` of every request, as it is no
coroutine. One classification crosses threads about fourteen times that way, and each crossing makes the event loop wait
for the interpreter's lock: a seventh of its time under load. Reading a radio's value needs no thread. Around each event
Gradio also imports matplotlib, which takes longest where there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import anyio
import gradio as gr
from fastapi.dependencies import utils as dependencies
from gradio import blocks, utils

from resnet_demo.page.gradio_patches.reach import inside

# Components whose own reading and writing neither touches a file nor takes long.
INPUTS = (gr.Radio, gr.CheckboxGroup, gr.Checkbox, gr.Dropdown, gr.Slider, gr.Number, gr.Textbox)
OUTPUTS = (gr.HTML, gr.Markdown, gr.Label, gr.JSON, gr.Button)
_in_thread = inside(dependencies, "run_in_threadpool", __name__)
LOGIN = "App.create_app.<locals>.login_check"


def is_quick(function: Callable) -> bool:
    """Whether a component's ``preprocess`` or ``postprocess`` may run on the event loop: those of ``INPUTS`` and
    ``OUTPUTS``, and those that ``preprocess.read_with`` put there."""
    return getattr(function, "is_quick", False) or isinstance(getattr(function, "__self__", None), INPUTS + OUTPUTS)


async def run_sync(function: Callable, *values: Any, **options: Any) -> Any:
    """``anyio.to_thread.run_sync``, for what is not quick."""
    if is_quick(function):
        return function(*values)
    return await anyio.to_thread.run_sync(function, *values, **options)


async def unless_login(function: Callable, *values: Any, **named: Any) -> Any:
    """FastAPI's ``run_in_threadpool``, for all that it depends on but Gradio's ``login_check``."""
    if getattr(function, "__qualname__", "") == LOGIN:
        return function(*values, **named)
    return await _in_thread(function, *values, **named)


def save() -> None:
    """Make Gradio and FastAPI do so, for all pages."""
    inside(blocks, "anyio", __name__)
    blocks.anyio = SimpleNamespace(to_thread=SimpleNamespace(run_sync=run_sync))  # type: ignore[assignment]
    dependencies.run_in_threadpool = unless_login  # type: ignore[assignment]
    inside(utils, "MatplotlibBackendMananger", __name__)
    if find_spec("matplotlib") is None:
        utils.MatplotlibBackendMananger = nullcontext  # type: ignore[misc,assignment]
