"""Which devices this machine has, found out without importing torch where that is possible."""

from __future__ import annotations

import glob
import os
import platform
import re
import shutil
import sys

from resnet_demo.backends import zerogpu_lease
from resnet_demo.errors import Text, UserError
from resnet_demo.utils.packages import has_torch

DEVICES = Text("{first} or {last}", first=["auto", "cpu", "cuda", "cuda:<number>", "mps"], last="reference")


def resolve_device(device: str = "auto") -> str:
    """The device that a name means on this machine: ``cpu``, ``reference``, ``cuda``, ``cuda:1`` or ``mps``.

    ``auto`` picks CUDA, then Apple MPS, then the CPU; without PyTorch the CPU.

    Raises:
        UserError: no such device, or all of it is there but PyTorch.
    """
    if device == "cpu":
        return device
    if device == "auto":
        # Every answer of the page asks: first what needs no search for packages.
        if may_have_cuda() and has_torch() and cuda_devices() > 0:
            return "cuda"
        return "mps" if has_mps() else "cpu"
    if re.fullmatch(r"reference|mps|cuda(:\d+)?", str(device)) and not has_torch():
        raise UserError(
            "The device {device} needs PyTorch, which is not installed here: install it (`make torch` in a clone "
            "of the project, else `pip install torch`), or choose the device cpu.",
            device=device,
        )
    if device == "reference":
        return device
    if device == "mps":
        if not has_mps():
            raise UserError("There is no Apple MPS device here: choose the device auto or cpu.")
        return device
    if match := re.fullmatch(r"cuda(?::(\d+))?", str(device)):
        count = cuda_devices() if may_have_cuda() else 0
        if count == 0:
            raise UserError("There is no CUDA device here: choose the device auto or cpu.")
        if int(match[1] or 0) >= count:
            last = f"cuda:{count - 1}"
            choice = Text("one of {first} to {last}", first="cuda:0", last=last) if count > 1 else last
            raise UserError("There is no {device} here: choose {choice}.", device=device, choice=choice)
        return device
    raise UserError("There is no device {device!r}: choose {devices}.", device=device, devices=DEVICES)


def may_have_cuda() -> bool:
    """False where a CUDA device is out of the question.

    Importing torch takes seconds and hundreds of megabytes; most machines can be told to have no CUDA by looking for
    the driver's device files (Linux; ``/dev/dxg`` is WSL, ``/dev/kfd`` AMD's ROCm, which torch also calls cuda).
    """
    if zerogpu_lease.is_lent():
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
    """Whether this is a Mac with an Apple chip whose torch has MPS; torch is looked for only on such a Mac."""
    if sys.platform != "darwin" or platform.machine() != "arm64" or not has_torch():
        return False
    import torch

    return torch.backends.mps.is_available()
