"""ResNet on photographs: classes, face keypoints, and where the network looked.

import resnet_demo
predict = resnet_demo.load("flowers102", depth=50)
predict("photo.jpg").top_k
network = resnet_demo.ResNet.from_pretrained("you/resnet-demo-weights", task="flowers102", depth=50)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from resnet_demo.errors import UserError
from resnet_demo.version import __version__

if TYPE_CHECKING:
    from resnet_demo.checkpoints.hub import Progress
    from resnet_demo.hub_mixin import ResNet
    from resnet_demo.inference.base import Predictor
    from resnet_demo.inference.heads import Heads

# OpenVINO 2026.4 reports to an outside host when it is imported. Without its package of telemetry it uses an empty one.
sys.modules.setdefault("openvino_telemetry", cast(Any, None))

__all__ = ["ResNet", "UserError", "__version__", "available", "load", "load_heads"]


def __getattr__(name: str) -> object:
    """``resnet_demo.ResNet``, with which torch is imported, only where somebody asks for it."""
    if name == "ResNet":
        from resnet_demo.utils.packages import need

        need("torch")
        from resnet_demo.hub_mixin import ResNet

        return ResNet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load(task: str, depth: int = 50, device: str = "auto", progress: Progress | None = None) -> Predictor[Any]:
    """The predictor for a task: call it with a path, bytes, a PIL image or a uint8 array (H, W, 3).

    Args:
        task: ``flowers102``, ``faces68`` … see ``available``.
        depth: 18, 34, 50, 101 or 152.
        device: auto, cpu, cuda, cuda:1, mps, or reference (plain float32 PyTorch on the CPU).
        progress: called with (bytes that have come, bytes in all or None) while weights come from the Hugging Face Hub;
            a bar in the terminal shows it anyway.

    Raises:
        UserError: there is no such checkpoint or device, its files are damaged, or the Hub does not give them.
    """
    from resnet_demo.inference.predictor import load

    return load(task, depth, device, progress)


def load_heads(tasks: Sequence[str], depth: int = 50, device: str = "auto") -> Heads:
    """The predictor of several tasks: called with a picture, it gives task → answer. What tasks have in common, as
    those of ``train --tasks`` have their trunk, is computed once.

    Args:
        tasks: their names.
        depth, device: see ``load``.

    Raises:
        UserError: see ``load``.
    """
    from resnet_demo.inference.heads import load

    return load(tasks, depth, device)


def available() -> dict[str, list[int]]:
    """Task name → depths that have a checkpoint, ascending.

    Raises:
        UserError: the index of checkpoints is missing or broken.
    """
    from resnet_demo import checkpoints

    return checkpoints.available()
