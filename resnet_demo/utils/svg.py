"""Pieces of an SVG chart: lines, words, markers, and where the ticks of an axis lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

MARKER, FONT = 4.5, 12


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
