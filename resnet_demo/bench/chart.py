"""How many times better ours is than each peer, as a bar chart in SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from resnet_demo.bench.results import Row, against, our_row, ratio
from resnet_demo.utils.svg import STYLE, line, log_ticks, text

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 760, 250, 92, 58, 44  # in SVG units; the margins round the bars
BAR, STEP, HEADING = 14, 22, 30  # height of a bar, from one to the next, and of a thing's name above its bars
FINE, MISSED = "s0", "s1"  # classes of the style: blue, orange
GOAL_STYLE = """\
.goal { stroke: #1f2328; stroke-width: 2.5 }
@media (prefers-color-scheme: dark) { .goal { stroke: #f0f6fc } }"""
TITLE = "How many times better ours is, logarithmic"


@dataclass(frozen=True)
class Bar:
    """A peer: its name, how many times better ours is, what was asked of that (or None), and the figure in words."""

    name: str
    times: float
    goal: float | None
    said: str

    @property
    def values(self) -> list[float]:
        return [self.times, *([self.goal] if self.goal else [])]


def draw(tables: Sequence[Sequence[Row]]) -> str:
    """A bar for each row that has one of ours in its table to be compared with, as the text of an SVG file.

    Where a row has a ``limit_ratio``, ours is held against what nobody can beat: its bar goes to the left of 1, and
    ends at the share of the best that was reached.
    """
    things = [thing for rows in tables for thing in by_thing(rows)]
    bars = [bar for _, some in things for bar in some]
    low = min([1.0, *(value for bar in bars for value in bar.values)]) / 1.15
    high = max([2.0, *(value for bar in bars for value in bar.values)]) * 1.15
    height = TOP + len(things) * HEADING + len(bars) * STEP + BOTTOM
    right, bottom = WIDTH - RIGHT, height - BOTTOM

    def across(value: float) -> float:
        return LEFT + (math.log(value) - math.log(low)) / (math.log(high) - math.log(low)) * (right - LEFT)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img">',
        f"<title>{escape(TITLE)}</title>",
        f"<style>\n{STYLE}\n{GOAL_STYLE}\n</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>',
        text(16, 26, TITLE, "title"),
        text(16, 46, "upright mark: what was asked; orange: less than that, or worse than the other", "small"),
    ]
    for tick in log_ticks(low, high):
        lines.append(line(across(tick), TOP, across(tick), bottom, "grid"))
        lines.append(text(across(tick), bottom + 18, f"{tick:g}×", "small", "middle"))
    y = float(TOP)
    for name, some in things:
        y += HEADING
        lines.append(text(16, y - 8, name, "point"))
        for bar in some:
            lines += draw_bar(bar, y, across)
            y += STEP
    lines.append(line(across(1), TOP, across(1), bottom, "axis"))
    return "\n".join([*lines, "</svg>"]) + "\n"


def by_thing(rows: Sequence[Row]) -> list[tuple[str, list[Bar]]]:
    """The bars of one table under the names of what was done."""
    found: dict[str, list[Bar]] = {}
    for row in rows:
        times = times_better(row, rows)
        if times is not None:
            found.setdefault(row.what, []).append(Bar(row.way, times, goal_of(row), against(row, rows)))
    return list(found.items())


def draw_bar(bar: Bar, y: float, across: Callable[[float], float]) -> list[str]:
    """A peer's name, bar, goal and figure, ``y`` being the bar's upper edge."""
    middle = y + BAR / 2 + 4
    start, end = sorted((across(1), across(bar.times)))
    colour = MISSED if bar.times < (bar.goal or 1) else FINE
    lines = [
        text(LEFT - 10, middle, shortened(bar.name), "small", "end"),
        f'<g class="{colour}"><rect class="marker" x="{start:.1f}" y="{y:.1f}" width="{max(end - start, 1):.1f}" '
        f'height="{BAR}" rx="2"/></g>',
    ]
    if bar.goal:
        lines.append(line(across(bar.goal), y - 2, across(bar.goal), y + BAR + 2, "goal"))
    lines.append(text(max(end, across(bar.goal or 1)) + 6, middle, bar.said, "point"))
    return lines


def times_better(row: Row, rows: Sequence[Row]) -> float | None:
    """How many times better ours is than a peer, whatever the row's ``ratio`` says; None: not comparable."""
    ours, value = our_row(row, rows), ratio(row, rows)
    if ours is None or value is None:
        return None
    # A limit's ratio is ours divided by the peer's: of times that is the other way round.
    return 1 / value if row.limit_ratio is not None and row.lower_is_better else value


def goal_of(row: Row) -> float | None:
    """The goal as times better; None where there is none."""
    if row.limit_ratio is not None:
        return 1 / row.limit_ratio
    return row.target_ratio


def shortened(name: str, most: int = 38) -> str:
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"
