"""The residual network of He et al., "Deep Residual Learning for Image Recognition" (2015), https://arxiv.org/abs/1512.03385.

Its blocks are those of the table in ``architecture``. Parameter names equal torchvision's, so public weights load
strictly.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_demo.models.architecture import STAGES, STEM, Architecture, Block, ConvNorm, architecture_of


def conv_norm(record: ConvNorm) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """The two layers of a record."""
    convolution = nn.Conv2d(
        record.inputs,
        record.outputs,
        record.kernel,
        stride=record.stride,
        padding=record.padding,
        groups=record.groups,
        bias=False,
    )
    return convolution, nn.BatchNorm2d(record.outputs)


class ResidualBlock(nn.Module):
    """Convolutions and a shortcut past them (paper, figure 5): (b, inputs, r, c) → (b, outputs, r/stride, c/stride).

    Which convolutions, the block's record says: two of 3×3 in a basic block, 1×1, 3×3 and 1×1 in a bottleneck.
    """

    conv1: nn.Conv2d
    bn1: nn.BatchNorm2d
    conv2: nn.Conv2d
    bn2: nn.BatchNorm2d
    downsample: nn.Sequential | None

    def __init__(self, block: Block):
        super().__init__()
        self._names = [
            (record.name.removeprefix(f"{block.name}."), record.norm.removeprefix(f"{block.name}."))
            for record in block.convolutions
        ]
        for names, record in zip(self._names, block.convolutions, strict=True):
            for name, layer in zip(names, conv_norm(record), strict=True):
                setattr(self, name, layer)
        self.downsample = nn.Sequential(*conv_norm(block.projection)) if block.projection else None

    def layers(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """The convolutions and their batch norms, without the shortcut's."""
        return [(getattr(self, name), getattr(self, norm)) for name, norm in self._names]

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        """The batch norm in front of the addition: with a scale of zero the residual branch vanishes."""
        return self.layers()[-1][1]

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        *first, (convolution, norm) = self.layers()
        for earlier, its_norm in first:
            x = F.relu(its_norm(earlier(x)), inplace=True)
        x = norm(convolution(x))
        return F.relu(x + shortcut, inplace=True)


class ResNet(nn.Module):
    """A residual network of 18, 34, 50, 101 or 152 layers, or of another architecture's record.

    Args:
        depth: one of ``DEPTHS``, or a record, such as ``ARCHITECTURES["resnet50"]``.
        outputs: width of the linear head: classes, or coordinates.
        variant: where a bottleneck has its stride, ``v1`` (paper) or ``v1.5`` (torchvision); None is ``v1.5`` for a
            depth, and what a record says.
        zero_last_norm: start every residual branch at zero, so that each block starts as the identity
            (Goyal et al. 2017, https://arxiv.org/abs/1706.02677, section 5.1).

    Raises:
        ValueError: a depth or variant that does not exist.
    """

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential

    def __init__(
        self,
        depth: Architecture | int = 50,
        outputs: int = 1000,
        variant: str | None = None,
        zero_last_norm: bool = False,
    ):
        super().__init__()
        self.architecture = architecture_of(depth, variant)
        self.depth, self.variant = self.architecture.depth, self.architecture.variant
        self.conv1, self.bn1 = conv_norm(STEM)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        for stage, blocks in self.architecture.stages.items():
            setattr(self, stage, nn.Sequential(*map(ResidualBlock, blocks)))
        self.fc = nn.Linear(self.architecture.width, outputs)
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
                f"The head of {self.architecture.title} takes a feature map of the shape (batch, {self.width}, rows, "
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
            if isinstance(module, ResidualBlock):
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
        raise ValueError(f"{source} does not fit a {network.architecture.title}: {'; '.join(faults)}.")
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
        twin = ResNet(network.architecture, network.fc.out_features).eval()
        handles = [module.register_forward_hook(count) for module in twin.modules()]
        with torch.inference_mode():
            twin(torch.empty(1, 3, rows, columns))
        for handle in handles:
            handle.remove()
    return total / 1e9
