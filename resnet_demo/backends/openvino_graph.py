"""A network as an OpenVINO graph, operation by operation, so that torch is never imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from openvino import opset13 as ops

from resnet_demo.backends.openvino_runtime import ov
from resnet_demo.models.architecture import Architecture, Block, ConvNorm, Gate
from resnet_demo.tasks import TaskSpec

NORMALISED = "normalised"  # the node whose output is what the network itself takes
BATCH_NORM_EPSILON = 1e-5  # PyTorch's default, with which all weights here were trained.

# Input (b, C, r, c), the network's state, convolution and batch norm → output.
Layer = Callable[[ov.Output, Mapping[str, np.ndarray], ConvNorm], ov.Output]
# As first_features.
First = Callable[[ov.Node, Mapping[str, np.ndarray], TaskSpec, Architecture, Layer], ov.Output]


def scale_and_shift(state: Mapping[str, np.ndarray], norm: str) -> tuple[np.ndarray, np.ndarray]:
    """A batch norm as x · s + t: s = γ / √(σ² + ε) and t = β − μ · s, each (C,)."""
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    return scale, state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale


def folded(state: Mapping[str, np.ndarray], record: ConvNorm) -> tuple[np.ndarray, np.ndarray]:
    """A convolution and its batch norm, if it has one, as one: weights w · s and bias t, see ``scale_and_shift``."""
    if record.fixed:
        weight = np.eye(record.outputs, record.inputs, dtype=np.float32)[:, :, None, None]
    else:
        weight = state[f"{record.name}.weight"]
    if record.norm is None:
        return weight, np.zeros(record.outputs, np.float32)
    scale, bias = scale_and_shift(state, record.norm)
    return weight * scale[:, None, None, None], bias


def convolution(x: ov.Output, state: Mapping[str, np.ndarray], record: ConvNorm) -> ov.Output:
    """A convolution with its batch norm."""
    weight, bias = folded(state, record)
    return convolve(x, ops.constant(weight).output(0), bias, record)


def convolve(
    x: ov.Output, weight: ov.Output, bias: np.ndarray, record: ConvNorm, padding: int | None = None
) -> ov.Output:
    """A convolution of the given weights and bias, with the record's stride and groups.

    Args:
        padding: zeros on each side; None: the record's.
    """
    sides = [record.padding if padding is None else padding] * 2
    place = [record.stride] * 2, sides, sides, [1, 1]
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
    first: First | None = None,
) -> ov.Model:
    """uint8 pictures (b, S, S, 3) → last feature map (b, C, S/32, S/32), batch norms folded into the convolutions.

    With the stem for small pictures it is (b, C, S/8, S/8).

    Args:
        layer: makes each convolution with its batch norm.
        first: makes the first features; None: ``first_features``.
    """
    pictures = ops.parameter([-1, spec.size, spec.size, 3], np.uint8, name="pictures")
    x = (first or first_features)(pictures, state, spec, architecture, layer)
    for block in architecture.blocks:
        x = block_outputs(x, state, block, layer).output
    x = after_blocks(x, state, architecture)
    x.get_node().set_friendly_name("features")
    return ov.Model([x], [pictures], architecture.name)


def first_features(
    pictures: ov.Node,
    state: Mapping[str, np.ndarray],
    spec: TaskSpec,
    architecture: Architecture,
    layer: Layer = convolution,
) -> ov.Output:
    """uint8 pictures (b, S, S, 3) → what the stem makes of them, (b, 64, S/4, S/4)."""
    mean, std = (np.asarray(value, np.float32).reshape(1, 3, 1, 1) * 255 for value in (spec.mean, spec.std))
    # Planes first: of three colours a pixel, OpenVINO makes poor vectors.
    planes = ops.transpose(pictures, [0, 3, 1, 2])  # (b, 3, S, S)
    normalised = ops.divide(ops.subtract(ops.convert(planes, np.float32), mean), std)
    normalised.set_friendly_name(NORMALISED)
    x = normalised.output(0)
    for record in architecture.first_convolutions:
        x = layer(x, state, record)
        x = x if record.norm is None else ops.relu(x).output(0)
    return ops.max_pool(x, [2, 2], [1, 1], [1, 1], [1, 1], [3, 3]).output(0) if architecture.pools_first else x


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


class BlockOutputs(NamedTuple):
    """What a block computes on its way, each (b, C, r, c).

    Attributes:
        start: what its first convolution gets.
        inner: behind each ReLU between its convolutions.
        branch: behind its last convolution.
        output: what it puts out.
    """

    start: ov.Output
    inner: list[ov.Output]
    branch: ov.Output
    output: ov.Output


def block_outputs(x: ov.Output, state: Mapping[str, np.ndarray], block: Block, layer: Layer) -> BlockOutputs:
    """A block, see ``ResidualBlock.forward``."""
    start = x if block.first_norm is None else norm_and_relu(x, state, block.first_norm)
    shortcut = x
    if block.projection is not None:
        shortcut = layer(pooled(start, block), state, block.projection)
    inner, value = [], start
    for record in block.convolutions[:-1]:
        value = ops.relu(layer(value, state, record)).output(0)
        inner.append(value)
    branch = output = layer(value, state, block.convolutions[-1])
    if block.gate:
        output = ops.multiply(branch, opening(branch, state, block.gate)).output(0)
    if block.has_shortcut:
        output = ops.add(output, shortcut).output(0)
    return BlockOutputs(start, inner, branch, ops.relu(output).output(0) if block.first_norm is None else output)


def after_blocks(x: ov.Output, state: Mapping[str, np.ndarray], architecture: Architecture) -> ov.Output:
    """The last feature map of what the last block put out."""
    return x if architecture.last_norm is None else norm_and_relu(x, state, architecture.last_norm)


def norm_and_relu(x: ov.Output, state: Mapping[str, np.ndarray], norm: str) -> ov.Output:
    scale, shift = (value.reshape(1, -1, 1, 1) for value in scale_and_shift(state, norm))
    return ops.relu(ops.add(ops.multiply(x, scale), shift)).output(0)


def pooled(x: ov.Output, block: Block) -> ov.Output:
    """The average pooling in front of a projection; a window at the rim is the mean of what lies inside."""
    sides = [block.pooling] * 2
    return x if block.pooling == 1 else ops.avg_pool(x, sides, [0, 0], [0, 0], sides, True, "ceil").output(0)


def opening(branch: ov.Output, state: Mapping[str, np.ndarray], gate: Gate) -> ov.Output:
    """How far a gate lets each channel pass, 0 to 1: (b, C, 1, 1)."""
    return ops.sigmoid(dense(ops.relu(squeezed(branch, state, gate)), state, f"{gate.name}.fc2")).output(0)


def squeezed(branch: ov.Output, state: Mapping[str, np.ndarray], gate: Gate) -> ov.Node:
    """What a gate's first layer makes of the channels' means, in front of its ReLU: (b, hidden, 1, 1)."""
    return dense(ops.reduce_mean(branch, np.array([2, 3]), keep_dims=True), state, f"{gate.name}.fc1")


def dense(x: ov.Node, state: Mapping[str, np.ndarray], name: str) -> ov.Node:
    """A 1×1 convolution with a bias, of a map (b, C, 1, 1)."""
    x = ops.convolution(x, ops.constant(state[f"{name}.weight"]), [1, 1], [0, 0], [0, 0], [1, 1])
    return ops.add(x, state[f"{name}.bias"].reshape(1, -1, 1, 1))
