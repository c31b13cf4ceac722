"""Numbers of the architecture, counted from the records that build the networks, and what was published of others."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from resnet_demo.models import cost
from resnet_demo.models.architecture import ARCHITECTURES, DEPTHS, STAGES, Architecture, Block, architecture_of
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.tabs import how_it_works

SIZE, OUTPUTS, VARIANT = 224, 1000, "v1"  # as in the paper
# Two blocks that take 256 channels and give 256.
BLOCKS = {"basic": ("resnet34", "layer3", 1), "bottleneck": ("resnet50", "layer1", 1)}


class Published(NamedTuple):
    """A network's top-5 error on ImageNet in percent; ``how`` is a text's key; where it was published."""

    name: str
    error: str
    how: str
    source: str
    address: str


PUBLISHED = (
    Published(
        *("AlexNet", "15.3", "lab_seven_pretrained", "Krizhevsky et al. 2012, Table 2"),
        "https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
    ),
    Published(
        *("VGG-16", "7.5", "lab_one_val", "Simonyan, Zisserman 2014, Table 4"),
        "https://arxiv.org/abs/1409.1556",
    ),
    Published(
        *("GoogLeNet", "6.67", "lab_seven_test", "Szegedy et al. 2014, Table 2"),
        "https://arxiv.org/abs/1409.4842",
    ),
    Published(*("ResNet-152", "4.49", "lab_one_val", "He et al. 2015, Table 4"), "https://arxiv.org/abs/1512.03385"),
)


def numbers() -> str:
    """The arithmetic of two blocks, the table of all depths and the published errors, as HTML."""
    blocks = {kind: ARCHITECTURES[name].stages[stage][number] for kind, (name, stage, number) in BLOCKS.items()}
    figures = "".join(
        f'<div>{how_it_works.block(kind, record, "lab")}<p class="lab-sum">{arithmetic(record)}</p></div>'
        for kind, record in blocks.items()
    )
    count = {kind: parameters(record) for kind, record in blocks.items()}
    said = say(
        "lab_arithmetic",
        basic=f"{count['basic']:,}",
        bottleneck=f"{count['bottleneck']:,}",
        ratio=f"{count['basic'] / count['bottleneck']:.0f}",
    )
    return (
        f'<div class="how-blocks">{figures}</div><p>{said}</p>{table(say("lab_table"), *architectures())}'
        f"{table(say('lab_published'), *published())}<p>{say('lab_published_note')}</p>"
    )


def parameters(record: Block) -> int:
    """Weights of a block's convolutions."""
    return sum(prod(one.shape) for one in record.convolutions)


def arithmetic(record: Block) -> str:
    """3 · 3 · 256 · 256 + … = the parameters."""
    terms = " + ".join(f"{one.kernel}·{one.kernel}·{one.inputs}·{one.outputs}" for one in record.convolutions)
    return f"{terms} = <b>{parameters(record):,}</b>"


def architectures() -> tuple[list[str], list[list[str]]]:
    """Heading and rows of the paper's Table 1, for pictures of ``SIZE`` pixels."""
    networks = [architecture_of(depth, VARIANT) for depth in DEPTHS]
    stem = networks[0].convolutions[0]
    side = cost.shrunk(SIZE, stem.stride)
    kernel = f"{stem.kernel}×{stem.kernel}, {stem.outputs}"
    rows = [["conv1", f"{side}×{side}", *[kernel] * len(networks)]]
    side = cost.shrunk(side, 2)  # max pooling
    for stage in STAGES:
        side = cost.shrunk(side, networks[0].stages[stage][0].convolutions[0].stride)
        rows.append([stage, f"{side}×{side}", *(steps(network, stage) for network in networks)])
    rows.append(
        [say("card_parameters"), "", *(f"{cost.count_parameters(one, OUTPUTS) / 1e6:.1f} M" for one in networks)]
    )
    gflops = (cost.count_gflops(one, OUTPUTS, VARIANT, SIZE) for one in networks)
    rows.append([say("card_gflops"), "", *(f"{number:.1f}" for number in gflops)])
    return ["", say("lab_output"), *(f"ResNet-{depth}" for depth in DEPTHS)], rows


def steps(network: Architecture, stage: str) -> str:
    """A stage's convolutions and how often they come."""
    blocks = network.stages[stage]
    lines = "<br>".join(f"{one.kernel}×{one.kernel}, {one.outputs}" for one in blocks[-1].convolutions)
    return f'<span class="lab-cell"><span>{lines}</span>× {len(blocks)}</span>'


def published() -> tuple[list[str], list[list[str]]]:
    """Heading and rows of what was published."""
    rows = [
        [
            one.name,
            f"{one.error} %",
            f'<span class="lab-words">{say(one.how)}</span>',
            f'<a href="{one.address}" target="_blank" rel="noreferrer">{one.source}</a>',
        ]
        for one in PUBLISHED
    ]
    return [say("lab_network"), say("lab_top5"), say("lab_how"), say("lab_source")], rows


def table(title: str, heading: list[str], rows: list[list[str]]) -> str:
    """A table as HTML; the first cell of each row is its heading."""
    head = "".join(f'<th scope="col">{cell}</th>' if cell else "<td></td>" for cell in heading)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for first, *cells in rows
    )
    return (
        f'<div class="how-table" tabindex="0" role="region" aria-label="{title}"><table>'
        f"<caption><span>{title}</span></caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
