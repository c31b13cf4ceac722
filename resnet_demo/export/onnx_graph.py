"""The network as an ONNX graph, node by node: PyTorch's exporter would need two packages more and gives no fewer.

In ``int8`` the weights are the stored integers, with a scale for each output channel, and inputs of convolutions are
rounded as in ``backends.openvino_int8``: pairs of QuantizeLinear and DequantizeLinear, which a runtime may replace by
integer arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from resnet_demo.backends.openvino_graph import folded, scale_and_shift
from resnet_demo.errors import UserError
from resnet_demo.export.files import FLOAT32, FP16, INT8
from resnet_demo.models.architecture import Architecture, Block, ConvNorm, Gate
from resnet_demo.tasks import TaskSpec

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET, IR_VERSION = 17, 8  # A pair of 2022, which every runtime of today reads.
LARGEST = 127
STEPS = 255  # of an input, from 0 to its range


def build_model(
    state: Mapping[str, np.ndarray],
    spec: TaskSpec,
    architecture: Architecture,
    uint8: bool,
    metadata: Mapping[str, str],
    precision: str = FLOAT32,
    ranges: Mapping[str, float] | None = None,
) -> ModelProto:
    """Pictures (batch, 3, S, S) float32, or (batch, S, S, 3) ``uint8`` → ``logits`` and ``features``, any batch.

    Batch norms are folded into the convolutions. What comes in and goes out has these types in every precision.

    Args:
        precision: of ``PRECISIONS``.
        ranges: the largest inputs of convolutions, for ``int8``.

    Raises:
        UserError: the package ``onnx`` is not installed.
    """
    try:
        from onnx import TensorProto, checker, helper
    except ImportError as error:
        raise UserError("Writing ONNX needs the package onnx: install it with `pip install onnx`.") from error

    kinds: dict[str, type[Graph]] = {FLOAT32: Graph, FP16: HalfGraph, INT8: IntegerGraph}
    graph, size = kinds[precision](state, ranges or {}), spec.size
    x = "pictures"
    if uint8:
        x = graph.node("Cast", [x], "float", to=TensorProto.FLOAT)
        for operation, name, values in (("Sub", "mean", spec.mean), ("Div", "std", spec.std)):
            constant = graph.constant(name, np.asarray(values, np.float32) * 255)
            x = graph.node(operation, [x, constant], f"pictures_{name}")
        x = graph.node("Transpose", [x], "planes", perm=[0, 3, 1, 2])
    x = graph.entry(x)
    *first, last = architecture.first_convolutions
    for number, record in enumerate(first, start=1):
        x = graph.node("Relu", [graph.convolution(x, record)], f"relu{number}")
    x = graph.convolution(x, last)
    x = x if last.norm is None else graph.node("Relu", [x], "relu")
    if architecture.pools_first:
        x = graph.node("MaxPool", [x], "maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for block in architecture.blocks:
        ends = block is architecture.blocks[-1] and architecture.last_norm is None
        x = graph.block(x, block, graph.exit("features") if ends else block.name)
    if architecture.last_norm is not None:
        x = graph.norm_and_relu(x, architecture.last_norm, graph.exit("features"))
    pooled = graph.node("Flatten", [graph.node("GlobalAveragePool", [x], "avgpool")], "pooled")
    head = [graph.weights("fc.weight", state["fc.weight"]), graph.value("fc.bias", state["fc.bias"])]
    graph.node("Gemm", [pooled, *head], graph.exit("logits"), transB=1)
    graph.leave()

    shape: list[str | int | None] = ["batch", size, size, 3] if uint8 else ["batch", 3, size, size]
    side = architecture.side_of_map(size)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            architecture.name,
            [helper.make_tensor_value_info("pictures", TensorProto.UINT8 if uint8 else TensorProto.FLOAT, shape)],
            [
                helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", spec.outputs]),
                helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", architecture.width, side, side]),
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="resnet_demo",
    )
    helper.set_model_props(model, dict(metadata))
    checker.check_model(model, full_check=True)
    return model


class Graph:
    """Nodes and constants of an ONNX graph in the making; a value is known by its name."""

    def __init__(self, state: Mapping[str, np.ndarray], ranges: Mapping[str, float]):
        self.state, self.ranges = state, ranges
        self.nodes: list = []
        self.constants: list = []

    def node(self, operation: str, inputs: list[str], output: str, **attributes) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operation, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: np.ndarray | np.generic) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def entry(self, x: str) -> str:
        """Normalised pictures in float32 → what the network computes with."""
        return x

    def exit(self, name: str) -> str:
        """What the node is called that computes an output of this name."""
        return name

    def leave(self) -> None:
        """What is left to do for the outputs."""

    def value(self, name: str, value: np.ndarray) -> str:
        """A constant of the network."""
        return self.constant(name, value)

    def weights(self, name: str, value: np.ndarray) -> str:
        """Weights (outputs, …)."""
        return self.value(name, value)

    def operands(self, x: str, record: ConvNorm, name: str) -> list[str]:
        """Input, weights and biases of a convolution and its batch norm as one, and what it is called here."""
        weights, biases = folded(self.state, record)
        return [x, self.weights(f"{name}.weight", weights), self.value(f"{name}.bias", biases)]

    def convolution(self, x: str, record: ConvNorm, name: str = "") -> str:
        """A convolution and its batch norm as one; one that is fixed needs a name."""
        name = record.name or name
        groups = {"group": record.groups} if record.groups > 1 else {}
        return self.node(
            "Conv",
            self.operands(x, record, name),
            name,
            kernel_shape=[record.kernel] * 2,
            strides=[record.stride] * 2,
            pads=[record.padding] * 4,
            **groups,
        )

    def norm_and_relu(self, x: str, norm: str, output: str) -> str:
        """A batch norm that no convolution can take in, and its ReLU."""
        scale, shift = (value.reshape(1, -1, 1, 1) for value in scale_and_shift(self.state, norm))
        x = self.node("Mul", [x, self.value(f"{norm}.scale", scale)], f"{norm}.scaled")
        return self.node("Relu", [self.node("Add", [x, self.value(f"{norm}.shift", shift)], norm)], output)

    def gated(self, x: str, gate: Gate) -> str:
        """A branch's channels, each as far as its gate lets it pass."""
        factor = self.node("GlobalAveragePool", [x], f"{gate.name}.means")
        for layer, then in (("fc1", "Relu"), ("fc2", "Sigmoid")):
            name = f"{gate.name}.{layer}"
            parts = [self.value(f"{name}.{part}", self.state[f"{name}.{part}"]) for part in ("weight", "bias")]
            factor = self.node(then, [self.node("Conv", [factor, *parts], name, kernel_shape=[1, 1])], f"{name}.{then}")
        return self.node("Mul", [x, factor], gate.name)

    def block(self, x: str, block: Block, output: str) -> str:
        """A block, see ``ResidualBlock.forward``."""
        start = shortcut = x
        if block.first_norm is not None:
            start = self.norm_and_relu(x, block.first_norm, f"{block.name}.start")
        if block.projection is not None:
            passing = start
            if (side := block.pooling) > 1:
                window = {"kernel_shape": [side] * 2, "strides": [side] * 2, "ceil_mode": 1}
                passing = self.node("AveragePool", [start], f"{block.name}.pooled", **window)
            shortcut = self.convolution(passing, block.projection, f"{block.name}.shortcut")
        x = start
        for number, record in enumerate(block.convolutions[:-1], start=1):
            x = self.node("Relu", [self.convolution(x, record)], f"{block.name}.relu{number}")
        x = self.convolution(x, block.convolutions[-1])
        x = self.gated(x, block.gate) if block.gate else x
        if block.first_norm is not None:
            return self.node("Add", [x, shortcut], output)
        x = self.node("Add", [x, shortcut], f"{block.name}.add") if block.has_shortcut else x
        return self.node("Relu", [x], output)


class HalfGraph(Graph):
    """All arithmetic in float16, between a cast at the beginning and one for each output."""

    def __init__(self, state: Mapping[str, np.ndarray], ranges: Mapping[str, float]):
        super().__init__(state, ranges)
        self.outputs: list[str] = []

    def entry(self, x: str) -> str:
        from onnx import TensorProto

        return self.node("Cast", [x], f"{x}.fp16", to=TensorProto.FLOAT16)

    def exit(self, name: str) -> str:
        self.outputs.append(name)
        return f"{name}.fp16"

    def leave(self) -> None:
        from onnx import TensorProto

        for name in self.outputs:
            self.node("Cast", [f"{name}.fp16"], name, to=TensorProto.FLOAT)

    def value(self, name: str, value: np.ndarray) -> str:
        return self.constant(name, value.astype(np.float16))


class IntegerGraph(Graph):
    """Weights of 8 bits, and inputs of 8 bits where there is a range."""

    def weights(self, name: str, value: np.ndarray) -> str:
        return self.dequantised(name, value, per_channel(value))

    def operands(self, x: str, record: ConvNorm, name: str) -> list[str]:
        if record.name not in self.ranges:
            return super().operands(x, record, name)
        weights, biases = folded(self.state, record)
        step = np.float32(self.ranges[record.name] / STEPS)
        # Runtimes want the bias in steps of both together; where a channel's weights are next to nothing, these would
        # be too small for 32 bits.
        scale = np.maximum(per_channel(weights), np.abs(biases) / (step * 2.0**30)).astype(np.float32)
        bias, place = f"{record.name}.bias", step * scale
        stored = self.constant(f"{bias}.int32", np.rint(biases / place).astype(np.int32))
        return [
            self.rounded(x, step, record.name),
            self.dequantised(f"{record.name}.weight", weights, scale),
            self.node("DequantizeLinear", [stored, self.constant(f"{bias}.scale", place)], bias, axis=0),
        ]

    def rounded(self, x: str, step: np.float32, name: str) -> str:
        """Values from 0 on, in 255 steps at most."""
        scale, zero = self.constant(f"{name}.step", step), self.constant(f"{name}.zero", np.uint8(0))
        x = self.node("QuantizeLinear", [x, scale, zero], f"{name}.uint8")
        return self.node("DequantizeLinear", [x, scale, zero], f"{name}.input")

    def dequantised(self, name: str, value: np.ndarray, scale: np.ndarray) -> str:
        """Weights (outputs, …) as 8-bit integers, times a scale for each output."""
        steps = np.rint(value / scale.reshape(-1, *[1] * (value.ndim - 1))).astype(np.int8)
        parts = [self.constant(f"{name}.int8", steps), self.constant(f"{name}.scale", scale)]
        return self.node("DequantizeLinear", parts, name, axis=0)


def per_channel(value: np.ndarray) -> np.ndarray:
    """The scales with which weights (outputs, …) become the integers of the checkpoint again: in each channel of it at
    least one has the largest size."""
    largest = np.abs(value).reshape(len(value), -1).max(axis=1)
    return np.maximum(largest / LARGEST, np.finfo(np.float32).tiny).astype(np.float32)
