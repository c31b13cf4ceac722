"""Curves of the Lab as a figure: over layers, or over epochs."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import NamedTuple

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480, 250, 56, 12, 12, 40


class Curve(NamedTuple):
    """A curve's heights, 0 at the axis and 1 at the top, and the classes of its line."""

    heights: Sequence[float]
    style: str


def figure(caption: str, across: str, said: str, ticks: Iterable[tuple[float, str]], curves: Sequence[Curve]) -> str:
    """Curves with as many points each, numbered from 1 on, as HTML with an SVG.

    Args:
        across: what is counted along the axis below.
        said: what the plot shows, for those who do not see it.
        ticks: heights with their names.
        curves: from the one behind to the one in front.
    """
    count = len(curves[0].heights)

    def x(index: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * index / max(count - 1, 1)

    def y(height: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - height)

    parts = []
    for height, name in ticks:
        parts.append(f'<path class="grid" d="M{LEFT} {y(height):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(height) + 4:.1f}" text-anchor="end">{name}</text>')
    for index in sorted({0, (count - 1) // 2, count - 1}):
        parts.append(f'<text x="{x(index):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{index + 1}</text>')
    for curve in curves:
        points = " ".join(f"{x(index):.1f},{y(height):.1f}" for index, height in enumerate(curve.heights))
        parts.append(f'<polyline class="{curve.style}" points="{points}"/>')
    below = f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{across}</text>'
    return (
        f'<figure><figcaption>{caption}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{html.escape(said, quote=True)}">{"".join(parts)}{below}</svg></figure>'
    )
