"""``lab gradients``: how large the gradient of each layer is before the first step, and what each layer puts out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_demo.lab.degradation import Settings, read_data
from resnet_demo.lab.results import Layer
from resnet_demo.models.architecture import ARCHITECTURES, Architecture
from resnet_demo.models.resnet import ResNet

DEPTHS = (20, 32, 44, 56, 110)
CLASSES = 10


CSV = "gradients.csv"
PICTURES = 32  # of the batch


def batch_of(folder: Path | None, settings: Settings) -> tuple[Tensor, Tensor]:
    """Normalised pictures of CIFAR-10 in ``folder``, or noise where that is None, and labels."""
    if folder is None:
        return noise(PICTURES, settings.size), torch.arange(PICTURES) % CLASSES
    data = read_data(folder, replace(settings, pictures=PICTURES), torch.device("cpu"))
    return data.normalised(data.train[0]), data.train[1]


def noise(count: int, size: int = 32) -> Tensor:
    """Pictures of nothing, (count, 3, size, size): normalised photos have this mean and deviation."""
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def measure(network: Architecture, batch_norm: bool, x: Tensor, labels: Tensor, seed: int = 0) -> list[Layer]:
    """The convolutions of a fresh network, and its head, on one batch.

    Without batch norm its layers are the identity: that is what one with no statistics yet is in evaluation mode.

    Args:
        x: normalised pictures (b, 3, r, c).
        labels: int64 (b,), of ``CLASSES``.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = ResNet(network, CLASSES).train(batch_norm)
    layers = {name: layer for name, layer in net.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)}
    spread: dict[str, float] = {}

    def note(name: str):
        def hook(_module: nn.Module, _inputs: tuple, output: Tensor) -> None:
            spread[name] = float(output.detach().std())

        return hook

    for name, layer in layers.items():
        layer.register_forward_hook(note(name))
    F.cross_entropy(net(x), labels).backward()
    found = []
    for number, (name, layer) in enumerate(layers.items(), start=1):
        assert isinstance(layer.weight, Tensor) and layer.weight.grad is not None
        gradient = float(layer.weight.grad.norm())
        found.append(Layer(network.name, int(batch_norm), number, name, gradient, spread[name]))
    return found


def measure_all(x: Tensor, labels: Tensor, depths: Sequence[int] = DEPTHS) -> list[Layer]:
    """Plain and residual networks of each depth, with and without batch norm."""
    return [
        row
        for depth in depths
        for kind in ("plain", "resnet")
        for batch_norm in (True, False)
        for row in measure(ARCHITECTURES[f"{kind}{depth}"], batch_norm, x, labels)
    ]
