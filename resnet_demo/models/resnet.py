"""The residual network of He et al., "Deep Residual Learning for Image Recognition" (2015), https://arxiv.org/abs/1512.03385.

Its blocks are those of the table in ``architecture``. Parameter names equal torchvision's, so public weights load
strictly.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_demo.models.architecture import STAGES, Architecture, Block, ConvNorm, Gate, architecture_of

Pair = tuple[nn.Conv2d, nn.BatchNorm2d | None]
# How a convolution and the batch norm behind it, if any, are computed: input (b, C, r, c) → output.
Apply = Callable[[Tensor, nn.Conv2d, nn.BatchNorm2d | None], Tensor]


def one_after_the_other(x: Tensor, convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> Tensor:
    """As the layers stand; ``folded_norms.convolve`` makes one of the two."""
    x = convolution(x)
    return x if norm is None else norm(x)


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


def pair_of(module: nn.Module, record: ConvNorm, prefix: str = "") -> Pair:
    """The layers of a record inside ``module``, which is called ``prefix`` in the state dict."""
    convolution = module.get_submodule(record.name.removeprefix(prefix))
    norm = module.get_submodule(record.norm.removeprefix(prefix)) if record.norm else None
    assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d | None)
    return convolution, norm


def folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor | None]:
    """Weights (out, in, r, c) and bias (out,) of the one convolution that stands for both: w · s and β − μ · s, with
    s = γ / √(σ² + ε); of a convolution alone its weights and None."""
    if norm is None:
        return convolution.weight, None
    assert norm.running_mean is not None and norm.running_var is not None  # Our batch norms keep statistics.
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return convolution.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale


class SqueezeExcite(nn.Module):
    """Multiplies each channel by a number of 0..1 that depends on the means of all channels, see ``Gate``."""

    def __init__(self, gate: Gate):
        super().__init__()
        self.fc1 = nn.Conv2d(gate.channels, gate.hidden, 1)
        self.fc2 = nn.Conv2d(gate.hidden, gate.channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.fc1(x.mean((2, 3), keepdim=True)), inplace=True)  # (b, hidden, 1, 1)
        return x * torch.sigmoid(self.fc2(hidden))


class ResidualBlock(nn.Module):
    """Convolutions and a shortcut past them (paper, figure 5): (b, inputs, r, c) → (b, outputs, r/stride, c/stride).

    Which convolutions and which shortcut, the block's record says: two of 3×3 in a basic block, 1×1, 3×3 and 1×1 in a
    bottleneck.
    """

    conv1: nn.Conv2d
    bn1: nn.BatchNorm2d
    conv2: nn.Conv2d
    bn2: nn.BatchNorm2d
    downsample: nn.Sequential | None

    def __init__(self, block: Block):
        super().__init__()
        self.record, self._prefix = block, f"{block.name}."
        self.norm1 = nn.BatchNorm2d(block.inputs) if block.first_norm else None
        for record in block.convolutions:
            convolution, norm = conv_norm(record)
            setattr(self, record.name.removeprefix(self._prefix), convolution)
            if record.norm:
                setattr(self, record.norm.removeprefix(self._prefix), norm)
        self.se = SqueezeExcite(block.gate) if block.gate else None
        self.downsample = make_downsample(block)

    def layers(self) -> list[Pair]:
        """The convolutions and their batch norms, without the shortcut's."""
        return [pair_of(self, record, self._prefix) for record in self.record.convolutions]

    def projection(self) -> Pair | None:
        """The shortcut's convolution and its batch norm, where it has one that learns."""
        record = self.record.projection
        return None if record is None or record.fixed else pair_of(self, record, self._prefix)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        """The batch norm in front of the addition: with a scale of zero the residual branch vanishes."""
        norm = self.layers()[-1][1]
        assert norm is not None, "pre-activation has none there"
        return norm

    def silence(self) -> None:
        """Let the residual branch start at zero: its last batch norm, or its last convolution where that has none."""
        convolution, norm = self.layers()[-1]
        nn.init.zeros_((norm or convolution).weight)

    def shortcut(self, x: Tensor, apply: Apply = one_after_the_other) -> Tensor:
        """What passes the convolutions of what they get: ``x``, or its projection."""
        record = self.record.projection
        if record is None:
            return x
        if record.fixed:
            return F.pad(x[:, :, :: record.stride, :: record.stride], (0, 0, 0, 0, 0, record.outputs - record.inputs))
        if apply is one_after_the_other and self.downsample is not None:
            return self.downsample(x)
        pair = self.projection()
        assert pair is not None and self.downsample is not None
        return apply(self.downsample[0](x) if self.record.pooling > 1 else x, *pair)

    def without_branch(self, x: Tensor, apply: Apply = one_after_the_other) -> Tensor:
        """The block's output with its residual branch at zero."""
        if self.norm1 is None:
            return F.relu(self.shortcut(x, apply))
        return self.shortcut(F.relu(self.norm1(x)), apply) if self.record.projection else x

    def forward(self, x: Tensor, apply: Apply = one_after_the_other) -> Tensor:
        record = self.record
        # Pre-activation: a projection gets what the convolutions get, but what passes unchanged is the input itself.
        start = x if self.norm1 is None else F.relu(self.norm1(x), inplace=True)
        shortcut = self.shortcut(start if record.projection else x, apply) if record.has_shortcut else None
        *first, last = self.layers()
        inner = start
        for pair in first:
            inner = F.relu(apply(inner, *pair), inplace=True)
        branch = apply(inner, *last)
        if self.se is not None:
            branch = self.se(branch)
        if shortcut is not None:
            if branch.shape != shortcut.shape:  # A shortcut of one row or column would be added without a word.
                raise ValueError(
                    f"The branch of {record.name} has the shape {tuple(branch.shape)} and its shortcut "
                    f"{tuple(shortcut.shape)}: give both the same stride and channels."
                )
            branch = branch + shortcut
        return branch if self.norm1 is not None else F.relu(branch, inplace=True)


def make_downsample(block: Block) -> nn.Sequential | None:
    """The modules of a shortcut with a convolution that learns, by timm's names."""
    record = block.projection
    if record is None or record.fixed:
        return None
    convolution, norm = conv_norm(record)
    layers: list[nn.Module] = [convolution, norm] if record.norm else [convolution]
    if not record.name.endswith(".0"):  # ResNet-D has a place for the pooling, also where there is none.
        pooling = nn.AvgPool2d(block.pooling, ceil_mode=True, count_include_pad=False)
        layers.insert(0, pooling if block.pooling > 1 else nn.Identity())
    return nn.Sequential(*layers)


def make_stem(architecture: Architecture) -> tuple[nn.Module, nn.Module | None]:
    """``conv1`` and ``bn1``: one convolution and its batch norm, or all but the last norm in one Sequential."""
    layers: list[nn.Module] = []
    *first, last = architecture.first_convolutions
    for record in first:
        layers += [*conv_norm(record), nn.ReLU(inplace=True)]
    convolution, norm = conv_norm(last)
    return nn.Sequential(*layers, convolution) if layers else convolution, norm if last.norm else None


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
        self.conv1, self.bn1 = make_stem(self.architecture)
        self.maxpool = (
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1) if self.architecture.pools_first else nn.Identity()
        )
        for stage, blocks in self.architecture.stages.items():
            setattr(self, stage, nn.Sequential(*map(ResidualBlock, blocks)))
        self.norm = nn.BatchNorm2d(self.architecture.width) if self.architecture.last_norm else None
        self.fc = nn.Linear(self.architecture.width, outputs)
        initialise(self, zero_last_norm)

    @property
    def width(self) -> int:
        """Channels of the last feature map: 512 or 2048."""
        return self.fc.in_features

    def train(self, mode: bool = True) -> ResNet:
        """As of every module, with a warning for batch norms that look frozen and would go on learning."""
        super().train(mode)
        frozen = [
            name
            for name, module in self.named_modules()
            if mode and isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad
        ]
        if frozen:
            warnings.warn(
                f"{len(frozen)} batch norms do not require a gradient ({frozen[0]} first), but in training mode their "
                "statistics go on learning from every batch: call eval() on what is frozen after train().",
                stacklevel=2,
            )
        return self

    def stem(self, x: Tensor, apply: Apply = one_after_the_other) -> Tensor:
        """Picture (b, 3, r, c) → (b, 64, r/4, c/4)."""
        for record in self.architecture.first_convolutions:
            convolution, norm = pair_of(self, record)
            x = apply(x, convolution, norm)
            if norm is not None:
                x = F.relu(x, inplace=True)
        return self.maxpool(x)

    def stage(self, name: str, x: Tensor, apply: Apply = one_after_the_other) -> Tensor:
        """A stage's feature map, from that of the one before, or of the stem."""
        if apply is one_after_the_other:
            x = getattr(self, name)(x)  # as a module, for those who hook it
        else:
            for block in getattr(self, name):
                x = block(x, apply)
        return self.after_blocks(x) if name == STAGES[-1] else x

    def after_blocks(self, x: Tensor) -> Tensor:
        """The last feature map of what the last block put out: the same, but for pre-activation."""
        return x if self.norm is None else F.relu(self.norm(x), inplace=True)

    def stages(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Picture (b, 3, r, c) → the feature map of each stage by name: (b, C, r/4, c/4) to (b, C, r/32, c/32)."""
        maps: OrderedDict[str, Tensor] = OrderedDict()
        x = self.stem(x)
        for name in STAGES:
            x = maps[name] = self.stage(name, x)
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
        if self.training and not torch.is_grad_enabled():
            warnings.warn(
                "The network predicts in training mode: its batch norms use and learn the statistics of these very "
                "pictures, so an answer depends on what else is in its batch. Call eval() first.",
                stacklevel=2,
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
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    # Of a plain network nothing would be left.
    if zero_last_norm and network.architecture.has_shortcuts:
        for module in network.modules():
            if isinstance(module, ResidualBlock):
                module.silence()


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
