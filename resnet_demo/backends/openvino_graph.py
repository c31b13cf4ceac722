"""A network as an OpenVINO graph, operation by operation, so that torch is never imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from openvino import opset13 as ops

from resnet_demo.backends.openvino_runtime import ov
from resnet_demo.models.layouts import LAYOUTS, STAGES
from resnet_demo.tasks import TaskSpec

NORMALISED = "normalised"  # the node whose output is what the network itself takes
BATCH_NORM_EPSILON = 1e-5  # PyTorch's default, with which all weights here were trained.

# Input (b, C, r, c), the network's state, names of the convolution and its batch norm, stride → output.
Convolution = Callable[[ov.Output, Mapping[str, np.ndarray], str, str, int], ov.Output]


def folded(state: Mapping[str, np.ndarray], name: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """A convolution and its batch norm as one: weights w · s and bias β − μ · s, with s = γ / √(σ² + ε)."""
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return state[f"{name}.weight"] * scale[:, None, None, None], bias


def convolution(x: ov.Output, state: Mapping[str, np.ndarray], name: str, norm: str, stride: int) -> ov.Output:
    """A convolution with its batch norm."""
    weight, bias = folded(state, name, norm)
    return convolve(x, ops.constant(weight).output(0), bias, weight.shape[2], stride)


def convolve(x: ov.Output, weight: ov.Output, bias: np.ndarray, kernel: int, stride: int) -> ov.Output:
    """A convolution whose output is as large as its input, divided by the stride."""
    padding = [kernel // 2] * 2
    x = ops.convolution(x, weight, [stride] * 2, padding, padding, [1, 1])
    return ops.add(x, bias.reshape(1, -1, 1, 1)).output(0)


def build_model(
    state: Mapping[str, np.ndarray],
    spec: TaskSpec,
    depth: int,
    variant: str,
    layer: Convolution = convolution,
) -> ov.Model:
    """uint8 pictures (b, S, S, 3) → last feature map (b, C, S/32, S/32), batch norms folded into the convolutions.

    Args:
        layer: makes each convolution with its batch norm.
    """
    pictures = ops.parameter([-1, spec.size, spec.size, 3], np.uint8, name="pictures")
    mean, std = (np.asarray(value, np.float32).reshape(1, 3, 1, 1) * 255 for value in (spec.mean, spec.std))
    # Planes first: of three colours a pixel, OpenVINO makes poor vectors.
    planes = ops.transpose(pictures, [0, 3, 1, 2])  # (b, 3, S, S)
    x = ops.divide(ops.subtract(ops.convert(planes, np.float32), mean), std)
    x.set_friendly_name(NORMALISED)
    x = ops.relu(layer(x, state, "conv1", "bn1", 2))
    x = ops.max_pool(x, [2, 2], [1, 1], [1, 1], [1, 1], [3, 3]).output(0)
    block_type, counts = LAYOUTS[depth]
    for stage, count in zip(STAGES, counts, strict=True):
        for block in range(count):
            stride = 2 if block == 0 and stage != STAGES[0] else 1
            x = residual_block(x, state, f"{stage}.{block}", strides(block_type, variant, stride), layer)
    x.get_node().set_friendly_name("features")
    return ov.Model([x], [pictures], f"resnet{depth}")


def takes_planes(graph: ov.Model, spec: TaskSpec) -> ov.Node:
    """Make a graph of ``build_model`` take normalised pictures, float32 (b, 3, S, S) → its new parameter."""
    normalised = next(node for node in graph.get_ordered_ops() if node.get_friendly_name() == NORMALISED)
    pictures = ops.parameter([-1, 3, spec.size, spec.size], np.float32, name="pictures")
    normalised.output(0).replace(pictures.output(0))
    return pictures


def with_head(graph: ov.Model, state: Mapping[str, np.ndarray]) -> tuple[ov.Output, ov.Output]:
    """Logits (b, outputs) and last feature map (b, C, r, c) of a graph of ``build_model``."""
    features = graph.outputs[0].get_node().input_value(0)
    pooled = ops.reduce_mean(features, np.array([2, 3]))
    logits = ops.add(ops.matmul(pooled, state["fc.weight"], False, True), state["fc.bias"]).output(0)
    return logits, features


def strides(block_type: str, variant: str, stride: int) -> tuple[int, ...]:
    """The stride of each convolution of a block; ``models.resnet`` says where each variant has it."""
    if block_type == "basic":
        return stride, 1
    return (stride, 1, 1) if variant == "v1" else (1, stride, 1)


def residual_block(
    x: ov.Output, state: Mapping[str, np.ndarray], name: str, steps: tuple[int, ...], layer: Convolution
) -> ov.Output:
    """Convolutions of the given strides, then the shortcut, projected where the checkpoint has a projection."""
    shortcut = x
    if f"{name}.downsample.0.weight" in state:
        shortcut = layer(x, state, f"{name}.downsample.0", f"{name}.downsample.1", max(steps))
    for number, stride in enumerate(steps, start=1):
        x = layer(x, state, f"{name}.conv{number}", f"{name}.bn{number}", stride)
        if number < len(steps):
            x = ops.relu(x).output(0)
    return ops.relu(ops.add(x, shortcut)).output(0)
