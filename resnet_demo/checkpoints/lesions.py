"""What leaving out each block of a checkpoint changed, as ``training/evaluation/lesion`` measured it."""

from __future__ import annotations

from collections.abc import Mapping

LEAST = 1.0  # percent of the outputs' spread that a block must be worth to count as one that works


def changes(config: Mapping) -> dict[str, float]:
    """Block, such as ``layer3.5``, → change of the outputs without it, in percent of their spread.

    Args:
        config: a checkpoint's ``config.json``.

    Returns:
        Empty where it was not measured.
    """
    return dict(config.get("lesions", {}).get("changes", {}))


def idle(found: Mapping[str, float]) -> list[str]:
    """The blocks that change the outputs by less than ``LEAST`` percent of their spread."""
    return [block for block, change in found.items() if change < LEAST]
