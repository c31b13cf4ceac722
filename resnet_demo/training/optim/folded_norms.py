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
from resnet_demo.models.resnet import ResidualBlock, ResNet
from resnet_demo.training.optim.amp import training_type


def fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weights (out, in, r, c) and bias (out,) of the one convolution that stands for both."""
    if kept := convolution.__dict__.get("folded"):
        return kept
    assert norm.running_mean is not None and norm.running_var is not None  # Our batch norms keep statistics.
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * scale
    return convolution.weight * scale[:, None, None, None], shift


@torch.no_grad()
def fold_once(network: ResNet) -> None:
    """Fold a network that will not change any more, so that ``stages`` need not do it at each call."""
    precision = training_type(network.conv1.weight.device.type)
    pairs = [(network.conv1, network.bn1)]
    for name in STAGES:
        for module in getattr(network, name):
            pairs += module.layers()
            pairs += [parts(module.downsample)] if module.downsample is not None else []
    for convolution, norm in pairs:
        weight, bias = fold(convolution, norm)
        # Beside the parameters, and not among them.
        kept = weight.to(precision, memory_format=torch.channels_last), bias.to(precision)
        convolution.__dict__["folded"] = kept


def parts(projection: nn.Sequential) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """The two layers of a projection shortcut."""
    convolution, norm = projection
    assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    return convolution, norm


def convolve(x: Tensor, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> Tensor:
    weight, bias = fold(convolution, norm)
    return F.conv2d(x, weight, bias, convolution.stride, convolution.padding, groups=convolution.groups)


def block(x: Tensor, module: ResidualBlock) -> Tensor:
    *first, last = module.layers()
    shortcut = x if module.downsample is None else convolve(x, *parts(module.downsample))
    for pair in first:
        x = F.relu_(convolve(x, *pair))
    return F.relu_(convolve(x, *last) + shortcut)


def stages(network: ResNet, x: Tensor, frozen: int = 0) -> OrderedDict[str, Tensor]:
    """What ``network.eval().stages(x)`` gives, faster and with gradients.

    Args:
        frozen: how many parts from the input on need no gradient: 0 none, 1 the stem, 2 stem and layer1, and so on.
    """
    maps: OrderedDict[str, Tensor] = OrderedDict()
    with torch.set_grad_enabled(torch.is_grad_enabled() and frozen < 1):
        x = network.maxpool(F.relu_(convolve(x, network.conv1, network.bn1)))
    for index, name in enumerate(STAGES):
        with torch.set_grad_enabled(torch.is_grad_enabled() and frozen < index + 2):
            for module in getattr(network, name):
                x = block(x, module)
        maps[name] = x
    return maps


def features(network: ResNet, x: Tensor, frozen: int = 0) -> Tensor:
    """The last feature map of ``stages``."""
    return stages(network, x, frozen)["layer4"]
