"""What a network costs, counted from the shapes of its weights; importing torch for that would take seconds."""

from __future__ import annotations

from math import prod

from resnet_demo.models.layouts import LAYOUTS
from resnet_demo.models.state import expected_shapes


def count_parameters(depth: int, outputs: int) -> int:
    """Weights and biases that training changes, as ``resnet.count_parameters``."""
    shapes = expected_shapes(depth, outputs)
    return sum(prod(shape) for key, shape in shapes.items() if "running_" not in key)


def count_gflops(depth: int, outputs: int, variant: str, size: int) -> float:
    """Multiply-adds of one square picture, in 10⁹, as ``resnet.count_gflops``."""
    bottleneck = LAYOUTS[depth][0] == "bottleneck"
    # The convolution of a stage's first block that halves the picture.
    strided = "conv2" if bottleneck and variant == "v1.5" else "conv1"
    side = _half(size)
    total = 0
    for key, shape in expected_shapes(depth, outputs).items():
        if len(shape) == 2:
            total += prod(shape)
        if len(shape) != 4:
            continue
        if key == "conv1.weight":
            total += prod(shape) * side**2
            side = _half(side)  # max pooling
            before = side
            continue
        stage, block, name, *_ = key.split(".")
        if name == "downsample":  # Comes last in its block, and has the block's output size.
            total += prod(shape) * side**2
            continue
        if name == "conv1":
            before = side
        if name == strided and block == "0" and stage != "layer1":
            side = _half(before)
        total += prod(shape) * side**2
    return total / 1e9


def _half(side: int) -> int:
    return (side - 1) // 2 + 1
