"""The Lab's recorded gradients: what ``lab gradients`` found in networks of 20 to 110 layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from resnet_demo.lab.plots import COMMITTED, is_plain
from resnet_demo.lab.results import Layer, read_rows
from resnet_demo.models.architecture import ARCHITECTURES
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.tabs.lab_layers import number, plot

FILE = COMMITTED / "gradients.csv"
HEAD = "fc"  # no convolution
KINDS = {"plain": "lab_recorded_plain", "with": "lab_recorded_with"}  # a line's class → its name


def shown() -> str:
    """What was recorded, with which pictures, and a plot with batch norm and one without, as HTML."""
    found: dict[tuple[str, bool], dict[int, list[float]]] = {}  # kind, batch norm → depth → each convolution's gradient
    for row in read_rows(FILE, Layer):
        if row.layer != HEAD:
            by_depth = found.setdefault(("plain" if is_plain(row.network) else "with", bool(row.batch_norm)), {})
            by_depth.setdefault(ARCHITECTURES[row.network].depth, []).append(row.gradient)
    depths = sorted(found["plain", True])
    ends = {
        f"{kind}_{where}": number(found[kind, True][depth][0] / found[kind, True][depth][-1])
        for kind in KINDS
        for where, depth in (("shallow", depths[0]), ("deep", depths[-1]))
    }
    said = say(
        "lab_recorded", depths=say("separator").join(map(str, depths)), shallow=depths[0], deep=depths[-1], **ends
    )
    legend = "".join(f'<span class="{kind}"><i></i>{say(key)}</span>' for kind, key in KINDS.items())
    plots = "".join(
        drawn({kind: found[kind, norm] for kind in KINDS}, say(key))
        for norm, key in ((True, "lab_recorded_normed"), (False, "lab_recorded_bare"))
    )
    return (
        f'<div class="lab-recorded"><p>{said}</p><p class="lab-legend">{legend}</p>'
        f'<div class="lab-curves">{plots}</div></div>'
    )


def drawn(found: Mapping[str, Mapping[int, Sequence[float]]], title: str) -> str:
    """A curve for each kind and depth, over the place in the network; the deeper ones are stronger and in front."""
    named = [
        (kind, shade, depth, gradients)
        for kind, by_depth in found.items()
        for shade, (depth, gradients) in reversed([*enumerate(sorted(by_depth.items()), start=1)])
    ]
    heard = say("clause").join(
        f"{say('lab_trained_plain' if kind == 'plain' else 'lab_trained_residual', depth=depth)} "
        f"{number(gradients[0])} → {number(gradients[-1])}"
        for kind, _, depth, gradients in named
    )
    return plot(
        [gradients for *_, gradients in named],
        [f"{kind} deep{shade}" for kind, shade, *_ in named],
        title,
        f"{title}: {heard}",
        say("lab_axis_place"),
        [(place, f"{place:g}") for place in (0, 0.5, 1)],
    )
