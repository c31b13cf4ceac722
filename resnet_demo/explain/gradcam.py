"""Grad-CAM (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391): maps from features and weights, nothing else.

The network ends in global average pooling and a linear head, so the gradient of output k with respect to the last
feature map is the constant W[k] / (rows · columns). Grad-CAM of the last stage therefore needs no backward pass:
a weighted sum of the feature map that the prediction has made already. Earlier stages go through autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from resnet_demo.models.architecture import STAGES
from resnet_demo.utils.linalg import products

if TYPE_CHECKING:
    from torch import Tensor

    from resnet_demo.models.resnet import ResNet


def last_stage(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Grad-CAM of the last stage in closed form.

    Args:
        features: last feature map (C, r, c).
        weights: rows of the head (k, C), one for each output to explain.

    Returns:
        Maps (k, r, c), not negative, on the scale of autograd's.
    """
    return np.maximum(signed_last_stage(features, weights), 0)


def signed_last_stage(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """As ``last_stage``, with what speaks against an output kept as negative values."""
    channels, rows, columns = features.shape
    maps = products(weights, features.reshape(channels, rows * columns).T)  # (k, r · c)
    return maps.reshape(-1, rows, columns) / np.float32(rows * columns)


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
                activation = getattr(network, name)(activation)
        # The graph starts here: the stages below need neither memory nor a backward pass.
        activation = activation.detach().requires_grad_()
        with torch.enable_grad():
            features = activation
            for name in STAGES[split:]:
                features = getattr(network, name)(features)
            (gradient,) = torch.autograd.grad(score(network.head(features)), activation)
        importance = gradient.mean(dim=(2, 3), keepdim=True)  # (1, C, 1, 1)
        cam = (importance * activation.detach()).sum(dim=1)[0]  # (r, c)
        return (cam if signed else cam.relu()).float().cpu().numpy()
