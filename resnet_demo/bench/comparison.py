"""Ours beside peers: each way is made and tried once, then all take turns, and the rows come out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tqdm import tqdm

from resnet_demo.bench.results import Row, measured
from resnet_demo.bench.turns import take_turns

MILLISECONDS, RATE = "ms", "pictures a second"


@dataclass
class Entry:
    """One way to do a thing, and what its row says.

    Attributes:
        name: the row's ``way``.
        make: loads what the way needs → the function that does the thing once. For ``RATE`` that one returns how many
            pictures it did.
        unit: of the figure: ``MILLISECONDS`` of a call, or ``RATE``.
        ours, target_ratio, limit_ratio, note: see ``results.Row``; ``note`` may be a function, which is called after
            the measurement.
    """

    name: str
    make: Callable[[], Callable[[], Any]]
    unit: str = MILLISECONDS
    ours: bool = False
    target_ratio: float | None = None
    limit_ratio: float | None = None
    note: str | Callable[[], str] = ""
    do: Callable[[], Any] = field(init=False, repr=False)

    def prepare(self) -> None:
        """Load it, and do the thing once."""
        self.do = self.make()
        self.do()

    def measure(self, seconds: float) -> float:
        """Median milliseconds of the calls that begin within ``seconds``, one at least; or the rate of them all."""
        took: list[float] = []
        pictures, start = 0, time.perf_counter()
        while not took or time.perf_counter() - start < seconds:
            begin = time.perf_counter()
            result = self.do()
            took.append(time.perf_counter() - begin)
            pictures += result if self.unit == RATE else 0
        return pictures / sum(took) if self.unit == RATE else 1000 * median(took)

    def row(self, what: str, figures: Sequence[float]) -> Row:
        """The row of its rounds' figures."""
        note = self.note() if callable(self.note) else self.note
        return measured(
            figures,
            what=what,
            way=self.name,
            unit=self.unit,
            lower_is_better=self.unit == MILLISECONDS,
            ours=self.ours,
            target_ratio=self.target_ratio,
            limit_ratio=self.limit_ratio,
            note=note,
        )


def that_work(entries: Sequence[Entry]) -> list[Entry]:
    """The ways that work here, ready; for each other one a line is printed that says why it is left out.

    Only a peer may be left out: an error of ours goes to the caller.
    """
    ready = []
    for entry in entries:
        try:
            entry.prepare()
        except Exception as error:
            # Whatever a stranger's package does in a version that nobody has seen yet, the others are measured.
            if entry.ours:
                raise
            print(f"Left out: {entry.name}: {reason(error)}", flush=True)
        else:
            ready.append(entry)
    return ready


def reason(error: Exception) -> str:
    """Why a peer does not work, in one line."""
    from resnet_demo.bench.peers.install import Missing

    if isinstance(error, Missing):
        return str(error)
    lines = str(error).strip().splitlines()
    return f"it failed with {type(error).__name__}{f': {lines[0]}' if lines else ''}."


def compare(what: str, entries: Sequence[Entry], rounds: int, seconds: float) -> list[Row]:
    """The rows of one thing; the ways take turns, after a turn of one call each to warm up."""
    ready = that_work(entries)
    with tqdm(total=(rounds + 1) * len(ready), unit="turn", desc=what, mininterval=1, leave=False) as progress:
        figures = take_turns(ready, rounds, seconds, progress)
    return [entry.row(what, figures[entry.name]) for entry in ready]
