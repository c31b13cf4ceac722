"""Runs a network on the best device there is: one forward pass gives the outputs and the last feature map.

``make_engine`` chooses. On a CPU that is OpenVINO, without importing torch; on CUDA and Apple MPS it is PyTorch;
``reference`` is plain float32 PyTorch on the CPU, which the others are tested against.
"""

from __future__ import annotations

import glob
import os
import platform
import re
import shutil
import sys
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from resnet_demo import zerogpu
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.errors import UserError
from resnet_demo.products import products

if TYPE_CHECKING:
    from resnet_demo.architecture import ResNet

DEVICES = "auto, cpu, cuda, cuda:<number>, mps or reference"


@dataclass(frozen=True, eq=False)
class Outputs:
    """What one forward pass gives.

    Attributes:
        logits: float32 (b, outputs).
        features: float32 (b, C, r, c), the last feature map.
    """

    logits: np.ndarray
    features: np.ndarray


class Engine(ABC):
    """A network on a device. Threads may share one.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        backend: for people: library, precision and device, such as ``OpenVINO bf16 on CPU``.
    """

    device: str
    backend: str

    def __init__(self, checkpoint: Checkpoint, head: tuple[np.ndarray, np.ndarray]):
        self.checkpoint = checkpoint
        self.head_weights, self._head_bias = head
        self._lock = threading.Lock()
        self.number = zerogpu.register(self)

    def luggage(self) -> Checkpoint | None:
        """What a ZeroGPU call must bring along; None where the network is there already."""
        return None

    @abstractmethod
    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 pictures (b, S, S, 3) → float32 last feature map (b, C, r, c)."""

    def run(self, pictures: np.ndarray) -> Outputs:
        """RGB pictures as the task's preprocessing makes them, uint8 (b, S, S, 3), through the network.

        Raises:
            ValueError: another shape or type.
        """
        size = self.checkpoint.spec.size
        if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[1:] != (size, size, 3):
            raise ValueError(
                f"Pictures must be uint8 of the shape (batch, {size}, {size}, 3), these are {pictures.dtype} "
                f"of the shape {pictures.shape}: prepare them with tasks.preprocess()."
            )
        features = zerogpu.last_features(self, pictures)
        # The head costs nothing, and in float32 the outputs lose none of their precision to the device's.
        logits = products(features.mean(axis=(2, 3)), self.head_weights) + self._head_bias
        return Outputs(logits, features)

    def network(self) -> ResNet:
        """The same network as float32 PyTorch on the CPU, for differentiating; built at the first call."""
        with self._lock:
            return self._network

    @cached_property
    def _network(self) -> ResNet:
        from resnet_demo.engine_torch import build_network

        return build_network(self.checkpoint)


def make_engine(checkpoint: Checkpoint, device: str = "auto") -> Engine:
    """The engine for a checkpoint on a device, see ``resolve_device``.

    Raises:
        UserError: the device does not exist here.
    """
    device = resolve_device(device)
    if device == "cpu":
        from resnet_demo.engine_openvino import OpenVinoEngine

        return OpenVinoEngine(checkpoint)
    if device.startswith("cuda") and zerogpu.is_lent():
        from resnet_demo.engine_zerogpu import ZeroGpuEngine

        return ZeroGpuEngine(checkpoint)
    from resnet_demo.engine_torch import TorchEngine

    return TorchEngine(checkpoint, device)


def resolve_device(device: str = "auto") -> str:
    """The device that a name means on this machine: ``cpu``, ``reference``, ``cuda``, ``cuda:1`` or ``mps``.

    ``auto`` picks CUDA, then Apple MPS, then the CPU.

    Raises:
        UserError: no such device.
    """
    if device in ("cpu", "reference"):
        return device
    if device == "auto":
        if may_have_cuda() and cuda_devices() > 0:
            return "cuda"
        return "mps" if has_mps() else "cpu"
    if device == "mps":
        if not has_mps():
            raise UserError("There is no Apple MPS device here: choose the device auto or cpu.")
        return device
    if match := re.fullmatch(r"cuda(?::(\d+))?", str(device)):
        count = cuda_devices() if may_have_cuda() else 0
        if count == 0:
            raise UserError("There is no CUDA device here: choose the device auto or cpu.")
        if int(match[1] or 0) >= count:
            choice = "cuda:0" if count == 1 else f"one of cuda:0 to cuda:{count - 1}"
            raise UserError(f"There is no {device} here: choose {choice}.")
        return device
    raise UserError(f"There is no device {device!r}: choose {DEVICES}.")


def may_have_cuda() -> bool:
    """False where a CUDA device is out of the question.

    Importing torch takes seconds and hundreds of megabytes; most machines can be told to have no CUDA by looking for
    the driver's device files (Linux; ``/dev/dxg`` is WSL, ``/dev/kfd`` AMD's ROCm, which torch also calls cuda).
    """
    if zerogpu.is_lent():
        return True  # The device files are there only while the GPU is.
    if sys.platform == "darwin":
        return False
    if sys.platform == "win32":
        return shutil.which("nvidia-smi") is not None
    return bool(glob.glob("/dev/nvidia*")) or os.path.exists("/dev/dxg") or os.path.exists("/dev/kfd")


def cuda_devices() -> int:
    """Number of CUDA devices that torch can use."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def has_mps() -> bool:
    """Whether this is a Mac with an Apple chip whose torch has MPS; torch is imported only on such a Mac."""
    if sys.platform != "darwin" or platform.machine() != "arm64":
        return False
    import torch

    return torch.backends.mps.is_available()
