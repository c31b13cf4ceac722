"""A queue that is woken when there is something to do, and rests until then.

Seen in Gradio 6.31: ``Queue.start_processing`` looks a thousand times a second whether an event has come or a place has
become free, also where nobody is there: 4 % of a CPU for each page that runs, and as much again is taken from the
networks while events wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import gradio as gr
from gradio import queueing

from resnet_demo.page.gradio_patches.reach import inside

LONGEST = 0.25  # seconds until the queue looks although nothing woke it


class Rest(float):
    """Seconds for ``sleep`` that end when ``woken`` is set."""

    def __init__(self, seconds: float):
        self.woken = asyncio.Event()


class Asyncio:
    """``asyncio`` as Gradio's queue sees it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        if not isinstance(seconds, Rest):
            return await asyncio.sleep(seconds)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(seconds.woken.wait(), float(seconds))
        seconds.woken.clear()


def let_rest(page: gr.Blocks, longest: float = LONGEST) -> None:
    """Let the queue of a page rest while nothing is to be done; after ``page.queue``, before its launch.

    Args:
        longest: seconds after which it looks by itself.
    """
    queue, rest = inside(page, "_queue", __name__), Rest(longest)
    inside(queue, "sleep_when_free", __name__)

    def waking(run: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def run_and_wake(*values: Any, **named: Any) -> Any:
            try:
                return await run(*values, **named)
            finally:
                rest.woken.set()

        return run_and_wake

    for name in ("push", "process_events"):  # An event comes; an event has ended, and its place is free.
        setattr(queue, name, waking(inside(queue, name, __name__)))
    queue.sleep_when_free = rest
    inside(queueing, "asyncio", __name__)
    queueing.asyncio = Asyncio()  # type: ignore[assignment]
