"""The Lab's other experiments."""

from __future__ import annotations


def build() -> None:
    """Build them inside the page that is being built."""
