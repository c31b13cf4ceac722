"""Memory that a training step frees is kept for the next one."""

from __future__ import annotations

from resnet_demo.heap import glibc

# Of glibc's malloc.h.
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
KEPT = 2**31 - 1


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
