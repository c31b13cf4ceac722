"""Resident memory of our page after every bundled network was loaded and used."""

from __future__ import annotations

from tqdm import tqdm

from resnet_demo import checkpoints
from resnet_demo.bench import results
from resnet_demo.bench.harness import processes, servers, uploads
from resnet_demo.bench.harness.http_client import Visitor
from resnet_demo.bench.runner import Settings
from resnet_demo.tasks import CLASSIFICATION

WHAT = "memory with all bundled networks"
REACH = 3.0  # GB
GIGABYTE = 1e9
EXPLANATION = """
Resident memory (RSS) of our page's process and its children, {when}: one photo each over HTTP, through /classify
or /keypoints. Networks: {networks}.
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
    print(EXPLANATION.format(when="after each was loaded and used once", networks=networks or "none"), flush=True)
    with servers.serving(servers.our_app()) as server, Visitor(server.port) as visitor:
        endpoints = {name: visitor.endpoint(name) for name in ("classify", "keypoints")}
        for entry in tqdm(entries, unit="network", mininterval=1):
            if checkpoints.spec(entry.task).kind == CLASSIFICATION:
                visitor.ask(endpoints["classify"], uploads.flower(0), entry.task, entry.depth, 5, "")
            else:
                visitor.ask(endpoints["keypoints"], uploads.face(), entry.depth, "all", entry.task)
        size = processes.resident(server.process.pid) / GIGABYTE
    row = results.measured(
        [size],
        what=WHAT,
        way=servers.OURS,
        unit="GB",
        lower_is_better=True,
        ours=True,
        target_ratio=REACH,
        note=f"{len(entries)} networks",
    )
    print(results.table([row]), flush=True)
    return results.to_dicts([row])
