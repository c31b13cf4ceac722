"""How long many people at once wait with all networks in use, and whether each gets what a lone one gets."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from resnet_demo import checkpoints
from resnet_demo.bench import results
from resnet_demo.bench.harness import servers, uploads
from resnet_demo.bench.harness.http_client import Visitor
from resnet_demo.bench.settings import Settings
from resnet_demo.errors import UserError
from resnet_demo.tasks import CLASSIFICATION

CLIENTS, SECONDS = 64, 120.0
PERCENTILES = (50, 95, 99)
PHOTOS = 4
NEAR = 0.01  # numbers of one answer may differ by this share of the largest: batches round in another order
UNLIKE = ("milliseconds", "image")  # what differs between two answers to one question
EXPLANATION = """
{clients} clients at once for {seconds:g} s: each uploads a photo, asks a network for it, by /classify or /keypoints,
fetches the picture that comes back, and goes on with another network and photo, drawn at random. Each answer is
compared with the one that a lone client got. Networks: {networks}.
"""


def measure(settings: Settings) -> list[dict]:
    """Print the table and what became of the requests, and return the table's rows for JSON.

    Raises:
        UserError: the page does not start, or answers a lone client with an error.
    """
    entries = [entry for entry in checkpoints.bundled() if entry.depth in settings.depths]
    networks = ", ".join(f"{entry.task} {entry.depth}" for entry in entries)
    print(EXPLANATION.format(clients=CLIENTS, seconds=SECONDS, networks=networks or "none"), flush=True)
    if not entries:
        return []
    asked = [(entry, number) for entry in entries for number in range(PHOTOS)]
    with servers.serving(servers.our_app()) as server:
        alone: dict = {}
        with Visitor(server.port) as visitor:
            ends = {name: visitor.endpoint(name) for name in ("classify", "keypoints")}
            for entry, number in tqdm(asked, unit="question", mininterval=1):
                alone[entry.task, entry.depth, number] = answer(visitor, ends, entry, number)

        def client(number: int) -> tuple[list[float], Counter]:
            """Ask until the time is over → seconds of each answer, and what became of the questions."""
            order, waited, became = random.Random(number), [], Counter[str]()
            end = time.perf_counter() + SECONDS
            with Visitor(server.port) as visitor:
                while time.perf_counter() < end:
                    entry, photo = order.choice(asked)
                    start = time.perf_counter()
                    try:
                        found = answer(visitor, ends, entry, photo)
                    except UserError as error:
                        became["busy" if "busy" in str(error).lower() else f"error: {error}"] += 1
                        continue
                    waited.append(1000 * (time.perf_counter() - start))
                    became["same" if near(found, alone[entry.task, entry.depth, photo]) else "different"] += 1
            return waited, became

        with ThreadPoolExecutor(CLIENTS) as pool:
            parts = list(pool.map(client, range(CLIENTS)))
    waited = [each for part, _ in parts for each in part]
    became = sum((counts for _, counts in parts), Counter())
    print(f"Of {became.total():,} questions: {', '.join(f'{many:,} {what}' for what, many in became.most_common())}.")
    rows = [
        results.measured(
            [float(np.percentile(waited, share))],
            what=f"{CLIENTS} clients, all networks: {share} % of the answers within",
            way=servers.OURS,
            unit="ms",
            lower_is_better=True,
            ours=True,
        )
        for share in PERCENTILES
        if waited
    ]
    print(results.table(rows), flush=True)
    return results.to_dicts(rows)


def answer(visitor: Visitor, ends: dict[str, int], entry: checkpoints.Entry, number: int) -> dict:
    """What an endpoint says of one of the photos, without what differs from time to time."""
    if checkpoints.spec(entry.task).kind == CLASSIFICATION:
        found = visitor.ask(ends["classify"], uploads.flower(number), entry.task, entry.depth, 5, "")
    else:
        found = visitor.ask(ends["keypoints"], uploads.face(), entry.depth, "all", entry.task)
    details = next(part for part in reversed(found.outputs) if isinstance(part, dict) and "task" in part)
    return {key: value for key, value in details.items() if key not in UNLIKE}


def near(one: object, other: object, scale: float = 1.0) -> bool:
    """Whether two answers agree: the same words and order, numbers within ``NEAR``."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(near(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        numbers = [abs(value) for value in other if isinstance(value, int | float)]
        largest = max([scale, *numbers])
        return len(one) == len(other) and all(near(a, b, largest) for a, b in zip(one, other, strict=True))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= NEAR * max(scale, abs(other))
    return one == other
