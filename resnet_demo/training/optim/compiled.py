"""``--compile``: torch.compile for training, which joins batch norms, ReLUs and additions on a CPU too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

from resnet_demo.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")
COMPILERS = ("g++", "clang++", "c++")


def compiled(function: Callable[P, R], device_type: str = "cpu") -> Callable[P, R]:
    """A part of a training step, compiled the first time that it meets pictures of a size: half a minute to a few.

    Raises:
        UserError: there is no compiler on this machine.
    """
    compiler = os.environ.get("CXX") or next(filter(shutil.which, COMPILERS), "")
    if device_type == "cpu" and not (compiler and shutil.which(compiler)):
        raise UserError("--compile needs a C++ compiler, such as g++: install one, or leave --compile out.")
    return torch.compile(function, dynamic=False)
