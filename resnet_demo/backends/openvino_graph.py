"""A network as an OpenVINO graph, operation by operation, so that torch is never imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from openvino import opset13 as ops

from resnet_demo.backends.openvino_runtime import ov
from resnet_demo.models.architecture import STEM, Architecture, Block, ConvNorm
from resnet_demo.tasks import TaskSpec

NORMALISED = "normalised"  # the node whose output is what the network itself takes
BATCH_NORM_EPSILON = 1e-5  # PyTorch's default, with which all weights here were trained.

# Input (b, C, r, c), the network's state, convolution and batch norm → output.
Layer = Callable[[ov.Output, Mapping[str, np.ndarray], ConvNorm], ov.Output]


def folded(state: Mapping[str, np.ndarray], record: ConvNorm) -> tuple[np.ndarray, np.ndarray]:
    """A convolution and its batch norm as one: weights w · s and bias β − μ · s, with s = γ / √(σ² + ε)."""
    name, norm = record.name, record.norm
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return state[f"{name}.weight"] * scale[:, None, None, None], bias


def convolution(x: ov.Output, state: Mapping[str, np.ndarray], record: ConvNorm) -> ov.Output:
    """A convolution with its batch norm."""
    weight, bias = folded(state, record)
    return convolve(x, ops.constant(weight).output(0), bias, record)


def convolve(x: ov.Output, weight: ov.Output, bias: np.ndarray, record: ConvNorm) -> ov.Output:
    """A convolution of the given weights and bias, with the record's stride, padding and groups."""
    padding = [record.padding] * 2
    place = [record.stride] * 2, padding, padding, [1, 1]
    if record.groups == 1:
        x = ops.convolution(x, weight, *place)
    else:
        split = [record.groups, record.outputs // record.groups, *record.shape[1:]]
        x = ops.group_convolution(x, ops.reshape(weight, split, False), *place)
    return ops.add(x, bias.reshape(1, -1, 1, 1)).output(0)


def build_model(
    state: Mapping[str, np.ndarray],
    spec: TaskSpec,
    architecture: Architecture,
    layer: Layer = convolution,
) -> ov.Model:
    """uint8 pictures (b, S, S, 3) → last feature map (b, C, S/32, S/32), batch norms folded into the convolutions.

    Args:
        layer: makes each convolution with its batch norm.
    """
    pictures = ops.parameter([-1, spec.size, spec.size, 3], np.uint8, name="pictures")
    x = first_features(pictures, state, spec, layer)
    for block in architecture.blocks:
        x = activations(x, state, block, layer)[-1]
    x.get_node().set_friendly_name("features")
    return ov.Model([x], [pictures], architecture.name)


def first_features(
    pictures: ov.Node, state: Mapping[str, np.ndarray], spec: TaskSpec, layer: Layer = convolution
) -> ov.Output:
    """uint8 pictures (b, S, S, 3) → what the stem makes of them, (b, 64, S/4, S/4)."""
    mean, std = (np.asarray(value, np.float32).reshape(1, 3, 1, 1) * 255 for value in (spec.mean, spec.std))
    # Planes first: of three colours a pixel, OpenVINO makes poor vectors.
    planes = ops.transpose(pictures, [0, 3, 1, 2])  # (b, 3, S, S)
    x = ops.divide(ops.subtract(ops.convert(planes, np.float32), mean), std)
    x.set_friendly_name(NORMALISED)
    x = ops.relu(layer(x, state, STEM))
    return ops.max_pool(x, [2, 2], [1, 1], [1, 1], [1, 1], [3, 3]).output(0)


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


def activations(x: ov.Output, state: Mapping[str, np.ndarray], block: Block, layer: Layer) -> list[ov.Output]:
    """What comes out of each ReLU of a block: those between its convolutions, and the last one, behind the shortcut."""
    shortcut = x if block.projection is None else layer(x, state, block.projection)
    found = []
    for record in block.convolutions[:-1]:
        x = ops.relu(layer(x, state, record)).output(0)
        found.append(x)
    x = layer(x, state, block.convolutions[-1])
    return [*found, ops.relu(ops.add(x, shortcut)).output(0)]
