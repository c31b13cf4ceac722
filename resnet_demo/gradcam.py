"""Grad-CAM (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391): maps from features and weights, nothing else.

The network ends in global average pooling and a linear head, so the gradient of output k with respect to the last
feature map is the constant W[k] / (rows · columns). Grad-CAM of the last stage therefore needs no backward pass:
a weighted sum of the feature map that the prediction has made already. Earlier stages go through autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from resnet_demo.layouts import STAGES
from resnet_demo.products import products

if TYPE_CHECKING:
    from torch import Tensor

    from resnet_demo.architecture import ResNet


def last_stage(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Grad-CAM of the last stage in closed form.

    Args:
        features: last feature map (C, r, c).
        weights: rows of the head (k, C), one for each output to explain.

    Returns:
        Maps (k, r, c), not negative, on the scale of autograd's.
    """
    return np.maximum(signed_last_stage(features, weights), 0)


def signed_last_stage(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """As ``last_stage``, with what speaks against an output kept as negative values."""
    channels, rows, columns = features.shape
    maps = products(weights, features.reshape(channels, rows * columns).T)  # (k, r · c)
    return maps.reshape(-1, rows, columns) / np.float32(rows * columns)


def by_autograd(
    network: ResNet, x: Tensor, score: Callable[[Tensor], Tensor], layer: str = "layer4", signed: bool = False
) -> np.ndarray:
    """Grad-CAM of any stage by differentiation.

    Leaves nothing behind: no hook, no parameter's ``.grad``, no change of mode; so threads may share a network.

    Args:
        network: in evaluation mode.
        x: one normalised picture (1, 3, rows, columns).
        score: the logits (1, outputs) → the scalar to explain.
        layer: ``layer1`` to ``layer4``.
        signed: keep negative values.

    Returns:
        float32 map (r, c) at the stage's resolution.

    Raises:
        ValueError: no such layer, or a network in training mode.
    """
    import torch

    if layer not in STAGES:
        raise ValueError(f"There is no layer {layer!r}: choose one of {', '.join(STAGES)}.")
    if network.training:
        raise ValueError("Grad-CAM needs a network in evaluation mode: call eval() first.")
    split = STAGES.index(layer) + 1
    # Differentiating must also work for callers who are in inference mode themselves.
    with torch.inference_mode(False):
        with torch.no_grad():
            activation = network.stem(x)
            for name in STAGES[:split]:
                activation = getattr(network, name)(activation)
        # The graph starts here: the stages below need neither memory nor a backward pass.
        activation = activation.detach().requires_grad_()
        with torch.enable_grad():
            features = activation
            for name in STAGES[split:]:
                features = getattr(network, name)(features)
            (gradient,) = torch.autograd.grad(score(network.head(features)), activation)
        importance = gradient.mean(dim=(2, 3), keepdim=True)  # (1, C, 1, 1)
        cam = (importance * activation.detach()).sum(dim=1)[0]  # (r, c)
        return (cam if signed else cam.relu()).float().cpu().numpy()


def normalise01(cam: np.ndarray) -> np.ndarray:
    """Divide by the maximum: zero stays "no evidence"; a map without positive values becomes all zeros."""
    cam = np.maximum(cam, 0).astype(np.float32)
    largest = cam.max()
    return cam / largest if largest > 0 else cam


def normalise_signed(cam: np.ndarray) -> np.ndarray:
    """Divide by the largest magnitude: −1..1, zero stays zero."""
    cam = np.asarray(cam, np.float32)
    largest = np.abs(cam).max()
    return cam / largest if largest > 0 else cam


def resize_map(cam: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Map (r, c) → smooth float32 map of ``shape`` (rows, columns), within the range of the given values."""
    picture = Image.fromarray(np.ascontiguousarray(cam, np.float32))
    large = np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
    # Bicubic interpolation overshoots a little at steep edges.
    return np.clip(large, cam.min(), cam.max())


def place_map(cam: np.ndarray, box: tuple[float, float, float, float], shape: tuple[int, int]) -> np.ndarray:
    """Map (r, c) of the part ``box`` (left, top, right, bottom) of a photo → float32 map of the photo's ``shape``.

    What lies outside of the box is zero: the network did not see it.
    """
    rows, columns = shape
    left, top, right, bottom = (round(edge) for edge in box)
    left, right = min(max(left, 0), columns - 1), min(max(right, left + 1), columns)
    top, bottom = min(max(top, 0), rows - 1), min(max(bottom, top + 1), rows)
    if (bottom - top, right - left) == (rows, columns):
        return resize_map(cam, shape)
    whole = np.zeros(shape, np.float32)
    whole[top:bottom, left:right] = resize_map(cam, (bottom - top, right - left))
    return whole


def warp_map(cam: np.ndarray, matrix: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Map (r, c) of a turned and scaled crop → float32 map of the photo's ``shape``, zero outside of the crop.

    Args:
        matrix: 2×3, a photo's pixel (x, y, 1) → position in the map, where (0, 0) is the first cell's outer corner.
    """
    rows, columns = shape
    inverse = np.linalg.inv(np.vstack([matrix, (0, 0, 1)]))
    height, width = cam.shape
    corners = inverse @ np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1]], float)
    # Only the crop's surroundings are computed: in a large group photo that is a small part.
    left, top = (int(max(np.floor(edge.min()), 0)) for edge in corners[:2])
    right, bottom = (
        int(min(np.ceil(edge.max()), limit)) for edge, limit in zip(corners[:2], (columns, rows), strict=True)
    )
    whole = np.zeros(shape, np.float32)
    if right <= left or bottom <= top:
        return whole
    (a, b, c), (d, e, f) = np.asarray(matrix, float)
    shifted = (a, b, a * left + b * top + c, d, e, d * left + e * top + f)
    picture = Image.fromarray(np.ascontiguousarray(cam, np.float32))
    size = (right - left, bottom - top)
    # Pillow samples at pixel centres and fills with zero outside of the source.
    part = picture.transform(size, Image.Transform.AFFINE, shifted, Image.Resampling.BICUBIC)
    whole[top:bottom, left:right] = np.clip(part, min(cam.min(), 0), max(cam.max(), 0))
    return whole
