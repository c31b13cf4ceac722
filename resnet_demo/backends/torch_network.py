"""A checkpoint as a PyTorch network: for the engines, for training and for the Hub's users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from resnet_demo.checkpoints import Checkpoint
from resnet_demo.models.architecture import Architecture
from resnet_demo.models.resnet import ResNet, load_strictly
from resnet_demo.tasks import TaskSpec

Network = TypeVar("Network", bound=ResNet)


def build_network(checkpoint: Checkpoint) -> ResNet:
    """A checkpoint's network, float32 on the CPU, in evaluation mode and without gradients of its parameters."""
    name = str(checkpoint.path or "the checkpoint")
    network = with_weights(checkpoint.state, checkpoint.architecture, checkpoint.spec.outputs, None, name, ResNet)
    return network.requires_grad_(False)


def with_weights(
    state: Mapping[str, np.ndarray],
    depth: Architecture | int,
    outputs: int,
    variant: str | None,
    source: str,
    network_class: type[Network],
) -> Network:
    """A network with the weights of ``state``, float32 on the CPU, in evaluation mode.

    Args:
        depth, outputs, variant: as ``ResNet`` takes them.
        network_class: ``ResNet`` or what inherits from it.

    Raises:
        ValueError: ``state``, from ``source``, does not fit, see ``load_strictly``.
    """
    with torch.device("meta"):  # no random weights: drawing them takes as long as reading a checkpoint
        network = network_class(depth, outputs, variant)
    network.to_empty(device="cpu")
    for name, counter in network.named_buffers():
        if name.endswith("num_batches_tracked"):
            counter.zero_()
    load_strictly(network, {key: torch.from_numpy(value) for key, value in state.items()}, source)
    return network.eval()


def scaling(spec: TaskSpec) -> tuple[Tensor, Tensor]:
    """A spec's mean and deviation for values of 0..255, each (1, 3, 1, 1)."""
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) * 255 for values in (spec.mean, spec.std))
    return mean, std
