"""The network as an ONNX graph, node by node: PyTorch's exporter would need two packages more and gives no fewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resnet_demo.backends.openvino_graph import folded
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import STEM, Architecture, Block, ConvNorm
from resnet_demo.tasks import TaskSpec

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET, IR_VERSION = 17, 8  # A pair of 2022, which every runtime of today reads.


def build_model(
    state: dict[str, np.ndarray], spec: TaskSpec, architecture: Architecture, uint8: bool, metadata: dict[str, str]
) -> ModelProto:
    """Pictures (batch, 3, S, S) float32, or (batch, S, S, 3) ``uint8`` → ``logits`` and ``features``, any batch.

    Batch norms are folded into the convolutions.

    Raises:
        UserError: the package ``onnx`` is not installed.
    """
    try:
        from onnx import TensorProto, checker, helper
    except ImportError as error:
        raise UserError("Writing ONNX needs the package onnx: install it with `pip install onnx`.") from error

    graph, size = Graph(state), spec.size
    x = "pictures"
    if uint8:
        x = graph.node("Cast", [x], "float", to=TensorProto.FLOAT)
        for operation, name, values in (("Sub", "mean", spec.mean), ("Div", "std", spec.std)):
            constant = graph.constant(name, np.asarray(values, np.float32) * 255)
            x = graph.node(operation, [x, constant], f"pictures_{name}")
        x = graph.node("Transpose", [x], "planes", perm=[0, 3, 1, 2])
    x = graph.node("Relu", [graph.convolution(x, STEM)], "relu")
    x = graph.node("MaxPool", [x], "maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for block in architecture.blocks:
        x = graph.block(x, block, "features" if block is architecture.blocks[-1] else block.name)
    pooled = graph.node("Flatten", [graph.node("GlobalAveragePool", [x], "avgpool")], "pooled")
    head = [graph.constant(name, graph.state[name]) for name in ("fc.weight", "fc.bias")]
    graph.node("Gemm", [pooled, *head], "logits", transB=1)

    shape: list[str | int | None] = ["batch", size, size, 3] if uint8 else ["batch", 3, size, size]
    side = -(-size // 32)
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

    def convolution(self, x: str, record: ConvNorm) -> str:
        """A convolution and its batch norm as one."""
        weights, biases = folded(self.state, record)
        groups = {"group": record.groups} if record.groups > 1 else {}
        weight, bias = self.constant(f"{record.name}.weight", weights), self.constant(f"{record.name}.bias", biases)
        return self.node(
            "Conv",
            [x, weight, bias],
            record.name,
            kernel_shape=[record.kernel] * 2,
            strides=[record.stride] * 2,
            pads=[record.padding] * 4,
            **groups,
        )

    def block(self, x: str, block: Block, output: str) -> str:
        """A block's convolutions with ReLUs between them, then the shortcut."""
        shortcut = x if block.projection is None else self.convolution(x, block.projection)
        for number, record in enumerate(block.convolutions[:-1], start=1):
            x = self.node("Relu", [self.convolution(x, record)], f"{block.name}.relu{number}")
        x = self.convolution(x, block.convolutions[-1])
        return self.node("Relu", [self.node("Add", [x, shortcut], f"{block.name}.add")], output)
