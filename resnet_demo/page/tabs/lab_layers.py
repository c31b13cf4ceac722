"""The Lab's gradients: what reaches the layers of a fresh network, with and without shortcuts, drawn and in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from resnet_demo.lab import fresh
from resnet_demo.page.i18n.format import sentences
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.tabs.lab_curves import Curve, figure

FIRST = 56  # layers that are picked at first
TICKS = 6  # at most, along an axis
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def controls() -> str:
    """Depth, shortcuts and batch norm, as HTML."""
    depths = "".join(
        f'<label><input type="radio" name="lab-layers" value="{depth}"{" checked" if depth == FIRST else ""}>'
        f"<span>{depth}</span></label>"
        for depth in fresh.DEPTHS
    )
    switches = "".join(
        f'<label><input type="checkbox" name="{name}" checked><span>{say(f"lab_{name}")}</span></label>'
        for name in ("shortcuts", "norm")
    )
    return (
        f'<form class="lab-knobs"><fieldset><legend>{say("lab_layers")}</legend>{depths}</fieldset>'
        f"<fieldset><legend>{say('lab_with')}</legend>{switches}</fieldset></form>"
    )


def measured(depth: int, shortcuts: bool, norm: bool) -> str:
    """The sentence and both plots of what was picked, and faint the same network the other way round."""
    picked, other = fresh.measure(depth, shortcuts, norm), fresh.measure(depth, not shortcuts, norm)
    names = [name(depth, kind, norm) for kind in (shortcuts, not shortcuts)]
    sizes = [one.activation for one in picked]
    said = say(
        "lab_layers_said",
        name=names[0],
        ratio=number(ratio(picked)),
        first=number(picked[0].gradient),
        last=number(picked[-1].gradient),
        small=number(sizes[0]),
        large=number(sizes[-1]),
    )
    said = sentences(said, say("lab_layers_other", name=names[1], ratio=number(ratio(other))))
    kinds = ("with", "plain") if shortcuts else ("plain", "with")
    legend = "".join(
        f'<span class="{kind}{faint}"><i></i>{text}</span>'
        for kind, faint, text in zip(kinds, ("", " faint"), names, strict=True)
    )
    plots = ""
    for what in ("gradient", "activation"):
        curves = [[getattr(layer, what) for layer in layers] for layers in (picked, other)]
        first, axis = curves[0], say(f"lab_axis_{what}")
        heard = f"{axis}: {number(first[0])} → {number(first[len(first) // 2])} → {number(first[-1])}"
        plots += plot(curves, (kinds[0], f"{kinds[1]} faint"), axis, heard, say("lab_axis_layer"))
    return f'<p role="status">{said}</p><p class="lab-legend">{legend}</p><div class="lab-curves">{plots}</div>'


def name(depth: int, shortcuts: bool, norm: bool) -> str:
    return say(
        "lab_residual" if shortcuts else "lab_plain", depth=depth, norm=say("lab_normed" if norm else "lab_bare")
    )


def ratio(layers: Sequence[fresh.Measured]) -> float:
    """The first convolution's gradient over the last one's."""
    return layers[0].gradient / layers[-1].gradient


def number(value: float) -> str:
    """Two digits that count: 0.056, 5.5, 1,900, 5,100,000, 2.2 · 10⁸."""
    power = math.floor(math.log10(value)) if value > 0 else 0
    if not -3 <= power < 7:
        return f"{value / 10.0**power:.1f} · {ten(power)}"
    return f"{round(value, 1 - power):,.{max(0, 1 - power)}f}"


def ten(power: int) -> str:
    return f"10{str(power).translate(SUPERSCRIPT)}"


def plot(
    curves: Sequence[Sequence[float]],
    styles: Sequence[str],
    title: str,
    said: str,
    across: str,
    places: Sequence[tuple[float, str]] = (),
) -> str:
    """Curves over the layers on a log scale, as SVG; the first is in front. See ``lab_curves.figure``."""
    values = [value for curve in curves for value in curve if value > 0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    step = math.ceil((high - low) / TICKS)
    return figure(
        title,
        across,
        said,
        [((power - low) / (high - low), ten(power)) for power in range(low, high + 1, step)],
        [
            Curve([(math.log10(max(value, 1e-300)) - low) / (high - low) for value in curve], style)
            for style, curve in reversed([*zip(styles, curves, strict=True)])
        ],
        places,
    )
