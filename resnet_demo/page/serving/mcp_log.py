"""A call that is no MCP call is one line in the log.

mcp 1.30.0 writes a line for each way in which the call is none, some ninety, with what the visitor sent
(``mcp.shared.session``, logged by the root logger; read there and seen with ``"arguments": 7``).
"""

from __future__ import annotations

import logging

BEGINNING = "Failed to validate request: "


def first_line(record: logging.LogRecord) -> bool:
    """Leave the first line of what mcp says of such a call; the visitor gets JSON-RPC's error as before."""
    text = str(record.msg)
    if text.startswith(BEGINNING):
        record.msg = text.split("\n", 1)[0]
    return True


def quiet() -> None:
    """Put the filter in its place; a second time changes nothing."""
    logging.getLogger().addFilter(first_line)
