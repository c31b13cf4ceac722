"""A network recorded once for some numbers of pictures, so that a CUDA device repeats it by one call of the driver.

Launching a ResNet's kernels one by one takes the CPU longer than a GPU takes for one picture (Gray 2019,
https://developer.nvidia.com/blog/cuda-graphs/).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

BATCHES = (1, 4, 16, 128)
WARM_UP = 3  # passes before recording: cuDNN chooses its kernels in them
# Held while anything is recorded: waiting for the whole device and emptying PyTorch's cache, as the start of each
# recording does, are forbidden while a stream of the process is recorded, and end both recordings.
recording = threading.Lock()


class Recording:
    """A network's passes over so many pictures, and page-locked memory for what goes in and comes out.

    Args:
        run: uint8 pictures on the device (b, S, S, 3) → floats there, several tensors with one row a picture.
    """

    def __init__(self, run: Callable[[Tensor], tuple[Tensor, ...]], batch: int, size: int, device: str, pool: Any):
        self._device = torch.device(device)
        with torch.cuda.device(self._device), torch.inference_mode():
            self._sent = torch.zeros(batch, size, size, 3, dtype=torch.uint8, pin_memory=True)
            self._input = self._sent.to(self._device)
            here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
            aside.wait_stream(here)
            with torch.cuda.stream(aside), torch.backends.cudnn.flags(enabled=True, benchmark=True):
                for _ in range(WARM_UP):
                    run(self._input)
            here.wait_stream(aside)
            self._graph = torch.cuda.CUDAGraph()
            # Other threads may use the device meanwhile.
            with torch.cuda.graph(self._graph, pool=pool, capture_error_mode="thread_local"):
                self._outputs = run(self._input)
            self._received = [torch.empty(one.shape, dtype=one.dtype, pin_memory=True) for one in self._outputs]

    def run(self, pictures: np.ndarray) -> tuple[np.ndarray, ...]:
        count = len(pictures)
        with torch.cuda.device(self._device), torch.inference_mode():
            self._sent[:count].copy_(torch.from_numpy(pictures))
            self._input.copy_(self._sent, non_blocking=True)
            self._graph.replay()
            for received, output in zip(self._received, self._outputs, strict=True):
                received[:count].copy_(output[:count], non_blocking=True)
            torch.cuda.current_stream().synchronize()
            # Copies, as the next pass writes over what was received.
            return tuple(received[:count].to(torch.float32, copy=True).numpy() for received in self._received)


class GraphedNetwork:
    """A network for any number of pictures, by recordings for some numbers, which are made when they are first needed.

    Args:
        run: as ``Recording`` takes it.
        size: side of a picture.
        record: makes the recording for a number of pictures; None: on the device.
    """

    def __init__(
        self,
        run: Callable[[Tensor], tuple[Tensor, ...]],
        size: int,
        device: str,
        record: Callable[[int], Recording] | None = None,
    ):
        # The recordings are never repeated at the same time, so all may have their intermediate maps in one place.
        pool = torch.cuda.graph_pool_handle() if record is None else None
        self._record = record or (lambda batch: Recording(run, batch, size, device, pool))
        self._recordings: dict[int, Recording] = {}
        self._lock = threading.Lock()

    def run(self, pictures: np.ndarray) -> tuple[np.ndarray, ...]:
        """uint8 (b, S, S, 3) → what the network says, each float32 with one row a picture.

        Raises:
            RuntimeError: the device's memory is full, it failed, or it cannot record this.
        """
        parts, start = [], 0
        with self._lock:
            while start < len(pictures):
                batch = best_batch(len(pictures) - start)
                if batch not in self._recordings:
                    with recording:
                        self._recordings[batch] = self._record(batch)
                piece = np.ascontiguousarray(pictures[start : start + batch])
                parts.append(self._recordings[batch].run(piece))
                start += batch
        if len(parts) == 1:
            return parts[0]
        return tuple(np.concatenate(pieces) for pieces in zip(*parts, strict=True))


def best_batch(count: int) -> int:
    """Of ``BATCHES`` the one for the next pass over so many pictures: the smallest that holds them all where they fill
    more than half of it, else the largest that they fill."""
    for batch in BATCHES:
        if batch // 2 < count <= batch:
            return batch
    return max(batch for batch in BATCHES if batch <= count)
