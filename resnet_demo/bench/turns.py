"""Ways to do the same thing that take turns, so that a machine that warms up or slows down is equally unfair to all."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Protocol

from tqdm import tqdm


class Way(Protocol):
    """What takes turns: ``measure(seconds)`` works for that long, one step at least, and returns the rate."""

    @property
    def name(self) -> str: ...

    def measure(self, seconds: float, /) -> float: ...


def take_turns(ways: Sequence[Way], rounds: int, seconds: float, progress: tqdm) -> dict[str, list[float]]:
    """Each way's rate in each round, after one step of each to warm up."""
    rates: dict[str, list[float]] = {way.name: [] for way in ways}
    for number in range(rounds + 1):
        for way in ways:
            progress.set_postfix_str(way.name)
            rate = way.measure(seconds if number else 0.0)
            if number:
                rates[way.name].append(rate)
            progress.update()
    return rates


def summary(rates: Sequence[float]) -> dict:
    """Median and spread of a way's rates, for JSON."""
    return {"median": median(rates), "lowest": min(rates), "highest": max(rates), "rounds": list(rates)}
