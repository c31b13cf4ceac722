"""A plot of what depth costs and brings: test metric against milliseconds, the chosen depths filled."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass

from resnet_demo.page.i18n.texts import say

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 62, 26, 18, 50


@dataclass(frozen=True)
class Point:
    """A depth: milliseconds of one photo through the network, its test metric, whether it is compared, and what the
    network is called."""

    depth: int
    milliseconds: float
    metric: float
    chosen: bool
    title: str


def plot(points: list[Point], metric: str) -> str:
    """The plot as SVG, in the page's own colours; empty with fewer than two points."""
    if len(points) < 2:
        return ""
    low, high = bounds([point.metric for point in points])
    fast, slow = 0.85 * min(point.milliseconds for point in points), 1.15 * max(point.milliseconds for point in points)

    def x(milliseconds: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(milliseconds / fast) / math.log(slow / fast)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    parts = []
    for tick in ticks(low, high):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    ordered = sorted(points, key=lambda point: point.depth)
    path = " ".join(f"{x(point.milliseconds):.1f},{y(point.metric):.1f}" for point in ordered)
    parts.append(f'<polyline class="path" points="{path}"/>')
    for point in ordered:
        at = f'cx="{x(point.milliseconds):.1f}" cy="{y(point.metric):.1f}"'
        name = f"{html.escape(point.title)}: {point.milliseconds:.1f} ms, {point.metric:.2f} %"
        parts.append(
            f'<circle class="{"chosen" if point.chosen else "other"}" {at} r="7"><title>{name}</title></circle>'
        )
        parts.append(
            f'<text class="depth" x="{x(point.milliseconds):.1f}" y="{y(point.metric) - 13:.1f}" '
            f'text-anchor="middle">{point.depth}</text>'
        )
        parts.append(
            f'<text class="tick" x="{x(point.milliseconds):.1f}" y="{HEIGHT - BOTTOM + 18}" '
            f'text-anchor="middle">{point.milliseconds:.0f}</text>'
        )
    title = html.escape(say("curve_title", metric=metric))
    spoken = html.escape("; ".join(f"{point.title} {point.metric:.2f} %" for point in ordered))
    return (
        f'<figure class="curve"><figcaption>{title}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}: {spoken}">{"".join(parts)}'
        f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{html.escape(say('curve_time'))}</text>"
        f'<text class="axis" transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(metric)}</text></svg></figure>"
    )


def bounds(values: list[float]) -> tuple[float, float]:
    """A range with some air round the values."""
    air = max(0.25 * (max(values) - min(values)), 0.3)
    return min(values) - air, max(values) + 1.6 * air


def ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers between two."""
    for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20):
        if (high - low) / step <= 6:
            break
    first = math.ceil(low / step)
    return [round(step * number, 6) for number in range(first, math.floor(high / step) + 1)]
