"""Deeper networks out of shallower ones: the same function first, more layers to train.

There are two ways. **Divided**: a block that adds f(x) to its shortcut is one step of an ordinary differential equation
solved by Euler's method, and n blocks that add f(x) / n each are the same way in n smaller steps (Chang et al. 2018,
https://arxiv.org/abs/1710.10348, section 3.3, who grow networks so while they train). The outputs are nearly what they
were, every block does its part from the first step on, and training goes on from there.

**Silent**: a residual block whose last batch norm is zero adds nothing to its shortcut, and the shortcut passes a
ReLU's outputs unchanged: such a block is exactly the identity. So ResNet-101 can start as the very function that a
trained ResNet-50 computes, which is the paper's own argument that depth need not hurt (He et al. 2015, section 1) and
Net2DeeperNet for residual networks (Chen et al. 2015, https://arxiv.org/abs/1511.05641, section 2.3). The outputs are
exactly what they were; but a gentle training hardly wakes such blocks (docs/accuracy.md), what is to work with all
its blocks is divided.
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


def shares(old: int, new: int) -> list[int]:
    """Into how many blocks each of a stage's ``old`` blocks is divided so that ``new`` come out.

    The first changes the shape and stays one; the others share what is to be added evenly, the earlier ones first:
    6 blocks become 23 as 1, 5, 5, 4, 4 and 4.
    """
    each, more = divmod(new - 1, old - 1)
    return [1, *(each + (index < more) for index in range(old - 1))]


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


def grow_state(
    state: Mapping[str, np.ndarray], old_depth: int, depth: int, *, divided: bool = False
) -> dict[str, np.ndarray]:
    """The state dict of a ResNet of ``depth`` that computes what ``state`` computes: exactly, or (``divided``) nearly.

    Raises:
        UserError: see ``inserted_blocks``.
    """
    inserted_blocks(old_depth, depth)  # Refuses what does not go.
    shallow = architecture_of(old_depth)
    grown = {key: value for key, value in state.items() if not key.startswith("layer")}
    for stage, blocks in architecture_of(depth).stages.items():
        old = shallow.stages[stage]
        sources = divided_sources(len(old), len(blocks)) if divided else silent_sources(len(old), len(blocks))
        for block, (index, factor) in zip(blocks, sources, strict=True):
            name, source = block.name, old[index].name
            last = block.convolutions[-1].norm
            for key in (key for key in state if key.startswith(f"{source}.")):
                new = key.replace(source, name, 1)
                scaled = factor != 1 and new in (f"{last}.weight", f"{last}.bias")
                grown[new] = state[key] * np.float32(factor) if scaled else state[key]
    return grown


def divided_sources(old: int, new: int) -> list[tuple[int, float]]:
    """For each of ``new`` blocks which of the ``old`` ones it is, and the part of it that it adds."""
    return [(index, 1 / count) for index, count in enumerate(shares(old, new)) for _ in range(count)]


def silent_sources(old: int, new: int) -> list[tuple[int, float]]:
    """The same where inserted blocks add nothing.

    An inserted block gets the weights of the nearest block before it that has its shape, so that its branch sees what
    it was made for as soon as the scale of its last batch norm leaves zero.
    """
    sources, kept = [], kept_positions(old, new)
    for position in range(new):
        before = max(index for index in range(old) if kept[index] <= position)
        # A stage's first block changes the shape, so the second one stands in for it.
        sources.append((before, 1.0) if position in kept else (max(before, 1), 0.0))
    return sources


def grow(source: Path, depth: int, out: Path, step: Step, *, divided: bool = False) -> Path:
    """Grow the checkpoint in ``source`` to ``depth`` and write it to ``out``, see ``grow_state``.

    Returns:
        ``out``.

    Raises:
        UserError: no such checkpoint, or see ``inserted_blocks``.
    """
    checkpoint = checkpoints.load_folder(source)
    config = checkpoints.read_config(source)
    state = grow_state(checkpoint.state, checkpoint.depth, depth, divided=divided)
    kept = {key: config.record[key] for key in ("recipe", "init", "gathered") if key in config.record}
    extra = {**kept, "commands": [*config.steps, step]}
    checkpoints.save(out, state, checkpoint.spec, depth, checkpoint.variant, {}, None, extra)
    return out
