"""The experiments' results as SVG, two panels side by side: plain networks left, residual ones right."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from statistics import mean
from textwrap import wrap

from resnet_demo.lab.results import EPOCHS, PICTURES, Epoch, Layer, runs
from resnet_demo.models.architecture import ARCHITECTURES
from resnet_demo.utils.svg import STYLE, line, linear_ticks, text

COMMITTED = Path(__file__).parent  # the CSV files that come with the package
WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 96, 46
GAP = 52
CHARACTERS = 110  # of a line of small text
LINES = """
.test { fill: none; stroke: currentColor; stroke-width: 2 }
.train { fill: none; stroke: currentColor; stroke-width: 1.2; stroke-dasharray: 4 3 }
.s4 { color: #cf222e }
.range { fill: currentColor; opacity: .14 } .key { fill: currentColor; stroke: none }"""


@dataclass(frozen=True)
class Curve:
    """A line (x, y) with a name; ``kind`` is ``test`` (solid) or ``train`` (dashed).

    Attributes:
        colour: number of the series.
        low, high: its range at each x, or none.
    """

    name: str
    colour: int
    points: tuple[tuple[float, float], ...]
    kind: str = "test"
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


def is_plain(network: str) -> bool:
    return not ARCHITECTURES[network].has_shortcuts


def degradation_svg(rows: Sequence[Epoch]) -> str:
    """Error over epochs: solid on test pictures, dashed on those that were trained on; mean and range of the seeds."""
    first, found = rows[0], runs(rows)
    panels: dict[bool, list[Curve]] = {True: [], False: []}
    for network, by_seed in found.items():
        curves = panels[is_plain(network)]
        for kind, of in (("test", lambda row: row.test_error), ("train", lambda row: row.train_error)):
            curves.append(over_epochs(network, len(curves) // 2, kind, by_seed, of))
    seeds = sorted({row.seed for row in rows})
    whole = max(row.epoch for row in rows)
    how = f"{counted(first.epochs, 'epoch')}, {counted(len(seeds), 'seed')}"
    how += f", {first.pictures:,} pictures of {first.size} pixels"
    if first.warmup:
        how += f", the rate rises over {counted(first.warmup, 'step')}"
    if first.precision != "float32":
        how += f", in {first.precision}"
    if whole < first.epochs:
        how += f"; {whole} epochs done so far"
    if first.is_shortened:
        how += f" (a shortened run: the paper has {EPOCHS} epochs of {PICTURES:,})"
    top = max(max(row.test_error, row.train_error) for row in rows)
    return chart(
        "Error on CIFAR-10: depth with and without shortcuts",
        f"{how}. Solid: test pictures. Dashed: training pictures.",
        {"Plain": panels[True], "Residual": panels[False]},
        (0.0, float(whole)),
        [tick for tick in linear_ticks(0, top) if tick >= 0],
        ("epoch", "error, %"),
    )


def over_epochs(
    network: str, colour: int, kind: str, by_seed: Mapping[int, Sequence[Epoch]], of: Callable[[Epoch], float]
) -> Curve:
    """The mean of the seeds at each epoch that all of them have, and their range."""
    epochs = list(zip(*by_seed.values(), strict=False))
    values = [[of(row) for row in at] for at in epochs]
    points = tuple((float(at[0].epoch), mean(some)) for at, some in zip(epochs, values, strict=True))
    several = len(by_seed) > 1
    low = tuple(min(some) for some in values) if several else ()
    high = tuple(max(some) for some in values) if several else ()
    return Curve(f"{ARCHITECTURES[network].depth} layers", colour, points, kind, low, high)


def gradients_svg(rows: Sequence[Layer]) -> str:
    """Gradient norm of each layer of fresh networks, on a logarithmic scale: solid with batch norm, dashed without."""
    panels: dict[bool, list[Curve]] = {True: [], False: []}
    names = list(dict.fromkeys(row.network for row in rows))
    for network in names:
        curves = panels[is_plain(network)]
        colour = len({curve.colour for curve in curves})
        for batch_norm in (1, 0):
            of = [row for row in rows if (row.network, row.batch_norm) == (network, batch_norm) and row.gradient > 0]
            if of:
                points = tuple((row.number / len(of), math.log10(row.gradient)) for row in of)
                title = str(ARCHITECTURES[network].depth)
                curves.append(Curve(title, colour, points, "test" if batch_norm else "train"))
    values = [y for curves in panels.values() for curve in curves for _, y in curve.points]
    return chart(
        "Gradient of each layer before the first step",
        "Norm, logarithmic. Solid: with batch norm. Dashed: without. One seed, one batch.",
        {"Plain": panels[True], "Residual": panels[False]},
        (0.0, 1.0),
        linear_ticks(min(values), max(values)),
        ("place in the network: input left, head right", "log₁₀ of the norm"),
    )


def counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def chart(
    title: str,
    how: str,
    panels: Mapping[str, Sequence[Curve]],
    span: tuple[float, float],
    ticks: Sequence[float],
    labels: tuple[str, str],
) -> str:
    """Panels side by side on one scale, as the text of an SVG file.

    Args:
        span: the x axis.
        ticks: of the y axis, from its lower to its upper end.
        labels: of both axes.
    """
    width = (WIDTH - LEFT - RIGHT - GAP * (len(panels) - 1)) / len(panels)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img">',
        f"<title>{escape(f'{title}. {how}')}</title>",
        f"<style>\n{STYLE}{LINES}\n</style>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        text(LEFT, 20, title, "title"),
        *(text(LEFT, 35 + 14 * number, part, "small") for number, part in enumerate(wrap(how, CHARACTERS))),
    ]
    for number, (name, curves) in enumerate(panels.items()):
        lines += panel(name, curves, LEFT + number * (width + GAP), width, span, ticks, labels)
    return "\n".join([*lines, "</svg>"]) + "\n"


def panel(
    name: str,
    curves: Sequence[Curve],
    left: float,
    width: float,
    span: tuple[float, float],
    ticks: Sequence[float],
    labels: tuple[str, str],
) -> list[str]:
    """One pair of axes with its curves and the names of their colours."""
    bottom, low, high = HEIGHT - BOTTOM, ticks[0], ticks[-1]

    def across(x: float) -> float:
        return left + (x - span[0]) / (span[1] - span[0] or 1) * width

    def down(y: float) -> float:
        return bottom - (y - low) / (high - low) * (bottom - TOP)

    lines = [text(left, 69, name, "title")]
    x = left
    for colour, title in {curve.colour: curve.name for curve in curves}.items():
        lines.append(f'<rect class="key s{colour}" x="{x:.1f}" y="78" width="12" height="4"/>')
        lines.append(text(x + 16, 84, title, "small"))
        x += 16 + 7.2 * len(title) + 14
    for tick in ticks:
        lines.append(line(left, down(tick), left + width, down(tick), "grid"))
        lines.append(text(left - 6, down(tick) + 4, f"{tick:g}", "small", "end"))
    for tick in linear_ticks(*span):
        if span[0] <= tick <= span[1]:
            lines.append(line(across(tick), bottom, across(tick), bottom + 4, "axis"))
            lines.append(text(across(tick), bottom + 17, f"{tick:g}", "small", "middle"))
    lines.append(line(left, bottom, left + width, bottom, "axis"))
    lines.append(text(left + width / 2, HEIGHT - 10, labels[0], "small", "middle"))
    if left == LEFT:
        lines.append(
            f'<text class="small" text-anchor="middle" transform="translate({left - 40:.1f} {(TOP + bottom) / 2:.1f}) '
            f'rotate(-90)">{escape(labels[1])}</text>'
        )
    for curve in curves:
        lines.append(f'<g class="s{curve.colour}">')
        if curve.low and len(curve.points) > 1:
            there = [f"{across(x):.1f},{down(y):.1f}" for (x, _), y in zip(curve.points, curve.high, strict=True)]
            back = [f"{across(x):.1f},{down(y):.1f}" for (x, _), y in zip(curve.points, curve.low, strict=True)]
            lines.append(f'<polygon class="range" points="{" ".join([*there, *reversed(back)])}"/>')
        where = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in curve.points)
        lines.append(f'<polyline class="{curve.kind}" points="{where}"/></g>')
    return lines
