"""Photos that MCP clients send go the way of all others: as they came, to ``photo_source``.

Gradio 6.31 writes data URLs into a folder of its own, without a limit, and answers a text that is neither one nor an
address by repeating it.
"""

from __future__ import annotations

import gradio as gr


def leave_photos(page: gr.Blocks) -> None:
    """Make a launched page's tools hand over strings as they are."""
    server = page.mcp_server_obj
    if server is not None:
        server.convert_strings_to_filedata = lambda value, positions: value  # type: ignore[method-assign]
