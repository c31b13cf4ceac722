"""Where a GPU's memory is full, or the GPU fails, the CPU answers."""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import replace
from enum import Enum
from functools import cached_property

import numpy as np

from resnet_demo.backends.base import Engine, Fallback, Outputs
from resnet_demo.backends.openvino import OpenVinoEngine

log = logging.getLogger(__name__)


class Fault(Enum):
    """What is wrong with a GPU."""

    FULL = "no memory is left"
    FAILED = "a call failed, and the next one may succeed"
    LOST = "every later call of this process fails too"


# CUDA and MPS; cuBLAS and cuDNN, which say ALLOC_FAILED or ALLOCATION_FAILED.
FULL = re.compile(r"out of memory|alloc(ation)?_failed", re.IGNORECASE)
# What PyTorch says of a call to CUDA, its libraries or their counterparts on AMD's cards that failed. An error in how
# PyTorch is called may name CUDA too: "tensors on … cuda:0 and cpu".
FAILED = re.compile(
    r"(CUDA|HIP)( driver)? error|CUDA unknown error|CUDA driver initialization failed|No (CUDA|HIP) GPUs are available"
    r"|cuDNN( Frontend)? error|CUDNN_STATUS_|(CU|HIP|ROC)BLAS_STATUS_|miopenStatus|unable to find an engine to execute",
    re.IGNORECASE,
)
# Those of which the CUDA runtime's manual says that the process must be started again before it can use CUDA. PyTorch
# writes of "device-side assertions" below every error of CUDA's.
LOST = re.compile(
    r"illegal memory access|device-side assert triggered|unspecified launch failure|launch timed out|misaligned address"
    r"|illegal instruction|invalid program counter|hardware stack error|not supported on global/shared address space"
    r"|uncorrectable (ECC|NVLink) error",
    re.IGNORECASE,
)

_lost = threading.Event()
_guard = threading.Lock()


def fault_of(error: RuntimeError) -> Fault | None:
    """What an error of PyTorch's says of the GPU; None: nothing, the error is our own."""
    text = str(error)
    if FULL.search(text):
        return Fault.FULL
    if not FAILED.search(text):
        return None
    return Fault.LOST if LOST.search(text) else Fault.FAILED


def reported_fault(error: RuntimeError) -> Fault:
    """The same, of which the log gets a line: of each call that failed, but only once that the GPU is lost.

    Raises:
        RuntimeError: the error, where it is our own.
    """
    fault = fault_of(error)
    if fault is None:
        raise error
    said = str(error).partition("\n")[0]
    if fault is Fault.FAILED:
        log.warning("The GPU failed, so the CPU answered: %s", said)
    elif fault is Fault.LOST:
        with _guard:
            if not _lost.is_set():
                _lost.set()
                log.error("The GPU is lost to this program, and the CPU answers until it is started again: %s", said)
    return fault


def is_gpu_lost() -> bool:
    """Whether this process can use CUDA no more."""
    return _lost.is_set()


class CpuInstead(Engine):
    """An engine on a GPU, with the CPU's beside it, which is made when it is first needed."""

    def run_on_cpu(self, pictures: np.ndarray, fault: Fault) -> Outputs:
        """As ``run``, by the CPU, which is said in ``instead``."""
        return replace(self._cpu.run(pictures), instead=Fallback(self._cpu.backend, fault is Fault.FULL))

    @cached_property
    def _cpu(self) -> OpenVinoEngine:
        return OpenVinoEngine(self.checkpoint)
