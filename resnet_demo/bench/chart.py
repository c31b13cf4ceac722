"""How many times better ours is than each peer, as a bar chart in SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from resnet_demo.bench.rows import Row, number, our_row, ratio
from resnet_demo.training.plot import STYLE, line, log_ticks, text

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 760, 250, 92, 58, 44  # in SVG units; the margins round the bars
BAR, STEP, HEADING = 14, 22, 30  # height of a bar, from one to the next, and of a thing's name above its bars
FINE, MISSED = "s0", "s1"  # classes of the style: blue, orange
TITLE = "How many times better ours is, logarithmic"


def draw(rows: Sequence[Row]) -> str:
    """A bar for each row that has one of ours to be compared with, as the text of an SVG file.

    Where a row has a ``limit``, ours is held against what nobody can beat: its bar goes to the left of 1, and ends at
    the share of the best that was reached.
    """
    bars = [(row, times) for row in rows if (times := times_better(row, rows))]
    goals = [goal_of(row) for row, _ in bars if goal_of(row)]
    low = min([1.0, *(times for _, times in bars), *goals]) / 1.15
    high = max([2.0, *(times for _, times in bars), *goals]) * 1.15
    things = list(dict.fromkeys(row.what for row, _ in bars))
    height = TOP + len(things) * HEADING + len(bars) * STEP + BOTTOM
    right, bottom = WIDTH - RIGHT, height - BOTTOM

    def across(value: float) -> float:
        return LEFT + (math.log(value) - math.log(low)) / (math.log(high) - math.log(low)) * (right - LEFT)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img">',
        f"<title>{escape(TITLE)}</title>",
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>',
        text(16, 26, TITLE, "title"),
        text(16, 46, "upright mark: what was asked; orange: not reached", "small"),
    ]
    for tick in log_ticks(low, high):
        lines.append(line(across(tick), TOP, across(tick), bottom, "grid"))
        lines.append(text(across(tick), bottom + 18, f"{tick:g}×", "small", "middle"))
    y = float(TOP)
    for thing in things:
        y += HEADING
        lines.append(text(16, y - 8, thing, "point"))
        for row, times in bars:
            if row.what == thing:
                lines += draw_bar(row, times, rows, y, across)
                y += STEP
    lines.append(line(across(1), TOP, across(1), bottom, "axis"))
    return "\n".join([*lines, "</svg>"]) + "\n"


def draw_bar(row: Row, times: float, rows: Sequence[Row], y: float, across) -> list[str]:
    """A row's name, bar, goal and figure, ``y`` being the bar's upper edge."""
    goal, middle = goal_of(row), y + BAR / 2 + 4
    start, end = sorted((across(1), across(times)))
    colour = MISSED if goal and times < goal else FINE
    lines = [
        text(LEFT - 10, middle, shortened(row.way), "small", "end"),
        f'<g class="{colour}"><rect class="marker" x="{start:.1f}" y="{y:.1f}" width="{max(end - start, 1):.1f}" '
        f'height="{BAR}" rx="2"/></g>',
    ]
    if goal:
        lines.append(line(across(goal), y - 3, across(goal), y + BAR + 3, "axis"))
    said = f"{number(ratio(row, rows))}× {'of it' if row.limit is not None else ''}".strip()
    lines.append(text(max(end, across(goal) if goal else end) + 6, middle, said, "point"))
    return lines


def times_better(row: Row, rows: Sequence[Row]) -> float | None:
    """How many times better ours is than a peer, whatever the row's ``ratio`` says; None: not comparable."""
    ours, value = our_row(row, rows), ratio(row, rows)
    if ours is None or value is None:
        return None
    # A limit's ratio is ours divided by the peer's: of times that is the other way round.
    return 1 / value if row.limit is not None and row.lower_is_better else value


def goal_of(row: Row) -> float | None:
    """The goal as times better; None where there is none."""
    if row.limit is not None:
        return 1 / row.limit
    return row.reach


def shortened(name: str, most: int = 38) -> str:
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"
