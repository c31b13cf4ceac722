"""The commands ``batch`` and ``predict`` on the same folder: pictures a second, and the memory that the first takes."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from resnet_demo.bench import results
from resnet_demo.bench.comparison import RATE, Entry, compare
from resnet_demo.bench.harness import photos, processes, servers
from resnet_demo.bench.settings import Settings

UNIQUE = 64  # different files; the others are links to them, read and decoded anew each time
WARM = 32  # pictures of the turns that try a way and warm it up
TASK = "flowers102"
LOOK = 0.1  # seconds between two looks at the memory
REACH, REACH_MEMORY = 0.95, 600.0  # of predict's rate; MB
EXPLANATION = """
A folder of {count} JPEG photos of 1024 × 768 pixels ({unique} different ones), {task}'s ResNet-{depth} on the CPU, in
{rounds} turns; each is a command of its own, with its start.
"""


def measure(settings: Settings) -> list[dict]:
    """Print a table and return its rows for JSON."""
    depth = servers.depth_of(settings.depths)
    with tempfile.TemporaryDirectory(prefix="resnet-demo-bench-", ignore_cleanup_errors=True) as temporary:
        root = Path(temporary)
        whole, few = folders(root, settings.pictures)
        print(
            EXPLANATION.format(
                count=settings.pictures,
                unique=min(UNIQUE, settings.pictures),
                task=TASK,
                depth=depth,
                rounds=settings.rounds,
            ),
            flush=True,
        )
        peaks: list[float] = []

        def batch(folder: Path) -> None:
            table = root / f"{len(peaks)}.csv"
            peaks.append(run(["batch", str(folder), "--output", str(table)], depth))

        entries = [
            Entry("ours, batch", lambda: turns(batch, whole, few), RATE, ours=True),
            Entry(
                "predict --json",
                lambda: turns(lambda folder: run(["predict", str(folder), "--json"], depth), whole, few),
                RATE,
                target_ratio=REACH,
            ),
        ]
        # A turn is the whole folder, however long that takes.
        table = compare(f"a folder to a table, ResNet-{depth}", entries, settings.rounds, 0)
    if processes.readable():
        row = {"way": "ours, batch", "unit": "MB", "lower_is_better": True, "ours": True, "target_ratio": REACH_MEMORY}
        table.append(results.measured(peaks[-settings.rounds :], what=f"memory of batch, ResNet-{depth}", **row))
    print(results.table(table), flush=True)
    return results.to_dicts(table)


def folders(root: Path, count: int) -> tuple[Path, Path]:
    """A folder of so many photos, and one of a few of them."""
    first, whole, few = (root / name for name in ("photos", "whole", "few"))
    for folder in (first, whole, few):
        folder.mkdir()
    files = photos.folder_of_photos(first, min(UNIQUE, count))
    for index, file in zip(range(count), itertools.cycle(files), strict=False):
        for folder in (whole, few) if index < WARM else (whole,):
            os.link(file, folder / f"{index:07}.jpg")
    return whole, few


def turns(way: Callable[[Path], object], whole: Path, few: Path) -> Callable[[], int]:
    """A function that does a folder and returns the number of its pictures; the first two calls do the small one."""
    order: Iterator[Path] = itertools.chain([few] * 2, itertools.repeat(whole))

    def turn() -> int:
        folder = next(order)
        way(folder)
        return len(os.listdir(folder))

    return turn


def run(arguments: Sequence[str], depth: int) -> float:
    """A command to its end → the most memory that it had resident, in MB; 0 where the system does not tell."""
    command = [sys.executable, "-m", "resnet_demo", *arguments, "--task", TASK, "--depth", str(depth)]
    most = 0
    with subprocess.Popen([*command, "--device", "cpu"], stdout=subprocess.DEVNULL) as process:
        # Not rusage: what that says of a child is at least what its parent had when it was started.
        while process.poll() is None:
            most = max(most, processes.peak(process.pid))
            time.sleep(LOOK)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return most / 1e6
