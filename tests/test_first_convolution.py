"""The first convolution of 8-bit networks multiplies the photo's bytes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import EXAMPLES, ROOT
from PIL import Image

from resnet_demo import checkpoints, tasks
from resnet_demo.backends import openvino, openvino_bytes, openvino_graph

OUTPUTS = """
import sys
import numpy as np
from openvino import opset13 as ops
from resnet_demo import checkpoints
from resnet_demo.backends import openvino_bytes
from resnet_demo.backends.openvino_runtime import core, hints, ov

checkpoint = checkpoints.load(sys.argv[1], int(sys.argv[2]))
spec, record = checkpoint.spec, checkpoint.architecture.first_convolutions[0]
entry = ops.parameter([-1, spec.size, spec.size, 3], np.uint8)
outputs = openvino_bytes.convolution_of_bytes(entry, checkpoint.arrays, spec, record)
compiled = core.compile_model(ov.Model([outputs], [entry], "first"), "CPU", hints("int8"))
np.save(sys.argv[4], compiled(np.load(sys.argv[3]))[0])
"""


def in_float64(weight: np.ndarray, bias: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """A 7×7 convolution of padded pictures (b, 3, r, c), stride 2."""
    arrays = (torch.from_numpy(np.asarray(values, np.float64)) for values in (pictures, weight, bias))
    return torch.nn.functional.conv2d(*arrays, stride=2).numpy()


@pytest.mark.parametrize("most", ["", "AVX2"])
@pytest.mark.parametrize(("task", "depth"), [("flowers102", 18), ("faces68", 50)])
def test_bytes_are_multiplied_exactly_and_as_by_float_weights(tmp_path, task, depth, most):
    """White areas too, of which OpenVINO's kernel for AVX2 would lose half; ONEDNN_MAX_CPU_ISA makes it take that."""
    checkpoint = checkpoints.load(task, depth)
    spec, record = checkpoint.spec, checkpoint.architecture.first_convolutions[0]
    with Image.open(EXAMPLES / "yellow-daisy.jpg") as photo:
        pictures = [tasks.preprocess(spec, photo.convert("RGB"))[0]]
    pictures += [np.full_like(pictures[0], 255), np.random.default_rng(0).integers(0, 2, pictures[0].shape) * 255]
    pictures = np.stack(pictures).astype(np.uint8)
    np.save(tmp_path / "pictures.npy", pictures)
    command = [sys.executable, "-c", OUTPUTS, task, str(depth), tmp_path / "pictures.npy", tmp_path / "outputs.npy"]
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": most, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=environment, check=True)
    outputs = np.load(tmp_path / "outputs.npy")

    mean, std = (np.array(values).reshape(3, 1, 1) * 255 for values in (spec.mean, spec.std))
    planes = pictures.transpose(0, 3, 1, 2).astype(np.float64)
    padding = [(0, 0), (0, 0), (3, 3), (3, 3)]
    weight, bias = (values.astype(np.float64) for values in openvino_graph.folded(checkpoint.arrays, record))
    normalised = in_float64(weight, bias, np.pad((planes - mean) / std, padding))
    numbers, scale = openvino_bytes.rounded_together(weight / std, 64 if most else openvino_bytes.most_of_a_weight())
    around = np.pad(planes - np.rint(mean), padding) + np.rint(mean)
    exact = in_float64(numbers * scale.astype(np.float64), bias - (numbers * scale * mean).sum((1, 2, 3)), around)
    assert np.abs(outputs - exact).max() < 1e-5 * np.abs(exact).max()
    spread = (normalised[0] - bias[:, None, None]).std()
    assert (outputs[0] - normalised[0]).std() < (0.006 if most else 0.004) * spread  # 0.012 with the nearest steps


def test_rounding_together_keeps_the_sums_of_smooth_pictures():
    weight = np.random.default_rng(0).standard_normal((64, 3, 7, 7))
    numbers, scale = openvino_bytes.rounded_together(weight, 127)
    assert numbers.dtype == np.int8 and np.abs(numbers.astype(int)).max() == 127 and scale.shape == (64, 1, 1, 1)
    assert np.abs(numbers * scale - weight).max() < 4 * scale.max()
    nearest = np.rint(weight / scale) * scale
    for smooth in (1.0, np.linspace(-1, 1, 7), np.linspace(-1, 1, 7)[:, None]):
        errors = [np.abs(((one - weight) * smooth).sum((1, 2, 3))).mean() for one in (numbers * scale, nearest)]
        assert errors[0] < errors[1] / 2
    assert not openvino_bytes.rounded_together(np.zeros((2, 3, 7, 7)), 127)[0].any()


@pytest.mark.parametrize("depth", [18, 50])
def test_the_graph_of_8_bits_takes_bytes_and_that_of_float32_normalised_pictures(depth):
    checkpoint = checkpoints.load("flowers102", depth)
    for precision, normalises in (("int8", False), ("f32", True)):
        layer, first = openvino.parts(checkpoint, precision)
        graph = openvino_graph.build_model(checkpoint.arrays, checkpoint.spec, checkpoint.architecture, layer, first)
        names = {node.get_friendly_name() for node in graph.get_ordered_ops()}
        assert (openvino_graph.NORMALISED in names) == normalises
