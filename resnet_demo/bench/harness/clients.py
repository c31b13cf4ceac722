"""Somebody who sends one photo after another to an app and waits for each answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from resnet_demo.bench import results
from resnet_demo.bench.harness import processes
from resnet_demo.bench.harness.http_client import Answer, Visitor
from resnet_demo.bench.harness.servers import NOTHING, OURS, App, Server, nothing_app, our_app, serving
from resnet_demo.bench.harness.uploads import flower

WARM_UP = 5  # requests to a fresh app


class EndpointClient:
    """A visitor who knows the endpoint of an app that is measured. For one thread at a time; close it.

    Raises:
        UserError: the app does not answer, or with an error; as every method does.
    """

    def __init__(self, server: Server):
        self.visitor = Visitor(server.port)
        self.endpoint, self.others = self.visitor.endpoint(server.app.endpoint), server.app.inputs

    def __enter__(self) -> EndpointClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.visitor.__exit__(*error)

    def ask(self, photo: bytes) -> Answer:
        """Upload a photo, call the endpoint and fetch the picture that comes back."""
        return self.visitor.ask(self.endpoint, photo, *self.others)

    def seconds(self, photo: bytes) -> float:
        """How long ``ask`` takes."""
        start = time.perf_counter()
        self.ask(photo)
        return time.perf_counter() - start


@contextmanager
def both(depth: int) -> Iterator[list[Server]]:
    """Our page and the do-nothing app, both serving, warmed up and at rest."""
    with running(our_app(depth=depth), nothing_app()) as servers:
        yield servers


@contextmanager
def running(*apps: App) -> Iterator[list[Server]]:
    """Apps that are serving, warmed up and at rest."""
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(app)) for app in apps]
        for server in servers:
            warm_up(server)
        # Our page goes on with its other network in the background.
        processes.settle([server.process.pid for server in servers])
        yield servers


def beside_nothing(
    figures: Mapping[str, Sequence[float]], depth: int, goal: Mapping[str, float], **shared
) -> list[results.Row]:
    """The rows of ``both``: ours, and the do-nothing app's with its ``goal`` (``target_ratio`` or ``limit_ratio``).

    Args:
        figures: of each, by its name.
        shared: what the rows have in common, such as ``what`` and ``unit``.
    """
    return [
        results.measured(figures[OURS], way=f"{OURS}, ResNet-{depth}", ours=True, **shared),
        results.measured(figures[NOTHING], way=NOTHING, **goal, **shared),
    ]


def warm_up(server: Server) -> None:
    with EndpointClient(server) as client:
        for number in range(WARM_UP):
            client.ask(flower(number))
