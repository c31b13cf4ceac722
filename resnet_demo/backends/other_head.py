"""A network with another head on the engine of the first one: nothing is compiled again, no weights are in memory
twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from resnet_demo.backends.base import Engine, Outputs
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.models.quantization import SCALE, dequantise

if TYPE_CHECKING:
    from resnet_demo.backends.openvino_gradient import GradientNetwork


class OtherHead(Engine):
    """A checkpoint whose weights up to the head are those of an engine's.

    Args:
        trunk: the engine that computes the features.
        checkpoint: the whole network; of its weights only the head's are read.
    """

    def __init__(self, trunk: Engine, checkpoint: Checkpoint):
        names = ("fc.weight", f"fc.weight{SCALE}", "fc.bias")
        head = dequantise({name: checkpoint.stored[name] for name in names if name in checkpoint.stored})
        super().__init__(checkpoint, (head["fc.weight"], head["fc.bias"]))
        self.trunk: Engine = trunk.trunk if isinstance(trunk, OtherHead) else trunk
        self.device, self.backend = trunk.device, trunk.backend

    def run(self, pictures: np.ndarray) -> Outputs:
        outputs = self.trunk.run(pictures)
        return replace(outputs, logits=self.logits(outputs.features))

    def gradient_network(self) -> GradientNetwork:
        return self.trunk.gradient_network()

    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        return self.trunk.last_features(pictures)
