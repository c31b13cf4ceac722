"""Deeper networks out of shallower ones: the same function first, more layers to train.

A residual block whose last batch norm is zero adds nothing to its shortcut, and the shortcut passes a ReLU's outputs
unchanged: such a block is exactly the identity. So ResNet-101 can start as the very function that a trained ResNet-50
computes, which is the paper's own argument that depth need not hurt (He et al. 2015, section 1) and Net2DeeperNet for
residual networks (Chen et al. 2015, https://arxiv.org/abs/1511.05641, section 2.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from resnet_demo import checkpoints
from resnet_demo.checkpoints.steps import Step
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import DEPTHS, Architecture, architecture_of


def kept_positions(old: int, new: int) -> list[int]:
    """Where the ``old`` blocks of a stage stand among its ``new`` ones: spread evenly, the first stays first.

    All positions between hold inserted blocks: 6 blocks become 23 at 0, 3, 7, 11, 15 and 19.
    """
    return [index * new // old for index in range(old)]


def inserted_blocks(old_depth: int, depth: int) -> dict[str, list[int]]:
    """Stage → positions of the blocks that growing inserts.

    Raises:
        UserError: the deeper network has other blocks, or is not deeper.
    """
    old, new = architecture_of(old_depth), architecture_of(depth)
    if not can_grow(old, new):
        records = [architecture_of(depth) for depth in DEPTHS]
        ways = ", ".join(f"{a.depth} to {b.depth}" for a in records for b in records if can_grow(a, b))
        raise UserError(f"ResNet-{old_depth} cannot grow to ResNet-{depth}: what goes is {ways}.")
    return {
        stage: sorted(set(range(len(blocks))) - set(kept_positions(len(old.stages[stage]), len(blocks))))
        for stage, blocks in new.stages.items()
    }


def can_grow(old: Architecture, new: Architecture) -> bool:
    """Whether ``new`` is a deeper network of the same blocks."""
    return new.block == old.block and new.depth > old.depth


def grow_state(state: Mapping[str, np.ndarray], old_depth: int, depth: int) -> dict[str, np.ndarray]:
    """The state dict of a ResNet of ``depth`` that computes what ``state`` computes.

    An inserted block gets the weights of the nearest block before it that has its shape, so that its branch sees what
    it was made for as soon as the scale of its last batch norm leaves zero.

    Raises:
        UserError: see ``inserted_blocks``.
    """
    inserted = inserted_blocks(old_depth, depth)
    shallow = architecture_of(old_depth)
    grown = {key: value for key, value in state.items() if not key.startswith("layer")}
    for stage, blocks in architecture_of(depth).stages.items():
        old = shallow.stages[stage]
        kept = kept_positions(len(old), len(blocks))
        for position, block in enumerate(blocks):
            before = max(index for index in range(len(old)) if kept[index] <= position)
            fresh = position in inserted[stage]
            # A stage's first block changes the shape, so the second one stands in for it.
            source = old[max(before, 1) if fresh else before]
            last = block.convolutions[-1].norm
            for key, value in state.items():
                if key.startswith(f"{source.name}."):
                    name = key.replace(source.name, block.name, 1)
                    silent = fresh and name in (f"{last}.weight", f"{last}.bias")
                    grown[name] = np.zeros_like(value) if silent else value
    return grown


def grow(source: Path, depth: int, out: Path, step: Step) -> Path:
    """Grow the checkpoint in ``source`` to ``depth`` and write it to ``out``; its outputs stay what they were.

    Returns:
        ``out``.

    Raises:
        UserError: no such checkpoint, or see ``inserted_blocks``.
    """
    checkpoint = checkpoints.load_folder(source)
    config = checkpoints.read_config(source)
    state = grow_state(checkpoint.state, checkpoint.depth, depth)
    kept = {key: config.record[key] for key in ("recipe", "init", "gathered") if key in config.record}
    extra = {**kept, "commands": [*config.steps, step]}
    checkpoints.save(out, state, checkpoint.spec, depth, checkpoint.variant, {}, None, extra)
    return out
