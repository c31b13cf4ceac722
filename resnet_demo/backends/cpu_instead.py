"""Where a GPU's memory is full, the CPU answers."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from resnet_demo.backends.base import Engine, Outputs
from resnet_demo.backends.openvino import OpenVinoEngine


def is_memory_full(error: RuntimeError) -> bool:
    """Whether a GPU has no memory left: CUDA has a class for that, MPS says it in words."""
    return "out of memory" in str(error).lower()


class CpuInstead(Engine):
    """An engine on a GPU, with the CPU's beside it, which is made when it is first needed."""

    def run_on_cpu(self, pictures: np.ndarray) -> Outputs:
        """As ``run``, by the CPU, which is said in ``instead``."""
        return replace(self._cpu.run(pictures), instead=self._cpu.backend)

    @cached_property
    def _cpu(self) -> OpenVinoEngine:
        return OpenVinoEngine(self.checkpoint)
