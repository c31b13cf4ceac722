"""Every call of a function of the page, whichever way it comes: its errors as one sentence, and its record.

Gradio 6.31 gives callers the text of any exception, and prints a traceback for each that is no ``gr.Error``.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Collection
from time import perf_counter
from typing import Any

import gradio as gr
import gradio.context
from gradio import route_utils

from resnet_demo.models.architecture import ALL_DEPTHS
from resnet_demo.page.gradio_patches import light_sessions
from resnet_demo.page.gradio_patches.reach import inside

# Functions of Gradio's inside of which ours, or what handles our results, run.
SERVER_SIDE = ("call_function", "postprocess_data")
_original = inside(route_utils, "call_process_api", __name__)


def watch(
    page: gr.Blocks,
    called: Callable[[str, str | None, int | None, float, str], None],
    offered: Collection[str],
    sentence: Callable[[Exception], str],
    bad_input: Callable[[], str],
) -> None:
    """Answer and record the calls of a page.

    Args:
        called: takes the endpoint's name, task and depth (None where they are none of this page), seconds, and the
            outcome; see ``serving.requests``.
        offered: the page's tasks.
        sentence: says what went wrong in a function of the page, in the caller's language.
        bad_input: says that what was sent is of no use.
    """
    local = inside(gradio.context, "LocalContext", __name__)
    taken: dict[str, float] = {}  # event → seconds so far, of those that answer in steps

    async def call(app: Any, body: Any, gr_request: Any, fn: Any, root_path: str, record_history: bool = True) -> Any:
        start, outcome, goes_on = perf_counter(), "ok", False
        # Gradio sets it only inside our function: what is refused before would be said in English.
        asking = local.request.set(gr_request) if isinstance(gr_request, gr.Request) else None
        try:
            output = await _original(app, body, gr_request, fn, root_path, record_history)
            goes_on = bool(output.get("is_generating"))
            return output
        except gr.Error as error:
            # An error of ours has its sentence; one of Gradio's own components has Gradio's.
            outcome = "refused"
            if error.print_exception:
                raise refused(error, sentence, bad_input) from None
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except Exception as error:
            outcome = "failed" if is_ours(error) else "refused"
            raise refused(error, sentence, bad_input) from None
        finally:
            if asking:
                local.request.reset(asking)
            seconds = taken.pop(body.event_id, 0.0) + perf_counter() - start
            if goes_on and body.event_id:
                taken[body.event_id] = seconds
                while len(taken) > 1000:
                    taken.pop(next(iter(taken)))
            else:
                if fn.fn is not None:
                    called(name_of(fn), *asked_for(fn, body.data, offered), seconds, outcome)
                if body.session_hash and body.session_hash == body.event_id:
                    light_sessions.end(page, body.session_hash)  # Of a request without a session of its own.

    route_utils.call_process_api = call


def refused(error: Exception, sentence: Callable[[Exception], str], bad_input: Callable[[], str]) -> gr.Error:
    """One sentence for an exception, which stands in the log where it is not the caller's."""
    text = sentence(error) if is_ours(error) else bad_input()
    return gr.Error(text, print_exception=False)


def is_ours(error: BaseException) -> bool:
    """Whether an exception comes from our functions or from handling their results, not from reading the inputs."""
    return any(frame.name in SERVER_SIDE for frame in traceback.extract_tb(error.__traceback__)) or isinstance(
        error, OSError | MemoryError
    )


def name_of(fn: Any) -> str:
    """A listener's name: that of its endpoint, else of its function."""
    name = fn.api_name or getattr(fn.fn, "__name__", "")
    return name if str(name).isidentifier() else "listener"


def asked_for(fn: Any, inputs: Any, offered: Collection[str]) -> tuple[str | None, int | None]:
    """Task and depth among a call's raw inputs; never anything that this page does not offer itself."""
    task = depth = None
    for component, value in zip(fn.inputs, inputs or (), strict=False):
        place = getattr(component, "elem_id", None) or ""
        if place.endswith("-task") and isinstance(value, str) and value in offered:
            task = value
        elif place.endswith("-depth") and str(value) in map(str, ALL_DEPTHS):
            depth = int(value)
    return task, depth
