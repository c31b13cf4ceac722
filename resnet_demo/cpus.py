"""How many CPUs there are, and small pieces of work on all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Item, Made = TypeVar("Item"), TypeVar("Made")


def cpu_count() -> int:
    """CPUs that this process may use: its affinity, and the quota of the container it runs in."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        if quota != "max":
            count = min(count, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):
        pass  # Not Linux, or an older control group: the affinity is all there is to know.
    return count


def each(function: Callable[[Item], Made], items: Sequence[Item]) -> list[Made]:
    """``[function(item) for item in items]`` on all CPUs, for what lets go of Python's lock, as Pillow's scaling does.

    The function must not call ``each`` itself.
    """
    if len(items) < 2 or cpu_count() < 2:
        return [function(item) for item in items]
    return list(_pool().map(function, items))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cpu_count(), "each")
