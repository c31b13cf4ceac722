"""What goes wrong before a function of the page runs: one sentence for the visitor, one line for the operator.

Gradio 6.31 answers with texts of its library, with what was sent to it, or with a path of this machine, and its errors
fill the log with tracebacks.
"""

from __future__ import annotations

import logging
import re
import traceback

from resnet_demo.page.gradio_patches.no_endpoint import names_no_endpoint
from resnet_demo.page.i18n.errors import is_disk_trouble
from resnet_demo.page.i18n.language import of_request
from resnet_demo.page.i18n.texts import say_in
from resnet_demo.page.serving.requests import answer

log = logging.getLogger(__name__)

SENTENCES = {
    403: "http_refused",
    404: "http_not_found",
    405: "http_not_found",
    413: "http_too_large",
    429: "http_too_much",
    503: "http_busy",
    507: "disk_full",
}
# Parts of Gradio that this page does not use: they write to the disk, or start programs.
CLOSED = re.compile(
    r"/(gradio_api/)?(deep_link|(undo-)?vibe-[^/]*|process_recording|monitoring|run-history|login)(/.*)?$"
)
MCP = "/gradio_api/mcp"


class Sentences:
    """ASGI middleware: errors as ``{"detail": sentence}``. MCP has its own form of errors and keeps it."""

    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        started = replaced = False

        async def send_sentence(message) -> None:
            nonlocal started, replaced
            if message["type"] == "http.response.start":
                started = True
                if message["status"] >= 400 and scope["method"] != "HEAD" and not path.startswith(MCP):
                    replaced = True
                    await complain(scope, send, message["status"])
                    return
            if not replaced:
                await send(message)

        if CLOSED.match(path):
            await complain(scope, send, 404)
            return
        try:
            await self.app(scope, receive, send_sentence)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
            log.warning("%s %s: %s at %s", scope["method"], endpoint_of(path), type(error).__name__, where)
            if not started:
                await complain(scope, send, 507 if is_disk_trouble(error) else status_of(error))


def status_of(error: Exception) -> int:
    """The status for an exception that Gradio does not handle: those of looking things up come from what was sent."""
    if names_no_endpoint(error):
        return 404
    return 400 if isinstance(error, LookupError | ValueError | TypeError | AttributeError | AssertionError) else 500


async def complain(scope, send, status: int) -> None:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    language = of_request(headers, scope["query_string"].decode("latin-1"))
    key = SENTENCES.get(status, "unexpected" if status >= 500 else "http_bad")
    extra = [(b"retry-after", b"10")] if status in (429, 503) else []
    await answer(send, status, {"detail": say_in(language, key)}, extra=extra)


def endpoint_of(path: str) -> str:
    """An address without what a visitor may have put into it."""
    known = re.match(
        r"/(gradio_api/)?(call/v2|call|run|upload|queue/join|queue/data|component_server|config|info|mcp)\b", path
    )
    return known[0] if known else "/…"
