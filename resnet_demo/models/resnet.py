"""The residual network of He et al., "Deep Residual Learning for Image Recognition" (2015), https://arxiv.org/abs/1512.03385.

Reads top to bottom like the paper's Table 1. Parameter names equal torchvision's, so public weights load strictly.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_demo.models.layouts import DEPTHS, LAYOUTS, STAGES, VARIANTS


def convolution3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)


def convolution1x1(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)


def projection(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """Shortcut of option B (paper, section 3.3): the identity, or a 1×1 projection where shapes differ."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(convolution1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut (figure 5 left): (b, inputs, r, c) → (b, width, r/stride, c/stride)."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int = 1, variant: str = "v1.5"):
        super().__init__()
        del variant  # Only the bottleneck's stride has two customary places.
        self.conv1 = convolution3x3(inputs, width, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = convolution3x3(width, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = projection(inputs, width, stride)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        """The batch norm in front of the addition: with a scale of zero the residual branch vanishes."""
        return self.bn2

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = self.bn2(self.conv2(x))
        return F.relu(x + shortcut, inplace=True)


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 and a shortcut (paper, figure 5 right): (b, inputs, r, c) → (b, 4·width, r/stride, c/stride).

    ``v1`` puts a stage's stride into the first 1×1 convolution as the paper does, ``v1.5`` into the 3×3 as
    torchvision does (half a point better on ImageNet, 12 % more arithmetic).
    """

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int = 1, variant: str = "v1.5"):
        super().__init__()
        outputs = width * self.expansion
        first, second = (stride, 1) if variant == "v1" else (1, stride)
        self.conv1 = convolution1x1(inputs, width, first)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = convolution3x3(width, width, second)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = convolution1x1(width, outputs)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = projection(inputs, outputs, stride)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        """The batch norm in front of the addition: with a scale of zero the residual branch vanishes."""
        return self.bn3

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = F.relu(self.bn2(self.conv2(x)), inplace=True)
        x = self.bn3(self.conv3(x))
        return F.relu(x + shortcut, inplace=True)


BLOCKS: dict[str, type[BasicBlock] | type[Bottleneck]] = {"basic": BasicBlock, "bottleneck": Bottleneck}


class ResNet(nn.Module):
    """A residual network of 18, 34, 50, 101 or 152 layers.

    Args:
        depth: one of ``DEPTHS``.
        outputs: width of the linear head: classes, or coordinates.
        variant: where a bottleneck has its stride, ``v1`` (paper) or ``v1.5`` (torchvision).
        zero_last_norm: start every residual branch at zero, so that each block starts as the identity
            (Goyal et al. 2017, https://arxiv.org/abs/1706.02677, section 5.1).

    Raises:
        ValueError: a depth or variant that does not exist.
    """

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential

    def __init__(self, depth: int = 50, outputs: int = 1000, variant: str = "v1.5", zero_last_norm: bool = False):
        super().__init__()
        if depth not in LAYOUTS:
            raise ValueError(f"There is no ResNet-{depth}: choose a depth of {', '.join(map(str, DEPTHS))}.")
        if variant not in VARIANTS:
            raise ValueError(f"There is no variant {variant!r}: choose {' or '.join(VARIANTS)}.")
        self.depth, self.variant = depth, variant
        block_type, counts = LAYOUTS[depth]
        block = BLOCKS[block_type]
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        inputs = 64
        for index, (name, count) in enumerate(zip(STAGES, counts, strict=True)):
            width, stride = 64 * 2**index, 1 if index == 0 else 2
            blocks = [block(inputs, width, stride, variant)]
            inputs = width * block.expansion
            blocks += [block(inputs, width, 1, variant) for _ in range(count - 1)]
            setattr(self, name, nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, outputs)
        initialise(self, zero_last_norm)

    @property
    def width(self) -> int:
        """Channels of the last feature map: 512 or 2048."""
        return self.fc.in_features

    def stem(self, x: Tensor) -> Tensor:
        """Picture (b, 3, r, c) → (b, 64, r/4, c/4)."""
        return self.maxpool(F.relu(self.bn1(self.conv1(x)), inplace=True))

    def stages(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Picture (b, 3, r, c) → the feature map of each stage by name: (b, C, r/4, c/4) to (b, C, r/32, c/32)."""
        maps: OrderedDict[str, Tensor] = OrderedDict()
        x = self.stem(x)
        for name in STAGES:
            x = maps[name] = getattr(self, name)(x)
        return maps

    def features(self, x: Tensor) -> Tensor:
        """Normalised pictures (b, 3, r, c) → last feature map (b, ``width``, ⌈r/32⌉, ⌈c/32⌉).

        Raises:
            ValueError: not four dimensions, or not three channels.
        """
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(
                f"Pictures must have the shape (batch, 3, rows, columns), these have {tuple(x.shape)}: "
                "pass RGB, channels first, with a batch dimension."
            )
        return self.stages(x)["layer4"]

    def head(self, features: Tensor) -> Tensor:
        """Last feature map (b, ``width``, r, c) → logits (b, outputs): global average pooling, then a linear layer.

        Raises:
            ValueError: a feature map of another number of channels.
        """
        if features.ndim != 4 or features.shape[1] != self.width:
            raise ValueError(
                f"The head of ResNet-{self.depth} takes a feature map of the shape (batch, {self.width}, rows, "
                f"columns), this one has {tuple(features.shape)}: pass what features() returned."
            )
        return self.fc(features.mean(dim=(2, 3)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def initialise(network: ResNet, zero_last_norm: bool = False) -> None:
    """Weights as in He et al. 2015 (https://arxiv.org/abs/1502.01852, fan-out), batch norms at identity."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    if zero_last_norm:
        for module in network.modules():
            if isinstance(module, BasicBlock | Bottleneck):
                nn.init.zeros_(module.last_norm.weight)


def load_strictly(network: ResNet, state: Mapping[str, Tensor], source: str = "the state dict") -> None:
    """Copy ``state`` into ``network``; every key must be there, none may be left over, every shape must fit.

    Raises:
        ValueError: one sentence that lists each missing, unexpected and misshapen key.
    """
    # torchvision's oldest files lack these counters, and nothing here reads them.
    expected = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    given = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    faults = []
    if missing := sorted(expected.keys() - given.keys()):
        faults.append(f"missing: {', '.join(missing)}")
    if unexpected := sorted(given.keys() - expected.keys()):
        faults.append(f"unexpected: {', '.join(unexpected)}")
    if misshapen := [
        f"{key} is {tuple(given[key].shape)} and should be {tuple(expected[key].shape)}"
        for key in expected.keys() & given.keys()
        if given[key].shape != expected[key].shape
    ]:
        faults.append(f"wrong shape: {', '.join(sorted(misshapen))}")
    if faults:
        raise ValueError(f"{source} does not fit a ResNet-{network.depth}: {'; '.join(faults)}.")
    with torch.no_grad():
        for key, value in expected.items():
            value.copy_(given[key])


def count_parameters(network: nn.Module) -> int:
    """Weights and biases that training changes (running statistics are not counted)."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_gflops(network: ResNet, rows: int = 224, columns: int = 224) -> float:
    """Multiply-adds of one picture's convolutions and head, in 10⁹: what the paper's Table 1 calls FLOPs.

    Counted by running the network on the meta device: shapes only, no arithmetic.
    """
    total = 0

    def count(module: nn.Module, _inputs, output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output.numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += module.weight.numel()

    with torch.device("meta"):
        twin = ResNet(network.depth, network.fc.out_features, network.variant).eval()
        handles = [module.register_forward_hook(count) for module in twin.modules()]
        with torch.inference_mode():
            twin(torch.empty(1, 3, rows, columns))
        for handle in handles:
            handle.remove()
    return total / 1e9
