"""Requests a second with many people at once: our page beside an app that does nothing."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tqdm import tqdm

from resnet_demo.bench import results
from resnet_demo.bench.harness import servers, uploads
from resnet_demo.bench.harness.clients import EndpointClient, beside_nothing, both
from resnet_demo.bench.settings import Settings
from resnet_demo.bench.turns import take_turns

CLIENTS = (8, 32)
REACH = 1.5  # times the do-nothing app's requests a second
PHOTOS = 64  # prepared beforehand, as preparing one would take CPU time from the apps
EXPLANATION = """
Requests a second over plain HTTP with {clients} clients at once: each uploads a photo, waits for its result, fetches
it, and goes on with the next photo. Photos: {photos}, JPEG, {width} × {height}. Turns of each way: {rounds}, of
{seconds:g} s, in which each client begins one request at least; after a turn to warm up.
- ours: /classify, flowers102, ResNet-{depth}, with the Grad-CAM overlay fetched.
- {nothing}: gr.Image in, gr.Label and gr.Image out with all defaults; it answers a constant label and the photo.
"""


class Crowd:
    """What takes turns: one app's clients, each with a thread, a connection and a session."""

    def __init__(self, name: str, clients: list[EndpointClient], supply: list[bytes]):
        self.name, self.clients, self.supply = name, clients, supply

    def measure(self, seconds: float) -> float:
        """Requests a second: all that begin within ``seconds``, one of each client at least, until the last is done."""
        barrier = threading.Barrier(len(self.clients) + 1)

        def client(number: int) -> int:
            """Ask until the time is over → how often."""
            barrier.wait()
            begun, done = time.perf_counter(), 0
            while not done or time.perf_counter() - begun < seconds:
                self.clients[number].ask(self.supply[(number + done * len(self.clients)) % len(self.supply)])
                done += 1
            return done

        with ThreadPoolExecutor(len(self.clients)) as pool:
            running = [pool.submit(client, number) for number in range(len(self.clients))]
            barrier.wait()
            start = time.perf_counter()
            done = sum(one.result() for one in running)
            return done / (time.perf_counter() - start)


def measure(settings: Settings) -> list[dict]:
    """Print the table, and return its rows for JSON.

    Raises:
        UserError: an app does not start, or answers with an error.
    """
    depth = servers.depth_of(settings.depths)
    print(explanation(settings, depth), flush=True)
    supply = [uploads.flower(number) for number in range(PHOTOS)]
    found: list[results.Row] = []
    total = len(CLIENTS) * 2 * (settings.rounds + 1)
    with both(depth) as running, tqdm(total=total, unit="turn", mininterval=1) as progress:
        for clients in CLIENTS:
            with ExitStack() as stack:
                ways = [
                    Crowd(
                        server.app.name, [stack.enter_context(EndpointClient(server)) for _ in range(clients)], supply
                    )
                    for server in running
                ]
                figures = take_turns(ways, settings.rounds, settings.seconds, progress)
            shared = {"what": f"{clients} clients at once", "unit": "requests a second", "lower_is_better": False}
            found += beside_nothing(figures, depth, {"target_ratio": REACH}, **shared)
    print(results.table(found), flush=True)
    return results.to_dicts(found)


def explanation(settings: Settings, depth: int) -> str:
    """What the table shows, in words."""
    return EXPLANATION.format(
        clients=" and ".join(map(str, CLIENTS)),
        photos=PHOTOS,
        width=uploads.WIDTH,
        height=uploads.HEIGHT,
        rounds=settings.rounds,
        seconds=settings.seconds,
        depth=depth,
        nothing=servers.NOTHING,
    )
