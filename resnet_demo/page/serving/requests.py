"""What comes in: how many requests are running, the operator's lines about them, ``/healthz`` and ``/metrics``."""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable

log = logging.getLogger(__name__)

# Connections that stay open while a page is: nobody waits for an answer there.
IDLE = re.compile(r"/(heartbeat/[^/]*|upload_progress|dev/reload|mcp.*|stream/.*)$")
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # seconds
OUTCOMES = ("ok", "refused", "failed", "cancelled")


class Requests:
    """Counts of one server, and its log."""

    def __init__(self) -> None:
        self.stopping = False
        self.running = 0  # Only the event loop changes it.
        self._calls: Counter[tuple[str, str]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._buckets: Counter[tuple[str, float]] = Counter()
        self._statuses: Counter[int] = Counter()
        self._lock = threading.Lock()

    def answered(self, status: int) -> None:
        """An HTTP response was begun."""
        self._statuses[status] += 1

    def called(self, endpoint: str, task: str | None, depth: int | None, seconds: float, outcome: str) -> None:
        """A function of the page came to its end: one line for the operator, never a photo, a name or an address.

        Args:
            endpoint: its name.
            task, depth: what it was asked for; None where it is no task or depth of this page.
            seconds: from the start of the function, without the time in the queue.
            outcome: one of ``OUTCOMES``.
        """
        with self._lock:
            self._calls[endpoint, outcome] += 1
            self._seconds[endpoint] += seconds
            for bound in BUCKETS:
                if seconds <= bound:
                    self._buckets[endpoint, bound] += 1
        line = {
            "id": secrets.token_hex(6),
            "endpoint": endpoint,
            "task": task,
            "depth": depth,
            "milliseconds": round(seconds * 1000, 1),
            "outcome": outcome,
        }
        log.info("%s", json.dumps(line))

    def metrics(self) -> str:
        """Everything counted, in Prometheus' text format."""
        with self._lock:
            calls, seconds, buckets = Counter(self._calls), dict(self._seconds), Counter(self._buckets)
        lines = ["# TYPE resnet_demo_calls_total counter"]
        for (endpoint, outcome), count in sorted(calls.items()):
            lines.append(f'resnet_demo_calls_total{{endpoint="{endpoint}",outcome="{outcome}"}} {count}')
        lines.append("# TYPE resnet_demo_call_seconds histogram")
        for endpoint in sorted(seconds):
            count = sum(number for (name, _), number in calls.items() if name == endpoint)
            where = f'endpoint="{endpoint}"'
            for bound in BUCKETS:
                lines.append(f'resnet_demo_call_seconds_bucket{{{where},le="{bound:g}"}} {buckets[endpoint, bound]}')
            lines.append(f'resnet_demo_call_seconds_bucket{{{where},le="+Inf"}} {count}')
            lines.append(f"resnet_demo_call_seconds_sum{{{where}}} {seconds[endpoint]:.6f}")
            lines.append(f"resnet_demo_call_seconds_count{{{where}}} {count}")
        lines.append("# TYPE resnet_demo_http_responses_total counter")
        for status, count in sorted(dict(self._statuses).items()):
            lines.append(f'resnet_demo_http_responses_total{{status="{status}"}} {count}')
        lines.append("# TYPE resnet_demo_requests_running gauge")
        lines.append(f"resnet_demo_requests_running {self.running}")
        return "\n".join(lines) + "\n"


class Counted:
    """ASGI middleware: counts requests, answers ``/healthz`` and ``/metrics``, and takes nothing new while stopping.

    Args:
        requests: where to count.
        metrics: whether ``/metrics`` is shown.
    """

    def __init__(self, app, requests: Requests, metrics: bool = False) -> None:
        self.app, self.requests, self.metrics = app, requests, metrics

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path == "/healthz":
            stopping = self.requests.stopping
            await answer(send, 503 if stopping else 200, {"status": "stopping" if stopping else "ok"})
            return
        if path == "/metrics" and self.metrics:
            await answer(send, 200, self.requests.metrics(), b"text/plain; version=0.0.4; charset=utf-8")
            return
        if self.requests.stopping and scope["method"] == "POST":
            from resnet_demo.page.i18n.texts import say

            await answer(send, 503, {"detail": say("stopping")}, extra=[(b"retry-after", b"10")])
            return

        async def send_counted(message) -> None:
            if message["type"] == "http.response.start":
                self.requests.answered(message["status"])
            await send(message)

        waited_for = not IDLE.search(path)
        self.requests.running += waited_for
        try:
            await self.app(scope, receive, send_counted)
        finally:
            self.requests.running -= waited_for


async def answer(
    send,
    status: int,
    content: dict | str,
    kind: bytes = b"application/json",
    extra: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Send a whole response."""
    body = (content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)).encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
