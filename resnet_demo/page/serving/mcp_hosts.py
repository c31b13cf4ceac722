"""MCP answers only at names that this page serves: a web page elsewhere could make its own name lead here (DNS
rebinding), and let the visitor's browser use the tools."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from resnet_demo.page.serving.faults import MCP, complain


def hosts(environment: Mapping[str, str], host: str) -> frozenset[str]:
    """The names of this page: its own, the machine's, the Space's, that of ``GRADIO_ROOT_PATH`` and those of
    ``RESNET_DEMO_HOSTS``, separated by commas."""
    given = environment.get("RESNET_DEMO_HOSTS", "").split(",") + environment.get("SPACE_HOST", "").split(",")
    root = urlsplit(environment.get("GRADIO_ROOT_PATH", "")).hostname
    names = {"localhost", host, socket.gethostname(), root or "", *given}
    return frozenset(name.strip().lower() for name in names if name.strip())


class OwnHosts:
    """ASGI middleware: refuses MCP requests for other names, or from pages of other names; IP addresses are no names.

    Args:
        names: see ``hosts``.
    """

    def __init__(self, app, names: frozenset[str]) -> None:
        self.app, self.names = app, names

    async def __call__(self, scope, receive, send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        if path.startswith(MCP):
            headers = dict(scope["headers"])
            asked = {f"//{headers.get(b'host', b'').decode('latin-1')}", headers.get(b"origin", b"").decode("latin-1")}
            if not all(self.is_own(urlsplit(place).hostname) for place in asked - {""}):
                await complain(scope, send, 403)
                return
        await self.app(scope, receive, send)

    def is_own(self, name: str | None) -> bool:
        if not name:
            return False
        if name.lower() in self.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
