"""Plots as SVG, written by hand: crisp at any size, light and dark by the reader's setting, no library needed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from resnet_demo.utils.svg import COLOURS, FONT, MARKER, STYLE, line, linear_ticks, log_range, log_ticks, marker, text

WIDTH, HEIGHT = 760, 300  # of a panel, in SVG units
LEFT, RIGHT, TOP, BOTTOM = 62, 20, 58, 50  # a panel's margins around its axes
APART = 8  # sideways distance of a panel's curves, so that error bars at one x do not hide each other
CHARACTER = 0.62 * FONT  # width, generous: the reader's font is not known


@dataclass(frozen=True)
class Point:
    """One measurement: ``x`` above 0, ``y`` and its interval ``low`` to ``high``; points of one label share it."""

    x: float
    y: float
    low: float
    high: float
    label: str


@dataclass(frozen=True)
class Series:
    """One curve and its name in the legend."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str
    y_label: str
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Box:
    """A rectangle that is taken, in SVG units."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """Area that both cover."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, across) * max(0.0, down)


def draw(panels: Sequence[Panel], x_label: str, title: str) -> str:
    """Panels one above the other, each with a logarithmic x axis, as the text of an SVG file."""
    width, height = WIDTH, len(panels) * HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="page" width="{width}" height="{height}" rx="8"/>',
    ]
    for index, panel in enumerate(panels):
        lines.append(f'<g transform="translate(0 {index * HEIGHT})">')
        lines += draw_panel(panel, x_label)
        lines.append("</g>")
    return "\n".join([*lines, "</svg>"]) + "\n"


def draw_panel(panel: Panel, x_label: str) -> list[str]:
    """Title, legend, axes, curves, error bars, markers and labels of one panel, at the origin."""
    points = [point for series in panel.series for point in series.points]
    low_x, high_x = log_range([point.x for point in points])
    y_ticks = linear_ticks(min(point.low for point in points), max(point.high for point in points))
    low_y, high_y = y_ticks[0], y_ticks[-1]
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT

    def across(x: float) -> float:
        return LEFT + (math.log(x) - math.log(low_x)) / (math.log(high_x) - math.log(low_x)) * (right - LEFT)

    def down(y: float) -> float:
        return bottom - (y - low_y) / (high_y - low_y) * (bottom - TOP)

    lines = [text(LEFT, 26, panel.title, "title")]
    lines.append(text(right, 26, "numbers: depth; bars: 95 % interval", "small", "end"))
    x = float(LEFT)
    for number, series in enumerate(panel.series if len(panel.series) > 1 else ()):
        lines.append(f'<g class="s{number % COLOURS}">{marker(number, x + MARKER, 42)}</g>')
        lines.append(text(x + 15, 46, series.name, "small"))
        x += 15 + CHARACTER * len(series.name) + 16
    for y in y_ticks:
        lines.append(line(LEFT, down(y), right, down(y), "grid"))
        lines.append(text(LEFT - 8, down(y) + 4, f"{y:g}", "small", "end"))
    for tick in log_ticks(low_x, high_x):
        lines.append(line(across(tick), bottom, across(tick), bottom + 5, "axis"))
        lines.append(text(across(tick), bottom + 19, f"{tick:g}", "small", "middle"))
    lines.append(line(LEFT, bottom, right, bottom, "axis"))
    lines.append(text((LEFT + right) / 2, HEIGHT - 12, x_label, "small", "middle"))
    lines.append(
        f'<text class="small" text-anchor="middle" transform="translate(16 {(TOP + bottom) / 2:.1f}) rotate(-90)">'
        f"{escape(panel.y_label)}</text>"
    )

    places: list[list[tuple[float, float]]] = []
    taken: list[Box] = []
    groups: dict[str, list[Box]] = {}
    for number, series in enumerate(panel.series):
        aside = APART * (number - (len(panel.series) - 1) / 2)
        places.append([(across(point.x) + aside, down(point.y)) for point in series.points])
        for (x, y), point in zip(places[-1], series.points, strict=True):
            bar = Box(x - MARKER, min(down(point.high), y - MARKER), x + MARKER, max(down(point.low), y + MARKER))
            groups.setdefault(point.label, []).append(bar)
            taken.append(bar)
        taken += along(places[-1])
    for number, (series, where) in enumerate(zip(panel.series, places, strict=True)):
        lines.append(f'<g class="s{number % COLOURS}">')
        if len(where) > 1:
            lines.append(f'<polyline class="curve" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in where)}"/>')
        for (x, y), point in zip(where, series.points, strict=True):
            low, high = down(point.low), down(point.high)
            caps = "".join(f"M{x - 3:.1f} {end:.1f}h6" for end in (low, high))
            lines.append(f'<path class="bar" d="M{x:.1f} {low:.1f}V{high:.1f}{caps}"/>{marker(number, x, y)}')
        lines.append("</g>")
    return lines + draw_labels(groups, taken, Box(LEFT, TOP - 8, right, bottom))


def draw_labels(groups: dict[str, list[Box]], taken: list[Box], inside: Box) -> list[str]:
    """Each group's label near its points where nothing else is, with a thin line to them where it is further away."""
    lines = []
    taken = list(taken)
    for label, bars in sorted(groups.items(), key=lambda item: item[1][0].left):
        half = CHARACTER * len(label) / 2 + 2
        middle = (min(bar.left for bar in bars) + max(bar.right for bar in bars)) / 2

        def cost(box: Box, start: tuple[float, float]) -> float:
            outside = (box.right - box.left) * (box.bottom - box.top) - box.overlap(inside)
            far = math.hypot((box.left + box.right) / 2 - start[0], (box.top + box.bottom) / 2 - start[1])
            return 10 * outside + sum(box.overlap(other) for other in taken) + 0.3 * far

        box, (x, y) = min(candidates(bars, middle, half), key=lambda candidate: cost(*candidate))
        taken.append(box)
        centre, baseline = (box.left + box.right) / 2, box.bottom - 3
        nearest = min(max(y, box.top), box.bottom)
        if math.hypot(centre - x, nearest - y) > 10 and not box.left - 6 <= x <= box.right + 6:
            lines.append(line(x, y, min(max(x, box.left), box.right), nearest, "leader"))
        elif abs(nearest - y) > 10:
            lines.append(line(x, y, centre, nearest, "leader"))
        lines.append(text(centre, baseline, label, "point", "middle"))
    return lines


def candidates(bars: Sequence[Box], middle: float, half: float) -> Iterable[tuple[Box, tuple[float, float]]]:
    """Boxes for a label, and the spot of its points that each is nearest to."""
    top, bottom = min(bar.top for bar in bars), max(bar.bottom for bar in bars)
    left, right = min(bar.left for bar in bars), max(bar.right for bar in bars)
    for away in range(3, 60, 4):
        for aside in (0, -12, 12, -24, 24):
            x = middle + aside
            yield Box(x - half, top - away - FONT - 2, x + half, top - away), (middle, top)
            yield Box(x - half, bottom + away, x + half, bottom + away + FONT + 2), (middle, bottom)
    for bar in bars:
        y = (bar.top + bar.bottom) / 2
        for away in (3, 8):
            yield Box(right + away, y - 7, right + away + 2 * half, y + 7), (right, y)
            yield Box(left - away - 2 * half, y - 7, left - away, y + 7), (left, y)


def along(places: Sequence[tuple[float, float]]) -> list[Box]:
    """Small boxes along a curve."""
    boxes = []
    for (x0, y0), (x1, y1) in pairwise(places):
        steps = max(1, round(math.hypot(x1 - x0, y1 - y0) / 4))
        for step in range(steps + 1):
            x, y = x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps
            boxes.append(Box(x - 2, y - 2, x + 2, y + 2))
    return boxes
