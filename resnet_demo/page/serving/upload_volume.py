"""How much one visitor may upload, and none at all where the folder of visitors' files has no room left."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from resnet_demo.page.serving.faults import complain

WINDOW = 600  # seconds
LOCAL = ("127.0.0.1", "::1")
MOST_VISITORS = 10_000
# Where files come in.
PATHS = ("/gradio_api/upload", "/gradio_api/component_server")
# Bodies of other requests: a data URL of the largest photo that is fetched from an address, in base64.
MAX_BODY = 90_000_000


class TooMuch(Exception):
    """A body went beyond its bound."""


class Volume:
    """ASGI middleware: bounds bodies, and the sum of each visitor's in ten minutes.

    Args:
        most: bytes a visitor.
        added: called with the number of bytes that came.
        trusted_proxy: whether the last address of ``X-Forwarded-For`` is the visitor's, as on a Space.
        clock: seconds, from any start.
    """

    def __init__(
        self,
        app,
        most: int,
        added: Callable[[int], None],
        trusted_proxy: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # A proxy on this machine says whom it speaks for; who comes from here without that may use it as he likes.
        self.app, self.most, self.added, self.trusted_proxy, self.clock = app, most, added, trusted_proxy, clock
        self._visitors: OrderedDict[str, tuple[float, int]] = OrderedDict()  # start of the ten minutes, bytes in them

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        visitor, came, started = self.visitor(scope), 0, False
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        most_body = None if path.rstrip("/") in PATHS else MAX_BODY
        announced = int(dict(scope["headers"]).get(b"content-length", b"0") or 0)
        if most_body and announced > most_body:
            await complain(scope, send, 413)
            return
        if self.used(visitor) + announced > self.most:
            await complain(scope, send, 429)
            return

        async def receive_counted():
            nonlocal came
            message = await receive()
            size = len(message.get("body", b""))
            came += size
            if size and self.add(visitor, size) > self.most:
                raise TooMuch
            if most_body and came > most_body:
                raise TooMuch
            return message

        async def send_noted(message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive_counted, send_noted)
        except TooMuch:
            if not started:
                await complain(scope, send, 413 if most_body and came > most_body else 429)
        finally:
            self.added(came)

    def visitor(self, scope) -> str:
        if self.trusted_proxy:
            passed_on = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin-1")
            if passed_on:
                return passed_on.rpartition(",")[2].strip()
        return (scope.get("client") or ("",))[0]

    def used(self, visitor: str) -> int:
        """Bytes of a visitor in the running ten minutes; none of this machine itself."""
        if visitor in LOCAL:
            return 0
        start, size = self._visitors.get(visitor, (self.clock(), 0))
        return 0 if self.clock() - start > WINDOW else size

    def add(self, visitor: str, size: int) -> int:
        if visitor in LOCAL:
            return 0
        start, before = self._visitors.pop(visitor, (self.clock(), 0))
        if self.clock() - start > WINDOW:
            start, before = self.clock(), 0
        self._visitors[visitor] = start, before + size
        while len(self._visitors) > MOST_VISITORS:
            self._visitors.popitem(last=False)
        return before + size
