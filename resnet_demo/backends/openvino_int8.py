"""8-bit arithmetic on CPUs: convolutions of 8-bit inputs with the 8-bit weights that are stored anyway.

The weights lose nothing: a batch norm folded into a convolution changes a channel's scale, not its integers. What is
rounded is each convolution's input, in 255 steps from 0 to its range, the largest value that it took on training
pictures (Jacob et al. 2018, https://arxiv.org/abs/1712.05877, section 2; Nagel et al. 2021,
https://arxiv.org/abs/2106.08295, section 3). The shortcuts stay float32: were they rounded too, the errors of all
blocks would add up. So do in a bottleneck network the 1×1 convolutions behind the stem, whose channels differ most:
they take a sixtieth of the arithmetic, and rounding their input would cost more accuracy than that of all the others
together. The first convolution takes bytes, see ``openvino_bytes``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
from openvino import opset13 as ops

from resnet_demo.backends.openvino_graph import Layer, convolution, convolve, folded, scale_and_shift
from resnet_demo.backends.openvino_runtime import ov
from resnet_demo.models.architecture import ConvNorm
from resnet_demo.models.quantization import Dequantised

LEVELS, LARGEST = 256, 127
# Steps from 0 to an input's range. OpenVINO 2026.4 multiplies 8-bit numbers without VNNI by instructions that add two
# products in 16 bits and stop at 32,767 without a word: 64 inputs of 255 times weights of 127 come to half of what they
# should. With 129 steps no sum of two is larger than 2 · 129 · 127 = 32,766, so that all are exact.
STEPS, FEWER_STEPS, LARGEST_PAIR = 255, 129, 32_767
# But half as many steps cost each photo twice the rounding error, while of the sums of two of a trained network hardly
# one gets there: both weights must be large, and both inputs near the largest of all training pictures (docs/
# benchmarks.md). So all 255 steps stay where even all inputs at their largest at once would lose at most this share.
MOST_LOST = 0.25
# Names that Linux has for x86's sums of 8-bit products in 32 bits, and for those in 16.
WIDE, NARROW = {"avx512_vnni", "avx_vnni", "amx_int8"}, {"avx2"}
# Values of ONEDNN_MAX_CPU_ISA with which OpenVINO leaves out newer instructions.
NO_WIDE, NO_SUMS = {"AVX2", "AVX512_CORE"}, {"SSE41", "AVX"}


def exact_steps(cpuinfo: str = "/proc/cpuinfo") -> int | None:
    """Steps of an input with which this CPU's sums of 8-bit products are exact; None where it has no instructions for
    such sums, or that cannot be known (not Linux)."""
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    try:
        with open(cpuinfo) as file:
            flags = {flag for line in file if line.startswith("flags") for flag in line.split()}
    except OSError:
        return None
    if limit in NO_SUMS or not flags & (WIDE | NARROW):
        return None
    return STEPS if flags & WIDE and limit not in NO_WIDE else FEWER_STEPS


def steps_here() -> int:
    """``exact_steps``, or ``STEPS`` where there are none."""
    return exact_steps() or STEPS


def rounding(ranges: Mapping[str, float], steps: int = STEPS) -> Layer:
    """Makes convolutions whose inputs are rounded to 8 bits where there is a range.

    Args:
        steps: see ``exact_steps``; where these are fewer than ``STEPS``, only convolutions that could lose much take
            them, see ``most_lost``.

    Raises:
        ValueError: no ranges.
    """
    if not ranges:
        raise ValueError("8-bit convolutions need the ranges of their inputs: measure them first.")

    def layer(x: ov.Output, state: Mapping[str, np.ndarray], record: ConvNorm) -> ov.Output:
        if record.name not in ranges:
            return convolution(x, state, record)
        numbers, scale, bias = folded_integers(state, record)
        exact = steps == STEPS or most_lost(numbers) > MOST_LOST
        rounded_input = rounded(x, ranges[record.name], steps if exact else STEPS)
        return convolve(rounded_input, constants(numbers, scale), bias, record)

    return layer


def folded_integers(state: Mapping[str, np.ndarray], record: ConvNorm) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A convolution and its batch norm as one: ``as_integers`` of the weights of ``folded``, and the bias.

    Those that lie in a checkpoint as integers are taken as they are, which saves a ResNet-50 most of the time before
    it is compiled; the scales are the same to the last bit.
    """
    stored = state.integers(f"{record.name}.weight") if isinstance(state, Dequantised) and not record.fixed else None
    if stored is not None and record.norm is not None:
        numbers, scales = stored
        if (np.abs(numbers).max(axis=(1, 2, 3)) == LARGEST).all():
            factor, bias = scale_and_shift(state, record.norm)
            largest = np.float32(LARGEST) * scales * factor
            if (factor < 0).any():
                numbers = numbers * np.where(factor < 0, -1, 1).astype(np.int8)[:, None, None, None]
            if largest.all():
                return numbers, (np.abs(largest) / LARGEST)[:, None, None, None], bias
    weight, bias = folded(state, record)
    return *as_integers(weight), bias


def most_lost(numbers: np.ndarray) -> float:
    """The largest share of its sum that an output can lose where sums of two products stop at ``LARGEST_PAIR``: with
    every input at its largest.

    Args:
        numbers: weights (outputs, inputs, …) as int8, see ``as_integers``.
    """
    numbers = numbers.reshape(len(numbers), numbers.shape[1], -1)
    if numbers.shape[1] % 2:  # The kernel fills up with zeros.
        numbers = np.pad(numbers, ((0, 0), (0, 1), (0, 0)))
    most = 0.0
    for one_sign in (np.maximum(numbers, 0), np.maximum(-numbers, 0)):  # Products of the other sign only help.
        parts = one_sign.view(np.uint8)
        pairs = parts[:, 0::2] + parts[:, 1::2]  # 254 at most
        where = np.nonzero(pairs > LARGEST_PAIR // STEPS)
        if len(where[0]):
            lost = np.bincount(where[0], STEPS * pairs[where].astype(np.float64) - LARGEST_PAIR)
            concerned = np.flatnonzero(lost)
            most = max(
                most, float(np.max(lost[concerned] / (STEPS * parts[concerned].sum(axis=(1, 2), dtype=np.int64))))
            )
    return most


def rounded(x: ov.Output, largest: float, steps: int = STEPS) -> ov.Output:
    """Values from 0 to ``largest`` in steps; what lies outside becomes the nearest of them."""
    if steps < STEPS:  # OpenVINO knows no numbers of steps but 255: the range becomes wider, and ends where it did.
        x = ops.clamp(x, 0.0, float(largest)).output(0)
    low, high = np.float32(0), np.float32(largest * STEPS / steps)
    return ops.fake_quantize(x, low, high, low, high, LEVELS).output(0)


def integers(weight: np.ndarray) -> ov.Output:
    """Weights (outputs, …) as 8-bit integers times a scale for each output, see ``as_integers``."""
    return constants(*as_integers(weight))


def constants(numbers: np.ndarray, scale: np.ndarray) -> ov.Output:
    return ops.multiply(ops.convert(ops.constant(numbers), np.float32), scale).output(0)


def as_integers(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (outputs, …) → int8 numbers from -127 to 127, and the scale of each output, float32 (outputs, 1, …).

    Those of a checkpoint become the stored integers again: in each channel of the file at least one has the largest
    size.
    """
    inputs = tuple(range(1, weight.ndim))
    scale = np.maximum(np.abs(weight).max(axis=inputs, keepdims=True) / LARGEST, np.finfo(np.float32).tiny)
    return np.rint(weight / scale).astype(np.int8), scale
