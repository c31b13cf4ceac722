"""From a request to an answer: opening the photo, and one sentence for whatever goes wrong."""

from __future__ import annotations

import html
import inspect
import os
import re
from collections.abc import Callable
from functools import wraps

import gradio as gr
from PIL import Image

from resnet_demo.errors import UserError
from resnet_demo.page import catalog
from resnet_demo.page.i18n.errors import sentence
from resnet_demo.page.i18n.format import backend
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.widgets.inputs import note
from resnet_demo.tasks import CropBox


def endpoint(function: Callable) -> Callable:
    """For programs: every failure is an error with one sentence; the unexpected also goes to the log.

    Its docstring is what the page of endpoints and the list of MCP tools say.
    """

    @wraps(function)
    def answer(*inputs):
        try:
            return function(*inputs)
        except Exception as error:
            raise gr.Error(html.escape(sentence(error), quote=False), print_exception=False) from error

    answer.__doc__ = unfolded(function.__doc__ or "")
    return answer


def unfolded(docstring: str) -> str:
    """An endpoint's docstring with each argument, and what it returns, on one line: Gradio reads no further."""
    head, returns, tail = inspect.cleandoc(docstring).partition("\nReturns:\n")
    return re.sub(r"\n {8}", " ", head) + returns + " ".join(tail.split())


def check_photo(path: str | None) -> str:
    """A photo's path → the same, if there is a photo.

    Raises:
        UserError: none was chosen, or the upload was cleared away.
    """
    if not path:
        raise UserError(say("no_photo"))
    if not os.path.exists(path):
        raise UserError(say("photo_gone"))
    return path


def check_weights(task: str, depth: int) -> None:
    """Raise a UserError where a task has weights, but not of this depth, or where the index is broken
    (``predictor.load`` says the rest)."""
    depths = catalog.depths(task)
    if depth not in depths and (depths or task in catalog.ALWAYS):
        raise UserError(catalog.no_weights(task, depth))


def record(result) -> dict:
    """A result as the command line prints it, with the file's name in place of the server's path."""
    details = result.to_json()
    if details["image"]:
        details["image"] = os.path.basename(details["image"])
    return details


def facts(result) -> str:
    """Network, time and backend of a result, as HTML."""
    return say(
        "facts",
        network=html.escape(result.network_title),
        milliseconds=f"{result.milliseconds['total']:,.0f}",
        backend=html.escape(backend(result.backend)),
    )


def photo_lines(*results) -> list[str]:
    """What is to be said of a photo and of its way, in the visitor's language, by one result of it or more."""
    missing, lines = max(result.missing_rows for result in results), []
    if missing:
        lines.append(say("rows_missing", share=f"{100 * missing:.1f}"))
    if any(result.gpu_full for result in results):
        lines.append(say("gpu_full"))
    if any(result.gpu_failed for result in results):
        lines.append(say("gpu_failed"))
    return lines


def dimmed_lines(photo: Image.Image, seen: CropBox) -> list[str]:
    """What is to be said where the network saw only a part of the photo, and the rest is shown darker."""
    whole = (seen.right - seen.left) * (seen.bottom - seen.top) >= 0.98 * photo.width * photo.height
    return [] if whole else [say("dimmed")]


def complain(error: Exception) -> str:
    """Say what went wrong in a corner of the window, and return it for the tab's line of words."""
    text = html.escape(sentence(error), quote=False)
    gr.Warning(text, title=say("notice"))
    return note(text, alert=True)
