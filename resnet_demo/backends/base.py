"""What every backend does: one forward pass gives the outputs and the last feature map."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_demo.backends.recently_used import RecentlyUsed
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.utils.linalg import products

if TYPE_CHECKING:
    from resnet_demo.backends.openvino_gradient import GradientNetwork
    from resnet_demo.models.resnet import ResNet


@dataclass(frozen=True)
class Fallback:
    """The CPU computed in a GPU's place.

    Attributes:
        backend: the CPU's.
        gpu_full: because the GPU's memory was full; False: because the GPU failed.
    """

    backend: str
    gpu_full: bool


@dataclass(frozen=True, eq=False)
class Outputs:
    """What one forward pass gives.

    Attributes:
        logits: float32 (b, outputs).
        features: float32 (b, C, r, c), the last feature map.
        instead: what computed them in the engine's place; None: the engine itself did.
    """

    logits: np.ndarray
    features: np.ndarray
    instead: Fallback | None = None


class Engine(ABC):
    """A network on a device. Threads may share one.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        backend: for people: library, precision and device, such as ``OpenVINO bf16 on CPU``.
    """

    device: str
    backend: str

    def __init__(self, checkpoint: Checkpoint, head: tuple[np.ndarray, np.ndarray]):
        self.checkpoint = checkpoint
        self.head_weights, self.head_bias = head
        self._lock = threading.Lock()

    @abstractmethod
    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 pictures (b, S, S, 3) → float32 last feature map (b, C, r, c)."""

    def run(self, pictures: np.ndarray) -> Outputs:
        """RGB pictures as the task's preprocessing makes them, uint8 (b, S, S, 3), through the network.

        Raises:
            ValueError: another shape or type.
        """
        size = self.checkpoint.spec.size
        if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[1:] != (size, size, 3):
            raise ValueError(
                f"Pictures must be uint8 of the shape (batch, {size}, {size}, 3), these are {pictures.dtype} "
                f"of the shape {pictures.shape}: prepare them with tasks.preprocess()."
            )
        return self.forward(pictures)

    def forward(self, pictures: np.ndarray) -> Outputs:
        """As ``run``, of pictures that are known to be right."""
        features = self.last_features(pictures)
        return Outputs(self.logits(features), features)

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Last feature map (b, C, r, c) → float32 (b, outputs)."""
        # The head costs nothing, and in float32 the outputs lose none of their precision to the device's.
        return products(features.mean(axis=(2, 3)), self.head_weights) + self.head_bias

    def stage_maps(
        self, picture: np.ndarray, outputs: list[int], layer: str, directions: np.ndarray | None = None
    ) -> np.ndarray:
        """Grad-CAM of an earlier stage in float32 on the CPU, without PyTorch.

        Args:
            picture: uint8 (S, S, 3), as the task's preprocessing makes it.
            outputs: indices of the logits that are explained.
            layer: ``layer1`` to ``layer3``.
            directions: float32 (n, outputs), sums of these logits that are explained in their place.

        Returns:
            float32 (outputs or n, r, c) on autograd's scale; what speaks against an output is negative.
        """
        rows = self.head_weights[outputs]
        return self.gradient_network().maps(picture, rows if directions is None else products(directions, rows.T))[
            layer
        ]

    def gradient_network(self) -> GradientNetwork:
        """The backward pass of all below the head."""
        from resnet_demo.backends.openvino_gradient import GradientNetwork

        return gradient_networks.get(self, lambda: GradientNetwork(self.checkpoint))

    def unload(self) -> None:
        """Let go of what is kept beside the network itself; it may still be used."""
        gradient_networks.forget(self)
        gated_networks.forget(self)
        self.__dict__.pop("_network", None)

    def network(self) -> ResNet:
        """The same network as float32 PyTorch on the CPU, for differentiating; built at the first call."""
        with self._lock:
            return self._network

    @cached_property
    def _network(self) -> ResNet:
        from resnet_demo.backends.torch_network import build_network

        return build_network(self.checkpoint)


# One is twice as large as its network in float32, and compiled again in less than a second.
gradient_networks: RecentlyUsed[Engine, GradientNetwork] = RecentlyUsed(most=2)
# ``openvino_lesion.GatedNetwork``, which has all weights of its network once more.
gated_networks: RecentlyUsed[Engine, Any] = RecentlyUsed(most=2)
