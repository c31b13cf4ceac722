"""What a network costs, counted from the shapes of its weights; importing torch for that would take seconds."""

from __future__ import annotations

from math import prod

from resnet_demo.models.architecture import Architecture, architecture_of
from resnet_demo.models.state import expected_shapes


def count_parameters(depth: Architecture | int, outputs: int) -> int:
    """Weights and biases that training changes, as ``resnet.count_parameters``."""
    shapes = expected_shapes(depth, outputs)
    return sum(prod(shape) for key, shape in shapes.items() if "running_" not in key)


def count_gflops(depth: Architecture | int, outputs: int, variant: str | None, size: int) -> float:
    """Multiply-adds of one square picture, in 10⁹, as ``resnet.count_gflops``."""
    architecture = architecture_of(depth, variant)
    side, total = size, architecture.width * outputs
    for convolution in architecture.first_convolutions:
        side = shrunk(side, convolution.stride)
        total += prod(convolution.shape) * side**2
    side = shrunk(side, 2) if architecture.pools_first else side
    for block in architecture.blocks:
        for convolution in block.convolutions:
            side = shrunk(side, convolution.stride)
            total += prod(convolution.shape) * side**2
        if block.gate:
            total += sum(prod(shape) for shape in block.gate.shapes.values() if len(shape) > 1)
        if block.projection and not block.projection.fixed:
            total += prod(block.projection.shape) * side**2
    return total / 1e9


def shrunk(side: int, stride: int) -> int:
    """The side of a feature map behind a convolution."""
    return -(-side // stride)
