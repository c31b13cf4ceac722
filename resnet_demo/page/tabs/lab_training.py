"""The Lab's degradation experiment: networks of 20 and 56 layers that were trained with and without shortcuts."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from statistics import mean
from typing import NamedTuple

from resnet_demo.lab.plots import COMMITTED, is_plain
from resnet_demo.lab.results import EPOCHS, PICTURES, SIDE, Epoch, read_rows, runs
from resnet_demo.models.architecture import ARCHITECTURES
from resnet_demo.page.i18n.texts import say

FILE = COMMITTED / "degradation.csv"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480, 260, 40, 12, 12, 40
ERRORS: Mapping[str, Callable[[Epoch], float]] = {
    "train": lambda row: row.train_error,
    "test": lambda row: row.test_error,
}


class Curve(NamedTuple):
    """The mean of the seeds after each epoch, in percent, and what its line looks like."""

    values: list[float]
    style: str


def shown() -> str:
    """What was found, how it was measured, and a plot for each error, as HTML."""
    rows = read_rows(FILE, Epoch)
    found = {name: means(by_seed) for name, by_seed in runs(rows).items()}
    shallow, deep = sorted({ARCHITECTURES[name].depth for name in found})
    ends = {}
    for name, errors in found.items():
        kind = "plain" if is_plain(name) else "residual"
        ends[f"{kind}_{'deep' if ARCHITECTURES[name].depth == deep else 'shallow'}"] = f"{errors['train'][-1]:.1f} %"
    said = say("lab_training_said", shallow=shallow, deep=deep, **ends)
    legend = "".join(f'<span class="{style_of(name, deep)}"><i></i>{title(name)}</span>' for name in found)
    plots = "".join(
        plot([Curve(errors[kind], style_of(name, deep)) for name, errors in found.items()], say(f"lab_error_{kind}"))
        for kind in ERRORS
    )
    return f'<p>{said}</p><p>{how(rows)}</p><p class="lab-legend">{legend}</p><div class="lab-curves">{plots}</div>'


def means(by_seed: Mapping[int, Sequence[Epoch]]) -> dict[str, list[float]]:
    """Kind of error → mean of the seeds after each epoch that all of them have."""
    epochs = list(zip(*by_seed.values(), strict=False))
    return {kind: [mean(of(row) for row in epoch) for epoch in epochs] for kind, of in ERRORS.items()}


def how(rows: Sequence[Epoch]) -> str:
    """The settings in words; that they are fewer than the paper's, where they are."""
    first = rows[0]
    seeds = len({row.seed for row in rows})
    said = say(
        "lab_training_how",
        epochs=first.epochs,
        seeds=seeds,
        pictures=f"{first.pictures:,}",
        size=first.size,
        tests=f"{first.tests:,}",
    )
    whole = (first.epochs, first.pictures, first.size) == (EPOCHS, PICTURES, SIDE)
    return said if whole else f"{said} {say('lab_training_short', epochs=EPOCHS, pictures=f'{PICTURES:,}', size=SIDE)}"


def title(name: str) -> str:
    return say("lab_trained_plain" if is_plain(name) else "lab_trained_residual", depth=ARCHITECTURES[name].depth)


def style_of(name: str, deep: int) -> str:
    """Colour by shortcuts, dashed for the shallow one."""
    faint = "" if ARCHITECTURES[name].depth == deep else " faint"
    return f"{'plain' if is_plain(name) else 'with'}{faint}"


def plot(curves: Sequence[Curve], caption: str) -> str:
    """Curves over the epochs, as SVG."""
    epochs = len(curves[0].values)
    top = 10 * math.ceil(max(value for curve in curves for value in curve.values) / 10)
    ticks = range(0, top + 1, 20 if top > 60 else 10)

    def x(epoch: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 1) / max(epochs - 1, 1)

    def y(error: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - error / top)

    parts = []
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick}</text>')
    for epoch in sorted({1, (epochs + 1) // 2, epochs}):
        parts.append(f'<text x="{x(epoch):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{epoch}</text>')
    for curve in curves:
        points = " ".join(f"{x(number):.1f},{y(value):.1f}" for number, value in enumerate(curve.values, start=1))
        parts.append(f'<polyline class="{curve.style}" points="{points}"/>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{say("lab_axis_epoch")}</text>'
    )
    said = html.escape(f"{caption}: {', '.join(f'{curve.values[-1]:.1f} %' for curve in curves)}", quote=True)
    return (
        f'<figure><figcaption>{caption}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}">'
        f"{''.join(parts)}</svg></figure>"
    )
