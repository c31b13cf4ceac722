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

from resnet_demo.checkpoints import Checkpoint, rounded_convolutions
from resnet_demo.engine import Engine
from resnet_demo.graph_openvino import Convolution, build_model, convolution, convolve, folded
from resnet_demo.vino import ov

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


def rounding(ranges: Mapping[str, float]) -> Convolution:
    """Makes convolutions whose inputs are rounded to 8 bits where there is a range.

    Raises:
        ValueError: no ranges.
    """
    if not ranges:
        raise ValueError("8-bit convolutions need the ranges of their inputs: measure them first.")

    def layer(x: ov.Output, state: Mapping[str, np.ndarray], name: str, norm: str, stride: int) -> ov.Output:
        if name not in ranges:
            return convolution(x, state, name, norm, stride)
        low, high = np.float32(0), np.float32(ranges[name])
        rounded = ops.fake_quantize(x, low, high, low, high, LEVELS).output(0)
        weight, bias = folded(state, name, norm)
        # The stored integers again: in each channel of the file at least one has the largest size.
        scale = np.maximum(np.abs(weight).max(axis=(1, 2, 3), keepdims=True) / LARGEST, np.finfo(np.float32).tiny)
        integers = ops.constant(np.rint(weight / scale).astype(np.int8))
        weights = ops.multiply(ops.convert(integers, np.float32), scale).output(0)
        return convolve(rounded, weights, bias, weight.shape[2], stride)

    return layer


class RangeFinder(Engine):
    """The float32 network on the CPU, which keeps the largest input that each convolution has had.

    Attributes:
        ranges: name → largest input of all pictures so far, of those convolutions that ``rounding`` rounds for.
    """

    device, backend = "cpu", "OpenVINO float32 on CPU"

    def __init__(self, checkpoint: Checkpoint):
        state = checkpoint.state
        super().__init__(checkpoint, (state["fc.weight"], state["fc.bias"]))
        largest: dict[str, ov.Output] = {}

        def layer(x: ov.Output, state: Mapping[str, np.ndarray], name: str, norm: str, stride: int) -> ov.Output:
            largest[name] = ops.reduce_max(x, np.arange(4)).output(0)
            return convolution(x, state, name, norm, stride)

        model = build_model(state, checkpoint.spec, checkpoint.depth, checkpoint.variant, layer)
        self.ranges = dict.fromkeys(rounded_convolutions(checkpoint.depth), 0.0)
        model.add_outputs([largest[name] for name in self.ranges])
        hints = {"INFERENCE_PRECISION_HINT": "f32"}
        self._request = ov.Core().compile_model(model, "CPU", hints).create_infer_request()

    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        with self._lock:
            features, *largest = (np.array(output) for output in self._request.infer([pictures]).values())
            for name, value in zip(self.ranges, largest, strict=True):
                self.ranges[name] = max(self.ranges[name], float(value))
        return features
