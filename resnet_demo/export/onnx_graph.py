"""The network as an ONNX graph, node by node: PyTorch's exporter would need two packages more and gives no fewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resnet_demo.backends.openvino_graph import BATCH_NORM_EPSILON, strides
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.errors import UserError
from resnet_demo.models.layouts import LAYOUTS, STAGES

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET, IR_VERSION = 17, 8  # A pair of 2022, which every runtime of today reads.


def build_model(checkpoint: Checkpoint, uint8: bool, metadata: dict[str, str]) -> ModelProto:
    """Pictures (batch, 3, S, S) float32, or (batch, S, S, 3) ``uint8`` → ``logits`` and ``features``, any batch.

    Batch norms are folded into the convolutions.

    Raises:
        UserError: the package ``onnx`` is not installed.
    """
    try:
        from onnx import TensorProto, checker, helper
    except ImportError as error:
        raise UserError("Writing ONNX needs the package onnx: install it with `pip install onnx`.") from error

    spec, graph = checkpoint.spec, Graph(checkpoint.state)
    size, channels = spec.size, graph.state["fc.weight"].shape[1]
    x = "pictures"
    if uint8:
        x = graph.node("Cast", [x], "float", to=TensorProto.FLOAT)
        for operation, name, values in (("Sub", "mean", spec.mean), ("Div", "std", spec.std)):
            constant = graph.constant(name, np.asarray(values, np.float32) * 255)
            x = graph.node(operation, [x, constant], f"pictures_{name}")
        x = graph.node("Transpose", [x], "planes", perm=[0, 3, 1, 2])
    x = graph.node("Relu", [graph.convolution(x, "conv1", "bn1", 2)], "relu")
    x = graph.node("MaxPool", [x], "maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    block_type, counts = LAYOUTS[checkpoint.depth]
    for stage, count in zip(STAGES, counts, strict=True):
        for block in range(count):
            stride = 2 if block == 0 and stage != STAGES[0] else 1
            last = stage == STAGES[-1] and block == count - 1
            steps = strides(block_type, checkpoint.variant, stride)
            x = graph.block(x, f"{stage}.{block}", steps, "features" if last else f"{stage}.{block}")
    pooled = graph.node("Flatten", [graph.node("GlobalAveragePool", [x], "avgpool")], "pooled")
    head = [graph.constant(name, graph.state[name]) for name in ("fc.weight", "fc.bias")]
    graph.node("Gemm", [pooled, *head], "logits", transB=1)

    shape: list[str | int | None] = ["batch", size, size, 3] if uint8 else ["batch", 3, size, size]
    side = -(-size // 32)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            f"resnet{checkpoint.depth}",
            [helper.make_tensor_value_info("pictures", TensorProto.UINT8 if uint8 else TensorProto.FLOAT, shape)],
            [
                helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", spec.outputs]),
                helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", channels, side, side]),
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="resnet_demo",
    )
    helper.set_model_props(model, metadata)
    checker.check_model(model, full_check=True)
    return model


class Graph:
    """Nodes and constants of an ONNX graph in the making; a value is known by its name."""

    def __init__(self, state: dict[str, np.ndarray]):
        self.state = state
        self.nodes: list = []
        self.constants: list = []

    def node(self, operation: str, inputs: list[str], output: str, **attributes) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operation, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def convolution(self, x: str, name: str, norm: str, stride: int) -> str:
        """A convolution and its batch norm as one: w · s and β − μ · s, with s = γ / √(σ² + ε)."""
        state = self.state
        scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
        weight = self.constant(f"{name}.weight", state[f"{name}.weight"] * scale[:, None, None, None])
        bias = self.constant(f"{name}.bias", state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)
        kernel = state[f"{name}.weight"].shape[2]
        return self.node(
            "Conv", [x, weight, bias], name, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4
        )

    def block(self, x: str, name: str, steps: tuple[int, ...], output: str) -> str:
        """Convolutions of the given strides, then the shortcut, projected where the checkpoint has a projection."""
        shortcut = x
        if f"{name}.downsample.0.weight" in self.state:
            shortcut = self.convolution(x, f"{name}.downsample.0", f"{name}.downsample.1", max(steps))
        for number, stride in enumerate(steps, start=1):
            x = self.convolution(x, f"{name}.conv{number}", f"{name}.bn{number}", stride)
            if number < len(steps):
                x = self.node("Relu", [x], f"{name}.relu{number}")
        return self.node("Relu", [self.node("Add", [x, shortcut], f"{name}.add")], output)
