"""What is done with the head of classes before and after it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from resnet_demo import checkpoints


@torch.no_grad()
def keep_known_rows(head: nn.Linear, init: str, labels: Sequence[str]) -> None:
    """Give the classes that a checkpoint knows by name its rows of the head, and all others the mean of these.

    Args:
        init: the checkpoint's folder, see ``networks.init``; of anything else no classes are known.
        labels: the classes of ``head``.
    """
    if not (Path(init) / checkpoints.CONFIG).is_file():
        return
    known = checkpoints.load_folder(init)
    weight, bias = (torch.from_numpy(known.arrays[name]) for name in ("fc.weight", "fc.bias"))
    head.weight[:], head.bias[:] = weight.mean(dim=0), bias.mean()
    for row, label in enumerate(labels):
        if label in known.spec.labels:
            before = known.spec.labels.index(label)
            head.weight[row], head.bias[row] = weight[before], bias[before]


@torch.no_grad()
def centre_rows(head: nn.Linear, rows: slice = slice(None)) -> None:
    """Take what all classes have in common out of their rows of a head.

    Softmax does not see it, so training leaves it to chance (AdamW lets it grow); but Grad-CAM of one class does, and
    would show where the photo speaks for classes in general.
    """
    head.weight[rows] -= head.weight[rows].mean(dim=0)
    head.bias[rows] -= head.bias[rows].mean()
