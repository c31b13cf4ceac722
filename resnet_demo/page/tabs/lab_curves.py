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


def figure(
    caption: str,
    across: str,
    said: str,
    ticks: Iterable[tuple[float, str]],
    curves: Sequence[Curve],
    places: Sequence[tuple[float, str]] = (),
) -> str:
    """Curves from edge to edge as HTML with an SVG.

    Args:
        across: what is counted along the axis below.
        said: what the plot shows, for those who do not see it.
        ticks: heights with their names.
        curves: from the one behind to the one in front.
        places: along the axis below, 0 to 1, with their names; none: as many points each, numbered from 1 on.
    """
    count = len(curves[0].heights)
    if not places:
        numbers = sorted({0, (count - 1) // 2, count - 1})
        places = [(index / max(count - 1, 1), str(index + 1)) for index in numbers]

    def x(place: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * place

    def y(height: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - height)

    parts = []
    for height, name in ticks:
        parts.append(f'<path class="grid" d="M{LEFT} {y(height):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(height) + 4:.1f}" text-anchor="end">{name}</text>')
    for place, name in places:
        parts.append(f'<text x="{x(place):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{name}</text>')
    for curve in curves:
        last = max(len(curve.heights) - 1, 1)
        points = " ".join(f"{x(index / last):.1f},{y(height):.1f}" for index, height in enumerate(curve.heights))
        parts.append(f'<polyline class="{curve.style}" points="{points}"/>')
    below = f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{across}</text>'
    return (
        f'<figure><figcaption>{caption}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{html.escape(said, quote=True)}">{"".join(parts)}{below}</svg></figure>'
    )
