"""A call that is no MCP call is one line in the log.

mcp 1.30.0 writes a line for each way in which the call is none, some ninety, with what the visitor sent
(``mcp.shared.session``, logged by the root logger; read there and seen with ``"arguments": 7``).
"""

from __future__ import annotations

import logging

BEGINNING = "Failed to validate request: "


class FirstLine(logging.Filter):
    """Leaves the first line of what mcp says of such a call; the visitor gets JSON-RPC's error as before."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if text.startswith(BEGINNING):
            record.msg = text.split("\n", 1)[0]
        return True


def quiet() -> None:
    """Put the filter in its place; once is enough."""
    logger = logging.getLogger()
    if not any(isinstance(each, FirstLine) for each in logger.filters):
        logger.addFilter(FirstLine())
