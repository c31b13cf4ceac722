"""The engine for CUDA and Apple MPS, and the float32 reference on the CPU: PyTorch."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from resnet_demo.backends.base import Outputs
from resnet_demo.backends.cpu_instead import CpuInstead
from resnet_demo.backends.torch_network import build_network, scaling
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.explain.autograd import stage_maps
from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import normalise

PRECISIONS = {torch.float32: "float32", torch.bfloat16: "bf16", torch.float16: "fp16"}


class TorchEngine(CpuInstead):
    """A checkpoint in PyTorch. Where a GPU's memory is full, the CPU answers.

    Args:
        checkpoint: weights and task.
        device: ``reference`` (float32 on the CPU), ``cuda``, ``cuda:1`` or ``mps``.
        precision: of the convolutions; None takes what suits the device.
    """

    def __init__(self, checkpoint: Checkpoint, device: str, precision: torch.dtype | None = None):
        self.device = "cpu" if device == "reference" else device
        self._precision = precision or best_precision(self.device)
        network = build_network(checkpoint)
        super().__init__(checkpoint, (network.fc.weight.numpy().copy(), network.fc.bias.numpy().copy()))
        self._net: ResNet | None = None
        try:
            network = self._placed(network)
            self._mean, self._std = (values.to(self.device) for values in scaling(checkpoint.spec))
            self._net = network
        except RuntimeError as error:
            self._check_memory(error)
        self.backend = f"PyTorch {PRECISIONS[self._precision]} on {self.device.upper()}"

    def _placed(self, network: ResNet) -> ResNet:
        """The network on the device, in its precision."""
        network = network.to(self.device, self._precision).to(memory_format=torch.channels_last)
        for module in network.modules():
            # Half precision is too coarse for running statistics; PyTorch mixes the two types without a cast.
            if isinstance(module, nn.BatchNorm2d):
                module.float()
        return network

    def run(self, pictures: np.ndarray) -> Outputs:
        if self._net is not None:
            try:
                return super().run(pictures)
            except RuntimeError as error:
                self._check_memory(error)
        return self.run_on_cpu(pictures)

    def stage_maps(self, picture: np.ndarray, outputs: list[int], layer: str) -> np.ndarray:
        if self.device != "cpu":
            return super().stage_maps(picture, outputs, layer)
        x = torch.from_numpy(normalise(self.checkpoint.spec, picture[None]))
        return stage_maps(self.network(), x, outputs, layer)

    def _check_memory(self, error: RuntimeError) -> None:
        """Raise an error that is no lack of a GPU's memory."""
        if self.device == "cpu" or not is_memory_full(error):
            raise error
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()  # What PyTorch keeps for itself: others on this GPU may need it.

    @torch.inference_mode()
    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device)
        # (b, S, S, 3) → (b, 3, S, S); the memory stays in channels_last order.
        x = ((x.permute(0, 3, 1, 2).float() - self._mean) / self._std).to(self._precision)
        # numpy is waited for by cpu(); contiguous() because channels_last strides would slow every later reader down.
        assert self._net is not None
        return self._net.features(x).float().cpu().contiguous().numpy()


def is_memory_full(error: RuntimeError) -> bool:
    """Whether a GPU has no memory left: CUDA has a class for that, MPS says it in words."""
    return "out of memory" in str(error).lower()


def best_precision(device: str) -> torch.dtype:
    """bf16, or fp16 on older GPUs, for CUDA; float32 elsewhere."""
    if not device.startswith("cuda"):
        return torch.float32
    # bf16 exists from compute capability 8 on; torch would emulate it, slowly, on older GPUs.
    return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16
