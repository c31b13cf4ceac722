"""Grad-CAM of any stage by differentiation, in PyTorch: the reference for the other ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from resnet_demo.models.architecture import STAGES

if TYPE_CHECKING:
    from torch import Tensor

    from resnet_demo.models.resnet import ResNet


def stage_maps(
    network: ResNet, x: Tensor, outputs: list[int], layer: str, directions: np.ndarray | None = None
) -> np.ndarray:
    """Grad-CAM of some logits of one normalised picture (1, 3, rows, columns), or of directions (n, outputs) of them:
    float32 (outputs or n, r, c), signed."""
    import torch

    def score_of(direction: np.ndarray) -> Callable[[Tensor], Tensor]:
        return lambda logits: logits[0, outputs] @ torch.from_numpy(direction)

    each = np.eye(len(outputs), dtype=np.float32) if directions is None else directions
    return np.stack([by_autograd(network, x, score_of(direction), layer, signed=True) for direction in each])


def by_autograd(
    network: ResNet, x: Tensor, score: Callable[[Tensor], Tensor], layer: str = "layer4", signed: bool = False
) -> np.ndarray:
    """Grad-CAM of any stage by differentiation.

    Leaves nothing behind: no hook, no parameter's ``.grad``, no change of mode; so threads may share a network.

    Args:
        network: in evaluation mode.
        x: one normalised picture (1, 3, rows, columns).
        score: the logits (1, outputs) → the scalar to explain.
        layer: ``layer1`` to ``layer4``.
        signed: keep negative values.

    Returns:
        float32 map (r, c) at the stage's resolution.

    Raises:
        ValueError: no such layer, or a network in training mode.
    """
    import torch

    if layer not in STAGES:
        raise ValueError(f"There is no layer {layer!r}: choose one of {', '.join(STAGES)}.")
    if network.training:
        raise ValueError("Grad-CAM needs a network in evaluation mode: call eval() first.")
    split = STAGES.index(layer) + 1
    # Differentiating must also work for callers who are in inference mode themselves.
    with torch.inference_mode(False):
        with torch.no_grad():
            activation = network.stem(x)
            for name in STAGES[:split]:
                activation = network.stage(name, activation)
        # The graph starts here: the stages below need neither memory nor a backward pass.
        activation = activation.detach().requires_grad_()
        with torch.enable_grad():
            features = activation
            for name in STAGES[split:]:
                features = network.stage(name, features)
            (gradient,) = torch.autograd.grad(score(network.head(features)), activation)
        importance = gradient.mean(dim=(2, 3), keepdim=True)  # (1, C, 1, 1)
        cam = (importance * activation.detach()).sum(dim=1)[0]  # (r, c)
        return (cam if signed else cam.relu()).float().cpu().numpy()
