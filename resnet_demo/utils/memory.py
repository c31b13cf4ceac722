"""What glibc does with freed memory: hand it back after loading a network, keep it while training one."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

# Of glibc's malloc.h.
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX, ARENA_MAX = -1, -2, -4, -8
KEPT = 2**31 - 1


def release() -> None:
    """Hand freed memory back: glibc keeps it, a third of what a loaded network seems to need (ResNet-50: 150 MB).

    Takes 15 to 30 ms. Elsewhere nothing is done.
    """
    if (malloc_trim := glibc("malloc_trim")) is not None:
        malloc_trim(0)


def share_arenas(most: int = 4) -> None:
    """Let all threads take memory from a few arenas, before the first of them does.

    By default each thread of a server gets its own, and what one freed is of no use to another. Elsewhere nothing is
    done.
    """
    if (mallopt := glibc("mallopt")) is not None:
        mallopt(ARENA_MAX, most)


def keep_freed_memory() -> None:
    """Tell glibc not to hand freed memory back to the system.

    Each step frees and wants again the same feature maps of many megabytes. By default each of them is new memory,
    which the kernel clears page by page: on two cores a third of a small network's step. Elsewhere nothing is done.
    """
    if (mallopt := glibc("mallopt")) is None:
        return
    mallopt(MMAP_MAX, 0)
    mallopt(TRIM_THRESHOLD, KEPT)
    mallopt(TOP_PAD, 2**28)


def resident() -> int | None:
    """Bytes of memory that this process has; None where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def available() -> int | None:
    """Bytes of memory that can be had without swapping, here and in this container; None where nobody tells."""
    free = []
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free.append(int(fields["MemAvailable"].split()[0]) * 1024)
    except (OSError, ValueError, KeyError, IndexError):
        return None
    try:
        group = Path("/sys/fs/cgroup")
        # Its files in the page cache count as used, and are given up where memory is wanted.
        cached = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        used = int((group / "memory.current").read_text()) - int(cached["inactive_file"])
        free.append(int((group / "memory.max").read_text()) - used)
    except (OSError, ValueError, KeyError):
        pass  # no container, or one without a limit
    return min(free)


@cache
def glibc(name: str) -> Callable[..., int] | None:
    """A function of glibc; None where the C library is another one, such as musl, or the system no Linux."""
    if sys.platform != "linux":
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return None
