"""ZeroGPU: Spaces whose GPU is lent for the length of a call (https://huggingface.co/docs/hub/spaces-zerogpu).

What ``spaces.GPU`` decorates runs there in a forked process, the only one with the GPU, and its arguments and results
are pickled. So as little as possible is decorated: the forward pass, pictures in, last feature map out. Networks placed
on "cuda" at the start, by the thread that imported ``spaces``, come along with the fork; one that is loaded later goes
with each call. Elsewhere ``spaces.GPU`` changes nothing, and without the package ``prepare`` does not either.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np

if TYPE_CHECKING:
    from resnet_demo.checkpoints import Checkpoint
    from resnet_demo.engine import Engine

# Seconds that a call may take. Visitors need that much left of their quota, and pay what is really used: starting the
# process takes most of it.
DURATION = 15
DEVICE = "cuda"

_numbers = itertools.count()
_engines: WeakValueDictionary[int, Engine] = WeakValueDictionary()
_brought: dict[int, Engine] = {}  # in the forked process: networks that were loaded after it had started
_lent: Callable | None = None
_home: int | None = None  # the thread in which torch behaves as if there were a GPU


def prepare() -> bool:
    """Import ``spaces`` where it is installed, and have the forward pass decorated; call it before torch is imported.

    Returns:
        Whether this is a ZeroGPU Space.
    """
    global _lent, _home
    if _lent is None and find_spec("spaces"):
        import spaces

        if hasattr(spaces, "GPU"):  # Any folder of that name can be imported.
            _lent = spaces.GPU(duration=DURATION)(last_features_there)
            _home = threading.get_ident()
    return is_lent()


def is_lent() -> bool:
    """Whether this is a ZeroGPU Space, and ``prepare`` was called."""
    return _lent is not None and os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def can_place() -> bool:
    """Whether networks can be placed on the GPU before it is there: only by the thread that called ``prepare``."""
    return is_lent() and threading.get_ident() == _home


def register(engine: Engine) -> int:
    """A number by which the forked process knows an engine too."""
    number = next(_numbers)
    _engines[number] = engine
    return number


def last_features(engine: Engine, pictures: np.ndarray) -> np.ndarray:
    """``engine.last_features(pictures)``, in the process that has the GPU where one is lent."""
    if _lent is None or (is_lent() and engine.device == "cpu"):
        return engine.last_features(pictures)
    return _lent(engine.number, engine.luggage(), pictures)


def last_features_there(number: int, checkpoint: Checkpoint | None, pictures: np.ndarray) -> np.ndarray:
    """What is decorated.

    Args:
        number: of the engine.
        checkpoint: what to build it from where it is not there yet; None for one that is.
        pictures: uint8 (b, S, S, 3).

    Returns:
        float32 last feature map (b, C, r, c).
    """
    if checkpoint is None:
        return _engines[number].last_features(pictures)
    if number not in _brought:
        import torch

        from resnet_demo.engine_torch import TorchEngine

        torch.set_num_threads(1)  # OpenMP's threads did not survive the fork: waiting for them would never end.
        _brought[number] = TorchEngine(checkpoint, DEVICE)
    return _brought[number].last_features(pictures)
