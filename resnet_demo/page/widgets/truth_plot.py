"""Curves of deletion and insertion, by heat and in a random order, as SVG."""

from __future__ import annotations

import html
from collections.abc import Mapping

from resnet_demo.explain.curves import Curve
from resnet_demo.page.i18n.format import percent
from resnet_demo.page.i18n.texts import say

WIDTH, HEIGHT = 320, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 10, 40


def figures(curves: Mapping[str, tuple[Curve, Curve]], name: str) -> str:
    """A figure for each way.

    Args:
        curves: ``deletion`` and ``insertion`` → the curve by heat, and that of a random order.
        name: of the class.
    """
    return "".join(figure(way, *pair, name) for way, pair in curves.items())


def figure(way: str, heat: Curve, other: Curve, name: str) -> str:
    areas = {"heat": f"{heat.area:.2f}", "random": f"{other.area:.2f}"}
    better = heat.area < other.area if way == "deletion" else heat.area > other.area
    words = say(f"truth_{way}", **areas)
    verdict = say("truth_better" if better else "truth_worse")
    grid = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(level):.0f}" y2="{y(level):.0f}"/>'
        f'<text x="{LEFT - 6}" y="{y(level) + 4:.0f}" text-anchor="end">{html.escape(whole(level))}</text>'
        for level in (0, 0.5, 1)
    )
    ends = "".join(
        f'<text x="{x(share):.0f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="{anchor}">{html.escape(whole(share))}</text>'
        for share, anchor in ((0, "start"), (1, "end"))
    )
    axis = html.escape(say(f"truth_{way}_axis"))
    return (
        f'<figure class="curve truth-{way}"><figcaption>{html.escape(words)} <small>{html.escape(verdict)}</small>'
        f'</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(f"{name}: {words}")}">'
        f'{grid}{ends}<polyline class="random" points="{path(other)}"/><polyline class="heat" points="{path(heat)}"/>'
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{axis}</text></svg></figure>'
    )


def path(curve: Curve) -> str:
    return " ".join(
        f"{x(float(share)):.1f},{y(float(probability)):.1f}"
        for share, probability in zip(curve.shares, curve.probabilities, strict=True)
    )


def x(share: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * share


def y(probability: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - probability)


def whole(share: float) -> str:
    """0.5 → "50 %"."""
    return percent(share).replace(".0", "")
