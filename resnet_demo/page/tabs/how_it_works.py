"""The tab How it works: the two blocks drawn, what the heat and the numbers mean, and the depths in a table.

Channels, layers, parameters and GFLOPs are counted from the records and shapes that build the networks.
"""

from __future__ import annotations

import gradio as gr
from gradio.components import Component

from resnet_demo import checkpoints
from resnet_demo.errors import UserError
from resnet_demo.models import cost
from resnet_demo.models.architecture import ARCHITECTURES, DEPTHS, Block, architecture_of
from resnet_demo.page import catalog
from resnet_demo.page.i18n.texts import label
from resnet_demo.page.tabs import compare
from resnet_demo.page.tabs.registry import tab

KINDS = ("basic", "bottleneck")
COLUMNS = ("depth", "kind", "blocks", "layers", "working", "parameters", "gflops", catalog.FLOWERS, catalog.FACES)
# What is counted for before there is any checkpoint, as in the paper: ImageNet's size and classes.
SIZE, OUTPUTS, VARIANT = 224, 1000, "v1"
WIDTH, BOX, GAP, TOP = 300, 44, 26, 62  # of the drawing: whole width, a box' height, between boxes, above the first
LEFT, WIDE = 24, 186  # where the boxes begin, and how wide they are
MIDDLE, PAST = LEFT + WIDE / 2, LEFT + WIDE + 44  # across: the line through the boxes, and the one past them


@tab("how", shown=lambda: not catalog.has_only_own())
def build() -> dict[str, Component]:
    """Build the tab inside the page that is being built."""
    parts = [
        *heading("residual", "identity"),
        f'<div class="how-blocks">{"".join(block(kind) for kind in KINDS)}</div>',
        *heading("kinds"),
        table(),
        f"<p>{label('how_working')}</p>",
        *heading("cam", "points"),
        *heading("numbers"),
    ]
    gr.HTML(f'<article class="how">{"".join(parts)}</article>', elem_id="how")
    return {}


def heading(*keys: str) -> list[str]:
    """A heading and the paragraphs under it; it has the name of the first of them."""
    return [f"<h2>{label(f'how_title_{keys[0]}')}</h2>", *(f"<p>{label(f'how_{key}')}</p>" for key in keys)]


def convolutions(kind: str) -> list[tuple[int, int, int]]:
    """(kernel, channels in, channels out) of each convolution of a block of the first stage that keeps its shape."""
    architecture = next(record for record in ARCHITECTURES.values() if record.block == kind)
    found = architecture.stages["layer1"][1].convolutions
    return [(convolution.kernel, convolution.inputs, convolution.outputs) for convolution in found]


def block(kind: str, record: Block | None = None, prefix: str = "how") -> str:
    """A block as SVG, from top to bottom: its convolutions, and the shortcut past them.

    Args:
        record: of this kind; None: the second one of the first stage.
        prefix: of the ids, where a page has several drawings.
    """
    boxes = (
        convolutions(kind) if record is None else [(one.kernel, one.inputs, one.outputs) for one in record.convolutions]
    )
    name, parts = f"{prefix}-{kind}", []
    tip = f'marker-end="url(#{name}-tip)"'
    plus = TOP + len(boxes) * (BOX + GAP) + 12
    height = plus + 74
    fork = TOP - GAP / 2 - 6
    parts.append(f'<path class="flow" {tip} d="M{MIDDLE} 28V{TOP}"/><text x="{MIDDLE}" y="20">x</text>')
    for index, (kernel, inputs, outputs) in enumerate(boxes):
        y = TOP + index * (BOX + GAP)
        last = index == len(boxes) - 1
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{WIDE}" height="{BOX}" rx="8"/>')
        parts.append(f'<text x="{MIDDLE}" y="{y + 19}">{kernel} × {kernel} {label("how_convolution")}</text>')
        parts.append(
            f'<text class="small" x="{MIDDLE}" y="{y + 35}">{inputs} → {outputs} {label("how_channels")}</text>'
        )
        parts.append(f'<path class="flow" {tip} d="M{MIDDLE} {y + BOX}V{plus - 13 if last else y + BOX + GAP}"/>')
        if not last:
            parts.append(f'<text class="small start" x="{MIDDLE + 8}" y="{y + BOX + 17}">ReLU</text>')
    parts.append(f'<text class="start" x="{MIDDLE + 8}" y="{plus - 18}">F(x)</text>')
    parts.append(f'<path class="shortcut" d="M{MIDDLE} {fork}H{PAST}V{plus}H{MIDDLE + 13}"/>')
    parts.append(f'<text class="start" x="{PAST + 8}" y="{(fork + plus) / 2}">x</text>')
    parts.append(f'<circle cx="{MIDDLE}" cy="{plus}" r="12"/><text x="{MIDDLE}" y="{plus + 5}">+</text>')
    parts.append(f'<path class="flow" {tip} d="M{MIDDLE} {plus + 12}V{height - 26}"/>')
    parts.append(f'<text class="small start" x="{MIDDLE + 8}" y="{plus + 32}">ReLU</text>')
    parts.append(f'<text x="{MIDDLE}" y="{height - 8}">F(x) + x</text>')
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="{name} {name}-words">'
        f'<title id="{name}">{label(f"how_{kind}")}</title>'
        f'<desc id="{name}-words">{label(f"how_{kind}_words")}</desc>'
        f'<defs><marker id="{name}-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
        f'orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{''.join(parts)}</svg>"
        f"<figcaption>{label(f'how_{kind}')}</figcaption></figure>"
    )


def table() -> str:
    """The depths side by side as HTML."""
    head = "".join(f'<th scope="col">{label(f"how_column_{column}")}</th>' for column in COLUMNS)
    rows = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for first, *cells in (line(depth) for depth in DEPTHS)
    )
    return (
        f'<div class="how-table" tabindex="0" role="region" aria-label="{label("how_table")}"><table>'
        f"<caption><span>{label('how_caption')} {sizes()}</span></caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def sizes() -> str:
    """The side of each depth's pictures, such as 160 × 160 (18, 34), 192 × 192 (50); without the depths where all have
    the same."""
    depths: dict[int, list[int]] = {}
    for depth in DEPTHS:
        depths.setdefault(counted(depth)[1], []).append(depth)
    if len(depths) == 1:
        return "".join(f"{size} × {size}" for size in depths)
    return ", ".join(f"{size} × {size} ({', '.join(map(str, own))})" for size, own in depths.items())


def line(depth: int) -> list[str]:
    """A depth's cells, in the order of ``COLUMNS``."""
    architecture = architecture_of(depth)
    variant, size, outputs = counted(depth)
    kind, blocks = architecture.block, architecture.blocks
    return [
        str(depth),
        label(f"how_{kind}"),
        " + ".join(map(str, architecture.counts)),
        f"1 + {len(blocks)} × {len(blocks[0].convolutions)} + 1",
        working(depth, len(blocks)),
        f"{cost.count_parameters(depth, outputs) / 1e6:.1f}",
        f"{cost.count_gflops(depth, outputs, variant, size):.2f}",
        *(metric(task, depth) for task in (catalog.FLOWERS, catalog.FACES)),
    ]


def working(depth: int, blocks: int) -> str:
    """How many of the blocks of the flowers network do anything, or a dash where that was not measured."""
    found = catalog.lesions(catalog.FLOWERS, depth)
    return f"{found.working} / {blocks}" if found and found.changes else "–"


def counted(depth: int) -> tuple[str, int, int]:
    """Variant, side and outputs of the flowers network that the page has of a depth, else of the depth that it shows
    first, else the paper's."""
    for number in (depth, catalog.default_depth(catalog.FLOWERS)):
        try:
            config = checkpoints.read_config(checkpoints.find(catalog.FLOWERS, number).config.parent)
            return config.architecture.variant, config.task.size, config.task.outputs
        except UserError:
            continue
    return VARIANT, SIZE, OUTPUTS


def metric(task: str, depth: int) -> str:
    """The test metric of a checkpoint in percent, or a dash where there is none."""
    found = compare.figure(checkpoints.find(task, depth).metrics) if depth in catalog.available(task) else None
    return f"{found[2]:.2f}" if found else "–"
