"""Batch norms' means and variances anew, for weights that no step of a training has seen."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from resnet_demo.models.resnet import ResNet
from resnet_demo.training.optim.amp import autocast


@torch.no_grad()
def measure_norms(network: ResNet, batches: Iterable[Tensor]) -> None:
    """Give the batch norms of averaged weights the statistics of some pictures (Izmailov et al. 2018,
    https://arxiv.org/abs/1803.05407, section 3.2): the mean of two networks' statistics is not that of their mean.

    Args:
        network: is in evaluation mode afterwards.
        batches: normalised pictures (b, 3, side, side), of the same number each.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    device = network.fc.weight.device
    network.eval()
    for norm in norms:
        norm.train()
        norm.reset_running_stats()
        norm.momentum = None  # All batches count the same.
    for batch in batches:
        with autocast(device.type):
            network(batch.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()
