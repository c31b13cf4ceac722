"""What is done with a trained head of classes."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def centre_rows(head: nn.Linear, rows: slice = slice(None)) -> None:
    """Take what all classes have in common out of their rows of a head.

    Softmax does not see it, so training leaves it to chance (AdamW lets it grow); but Grad-CAM of one class does, and
    would show where the photo speaks for classes in general.
    """
    head.weight[rows] -= head.weight[rows].mean(dim=0)
    head.bias[rows] -= head.bias[rows].mean()
