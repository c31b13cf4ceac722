"""What MCP tools say where their inputs are of no use: one sentence.

Gradio 6.31, and mcp 1.x below it, answer with texts of their libraries, and repeat what was sent, however long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from resnet_demo.page.gradio_patches.reach import inside

LIBRARY = ("Input validation error", "Output validation error", "Unexpected return type")
LONGEST = 600  # characters of a sentence of ours


def speak_plainly(page: gr.Blocks, bad_input: Callable[[], str], is_secret: Callable[[str], bool]) -> None:
    """Make a launched page's tools answer what they cannot use with a sentence of ours.

    Args:
        bad_input: says that what was sent is of no use.
        is_secret: whether a text is not for callers, as it names a file of this machine.
    """
    server = page.mcp_server_obj
    if server is None:
        return
    prepare = inside(server, "_prepare_tool_call_args", __name__)
    make_error = inside(server.mcp_server, "_make_error_result", __name__)

    def prepare_or_refuse(name: str, arguments: dict[str, Any]) -> Any:
        try:
            return prepare(name, arguments)
        except gr.Error:
            raise
        except Exception:
            raise ValueError(bad_input()) from None

    def make_plain_error(text: str) -> Any:
        plain = text.startswith(LIBRARY) or len(text) > LONGEST or is_secret(text)
        return make_error(bad_input() if plain else text)

    vars(server)["_prepare_tool_call_args"] = prepare_or_refuse
    vars(server.mcp_server)["_make_error_result"] = make_plain_error
