"""The 102 classes of Oxford 102 Flowers, in the order of its labels; the data file beside this one holds them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("flower_names.txt")


@cache
def names() -> tuple[str, ...]:
    """Readable class names, all different; ``names()[k]`` is the class whose published label is k + 1."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))
