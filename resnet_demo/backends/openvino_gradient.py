"""Grad-CAM of the earlier stages in OpenVINO, which cannot differentiate: the backward pass as a graph of its own.

It is built from the block table as the forward pass is. Where a ReLU gave zero, no gradient passes; a convolution's
gradient is the transposed convolution with the same weights; a shortcut's is added. One pass gives all three stages: a
finer one needs the gradient of the coarser ones anyway. All in float32, whatever the prediction ran in: what 8 bits
round away shows in these maps, as it decides which ReLUs let the gradient pass.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from openvino import opset13 as ops

from resnet_demo.backends.openvino_graph import (
    BlockOutputs,
    after_blocks,
    block_outputs,
    convolution,
    first_features,
    folded,
    opening,
    pooled,
    scale_and_shift,
    squeezed,
)
from resnet_demo.backends.openvino_runtime import core, hints, ov
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.models.architecture import STAGES, Architecture, Block, ConvNorm, Gate
from resnet_demo.tasks import TaskSpec
from resnet_demo.utils import memory

EARLIER = STAGES[:-1]
PIECE = 16  # outputs of the head that go backwards at a time
KEPT = 8  # questions whose maps are kept: a person who looks at one stage looks at the next one too


class GradientNetwork:
    """A checkpoint's backward pass, compiled at the first question. Threads may share one; they take turns."""

    def __init__(self, checkpoint: Checkpoint):
        self._checkpoint = checkpoint
        self._lock = threading.Lock()
        self._request: ov.InferRequest | None = None
        self._kept: OrderedDict[tuple[bytes, bytes], dict[str, np.ndarray]] = OrderedDict()

    def maps(self, picture: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Grad-CAM of a picture at each of ``EARLIER``, with what speaks against an output as negative values.

        Args:
            picture: uint8 (S, S, 3).
            rows: float32 (n, C), what each logit takes of the pooled features: rows of the head.

        Returns:
            float32 (n, r, c) by stage, on autograd's scale.
        """
        key = picture.tobytes(), rows.tobytes()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._run(picture, rows)
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def _run(self, picture: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        if self._request is None:
            one = self._checkpoint
            model = build_gradient_model(one.state, one.spec, one.architecture)
            self._request = core.compile_model(model, "CPU", hints("f32")).create_infer_request()
            del model
            memory.release()
        batch, found = np.ascontiguousarray(picture[None]), []
        for first in range(0, len(rows), PIECE):
            results = self._request.infer([batch, np.ascontiguousarray(rows[first : first + PIECE])])
            found.append([results[index] for index in range(len(EARLIER))])
        return {stage: np.concatenate(parts) for stage, parts in zip(EARLIER, zip(*found, strict=True), strict=True)}


def build_gradient_model(state: Mapping[str, np.ndarray], spec: TaskSpec, architecture: Architecture) -> ov.Model:
    """uint8 picture (1, S, S, 3) and rows of the head (n, C) → Grad-CAM (n, r, c) of each of ``EARLIER``, signed."""
    picture = ops.parameter([1, spec.size, spec.size, 3], np.uint8, name="picture")
    rows = ops.parameter([-1, architecture.width], np.float32, name="rows")
    x = first_features(picture, state, spec, architecture)
    inputs: dict[str, ov.Output] = {}  # of each block
    ways: dict[str, BlockOutputs] = {}
    for block in architecture.blocks:
        inputs[block.name] = x
        ways[block.name] = block_outputs(x, state, block, convolution)
        x = ways[block.name].output
    last = after_blocks(x, state, architecture)
    # Of the mean over all places each place has the same share.
    gradient = ops.multiply(ops.unsqueeze(rows, np.array([2, 3])), np.float32(1 / cells(last))).output(0)
    maps = {}
    if not architecture.stages[STAGES[-1]]:  # A last stage of no blocks: the one before it has the last feature map.
        maps[EARLIER[-1]] = weighted(last, gradient)
    if architecture.last_norm is not None:
        gradient = through_norm(gradient, last, state, architecture.last_norm)
    for stage, coarser in reversed([*pairwise(STAGES)]):
        for block in reversed(architecture.stages[coarser]):
            at = inputs[block.name]
            gradient = backward(gradient, state, block, ways[block.name], at)
            if block is architecture.stages[coarser][0]:
                maps[stage] = weighted(at, gradient)
    return ov.Model([maps[stage] for stage in EARLIER], [picture, rows], f"{architecture.name}-gradient")


def backward(
    gradient: ov.Output, state: Mapping[str, np.ndarray], block: Block, way: BlockOutputs, at: ov.Output
) -> ov.Output:
    """Gradient of a block's output (n, C, r, c) → that of its input ``at``.

    Args:
        way: what it computed forwards.
    """
    if block.first_norm is None:
        gradient = ops.multiply(gradient, passing(way.output)).output(0)
    shortcut = gradient
    if block.projection is not None:
        weight = folded(state, block.projection)[0]
        shortcut = spread(transposed(gradient, weight, block.projection, pooled(way.start, block)), block, way.start)
    if block.gate:
        gradient = through_gate(gradient, way.branch, state, block.gate)
    for record, before in zip(reversed(block.convolutions), reversed([way.start, *way.inner]), strict=True):
        gradient = transposed(gradient, folded(state, record)[0], record, before)
        if before is not way.start:
            gradient = ops.multiply(gradient, passing(before)).output(0)
    if block.first_norm is None:
        return ops.add(gradient, shortcut).output(0) if block.has_shortcut else gradient
    if block.projection is None:  # What passes is the input itself, in front of the norm.
        return ops.add(through_norm(gradient, way.start, state, block.first_norm), shortcut).output(0)
    return through_norm(ops.add(gradient, shortcut).output(0), way.start, state, block.first_norm)


def through_norm(gradient: ov.Output, output: ov.Output, state: Mapping[str, np.ndarray], norm: str) -> ov.Output:
    """Gradient of a batch norm's and its ReLU's ``output`` → that of its input."""
    scale = scale_and_shift(state, norm)[0].reshape(1, -1, 1, 1)
    return ops.multiply(ops.multiply(gradient, passing(output)), scale).output(0)


def through_gate(gradient: ov.Output, branch: ov.Output, state: Mapping[str, np.ndarray], gate: Gate) -> ov.Output:
    """Gradient of a gate's output → that of its input ``branch``: as a factor, and by way of the means."""
    factor, hidden = opening(branch, state, gate), squeezed(branch, state, gate).output(0)
    by_factor = ops.reduce_sum(ops.multiply(gradient, branch), np.array([2, 3]))  # (n, C)
    slope = ops.squeeze(ops.multiply(factor, ops.subtract(np.float32(1), factor)), np.array([2, 3]))  # (1, C)
    first, second = (state[f"{gate.name}.{name}.weight"][:, :, 0, 0] for name in ("fc1", "fc2"))
    inner = ops.matmul(ops.multiply(by_factor, slope), second, False, False)  # (n, hidden)
    inner = ops.multiply(inner, ops.squeeze(passing(hidden), np.array([2, 3])))
    means = ops.matmul(inner, first, False, False)  # (n, C)
    each = ops.multiply(ops.unsqueeze(means, np.array([2, 3])), np.float32(1 / cells(branch)))
    return ops.add(ops.multiply(gradient, factor), each).output(0)


def spread(gradient: ov.Output, block: Block, at: ov.Output) -> ov.Output:
    """Gradient of the average pooling in front of a projection → that of its input ``at``."""
    side = block.pooling
    if side == 1:
        return gradient
    within = [np.minimum(side, whole - side * np.arange(-(-whole // side))) for whole in sides_of(at)]
    shares = 1 / np.outer(*within).astype(np.float32)  # of each cell in its window, fewer of which are at the rim
    channels = block.inputs
    ones = np.ones((channels, 1, 1, side, side), np.float32)
    over = [side * len(cells_) - whole for cells_, whole in zip(within, sides_of(at), strict=True)]
    split = ops.multiply(gradient, shares[None, None])
    return ops.group_convolution_backprop_data(split, ones, [side] * 2, None, [0, 0], over, [1, 1]).output(0)


def transposed(gradient: ov.Output, weight: np.ndarray, record: ConvNorm, at: ov.Output) -> ov.Output:
    """Gradient of a convolution's output → that of its input ``at``."""
    padding, groups = [record.padding] * 2, record.groups
    if groups > 1:
        weight = weight.reshape(groups, record.outputs // groups, *record.shape[1:])
    if record.stride == 1:
        # The same as a convolution with the kernels turned round, for which OpenVINO has quicker code.
        turned = np.ascontiguousarray(weight.swapaxes(-4, -3)[..., ::-1, ::-1])
        convolve = ops.convolution if groups == 1 else ops.group_convolution
        return convolve(gradient, turned, [1, 1], padding, padding, [1, 1]).output(0)
    # Several sizes of the input give the same size of the output: this one is meant.
    sides = zip(sides_of(at), sides_of(gradient), strict=True)
    missing = [side - (record.stride * (less - 1) + record.kernel - 2 * record.padding) for side, less in sides]
    convolve = ops.convolution_backprop_data if groups == 1 else ops.group_convolution_backprop_data
    return convolve(
        gradient, weight, [record.stride] * 2, None, padding, padding, [1, 1], output_padding=missing
    ).output(0)


def passing(relu: ov.Output) -> ov.Output:
    """1 where a ReLU let its input pass, else 0."""
    return ops.convert(ops.greater(relu, np.float32(0)), np.float32).output(0)


def weighted(features: ov.Output, gradient: ov.Output) -> ov.Output:
    """A feature map (1, C, r, c), its channels weighted by their mean gradient, summed: (n, r, c)."""
    channels, rows, columns = features.get_partial_shape().get_min_shape()[1:]
    importance = ops.reduce_mean(gradient, np.array([2, 3]))  # (n, C)
    flat = ops.reshape(features, [channels, rows * columns], False)
    return ops.reshape(ops.matmul(importance, flat, False, False), [-1, rows, columns], False).output(0)


def sides_of(features: ov.Output) -> tuple[int, int]:
    """Rows and columns."""
    rows, columns = (features.get_partial_shape()[axis].get_length() for axis in (2, 3))
    return rows, columns


def cells(features: ov.Output) -> int:
    rows, columns = sides_of(features)
    return rows * columns
