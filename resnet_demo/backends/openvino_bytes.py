"""The first convolution of an 8-bit network, on the photo's bytes as they are.

In float32 it takes a fifteenth of a ResNet-18's arithmetic, and a fourth to a third of its time where the rest is done
in 8 bits (`bench stem`). A pixel is a byte anyway, so nothing is lost by multiplying bytes; the normalisation goes into
the weights and the bias. What is rounded is the weights, anew, as each colour is scaled otherwise: one after the other,
and what rounding one does to the sum is made up for by those that are still to come (GPTQ, Frantar et al. 2022,
https://arxiv.org/abs/2210.17323, section 4). Which weights can stand in for which is known without any picture:
neighbouring pixels, and the colours of one, are nearly alike. That leaves a sixth of the error of rounding each weight
to the nearest step (0.002 of the outputs' spread on Oxford's flowers, 0.012 so for ResNet-18).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from openvino import opset13 as ops

from resnet_demo.backends.openvino_graph import Layer, convolve, first_features, folded
from resnet_demo.backends.openvino_int8 import LARGEST, LARGEST_PAIR, STEPS, constants, steps_here
from resnet_demo.backends.openvino_runtime import ov
from resnet_demo.models.architecture import Architecture, ConvNorm
from resnet_demo.tasks import TaskSpec

WHITE = 255
# Correlation of the values of pixels next to each other, and of two colours of one pixel, in photos.
ACROSS, OF_COLOURS = 0.95, 0.85


def first_features_of_bytes(
    pictures: ov.Node,
    state: Mapping[str, np.ndarray],
    spec: TaskSpec,
    architecture: Architecture,
    layer: Layer,
) -> ov.Output:
    """As ``openvino_graph.first_features``, with the first convolution in 8 bits."""

    def first(x: ov.Output, weights: Mapping[str, np.ndarray], record: ConvNorm) -> ov.Output:
        if record != architecture.first_convolutions[0]:  # made anew each time, so it is never the same object
            return layer(x, weights, record)
        return convolution_of_bytes(pictures, weights, spec, record)

    return first_features(pictures, state, spec, architecture, first)


def convolution_of_bytes(
    pictures: ov.Node, state: Mapping[str, np.ndarray], spec: TaskSpec, record: ConvNorm
) -> ov.Output:
    """uint8 pictures (b, S, S, 3) → the first convolution of them, normalised, with its batch norm."""
    weight, bias = folded(state, record)
    mean, std = (np.asarray(value, np.float64) * WHITE for value in (spec.mean, spec.std))
    numbers, scale = rounded_together(weight / std[:, None, None], most_of_a_weight())
    bias = (bias - (numbers * scale * mean[:, None, None]).sum((1, 2, 3))).astype(np.float32)
    # A normalised picture is padded with zeros: with the mean colour, as near to it as bytes come.
    sides = [0, 0, record.padding, record.padding]
    colours = ops.split(ops.transpose(pictures, [0, 3, 1, 2]), np.int64(1), len(mean)).outputs()
    padded = [
        ops.pad(one, sides, sides, "constant", np.uint8(np.clip(np.rint(value), 0, WHITE)))
        for one, value in zip(colours, mean, strict=True)
    ]
    whole = ops.convert(ops.concat(padded, 1), np.float32)
    # Every byte is a step, so this changes nothing; it tells OpenVINO that they are 8-bit numbers.
    low, high = np.float32(0), np.float32(WHITE)
    steps = ops.fake_quantize(whole, low, high, low, high, WHITE + 1).output(0)
    return convolve(steps, constants(numbers, scale), bias, record, padding=0)


def most_of_a_weight() -> int:
    """Where two products are summed in 16 bits (see ``openvino_int8.STEPS``) weights are at most 64, so that the sums
    of white pixels are exact: a photo has many of them next to each other."""
    return LARGEST if steps_here() == STEPS else LARGEST_PAIR // WHITE // 2


def rounded_together(weight: np.ndarray, largest: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (outputs, colours, rows, columns) → int8 numbers of at most ``largest``, and the scale of each output,
    float32 (outputs, 1, 1, 1), such that the outputs for photos come near to those of ``weight``."""
    shape = weight.shape
    flat = weight.reshape(len(weight), -1).astype(np.float64)
    scale = np.maximum(np.abs(flat).max(axis=1) / largest, np.finfo(np.float32).tiny).astype(np.float32)
    left = flat / scale[:, None]
    numbers = np.empty(flat.shape, np.int8)
    # A row says how an error in one weight is made up for best by all that come behind it.
    rows = np.linalg.cholesky(np.linalg.inv(likeness(*shape[1:]))).T
    for one, row in enumerate(rows):
        numbers[:, one] = np.clip(np.rint(left[:, one]), -largest, largest)
        error = (left[:, one] - numbers[:, one]) / row[one]
        left[:, one + 1 :] -= error[:, None] * row[one + 1 :]
    return numbers.reshape(shape), scale[:, None, None, None]


def likeness(colours: int, rows: int, columns: int) -> np.ndarray:
    """A model of how the values in a window of a photo are correlated: (values, values), one colour after the other."""
    down, across = (values.ravel() for values in np.mgrid[:rows, :columns])
    distance = np.hypot(down[:, None] - down, across[:, None] - across)
    of_colours = np.where(np.eye(colours, dtype=bool), 1, OF_COLOURS)
    return np.kron(of_colours, ACROSS**distance) + 1e-3 * np.eye(colours * rows * columns)
