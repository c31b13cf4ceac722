"""A network some of whose blocks are left out, in OpenVINO: each residual branch has a gate, 1 or 0.

Without its residual branch only a block's shortcut remains (Veit, Wilber and Belongie 2016,
https://arxiv.org/abs/1605.06431, section 4.1). The gates are an input, so that any choice of blocks is one pass of a
network that was compiled once.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping

import numpy as np
from openvino import opset13 as ops

from resnet_demo.backends.base import Engine, gated_networks
from resnet_demo.backends.openvino import best_precision, parts
from resnet_demo.backends.openvino_graph import after_blocks, block_outputs
from resnet_demo.backends.openvino_runtime import core, hints, ov
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import Architecture, ConvNorm
from resnet_demo.utils import memory


class GatedNetwork:
    """A checkpoint up to its head, in the precision in which the CPU predicts with it; compiled at the first question.

    Threads may share one; they take turns.
    """

    def __init__(self, checkpoint: Checkpoint):
        self._checkpoint = checkpoint
        self._lock = threading.Lock()
        self._request: ov.InferRequest | None = None

    def features(self, pictures: np.ndarray, left_out: Collection[str] = ()) -> np.ndarray:
        """The last feature map without the residual branches of some blocks.

        Args:
            pictures: uint8 (b, S, S, 3).
            left_out: names of blocks, such as ``layer3.5``.

        Returns:
            float32 (b, C, r, c).
        """
        return self.stages(pictures, left_out)[-1]

    def stages(self, pictures: np.ndarray, left_out: Collection[str] = ()) -> list[np.ndarray]:
        """What comes out of each stage, from layer1 on; arguments as of ``features``."""
        names = [block.name for block in self._checkpoint.architecture.blocks]
        gates = np.array([name not in left_out for name in names], np.float32)
        self.compile()
        with self._lock:
            assert self._request is not None
            results = self._request.infer([np.ascontiguousarray(pictures), gates])
            return [results[index].copy() for index in range(len(results))]

    def compile(self) -> None:
        """Do now what the first question does otherwise; later calls do nothing."""
        with self._lock:
            if self._request is None:
                self._request = self._compiled()

    def _compiled(self) -> ov.InferRequest:
        precision = best_precision(self._checkpoint)
        model = gated_model(self._checkpoint, precision)
        request = core.compile_model(model, "CPU", hints(precision)).create_infer_request()
        del model
        memory.release()
        return request


def gated_model(checkpoint: Checkpoint, precision: str) -> ov.Model:
    """uint8 pictures (b, S, S, 3) and gates (blocks,) → the feature map (b, C, r, c) behind each stage."""
    state, spec, blocks = checkpoint.arrays, checkpoint.spec, checkpoint.architecture.blocks
    plain, first = parts(checkpoint, precision)
    pictures = ops.parameter([-1, spec.size, spec.size, 3], np.uint8, name="pictures")
    gates = ops.parameter([len(blocks)], np.float32, name="gates")
    gate_of = {
        block.convolutions[-1].name: gate
        for block, gate in zip(blocks, ops.split(gates, 0, len(blocks)).outputs(), strict=True)
    }

    def layer(x: ov.Output, weights: Mapping[str, np.ndarray], record: ConvNorm) -> ov.Output:
        output = plain(x, weights, record)
        gate = gate_of.get(record.name)
        return output if gate is None else ops.multiply(output, gate).output(0)

    x = first(pictures, state, spec, checkpoint.architecture, layer)
    found = []
    for stage in checkpoint.architecture.stages.values():
        for block in stage:
            x = block_outputs(x, state, block, layer).output
        found.append(x)
    found[-1] = after_blocks(x, state, checkpoint.architecture)
    return ov.Model(found, [pictures, gates], f"{checkpoint.architecture.name}-gated")


class WithoutBlocks(Engine):
    """An engine's network without some of its blocks, on the CPU.

    Args:
        whole: the engine of the whole network; one gated network is kept beside it.
        left_out: names of blocks.

    Raises:
        UserError: a block that the network does not have, or a network without shortcuts.
    """

    device = "cpu"
    _whole: Engine
    _left_out: Collection[str]

    def __init__(self, whole: Engine, left_out: Collection[str]):
        if isinstance(whole, WithoutBlocks):  # What was left out before stays out.
            left_out = {*whole._left_out, *left_out}
            whole = whole._whole
        check_shortcuts(whole.checkpoint.architecture)
        names = [block.name for block in whole.checkpoint.architecture.blocks]
        for name in left_out:
            if name not in names:
                raise UserError(
                    "The network has no block {name!r}: choose among {names}.", name=name, names=", ".join(names)
                )
        super().__init__(whole.checkpoint, (whole.head_weights, whole.head_bias))
        self.backend = "OpenVINO on CPU"
        self._gated: GatedNetwork = gated_networks.get(whole, lambda: GatedNetwork(whole.checkpoint))
        self._left_out, self._whole = left_out, whole

    def compile(self) -> None:
        """Compile the network, where no question did so before."""
        self._gated.compile()

    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        return self._gated.features(pictures, self._left_out)

    def stages(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """A picture, uint8 (S, S, 3) → what comes out of each stage, float32 (C, r, c) by its name."""
        found = self._gated.stages(picture[np.newaxis], self._left_out)
        return {name: maps[0] for name, maps in zip(self.checkpoint.architecture.stages, found, strict=True)}

    def stage_maps(
        self, picture: np.ndarray, outputs: list[int], layer: str, directions: np.ndarray | None = None
    ) -> np.ndarray:
        """Raises UserError: the backward pass is that of the whole network."""
        raise UserError(
            "Without some of its blocks a network has the heat of layer4 only, not of {layer}.", layer=layer
        )


def check_shortcuts(architecture: Architecture) -> None:
    """Raise a UserError for a plain network: without a block nothing would pass."""
    if not architecture.has_shortcuts:
        raise UserError(
            "A {title} has no shortcuts, so none of its blocks can be left out: choose a residual network.",
            title=architecture.title,
        )
