"""Grad-CAM by the packages of others, each used as its documentation does, on a PyTorch network.

Each function here takes torchvision's ResNet and returns a function: a normalised picture, float32 (1, 3, S, S), →
its probabilities (classes,) and the most probable class's map at the picture's size, float32 (S, S).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_demo.bench.peers import install

Explain = Callable[[Tensor], tuple[np.ndarray, np.ndarray]]


def last_block(network: nn.Module) -> nn.Module:
    """The layer whose feature map is explained."""
    return [*network.get_submodule("layer4").children()][-1]


def pytorch_grad_cam(network: nn.Module) -> Explain:
    """https://github.com/jacobgil/pytorch-grad-cam: forward and backward pass in one call.

    Raises:
        Missing: it cannot be installed.
    """
    cam = install.load("pytorch-grad-cam", "pytorch_grad_cam").GradCAM(network, [last_block(network)])

    def explain(picture: Tensor) -> tuple[np.ndarray, np.ndarray]:
        heat = cam(input_tensor=picture, targets=None)[0]  # None: the most probable class
        return probabilities(cam.outputs), heat

    return explain


def captum(network: nn.Module) -> Explain:
    """https://captum.ai: its ``attribute`` wants the class, so a forward pass comes before it.

    Raises:
        Missing: it cannot be installed.
    """
    attr = install.load("captum", "captum.attr")
    cam = attr.LayerGradCam(network, last_block(network))

    def explain(picture: Tensor) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            logits = network(picture)
        heat = cam.attribute(picture, int(logits.argmax()), relu_attributions=True)
        heat = attr.LayerAttribution.interpolate(heat, tuple(picture.shape[2:]), "bilinear")
        return probabilities(logits), heat[0, 0].detach().cpu().numpy()

    return explain


def torchcam(network: nn.Module) -> Explain:
    """https://github.com/frgfm/torch-cam: one forward pass, whose output it differentiates.

    Raises:
        Missing: it cannot be installed.
    """
    cam = install.load("torchcam", "torchcam.methods").GradCAM(network, target_layer="layer4")

    def explain(picture: Tensor) -> tuple[np.ndarray, np.ndarray]:
        logits = network(picture)
        (heat,) = cam(int(logits.argmax()), logits)
        heat = F.interpolate(heat.reshape(1, 1, *heat.shape[-2:]), picture.shape[2:], mode="bilinear")
        return probabilities(logits), heat[0, 0].detach().cpu().numpy()

    return explain


def probabilities(logits: Tensor) -> np.ndarray:
    """Logits (1, classes) → float32 (classes,)."""
    return logits.detach()[0].softmax(dim=0).cpu().numpy()
