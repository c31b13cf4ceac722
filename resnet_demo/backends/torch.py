"""The engine for CUDA and Apple MPS, and the float32 reference on the CPU: PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_demo.backends import cuda_graphs
from resnet_demo.backends.base import Outputs
from resnet_demo.backends.cpu_instead import CpuInstead, Fault, fault_of, is_gpu_lost, reported_fault
from resnet_demo.backends.cuda_graphs import GraphedNetwork
from resnet_demo.backends.torch_fused import quickest
from resnet_demo.backends.torch_network import build_network, scaling
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.explain.autograd import stage_maps
from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import normalise

PRECISIONS = {torch.float32: "float32", torch.bfloat16: "bf16", torch.float16: "fp16"}


class TorchEngine(CpuInstead):
    """A checkpoint in PyTorch. Where a GPU's memory is full, or the GPU fails, the CPU answers.

    Args:
        checkpoint: weights and task.
        device: ``reference`` (float32 on the CPU), ``cuda``, ``cuda:1`` or ``mps``.
        precision: of the convolutions; None takes what suits the device.
        quick: by the kernels of ``torch_fused`` and, with CUDA, the recordings of ``cuda_graphs``; not where the GPU
            comes later, or goes after each call.

    Attributes:
        unplaced: why the network is not on the device, so that the CPU answers; None where it is.
    """

    def __init__(self, checkpoint: Checkpoint, device: str, precision: torch.dtype | None = None, quick: bool = True):
        self.device = "cpu" if device == "reference" else device
        self.backend = f"PyTorch on {self.device.upper()}"
        network = build_network(checkpoint)
        super().__init__(checkpoint, (network.fc.weight.numpy().copy(), network.fc.bias.numpy().copy()))
        self.unplaced: Fault | None = None
        self._graphs: GraphedNetwork | None = None
        try:
            self._precision = precision or best_precision(self.device)
            self.backend = f"PyTorch {PRECISIONS[self._precision]} on {self.device.upper()}"
            placed = self._placed(network, checkpoint.spec.size, quick)
            self._mean, self._std = (values.to(self.device) for values in scaling(checkpoint.spec))
            self._head = [torch.from_numpy(values).to(self.device) for values in (self.head_weights, self.head_bias)]
            self._network_features = placed  # Not kept on the GPU where the rest does not fit.
            if quick and self.device.startswith("cuda"):
                self._graphs = GraphedNetwork(self._outputs, checkpoint.spec.size, self.device)
        except RuntimeError as error:
            self.unplaced = self._fault(error)

    def _placed(self, network: ResNet, size: int, quick: bool) -> Callable[[Tensor], Tensor]:
        """The network on the device, in its precision; the reference stays as it is written."""
        placed = network if self.device == "cpu" else deepcopy(network)
        placed = placed.to(self.device, self._precision).to(memory_format=torch.channels_last)
        for module in placed.modules():
            # Half precision is too coarse for running statistics; PyTorch mixes the two types without a cast.
            if isinstance(module, nn.BatchNorm2d):
                module.float()
        if self.device == "cpu" or not quick:
            return placed.features
        return quickest(network, self.device, self._precision, placed.features, size)

    def run(self, pictures: np.ndarray) -> Outputs:
        fault = self.unplaced
        if is_gpu_lost() and self.device.startswith("cuda"):
            fault = Fault.LOST
        if fault is None:
            try:
                return super().run(pictures)
            except RuntimeError as error:
                fault = self._fault(error)
        return self.run_on_cpu(pictures, fault)

    def stage_maps(
        self, picture: np.ndarray, outputs: list[int], layer: str, directions: np.ndarray | None = None
    ) -> np.ndarray:
        if self.device != "cpu":
            return super().stage_maps(picture, outputs, layer, directions)
        x = torch.from_numpy(normalise(self.checkpoint.spec, picture[None]))
        return stage_maps(self.network(), x, outputs, layer, directions)

    def _fault(self, error: RuntimeError) -> Fault:
        """What is wrong with the GPU; an error that is our own is raised."""
        if self.device == "cpu":
            raise error
        fault = reported_fault(error)
        if fault is Fault.FULL and self.device.startswith("cuda"):
            with cuda_graphs.recording:
                torch.cuda.empty_cache()  # What PyTorch keeps for itself: others on this GPU may need it.
        return fault

    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        return self.forward(pictures).features

    def forward(self, pictures: np.ndarray) -> Outputs:
        if graphs := self._graphs:
            try:
                features, logits = graphs.run(pictures)
                return Outputs(logits, features)
            except RuntimeError as error:
                if fault_of(error) in (Fault.FULL, Fault.LOST):
                    raise
                self._graphs = None  # What this device or driver cannot record runs as it is.
        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device)
            # float() comes behind cpu(), which waits for the device: half as many bytes come down.
            features, logits = (values.cpu().float().numpy() for values in self._outputs(x))
        return Outputs(logits, features)

    def _outputs(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (b, S, S, 3) on the device → last feature map (b, C, r, c), in the network's precision, and logits,
        float32 (b, outputs), there."""
        # (b, S, S, 3) → (b, 3, S, S); the memory stays in channels_last order.
        x = ((pictures.permute(0, 3, 1, 2).float() - self._mean) / self._std).to(self._precision)
        features = self._network_features(x)
        # As ``Engine.logits``: in float32, whatever the network's precision.
        logits = F.linear(features.mean((2, 3), dtype=torch.float32), *self._head)
        # contiguous() because channels_last strides would slow every later reader down.
        return features.contiguous(), logits


def best_precision(device: str) -> torch.dtype:
    """bf16, or fp16 on older GPUs, for CUDA; float32 elsewhere."""
    if not device.startswith("cuda"):
        return torch.float32
    # bf16 exists from compute capability 8 on; torch would emulate it, slowly, on older GPUs.
    return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16
