"""Photos that MCP clients send go the way of all others: as they came, to ``photo_source``.

Seen in Gradio 6.31: ``GradioMCPServer.convert_strings_to_filedata(value, filedata_positions)`` writes data URLs into a
folder of its own, without a limit, and answers a text that is neither one nor an address by repeating it. It is
replaced for a launched page.
"""

from __future__ import annotations

import gradio as gr

from resnet_demo.page.gradio_patches.reach import inside


def leave_photos(page: gr.Blocks) -> None:
    """Make a launched page's tools hand over strings as they are."""
    server = page.mcp_server_obj
    if server is not None:
        inside(server, "convert_strings_to_filedata", __name__)
        server.convert_strings_to_filedata = lambda value, filedata_positions: value  # type: ignore[method-assign]
