"""The endpoints as MCP tools: what Gradio's MCP server hands back, part by part.

Gradio 6.31 wraps all outputs of a tool into one text in Python's notation, unless the client asks for progress; then
pictures come as pictures, and the rest still is no JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
from gradio_client.utils import is_file_obj_with_meta


def tidy(page: gr.Blocks) -> None:
    """Make a launched page's tools answer with pictures and JSON, whatever the client asks for."""
    server = page.mcp_server_obj
    if server is None:
        return
    convert = server.postprocess_output_data

    def convert_parts(data: list, root_url: str) -> list:
        # Each of our endpoints has several outputs: a single one is all of them.
        return convert(list(parts(data[0] if len(data) == 1 else data)), root_url)

    server.postprocess_output_data = convert_parts  # type: ignore[method-assign]


def parts(outputs: Sequence[Any]) -> Iterator[Any]:
    """A tool's outputs → files, of which Gradio makes pictures, and texts."""
    for output in outputs:
        if is_file_obj_with_meta(output):
            yield output
        elif isinstance(output, list):  # A gallery.
            for item in output:
                yield from (item["caption"], item["image"])
        else:
            yield json.dumps(output, ensure_ascii=False)
