"""The 1,000 classes of ImageNet-1k (Russakovsky et al. 2015, https://arxiv.org/abs/1409.0575) in the usual order.

The data file beside this one says where the names come from.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("imagenet_names.txt")


@cache
def _rows() -> tuple[list[str], ...]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return tuple(line.split("\t") for line in lines if not line.startswith("#"))


def names() -> tuple[str, ...]:
    """Readable class names, all different, also without regard to case."""
    return tuple(name for _, name in _rows())


def synsets() -> tuple[str, ...]:
    """WordNet ids such as ``n01440764``, as ImageNet's folders are called; in ascending order."""
    return tuple(synset for synset, _ in _rows())
