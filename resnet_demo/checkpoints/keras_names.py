"""A ResNet of Keras Applications as a state dict with torchvision's names.

Everything that differs from PyTorch's conventions is folded into the weights, so that the result loads strictly into
``ResNet(depth, outputs, "v1")`` and takes RGB pictures with the usual mean and deviation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from resnet_demo.tasks import IMAGENET_MEAN, IMAGENET_STD

# Of the batch norms: keras_applications until 1.0.8 (layers named as res2a_branch2a), what keras.applications has now
# (conv2_block1_1_conv), and PyTorch's.
EARLIER_EPSILON, EPSILON, TORCH_EPSILON = 1e-3, 1.001e-5, 1e-5
MEAN_RGB = np.array([123.68, 116.779, 103.939])  # of preprocess_input
BATCH_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
HEADS = ("fc1000", "predictions")


def torch_name(layer: str) -> str:
    """``res2a_branch2a`` and ``conv2_block1_1_conv`` → ``layer1.0.conv1``, ``fc1000`` → ``fc``.

    Raises:
        ValueError: no layer of a Keras ResNet.
    """
    if layer in HEADS:
        return "fc"
    if layer in ("conv1", "conv1_conv", "bn_conv1", "conv1_bn"):
        return "conv1" if layer.startswith("conv1") and not layer.endswith("bn") else "bn1"
    if parts := re.fullmatch(r"(res|bn)(\d)([a-f])_branch(1|2[abc])", layer):
        layer_type, stage, block, branch = parts.groups()
        number, place = ord(block) - ord("a"), 0 if branch == "1" else "abc".index(branch[1]) + 1
    elif parts := re.fullmatch(r"conv(\d)_block(\d+)_([0-3])_(conv|bn)", layer):
        stage, block, branch, layer_type = parts.groups()
        number, place = int(block) - 1, int(branch)
    else:
        raise ValueError(f"{layer} is no layer of Keras' ResNets")
    prefix = f"layer{int(stage) - 1}.{number}"
    if place == 0:
        return f"{prefix}.downsample.{1 if layer_type == 'bn' else 0}"
    return f"{prefix}.{'bn' if layer_type == 'bn' else 'conv'}{place}"


def convert(
    arrays: Mapping[str, np.ndarray], epsilon: float, mean: tuple[float, ...] = IMAGENET_MEAN
) -> dict[str, np.ndarray]:
    """Keras arrays by ``layer/array``, such as ``conv1_conv/kernel`` → float32 state dict with torchvision's names.

    Args:
        epsilon: of the batch norms.
        mean: of the pictures that the state dict is for, RGB in 0..1. Where it is not Keras' own, the zeros that pad
            the first convolution are another grey than there.

    Raises:
        ValueError, KeyError: a layer that is none of a ResNet, or one without its arrays.
    """
    state, biases = {}, {}
    for name, array in arrays.items():
        layer, array_name = name.split("/")
        target = torch_name(layer)
        if target == "fc":
            state["fc.weight" if array_name == "kernel" else "fc.bias"] = array.T if array_name == "kernel" else array
        elif array_name == "kernel":
            state[f"{target}.weight"] = array.transpose(3, 2, 0, 1)  # (row, column, in, out) → (out, in, row, column)
        elif array_name == "bias":
            biases[target] = array
        else:
            state[f"{target}.{BATCH_NORM[array_name]}"] = array
    for convolution, bias in biases.items():
        # The batch norm follows the convolution: what the bias adds, a smaller running mean adds as well.
        norm = convolution.replace("downsample.0", "downsample.1").replace("conv", "bn")
        state[f"{norm}.running_mean"] = state[f"{norm}.running_mean"] - bias
    for key in [key for key in state if key.endswith("running_var")]:
        state[key] = state[key] + (epsilon - TORCH_EPSILON)

    # Keras: BGR in 0..255 less its mean. Ours: (RGB / 255 - mean) / std.
    weight = state["conv1.weight"][:, ::-1]
    constant = np.einsum("oirc,i->o", weight, 255 * np.array(mean) - MEAN_RGB)
    state["bn1.running_mean"] = state["bn1.running_mean"] - constant
    state["conv1.weight"] = weight * (255 * np.array(IMAGENET_STD))[None, :, None, None]
    return {key: np.ascontiguousarray(value, np.float32) for key, value in state.items()}
