"""Grad-CAM of any stage by differentiation, in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.explain.case import Case
from resnet_demo.models.architecture import STAGES
from resnet_demo.tasks.preprocess import normalise
from resnet_demo.utils.packages import has_torch

if TYPE_CHECKING:
    from torch import Tensor

    from resnet_demo.models.resnet import ResNet


def any_stage(case: Case) -> np.ndarray:
    """Grad-CAM of a class at the case's stage, (r, c), not negative.

    Raises:
        UserError: PyTorch is not installed.
    """
    if not has_torch():
        raise UserError(
            "Heatmaps of earlier stages need PyTorch, which is not installed here: install it (`make torch` in "
            "a clone of the project, else `pip install torch`), or choose the last stage, layer4."
        )
    import torch

    x = torch.from_numpy(normalise(case.spec, case.picture[None]))
    (output,) = case.target.outputs
    return by_autograd(case.network(), x, lambda logits: logits[0, output], case.layer)


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
