"""Losses of the two kinds of task."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from resnet_demo.errors import UserError

# Keypoint losses see distances in pixels of a crop of this side, the scale their constants were published for.
CROP_SIDE = 256.0


def wing(error: Tensor, width: float = 10.0, curvature: float = 2.0) -> Tensor:
    """Wing loss (Feng et al. 2017, https://arxiv.org/abs/1711.06753, eq. 5): logarithmic near zero, linear beyond."""
    size = error.abs()
    constant = width - width * math.log(1 + width / curvature)
    return torch.where(size < width, width * torch.log1p(size / curvature), size - constant)


KEYPOINT_LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "wing": wing,
    "smooth_l1": lambda error: F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=2.0),
    "l1": torch.abs,
    "mse": torch.square,
}


def keypoint_loss(name: str, logits: Tensor, targets: Tensor) -> Tensor:
    """Mean loss of logits (b, 2·points) against targets (b, points, 2) in 0..1 of the crop; NaN does not count."""
    error = (torch.sigmoid(logits.float()) - targets.flatten(1)) * CROP_SIDE
    return KEYPOINT_LOSSES[name](error[~error.isnan()]).mean()


def classification_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of logits (b, classes) against soft targets (b, classes)."""
    return F.cross_entropy(logits.float(), targets)


def check_loss(kind: str, name: str) -> None:
    """Raises UserError where ``kind`` has no loss ``name``."""
    known = ["cross_entropy"] if kind == "classification" else list(KEYPOINT_LOSSES)
    if name not in known:
        raise UserError(f"There is no loss {name!r} for {kind}: choose one of {', '.join(known)}.")
