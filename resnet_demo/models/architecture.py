"""Every network as a record, and its topology as one table of blocks, which all others read. Imports no torch.

He et al. 2015, https://arxiv.org/abs/1512.03385, Table 1; names are torchvision's. How to add a family:
docs/architecture.md.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

STAGES = ("layer1", "layer2", "layer3", "layer4")
VARIANTS = ("v1", "v1.5")


@dataclass(frozen=True)
class ConvNorm:
    """A convolution without bias and its batch norm; the output is as large as the input, divided by the stride.

    Attributes:
        name, norm: of the two in a state dict, such as ``layer1.0.conv1`` and ``layer1.0.bn1``. A norm of None: there
            is none behind it. A name of "": a fixed 1×1 convolution, see ``fixed``.
        inputs, outputs: channels.
    """

    name: str
    norm: str | None
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

    @property
    def fixed(self) -> bool:
        """It learns nothing: its inputs pass as they are, and the further channels are zero (option A, section 3.3)."""
        return not self.name


@dataclass(frozen=True)
class Gate:
    """Squeeze and excitation (Hu et al. 2017, https://arxiv.org/abs/1709.01507, section 3): a branch's channels, each
    multiplied by a number of 0..1 that two layers make of the means of all of them.

    Attributes:
        name: such as ``layer1.0.se``; its layers are ``fc1`` and ``fc2``, 1×1 convolutions with biases.
        hidden: channels between the two.
    """

    name: str
    channels: int
    hidden: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of its arrays, by name."""
        return {
            f"{self.name}.fc1.weight": (self.hidden, self.channels, 1, 1),
            f"{self.name}.fc1.bias": (self.hidden,),
            f"{self.name}.fc2.weight": (self.channels, self.hidden, 1, 1),
            f"{self.name}.fc2.bias": (self.channels,),
        }


@dataclass(frozen=True)
class Block:
    """Convolutions with a ReLU between them, and a shortcut that is added before the last ReLU.

    Attributes:
        name: such as ``layer1.0``.
        projection: the shortcut's 1×1 convolution where shapes differ (option B of section 3.3), else None.
        pooling: side and stride of the average pooling in front of the projection; 1 is none.
        has_shortcut: False in a plain network, where nothing is added.
        gate: in front of the addition, or None.
        first_norm: of a block that starts with a batch norm and a ReLU, and has none behind the addition; else None.
    """

    name: str
    convolutions: tuple[ConvNorm, ...]
    projection: ConvNorm | None
    pooling: int = 1
    has_shortcut: bool = True
    gate: Gate | None = None
    first_norm: str | None = None

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
        counts: blocks of each stage. A last stage of none passes on what it gets.
        groups: of the 3×3 convolutions in bottlenecks.
        width_per_group: channels of such a group in the first stage; each stage doubles them.
        variant: where a bottleneck has its stride: ``v1`` in the first 1×1 convolution as the paper, ``v1.5`` in the
            3×3 as torchvision (half a point better on ImageNet, 12 % more arithmetic).
        channels: width of the first stage, 64 in the papers; each stage doubles it.
        stem: a key of ``STEMS``.
        shortcut: one of ``SHORTCUTS``.
        gated: squeeze and excitation in every block.
        activation_first: batch norm and ReLU in front of the convolutions, nothing behind the addition.
        source: the repository with its ImageNet weights on the Hub, or None: ``train --init hub`` starts from them.
    """

    name: str
    family: str
    block: str
    counts: tuple[int, int, int, int]
    groups: int = 1
    width_per_group: int = 64
    variant: str = "v1.5"
    channels: int = 64
    stem: str = "imagenet"
    shortcut: str = "projection"
    gated: bool = False
    activation_first: bool = False
    source: str | None = field(default=None, compare=False)

    @property
    def depth(self) -> int:
        """Layers with weights, as the names count them: the convolutions of the blocks, one of the stem, the head."""
        return 2 + sum(len(block.convolutions) for block in self.blocks)

    @property
    def title(self) -> str:
        """For people: ResNet-50."""
        return f"{self.family}-{self.depth}"

    @property
    def train_option(self) -> str:
        """How the command ``train`` is told to take it: the ResNets by their depth, all others by their name."""
        return f"--depth {self.depth}" if self.family == "ResNet" else f"--arch {shlex.quote(self.name)}"

    @property
    def has_usual_blocks(self) -> bool:
        """The paper's stem and blocks for ImageNet, whatever their number, width and groups."""
        other = self.gated or self.activation_first
        return (self.stem, self.shortcut, other) == ("imagenet", "projection", False)

    @property
    def first_convolutions(self) -> tuple[ConvNorm, ...]:
        """The stem's."""
        return STEMS[self.stem](self)

    @property
    def pools_first(self) -> bool:
        """Whether a max pooling of 3×3 and stride 2 follows the stem."""
        return self.stem != "cifar"

    @property
    def last_norm(self) -> str | None:
        """The batch norm, with a ReLU, behind the last block, where the blocks have nothing behind their addition."""
        return "norm" if self.activation_first else None

    @property
    def has_shortcuts(self) -> bool:
        return self.shortcut != "none"

    @cached_property
    def stages(self) -> dict[str, tuple[Block, ...]]:
        """The block table: the name of each stage → its blocks, from the input on."""
        stages, inputs = {}, self.first_convolutions[-1].outputs
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
        """All convolutions that learn, in the order of the state dict: a projection closes its block."""
        parts = ((*block.convolutions, block.projection) for block in self.blocks)
        learned = (record for part in parts for record in part if record and not record.fixed)
        return (*self.first_convolutions, *learned)

    @property
    def width(self) -> int:
        """Channels of the last feature map."""
        return self.blocks[-1].outputs

    def side_of_map(self, size: int) -> int:
        """Cells of the last feature map along a side of a picture of so many pixels: a thirty-second of ResNet-50's."""
        halvings = sum(count > 0 for count in self.counts[1:]) + self.pools_first
        for stride in [*(record.stride for record in self.first_convolutions), *[2] * halvings]:
            size = -(-size // stride)
        return size

    def halves_cells(self, size: int) -> bool:
        """Whether the last stage halves maps of a single cell, of pictures of so many pixels a side."""
        return self.side_of_map(2 * size) == 1  # It halves what is as large as its map of a picture of twice the side.


# What is in front of the blocks.
STEMS: dict[str, Callable[[Architecture], tuple[ConvNorm, ...]]] = {
    "imagenet": lambda record: (ConvNorm("conv1", None if record.activation_first else "bn1", 3, 64, 7, stride=2),),
    # Three 3×3 in the place of the 7×7: He et al. 2018, https://arxiv.org/abs/1812.01187, figure 2 (b).
    "deep": lambda record: (
        ConvNorm("conv1.0", "conv1.1", 3, 32, 3, stride=2),
        ConvNorm("conv1.3", "conv1.4", 32, 32, 3),
        ConvNorm("conv1.6", "bn1", 32, 64, 3),
    ),
    # For pictures of 32 pixels: section 4.2 of the ResNet paper.
    "cifar": lambda record: (ConvNorm("conv1", None if record.activation_first else "bn1", 3, record.channels, 3),),
}

# What goes past a block where its output has another shape than its input (section 3.3): a 1×1 convolution (option B);
# average pooling and then a 1×1 convolution (figure 2 (c) of He et al. 2018); every second pixel, and zeros as the
# further channels (option A, which the paper has on CIFAR-10). Or nothing past any block: a plain network.
SHORTCUTS = ("projection", "pooled", "zeros", "none")

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
        norm: str | None = f"{name}.bn{number}"
        if architecture.activation_first:  # The norm behind a convolution is that in front of the next one.
            norm = f"{name}.norm{number + 1}" if number < len(steps) else None
        convolutions.append(ConvNorm(f"{name}.conv{number}", norm, channels, outputs, *rest))
        channels = outputs
    projection, pooling = None, 1
    if (stride > 1 or inputs != channels) and architecture.has_shortcuts:
        projection, pooling = make_projection(architecture, f"{name}.downsample", inputs, channels, stride)
    return Block(
        name,
        tuple(convolutions),
        projection,
        pooling,
        architecture.has_shortcuts,
        Gate(f"{name}.se", channels, gate_width(channels)) if architecture.gated else None,
        f"{name}.norm1" if architecture.activation_first else None,
    )


def make_projection(
    architecture: Architecture, name: str, inputs: int, outputs: int, stride: int
) -> tuple[ConvNorm, int]:
    """The shortcut's convolution where shapes differ, and the pooling in front of it."""
    if architecture.shortcut == "zeros":
        return ConvNorm("", None, inputs, outputs, 1, stride), 1
    if architecture.shortcut == "pooled":
        return ConvNorm(f"{name}.1", f"{name}.2", inputs, outputs, 1), stride
    # In front of the blocks' first convolution a batch norm has just been.
    norm = None if architecture.activation_first else f"{name}.1"
    return ConvNorm(f"{name}.0", norm, inputs, outputs, 1, stride), 1


def gate_width(channels: int) -> int:
    """A sixteenth of the channels, as a multiple of eight: what timm has."""
    return max(8, (channels // 16 + 4) // 8 * 8)


def cifar(name: str, family: str, depth: int, shortcut: str) -> Architecture:
    """The paper's networks of 6n + 2 layers for CIFAR-10 (section 4.2): three stages of 16, 32 and 64 channels."""
    n = (depth - 2) // 6
    return Architecture(name, family, "basic", (n, n, n, 0), channels=16, stem="cifar", shortcut=shortcut)


ARCHITECTURES = {
    record.name: record
    for record in (
        Architecture("resnet18", "ResNet", "basic", (2, 2, 2, 2)),
        Architecture("resnet34", "ResNet", "basic", (3, 4, 6, 3)),
        Architecture("resnet50", "ResNet", "bottleneck", (3, 4, 6, 3)),
        Architecture("resnet101", "ResNet", "bottleneck", (3, 4, 23, 3)),
        Architecture("resnet152", "ResNet", "bottleneck", (3, 8, 36, 3)),
        # Xie et al. 2017, https://arxiv.org/abs/1611.05431
        Architecture(
            "resnext50_32x4d",
            "ResNeXt",
            "bottleneck",
            (3, 4, 6, 3),
            groups=32,
            width_per_group=4,
            source="timm/resnext50_32x4d.tv_in1k",
        ),
        # Zagoruyko and Komodakis 2016, https://arxiv.org/abs/1605.07146
        Architecture(
            "wide_resnet50_2",
            "Wide ResNet",
            "bottleneck",
            (3, 4, 6, 3),
            width_per_group=128,
            source="timm/wide_resnet50_2.tv_in1k",
        ),
        # Hu et al. 2017, https://arxiv.org/abs/1709.01507
        Architecture(
            "seresnet50", "SE-ResNet", "bottleneck", (3, 4, 6, 3), gated=True, source="timm/seresnet50.ra2_in1k"
        ),
        # He et al. 2018, https://arxiv.org/abs/1812.01187
        Architecture(
            "resnet18d",
            "ResNet-D",
            "basic",
            (2, 2, 2, 2),
            stem="deep",
            shortcut="pooled",
            source="timm/resnet18d.ra2_in1k",
        ),
        Architecture(
            "resnet50d",
            "ResNet-D",
            "bottleneck",
            (3, 4, 6, 3),
            stem="deep",
            shortcut="pooled",
            source="timm/resnet50d.ra2_in1k",
        ),
        # He et al. 2016, https://arxiv.org/abs/1603.05027, figure 4 (e)
        Architecture(
            "resnetv2_50",
            "Pre-activation ResNet",
            "bottleneck",
            (3, 4, 6, 3),
            activation_first=True,
            source="timm/resnetv2_50.a1h_in1k",
        ),
        # Section 4.1 of the ResNet paper: the same without shortcuts
        Architecture("plain18", "Plain", "basic", (2, 2, 2, 2), shortcut="none"),
        Architecture("plain34", "Plain", "basic", (3, 4, 6, 3), shortcut="none"),
        # Section 4.2, and an ImageNet network with its stem
        Architecture("resnet18_cifar", "CIFAR ResNet", "basic", (2, 2, 2, 2), stem="cifar"),
        *(cifar(f"resnet{depth}", "CIFAR ResNet", depth, "zeros") for depth in (20, 32, 44, 56, 110)),
        *(cifar(f"plain{depth}", "Plain", depth, "none") for depth in (20, 32, 44, 56, 110)),
    )
}
_BY_DEPTH = {record.depth: record for record in ARCHITECTURES.values() if record.family == "ResNet"}
DEPTHS = tuple(_BY_DEPTH)
ALL_DEPTHS = tuple(sorted({record.depth for record in ARCHITECTURES.values()}))


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
