"""The engine of a ZeroGPU Space: PyTorch in the process that the GPU is lent to, see ``zerogpu``."""

from __future__ import annotations

import numpy as np

from resnet_demo import zerogpu
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.engine import Engine
from resnet_demo.engine_torch import TorchEngine


class ZeroGpuEngine(Engine):
    """A checkpoint on a lent GPU: placed there at the start, or else sent along with each call."""

    device = "cuda"
    backend = "PyTorch on ZeroGPU"

    def __init__(self, checkpoint: Checkpoint):
        state = checkpoint.state
        super().__init__(checkpoint, (state["fc.weight"], state["fc.bias"]))
        self._placed = TorchEngine(checkpoint, zerogpu.DEVICE) if zerogpu.can_place() else None

    def luggage(self) -> Checkpoint | None:
        return None if self._placed else self.checkpoint

    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        return self._placed.last_features(pictures)
