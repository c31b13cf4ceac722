"""Calls by MCP wait in threads of their own.

Seen in Gradio 6.31: ``gradio.mcp.run_sync`` holds one of anyio's forty threads for each call of a tool that waits, and
what it waits for needs such threads too: of sixty calls at once forty ended in "timed out". The first calls, if there
are many, also make a client each.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr

from resnet_demo.page.gradio_patches.reach import inside

MAX_CALLS = 64  # calls that wait at a time; further ones wait for these


def wait_apart(page: gr.Blocks) -> None:
    """Make a launched page's tools do so."""
    server = page.mcp_server_obj
    if server is None:
        return
    from gradio import mcp

    inside(mcp, "run_sync", __name__)
    make, lock = inside(server, "_get_or_create_client", __name__), threading.Lock()
    pool = ThreadPoolExecutor(MAX_CALLS, "mcp")

    async def run_sync(function: Callable[..., Any], *values: Any) -> Any:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(pool, lambda: context.run(function, *values))

    def make_once() -> Any:
        with lock:
            return make()

    mcp.run_sync = run_sync  # type: ignore[assignment]
    vars(server)["_get_or_create_client"] = make_once
