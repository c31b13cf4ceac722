"""All that an explanation has to go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from resnet_demo.explain.targets import Target
from resnet_demo.models.architecture import STAGES
from resnet_demo.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from resnet_demo.models.resnet import ResNet

BATCH = 16  # pictures in one pass, and in memory
Progress = Callable[[int, int], None]
"""Called with the pictures that are done and those there are."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """One answer of a network, and the question about it.

    Attributes:
        spec: the network's task.
        picture: uint8 (S, S, 3), what the network saw.
        features: float32 (C, r, c), its last feature map of it.
        weights: float32 (outputs, C), the head's.
        run: uint8 pictures (b, S, S, 3) → float32 logits (b, outputs).
        stage_maps: uint8 picture (S, S, 3), logits' indices, ``layer1`` to ``layer3``, directions (n, outputs) of these
            logits → that stage's Grad-CAM of each direction, float32 (n, r, c), signed.
        network: the same network as float32 PyTorch, for differentiating; made when it is called.
        target: what is explained.
        against: what it is compared with, where the method compares.
        layer: the stage that is asked about.
        progress: told how far ``logits`` is.
    """

    spec: TaskSpec
    picture: np.ndarray
    features: np.ndarray
    weights: np.ndarray
    run: Callable[[np.ndarray], np.ndarray]
    stage_maps: Callable[[np.ndarray, list[int], str, np.ndarray], np.ndarray]
    network: Callable[[], ResNet]
    target: Target
    against: Target | None = None
    layer: str = STAGES[-1]
    progress: Progress | None = None

    def logits(self, pictures: Iterable[np.ndarray], count: int) -> np.ndarray:
        """``count`` pictures, uint8 (S, S, 3), through the network in batches → logits (count, outputs).

        Give a generator: no more than a batch of pictures is in memory then.
        """
        waiting, found = iter(pictures), np.empty((count, len(self.weights)), np.float32)
        for first in range(0, count, BATCH):
            batch = np.stack(list(islice(waiting, BATCH)))
            found[first : first + len(batch)] = self.run(batch)
            if self.progress:
                self.progress(first + len(batch), count)
        return found
