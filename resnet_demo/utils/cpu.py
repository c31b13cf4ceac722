"""The CPUs: how many there are, what they are called, and small pieces of work on all of them."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


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

    Where the function calls ``each`` itself, that stays on its own CPU.
    """
    if len(items) < 2 or cpu_count() < 2 or hasattr(_thread, "pooled"):
        return [function(item) for item in items]
    return list(_pool().map(function, items))


_thread = threading.local()


@cache
def _pool() -> ThreadPoolExecutor:
    # A thread of the pool that waited for others of it might wait for ever.
    return ThreadPoolExecutor(cpu_count(), "each", initializer=lambda: setattr(_thread, "pooled", True))


def processor_properties() -> dict[str, str]:
    """What Linux says of the first processor, by its own keys; empty on other systems."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def processor_name() -> str:
    """The processor's name as the system gives it."""
    return processor_properties().get("model name") or platform.processor() or platform.machine()
