"""A network for GPUs: batch norms folded into the convolutions, and each convolution one kernel with what follows it.

cuDNN has kernels that add a convolution's bias and a shortcut and cut off what is negative before the result is written
(``cudnnConvolutionBiasActivationForward``); elsewhere PyTorch's own operations do the same one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from resnet_demo.backends.cpu_instead import Fault, fault_of
from resnet_demo.models.architecture import STAGES
from resnet_demo.models.resnet import Pair, ResidualBlock, ResNet, folded, pair_of

# Of the largest value: by how much the quick network may differ from the plain one in the same precision.
TOLERANCE = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 5e-2}


@dataclass(frozen=True)
class Folded:
    """A convolution and its batch norm as one, see ``folded``."""

    weight: Tensor
    bias: Tensor
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    groups: int

    @property
    def shape(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, int], int]:
        """Stride, padding, dilation and groups, as PyTorch's functions take them."""
        return self.stride, self.padding, (1, 1), self.groups


class Operations:
    """What a block is made of, by PyTorch's own operations."""

    def plain(self, x: Tensor, one: Folded) -> Tensor:
        return F.conv2d(x, one.weight, one.bias, *one.shape)

    def with_relu(self, x: Tensor, one: Folded) -> Tensor:
        return F.relu_(self.plain(x, one))

    def with_shortcut(self, x: Tensor, one: Folded, shortcut: Tensor) -> Tensor:
        """The convolution, plus the shortcut, and a ReLU over both."""
        return F.relu_(self.plain(x, one).add_(shortcut))


class CudnnOperations(Operations):
    """The same in one kernel each."""

    def with_relu(self, x: Tensor, one: Folded) -> Tensor:
        return torch.cudnn_convolution_relu(x, one.weight, one.bias, *one.shape)

    def with_shortcut(self, x: Tensor, one: Folded, shortcut: Tensor) -> Tensor:
        return torch.cudnn_convolution_add_relu(x, one.weight, shortcut, 1.0, one.bias, *one.shape)


class FusedNetwork:
    """A network up to its head: (b, 3, r, c) → last feature map (b, C, ⌈r/32⌉, ⌈c/32⌉).

    Args:
        network: float32, in evaluation mode; it is not changed.
        device, precision: of the convolutions. The batch norms are folded in float32 before.
        operations: which kernels.
    """

    def __init__(self, network: ResNet, device: str, precision: torch.dtype, operations: Operations | None = None):
        def place(pair: Pair) -> Folded:
            return placed(pair, device, precision)

        self._operations = operations or Operations()
        self._stem = place(pair_of(network, network.architecture.first_convolutions[0]))
        blocks: list[ResidualBlock] = [block for stage in STAGES for block in getattr(network, stage)]
        self._blocks = [
            ([place(pair) for pair in block.layers()], place(projection) if projection else None)
            for block, projection in ((block, block.projection()) for block in blocks)
        ]

    def features(self, x: Tensor) -> Tensor:
        operations = self._operations
        x = F.max_pool2d(operations.with_relu(x, self._stem), 3, 2, 1)
        for layers, projection in self._blocks:
            shortcut = x if projection is None else operations.plain(x, projection)
            for layer in layers[:-1]:
                x = operations.with_relu(x, layer)
            x = operations.with_shortcut(x, layers[-1], shortcut)
        return x


@torch.no_grad()
def placed(pair: Pair, device: str, precision: torch.dtype) -> Folded:
    convolution = pair[0]
    weight, bias = folded(*pair)
    assert bias is not None  # The usual blocks have a batch norm behind each convolution.
    return Folded(
        weight.to(device, precision).contiguous(memory_format=torch.channels_last),
        bias.to(device, precision),
        convolution.stride,
        tuple(map(int, convolution.padding)),
        convolution.groups,
    )


@torch.inference_mode()
def quickest(
    network: ResNet, device: str, precision: torch.dtype, plain: Callable[[Tensor], Tensor], size: int
) -> Callable[[Tensor], Tensor]:
    """The quickest of the ways to the last feature map that computes what ``plain`` computes, on two random pictures.

    Args:
        plain: the way that is right, on the device and in the precision; the answer where all others fail.
        size: side of a picture in pixels.

    Raises:
        RuntimeError: the device's memory is full, or the device is lost.
    """
    if not network.architecture.has_usual_blocks:
        return plain
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    x = x.to(device, precision).contiguous(memory_format=torch.channels_last)
    expected = plain(x).float()
    for operations in [CudnnOperations()] * device.startswith("cuda") + [Operations()]:
        try:
            way = FusedNetwork(network, device, precision, operations).features
            error = (way(x).float() - expected).abs().max()
        except RuntimeError as refused:
            if fault_of(refused) in (Fault.FULL, Fault.LOST):
                raise
            continue  # A cuDNN without such a kernel for this type or card.
        if error <= TOLERANCE[precision] * expected.abs().max():
            return way
    return plain
