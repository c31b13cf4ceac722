"""Resident memory of our page: after every bundled network was used, after many visitors at once, and what requests
without a session leave behind."""

from __future__ import annotations

import base64
import json
import random
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from PIL import Image
from tqdm import tqdm

from resnet_demo import checkpoints
from resnet_demo.bench import results
from resnet_demo.bench.harness import processes, servers, uploads
from resnet_demo.bench.harness.http_client import Visitor
from resnet_demo.bench.settings import Settings
from resnet_demo.tasks import CLASSIFICATION

WHAT = "memory with all bundled networks"
WHAT_MIXED = "memory after five rounds of eight visitors with all networks"
WHAT_LEFT = "memory left by 5,000 requests without a session"
REACH, REACH_MIXED, REACH_LEFT = 3.0, 2.0, 0.02  # GB
VISITORS, ROUNDS, REQUESTS = 8, 5, 5000
REST = 25  # seconds in which the page's memory is looked after
GIGABYTE = 1e9


def small() -> str:
    """A data URL of a grey photo."""
    content = BytesIO()
    Image.new("RGB", (64, 64), "grey").save(content, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()


SMALL = small()
EXPLANATION = """
Resident memory (RSS) of our page's process and its children, {when}: one photo each over HTTP, through /classify
or /keypoints. Networks: {networks}. Then {visitors} visitors at once ask all of them, {rounds} times, each in another
order, and the page rests {rest} s; then {requests:,} small photos are sent to /call/classify, as curl does.
"""


def measure(settings: Settings) -> list[dict]:
    """Print the table, and return its rows for JSON; none where the system does not tell.

    Raises:
        UserError: the page does not start, or answers with an error.
    """
    if not processes.readable():
        print("\nMemory is left out: only Linux says in /proc how much a process has.", flush=True)
        return []
    entries = checkpoints.bundled()
    networks = ", ".join(f"{entry.task} {entry.depth}" for entry in entries)
    print(
        EXPLANATION.format(
            when="after each was loaded and used once",
            networks=networks or "none",
            visitors=VISITORS,
            rounds=ROUNDS,
            rest=REST,
            requests=REQUESTS,
        ),
        flush=True,
    )
    with servers.serving(servers.our_app()) as server, Visitor(server.port) as visitor:
        pid, sizes = server.process.pid, []
        for entry in tqdm(entries, unit="network", mininterval=1):
            ask(visitor, entry)
        sizes.append(processes.resident(pid) / GIGABYTE)
        with ThreadPoolExecutor(VISITORS) as pool:
            list(pool.map(lambda number: mixed(server.port, entries, number), range(VISITORS)))
        time.sleep(REST)
        sizes.append(processes.resident(pid) / GIGABYTE)
        before = processes.resident(pid)
        for _ in tqdm(range(REQUESTS), unit="request", mininterval=1):
            without_session(server.port)
        time.sleep(REST)
        sizes.append(max(0, processes.resident(pid) - before) / GIGABYTE)
    shared = {"way": servers.OURS, "unit": "GB", "lower_is_better": True, "ours": True}
    rows = [
        results.measured([sizes[0]], what=WHAT, target_ratio=REACH, note=f"{len(entries)} networks", **shared),
        results.measured([sizes[1]], what=WHAT_MIXED, target_ratio=REACH_MIXED, **shared),
        results.measured([sizes[2]], what=WHAT_LEFT, target_ratio=REACH_LEFT, **shared),
    ]
    print(results.table(rows), flush=True)
    return results.to_dicts(rows)


def ask(visitor: Visitor, entry: checkpoints.Entry) -> None:
    """One photo through a network, by its endpoint."""
    if checkpoints.spec(entry.task).kind == CLASSIFICATION:
        visitor.ask(visitor.endpoint("classify"), uploads.flower(0), entry.task, entry.depth, 5, "")
    else:
        visitor.ask(visitor.endpoint("keypoints"), uploads.face(), entry.depth, "all", entry.task)


def mixed(port: int, entries: list[checkpoints.Entry], number: int) -> None:
    """A visitor who asks all networks, several times, each time in another order."""
    order = random.Random(number)
    with Visitor(port) as visitor:
        for _ in range(ROUNDS):
            for entry in order.sample(entries, len(entries)):
                ask(visitor, entry)


def without_session(port: int) -> None:
    """A small photo to /call/classify, in two requests, each with a connection of its own."""
    photo = {"url": SMALL, "meta": {"_type": "gradio.FileData"}}
    address = f"http://127.0.0.1:{port}/gradio_api/call/classify"
    content = json.dumps({"data": [photo, "flowers102"]}).encode()
    question = urllib.request.Request(address, content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(question, timeout=60) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{address}/{event}", timeout=60) as answer:
        answer.read()
