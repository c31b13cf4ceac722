"""Plots as SVG, written by hand: crisp at any size, light and dark by the reader's setting, no library needed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 760, 300  # of a panel, in SVG units
LEFT, RIGHT, TOP, BOTTOM = 62, 20, 58, 50  # a panel's margins around its axes
APART = 8  # sideways distance of a panel's curves, so that error bars at one x do not hide each other
MARKER, FONT = 4.5, 12
CHARACTER = 0.62 * FONT  # width, generous: the reader's font is not known
STYLE = """\
.page { fill: #ffffff } .grid { stroke: #d8dee4 } .axis { stroke: #818b98 }
text { fill: #1f2328; font: 12px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif }
.title { font-size: 15px; font-weight: 600 } .small { fill: #59636e }
.point { font-weight: 600; paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
.s0 { color: #0969da } .s1 { color: #bc4c00 } .s2 { color: #1a7f37 } .s3 { color: #8250df }
.curve { fill: none; stroke: currentColor; stroke-width: 1.5; opacity: .55 }
.bar { fill: none; stroke: currentColor; stroke-width: 1.5 } .marker { fill: currentColor }
.leader { stroke: #818b98; stroke-width: .8 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } .grid { stroke: #262c36 } .axis { stroke: #6e7681 }
text { fill: #f0f6fc } .small { fill: #9198a1 } .point { stroke: #0d1117 }
.s0 { color: #58a6ff } .s1 { color: #f0883e } .s2 { color: #3fb950 } .s3 { color: #bc8cff }
}"""
COLOURS = 4


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
    x = LEFT
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
        best, least = None, math.inf
        for box, start in candidates(bars, middle, half):
            outside = (box.right - box.left) * (box.bottom - box.top) - box.overlap(inside)
            far = math.hypot((box.left + box.right) / 2 - start[0], (box.top + box.bottom) / 2 - start[1])
            cost = 10 * outside + sum(box.overlap(other) for other in taken) + 0.3 * far
            if cost < least:
                best, least = (box, start), cost
        box, (x, y) = best
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


def log_range(values: Sequence[float]) -> tuple[float, float]:
    """A range around positive values with room at both ends, at least from half to one and a half of a lone one."""
    low, high = min(values), max(values)
    room = max((high / low) ** 0.12, 1.3 if high / low < 1.5 else 1.12)
    return low / room, high * room


def log_ticks(low: float, high: float) -> list[float]:
    """Doubling numbers from ``low`` to ``high``; where these are fewer than three, a finer series."""
    first, last = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1
    for mantissas in (None, (1, 1.5, 2, 3, 4, 5, 6, 8), (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9)):
        if mantissas is None:
            ticks = [2.0**power for power in range(math.floor(math.log2(low)), math.ceil(math.log2(high)) + 1)]
        else:
            ticks = [float(f"{m * 10.0**power:.6g}") for power in range(first, last) for m in mantissas]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= 3:
            break
    return ticks


def linear_ticks(low: float, high: float) -> list[float]:
    """Round numbers, four to nine, the first below ``low`` and the last above ``high``."""
    span = (high - low) or max(abs(high), 1.0) * 0.1
    rough = span / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step - 0.15), math.ceil(high / step + 0.15)
    return [float(f"{number * step:.6g}") for number in range(first, last + 1)]


def marker(number: int, x: float, y: float) -> str:
    """The series' own shape: circle, square, triangle or diamond, so that colour is not needed to tell them apart."""
    r = MARKER
    match number % COLOURS:
        case 0:
            return f'<circle class="marker" cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>'
        case 1:
            return f'<rect class="marker" x="{x - r + 0.5:.1f}" y="{y - r + 0.5:.1f}" width="8" height="8"/>'
        case 2:
            return f'<path class="marker" d="M{x:.1f} {y - r - 1:.1f}l5.5 9.5h-11z"/>'
        case _:
            return f'<path class="marker" d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z"/>'


def line(x0: float, y0: float, x1: float, y1: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'


def text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
