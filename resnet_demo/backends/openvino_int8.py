"""8-bit arithmetic on CPUs: convolutions of 8-bit inputs with the 8-bit weights that are stored anyway.

The weights lose nothing: a batch norm folded into a convolution changes a channel's scale, not its integers. What is
rounded is each convolution's input, to 256 steps from 0 to its range, the largest value that it took on training
pictures (Jacob et al. 2018, https://arxiv.org/abs/1712.05877, section 2; Nagel et al. 2021,
https://arxiv.org/abs/2106.08295, section 3). The shortcuts stay float32: were they rounded too, the errors of all
blocks would add up. So do the first convolution, whose input has both signs, and in a bottleneck network the 1×1
convolutions behind the stem, whose channels differ most: they take a sixtieth of the arithmetic, and rounding their
input would cost more accuracy than that of all the others together.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from openvino import opset13 as ops

from resnet_demo.backends.openvino_graph import Layer, convolution, convolve, folded
from resnet_demo.backends.openvino_runtime import ov
from resnet_demo.models.architecture import ConvNorm

LEVELS, LARGEST = 256, 127
# Names that Linux has for x86's sums of 8-bit products; without them 8 bits are no quicker than float32.
FLAGS = {"avx512_vnni", "avx_vnni", "amx_int8"}


def has_instructions(cpuinfo: str = "/proc/cpuinfo") -> bool:
    """Whether the CPU has instructions for 8-bit products; False where that cannot be known (not Linux)."""
    try:
        with open(cpuinfo) as file:
            return any(FLAGS & set(line.split()) for line in file if line.startswith("flags"))
    except OSError:
        return False


def rounding(ranges: Mapping[str, float]) -> Layer:
    """Makes convolutions whose inputs are rounded to 8 bits where there is a range.

    Raises:
        ValueError: no ranges.
    """
    if not ranges:
        raise ValueError("8-bit convolutions need the ranges of their inputs: measure them first.")

    def layer(x: ov.Output, state: Mapping[str, np.ndarray], record: ConvNorm) -> ov.Output:
        if record.name not in ranges:
            return convolution(x, state, record)
        weight, bias = folded(state, record)
        return convolve(rounded(x, ranges[record.name]), integers(weight), bias, record)

    return layer


def rounded(x: ov.Output, largest: float) -> ov.Output:
    """Values from 0 to ``largest`` in 256 steps; what lies outside becomes the nearest of them."""
    low, high = np.float32(0), np.float32(largest)
    return ops.fake_quantize(x, low, high, low, high, LEVELS).output(0)


def integers(weight: np.ndarray) -> ov.Output:
    """Weights (outputs, …) as 8-bit integers times a scale for each output.

    Those of a checkpoint become the stored integers again: in each channel of the file at least one has the largest
    size.
    """
    inputs = tuple(range(1, weight.ndim))
    scale = np.maximum(np.abs(weight).max(axis=inputs, keepdims=True) / LARGEST, np.finfo(np.float32).tiny)
    steps = ops.constant(np.rint(weight / scale).astype(np.int8))
    return ops.multiply(ops.convert(steps, np.float32), scale).output(0)
