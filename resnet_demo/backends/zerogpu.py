"""The engine of a ZeroGPU Space: PyTorch in the process that the GPU is lent to, see ``zerogpu_lease``.

Networks placed on "cuda" at the start come along when that process is forked; one that is loaded later is sent with
each call.
"""

from __future__ import annotations

import itertools
from weakref import WeakValueDictionary

import numpy as np

from resnet_demo.backends import zerogpu_lease
from resnet_demo.backends.base import Outputs
from resnet_demo.backends.cpu_instead import CpuInstead, Fault, reported_fault
from resnet_demo.backends.torch import TorchEngine
from resnet_demo.checkpoints import Checkpoint

_numbers = itertools.count()
_placed: WeakValueDictionary[int, TorchEngine] = WeakValueDictionary()
_sent: dict[int, TorchEngine] = {}  # in the forked process: networks that were loaded after it had started


class LentGpuError(RuntimeError):
    """A lent GPU did not answer, because of ``fault``."""

    def __init__(self, fault: Fault):
        super().__init__(f"The lent GPU did not answer: {fault.value}.")
        self.fault = fault


class ZeroGpuEngine(CpuInstead):
    """A checkpoint on a lent GPU: placed there at the start, or else sent along with each call. Where the GPU's memory
    is full, or the GPU fails, the CPU answers."""

    device = "cuda"
    backend = "PyTorch on ZeroGPU"

    def __init__(self, checkpoint: Checkpoint):
        state = checkpoint.arrays
        super().__init__(checkpoint, (state["fc.weight"], state["fc.bias"]))
        self._number = next(_numbers)  # by which the forked process knows the network too
        engine = TorchEngine(checkpoint, zerogpu_lease.DEVICE, quick=False) if zerogpu_lease.can_place() else None
        self._engine = engine if engine and engine.unplaced is None else None
        if self._engine:
            _placed[self._number] = self._engine

    def run(self, pictures: np.ndarray) -> Outputs:
        try:
            return super().run(pictures)
        except LentGpuError as error:
            return self.run_on_cpu(pictures, error.fault)

    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        payload = None if self._engine else self.checkpoint
        features = zerogpu_lease.run(last_features_there, self._number, payload, pictures)
        if isinstance(features, Fault):
            raise LentGpuError(features)
        return features


def last_features_there(number: int, checkpoint: Checkpoint | None, pictures: np.ndarray) -> np.ndarray | Fault:
    """The forward pass in the process that has the GPU.

    Args:
        number: of the engine.
        checkpoint: what to build it from where it was not placed; None for one that was.
        pictures: uint8 (b, S, S, 3).

    Returns:
        float32 last feature map (b, C, r, c), or why there is none: of an error ``spaces`` hands on its class's name
        alone.
    """
    try:
        if checkpoint is None:
            return _placed[number].last_features(pictures)
        if number not in _sent:
            import torch

            torch.set_num_threads(1)  # OpenMP's threads did not survive the fork: waiting for them would never end.
            engine = TorchEngine(checkpoint, zerogpu_lease.DEVICE, quick=False)
            if engine.unplaced:
                return engine.unplaced
            _sent[number] = engine
        return _sent[number].last_features(pictures)
    except RuntimeError as error:
        return reported_fault(error)
