"""From HTTP: upload to fetched result: our Grad-CAM of a photo beside an app that does nothing."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from statistics import median

from tqdm import tqdm

from resnet_demo.bench import results
from resnet_demo.bench.harness import servers, uploads
from resnet_demo.bench.harness.clients import WARM_UP, EndpointClient, beside_nothing, both
from resnet_demo.bench.settings import Settings
from resnet_demo.bench.turns import take_turns

WHAT = "HTTP: upload to fetched result"
LIMIT = 0.75  # of the do-nothing app's time
EXPLANATION = """
From the upload of a photo to its fetched result over plain HTTP, one request after the other on a kept connection.
Photo: JPEG, {width} × {height}, other pixels each time. Turns of each way: {rounds}, {seconds:g} s or one request at
least, after {warm_up} requests and a turn to warm up; a turn's figure is the median of its requests.
- ours: /classify, flowers102, ResNet-{depth}, with the Grad-CAM overlay fetched.
- {nothing}: gr.Image in, gr.Label and gr.Image out with all defaults; it answers a constant label and the photo.
"""


class Requests:
    """What takes turns: one app's requests."""

    def __init__(self, name: str, client: EndpointClient):
        self.name, self.client, self.numbers = name, client, itertools.count()

    def measure(self, seconds: float) -> float:
        """Milliseconds of a request: the median of as many as take ``seconds`` together, and of one at least."""
        times: list[float] = []
        while not times or sum(times) < seconds:
            times.append(self.client.seconds(uploads.flower(next(self.numbers))))
        return 1000 * median(times)


def measure(settings: Settings) -> list[dict]:
    """Print the table, and return its rows for JSON.

    Raises:
        UserError: an app does not start, or answers with an error.
    """
    depth = servers.depth_of(settings.depths)
    print(explanation(settings, depth), flush=True)
    with ExitStack() as stack:
        ways = [
            Requests(server.app.name, stack.enter_context(EndpointClient(server)))
            for server in stack.enter_context(both(depth))
        ]
        with tqdm(total=len(ways) * (settings.rounds + 1), unit="turn", mininterval=1) as progress:
            figures = take_turns(ways, settings.rounds, settings.seconds, progress)
    found = beside_nothing(figures, depth, {"limit_ratio": LIMIT}, what=WHAT, unit="ms", lower_is_better=True)
    print(results.table(found), flush=True)
    return results.to_dicts(found)


def explanation(settings: Settings, depth: int) -> str:
    """What the table shows, in words."""
    return EXPLANATION.format(
        width=uploads.WIDTH,
        height=uploads.HEIGHT,
        rounds=settings.rounds,
        seconds=settings.seconds,
        warm_up=WARM_UP,
        depth=depth,
        nothing=servers.NOTHING,
    )
