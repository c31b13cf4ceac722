"""Training steps with the preparation of their pictures, in the balance of a long run."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator

from torch import Tensor

QUIET = 0.2  # seconds without a new picture after which the workers are known to wait


class Clock:
    """When the last picture was ready, in any process."""

    def __init__(self):
        self.value = multiprocessing.Value("d", 0.0, lock=False)

    def stamp(self) -> None:
        self.value.value = time.monotonic()

    def last(self) -> float:
        return self.value.value


class Training:
    """One way of training.

    Workers prepare some batches ahead. Each turn begins when they have done so and ends when they have done so again:
    it pays for as many pictures as it used, as every part of a long run does, and leaves no work to the next way's
    turn.

    Args:
        batches: endless, of pictures and labels.
        step: takes a batch and returns when it is done.
        clock: stamped after each picture.
    """

    def __init__(self, name: str, batches: Iterator, step: Callable[[Tensor, Tensor], float], clock: Clock):
        self.name, self.batches, self.step, self.clock = name, batches, step, clock

    def measure(self, seconds: float) -> float:
        """Pictures a second of as many steps as begin within ``seconds``, and of one at least."""
        pictures, start = 0, time.monotonic()
        while not pictures or time.monotonic() - start < seconds:
            batch = next(self.batches)
            self.step(*batch)
            pictures += len(batch[0])
        done = time.monotonic()
        while time.monotonic() - self.clock.last() < QUIET:
            time.sleep(QUIET / 10)
        return pictures / (max(done, self.clock.last()) - start)
