"""Memory that loading a network needed, and running it does not, goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def trim() -> None:
    """Hand freed memory back: glibc keeps it, a third of what a loaded network seems to need (ResNet-50: 150 MB).

    Takes 15 to 30 ms. Elsewhere nothing is done.
    """
    if (malloc_trim := glibc("malloc_trim")) is not None:
        malloc_trim(0)


@cache
def glibc(name: str) -> Callable[..., int] | None:
    """A function of glibc; None where the C library is another one, such as musl, or the system no Linux."""
    if sys.platform != "linux":
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return None
