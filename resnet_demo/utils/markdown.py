"""Tables in Markdown, row by row."""

from __future__ import annotations

from collections.abc import Sequence


def head(columns: Sequence[str]) -> str:
    """The head of a table and the line under it."""
    return f"{row(columns)}\n{row(['---'] * len(columns))}"


def row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def rate(value: float) -> str:
    """A rate in three digits, as no measurement on a shared machine has more: 7.83, 41.2, 310."""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"
