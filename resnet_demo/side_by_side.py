"""Small pieces of work done at the same time: Pillow and numpy let go of Python's lock while they compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from resnet_demo.engine import cpu_count

Item, Made = TypeVar("Item"), TypeVar("Made")


def each(function: Callable[[Item], Made], items: Sequence[Item]) -> list[Made]:
    """``[function(item) for item in items]`` on all CPUs; the function must not call ``each`` itself."""
    if len(items) < 2 or cpu_count() < 2:
        return [function(item) for item in items]
    return list(_pool().map(function, items))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cpu_count(), "side-by-side")
