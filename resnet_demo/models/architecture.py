"""Every network as a record, and its topology as one table of blocks, which all others read. Imports no torch.

He et al. 2015, https://arxiv.org/abs/1512.03385, Table 1; names are torchvision's. How to add a family:
docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

STAGES = ("layer1", "layer2", "layer3", "layer4")
VARIANTS = ("v1", "v1.5")


@dataclass(frozen=True)
class ConvNorm:
    """A convolution without bias and its batch norm; the output is as large as the input, divided by the stride.

    Attributes:
        name, norm: of the two in a state dict, such as ``layer1.0.conv1`` and ``layer1.0.bn1``.
        inputs, outputs: channels.
    """

    name: str
    norm: str
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    groups: int = 1

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the weights: (outputs, inputs of a group, rows, columns)."""
        return self.outputs, self.inputs // self.groups, self.kernel, self.kernel

    @property
    def padding(self) -> int:
        return self.kernel // 2


STEM = ConvNorm("conv1", "bn1", 3, 64, kernel=7, stride=2)  # A max pooling of 3×3 and stride 2 follows.


@dataclass(frozen=True)
class Block:
    """Convolutions with a ReLU between them, and a shortcut that is added before the last ReLU.

    Attributes:
        name: such as ``layer1.0``.
        projection: the shortcut's 1×1 convolution where shapes differ (option B of section 3.3), else None.
    """

    name: str
    convolutions: tuple[ConvNorm, ...]
    projection: ConvNorm | None

    @property
    def inputs(self) -> int:
        return self.convolutions[0].inputs

    @property
    def outputs(self) -> int:
        return self.convolutions[-1].outputs


@dataclass(frozen=True)
class Architecture:
    """A network up to its head.

    Attributes:
        name: as torchvision and timm have it.
        family: as people write it.
        block: a key of ``BLOCKS``.
        counts: blocks of each stage.
        groups: of the 3×3 convolutions in bottlenecks.
        width_per_group: channels of such a group in the first stage; each stage doubles them.
        variant: where a bottleneck has its stride: ``v1`` in the first 1×1 convolution as the paper, ``v1.5`` in the
            3×3 as torchvision (half a point better on ImageNet, 12 % more arithmetic).
        channels: width of the first stage, 64 in the papers; each stage doubles it.
    """

    name: str
    family: str
    block: str
    counts: tuple[int, int, int, int]
    groups: int = 1
    width_per_group: int = 64
    variant: str = "v1.5"
    channels: int = 64

    @property
    def depth(self) -> int:
        """Layers with weights, as the names count them: the convolutions but for the projections, and the head."""
        return 2 + sum(len(block.convolutions) for block in self.blocks)

    @property
    def title(self) -> str:
        """For people: ResNet-50."""
        return f"{self.family}-{self.depth}"

    @cached_property
    def stages(self) -> dict[str, tuple[Block, ...]]:
        """The block table: the name of each stage → its blocks, from the input on."""
        stages, inputs = {}, STEM.outputs
        for index, (stage, count) in enumerate(zip(STAGES, self.counts, strict=True)):
            blocks: list[Block] = []
            for number in range(count):
                stride = 2 if index > 0 and number == 0 else 1
                blocks.append(make_block(self, f"{stage}.{number}", inputs, self.channels * 2**index, stride))
                inputs = blocks[-1].outputs
            stages[stage] = tuple(blocks)
        return stages

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, from the input on."""
        return sum(self.stages.values(), ())

    @property
    def convolutions(self) -> tuple[ConvNorm, ...]:
        """All convolutions with their batch norms in the order of the state dict: a projection closes its block."""
        parts = ((*block.convolutions, block.projection) for block in self.blocks)
        return (STEM, *(convolution for part in parts for convolution in part if convolution))

    @property
    def width(self) -> int:
        """Channels of the last feature map."""
        return self.blocks[-1].outputs


# A block's convolutions as (outputs, kernel, stride, groups), for a stage's width and the block's stride.
Steps = list[tuple[int, int, int, int]]


def basic(architecture: Architecture, width: int, stride: int) -> Steps:
    """3×3, 3×3 (figure 5 left)."""
    return [(width, 3, stride, 1), (width, 3, 1, 1)]


def bottleneck(architecture: Architecture, width: int, stride: int) -> Steps:
    """1×1, 3×3, 1×1 (figure 5 right)."""
    first, second = (stride, 1) if architecture.variant == "v1" else (1, stride)
    inner = width * architecture.width_per_group // 64 * architecture.groups
    return [(inner, 1, first, 1), (inner, 3, second, architecture.groups), (4 * width, 1, 1, 1)]


BLOCKS: dict[str, Callable[[Architecture, int, int], Steps]] = {"basic": basic, "bottleneck": bottleneck}


def make_block(architecture: Architecture, name: str, inputs: int, width: int, stride: int) -> Block:
    """A row of the block table."""
    convolutions, channels = [], inputs
    steps = BLOCKS[architecture.block](architecture, width, stride)
    for number, (outputs, *rest) in enumerate(steps, start=1):
        names = f"{name}.conv{number}", f"{name}.bn{number}"
        convolutions.append(ConvNorm(*names, channels, outputs, *rest))
        channels = outputs
    same = stride == 1 and inputs == channels
    names = f"{name}.downsample.0", f"{name}.downsample.1"
    projection = None if same else ConvNorm(*names, inputs, channels, 1, stride)
    return Block(name, tuple(convolutions), projection)


ARCHITECTURES = {
    record.name: record
    for record in (
        Architecture("resnet18", "ResNet", "basic", (2, 2, 2, 2)),
        Architecture("resnet34", "ResNet", "basic", (3, 4, 6, 3)),
        Architecture("resnet50", "ResNet", "bottleneck", (3, 4, 6, 3)),
        Architecture("resnet101", "ResNet", "bottleneck", (3, 4, 23, 3)),
        Architecture("resnet152", "ResNet", "bottleneck", (3, 8, 36, 3)),
        # Xie et al. 2017, https://arxiv.org/abs/1611.05431
        Architecture("resnext50_32x4d", "ResNeXt", "bottleneck", (3, 4, 6, 3), groups=32, width_per_group=4),
        # Zagoruyko and Komodakis 2016, https://arxiv.org/abs/1605.07146
        Architecture("wide_resnet50_2", "Wide ResNet", "bottleneck", (3, 4, 6, 3), width_per_group=128),
    )
}
_BY_DEPTH = {record.depth: record for record in ARCHITECTURES.values() if record.family == "ResNet"}
DEPTHS = tuple(_BY_DEPTH)


def architecture_of(depth: Architecture | int, variant: str | None = None) -> Architecture:
    """The record of the ResNet of a depth, or a record as it is.

    Args:
        variant: None leaves the record's own, which is ``v1.5`` for a depth.

    Raises:
        ValueError: a depth or variant that does not exist.
    """
    if not isinstance(depth, Architecture):
        if depth not in _BY_DEPTH:
            raise ValueError(f"There is no ResNet-{depth}: choose a depth of {', '.join(map(str, DEPTHS))}.")
        depth = _BY_DEPTH[depth]
    if variant in (None, depth.variant):
        return depth
    if variant not in VARIANTS:
        raise ValueError(f"There is no variant {variant!r}: choose {' or '.join(VARIANTS)}.")
    return replace(depth, variant=variant)
