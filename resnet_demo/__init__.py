"""ResNet on photographs: classes, face keypoints, and where the network looked.

import resnet_demo
predict = resnet_demo.load("flowers102", depth=50)
predict("photo.jpg").top_k
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resnet_demo.errors import UserError

if TYPE_CHECKING:
    from resnet_demo.predictor import Predictor

__all__ = ["UserError", "available", "load"]


def load(task: str, depth: int = 50, device: str = "auto") -> Predictor:
    """The predictor for a task: call it with a path, bytes, a PIL image or a uint8 array (H, W, 3).

    Args:
        task: ``flowers102``, ``faces68`` … see ``available``.
        depth: 18, 34, 50, 101 or 152.
        device: auto, cpu, cuda, cuda:1, mps, or reference (plain float32 PyTorch on the CPU).

    Raises:
        UserError: there is no such checkpoint or device, or its files are damaged.
    """
    from resnet_demo.predictor import load

    return load(task, depth, device)


def available() -> dict[str, list[int]]:
    """Task name → depths that have a checkpoint, ascending.

    Raises:
        UserError: the index of checkpoints is missing or broken.
    """
    from resnet_demo import checkpoints

    return checkpoints.available()
