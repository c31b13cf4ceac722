"""Fine-tuning with frozen batch-norm statistics, each batch norm folded into its convolution on the fly.

With fixed statistics a batch norm is a scale and a shift per channel, so ``bn(conv(x, w))`` equals
``conv(x, w · s) + t`` with ``s = γ / √(σ² + ε)`` and ``t = β - μ · s``. Scaling the weights costs nothing beside
scaling the feature maps; gradients reach w, γ and β unchanged, and each layer saves one pass over memory in each
direction, which a CPU feels most. Keeping the statistics of the large data set is also the customary choice where
batches are small (He et al. 2015, appendix A, after Ren et al. 2015).
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_demo.models.architecture import STAGES
from resnet_demo.models.resnet import ResidualBlock, ResNet, folded, pair_of
from resnet_demo.training.optim.amp import training_type


def fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor | None]:
    """As ``folded``, or what ``fold_once`` kept of it."""
    return convolution.__dict__.get("folded") or folded(convolution, norm)


@torch.no_grad()
def fold_once(network: ResNet) -> None:
    """Fold a network that will not change any more, so that ``stages`` need not do it at each call."""
    precision = training_type(network.fc.weight.device.type)
    pairs = [pair_of(network, record) for record in network.architecture.first_convolutions]
    for name in STAGES:
        for module in getattr(network, name):
            pairs += [*module.layers(), *filter(None, [module.projection()])]
    for convolution, norm in pairs:
        weight, bias = fold(convolution, norm)
        # Beside the parameters, and not among them.
        kept = weight.to(precision, memory_format=torch.channels_last), None if bias is None else bias.to(precision)
        convolution.__dict__["folded"] = kept


def convolve(x: Tensor, convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> Tensor:
    weight, bias = fold(convolution, norm)
    return F.conv2d(x, weight, bias, convolution.stride, convolution.padding, groups=convolution.groups)


def block(x: Tensor, module: ResidualBlock) -> Tensor:
    return module(x, convolve)


def stages(network: ResNet, x: Tensor, frozen: int = 0) -> OrderedDict[str, Tensor]:
    """What ``network.eval().stages(x)`` gives, faster and with gradients.

    Args:
        frozen: how many parts from the input on need no gradient: 0 none, 1 the stem, 2 stem and layer1, and so on.
    """
    maps: OrderedDict[str, Tensor] = OrderedDict()
    with torch.set_grad_enabled(torch.is_grad_enabled() and frozen < 1):
        x = network.stem(x, convolve)
    for index, name in enumerate(STAGES):
        with torch.set_grad_enabled(torch.is_grad_enabled() and frozen < index + 2):
            x = network.stage(name, x, convolve)
        maps[name] = x
    return maps


def features(network: ResNet, x: Tensor, frozen: int = 0) -> Tensor:
    """The last feature map of ``stages``."""
    return stages(network, x, frozen)["layer4"]
