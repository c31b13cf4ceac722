"""Seeds that depend on what they are for, not on what was drawn before: the base of exact resuming."""

from __future__ import annotations

import zlib

import numpy as np


def seed_of(*parts: object) -> int:
    """A 32-bit seed of any printable parts, the same on every machine and in every process."""
    return zlib.crc32("/".join(map(str, parts)).encode())


def sampled_rows(name: str, count: int, most: int) -> list[int]:
    """At most ``most`` of ``count`` rows, ascending, the same ones for the same name and count."""
    order = np.random.default_rng(seed_of(name, count)).permutation(count)
    return sorted(order[:most].tolist())
