"""Connections: no more than there are descriptors for, and none that says nothing.

Uvicorn 0.54 waits for headers and bodies without end, and takes connections until the system refuses more; then its
event loop logs a traceback for each try.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from resnet_demo.page.limits import Limits

ACCEPTING = ("out of system resource", "_start_serving")  # in asyncio's messages
Protocol: Any = AutoHTTPProtocol
MAX_CONNECTIONS = 1000
SLOWEST = 1000  # bytes a second of a body


def most_connections(limits: Limits) -> int:
    """The limit of open connections: as set, else what the system's limit of open files leaves."""
    if limits.connections:
        return limits.connections
    try:
        import resource

        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except (ImportError, OSError):
        return MAX_CONNECTIONS
    # Half of what the page does not need itself: requests open files too, and connections that are refused count.
    return max(8, min(MAX_CONNECTIONS, (files - 32) // 2)) if files > 0 else MAX_CONNECTIONS


def backlog(limits: Limits) -> int:
    """Connections that are taken at a time: so many may come beyond the limit before they are refused."""
    return max(4, min(128, most_connections(limits) // 2))


def protocol(limits: Limits) -> type:
    """Uvicorn's protocol with these limits."""
    most, header_seconds, body_seconds = most_connections(limits), limits.header_seconds, limits.body_seconds

    class Patient(Protocol):
        _timer = None
        _bytes = 0

        def connection_made(self, transport) -> None:
            super().connection_made(transport)
            if len(self.connections) > most:
                logging.getLogger(__name__).warning("There are %d connections: another one was closed.", most)
                transport.abort()
                return
            self._wait(header_seconds, self._no_headers)

        def connection_lost(self, exc) -> None:
            self._wait(0)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            self._bytes += len(data)
            super().data_received(data)
            if self._receiving_body():
                if self._timer is None or self._timer[1] != self._no_body:
                    self._bytes = 0
                    self._wait(body_seconds, self._no_body)
            elif self.cycle is not None and not self.cycle.response_complete:
                self._wait(0)
            elif self._timer is None:
                self._wait(header_seconds, self._no_headers)

        def _receiving_body(self) -> bool:
            cycle = self.cycle
            return cycle is not None and not cycle.response_complete and cycle.more_body

        def _no_headers(self) -> None:
            self._timer = None
            if self.cycle is None or self.cycle.response_complete:
                self.transport.close()

        def _no_body(self) -> None:
            self._timer = None
            if not self._receiving_body():
                return
            slow = self._bytes < SLOWEST * body_seconds and not self.flow.read_paused
            self._bytes = 0
            if slow:
                self.transport.abort()
            else:
                self._wait(body_seconds, self._no_body)

        def _wait(self, seconds: float, then=None) -> None:
            if self._timer is not None:
                self._timer[0].cancel()
            self._timer = (self.loop.call_later(seconds, then), then) if then else None

    return Patient


class OncePerMinute(logging.Filter):
    """Lets one line a minute about too many connections through, without a traceback.

    Args:
        clock: seconds, from any start.
    """

    def __init__(self, clock=time.monotonic) -> None:
        super().__init__()
        self.clock, self._last = clock, float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if not any(part in text for part in ACCEPTING) and not text.startswith("There are %d connections"):
            return True
        if self.clock() - self._last < 60:
            return False
        self._last = self.clock()
        record.exc_info = record.exc_text = None
        return True


def quiet() -> None:
    """One line a minute in the log where there are too many connections."""
    once = OncePerMinute()
    for name in (__name__, "asyncio"):
        logging.getLogger(name).addFilter(once)
