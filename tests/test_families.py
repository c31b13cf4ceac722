"""Networks beyond the ResNets of the paper: a record gives one network in every runtime, and it is torchvision's."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import tiny
import torch
import torchvision

import resnet_demo
from resnet_demo.backends import openvino_graph
from resnet_demo.backends.openvino import hints
from resnet_demo.backends.openvino_runtime import ov
from resnet_demo.backends.torch_network import with_weights
from resnet_demo.errors import UserError
from resnet_demo.export import onnx_graph
from resnet_demo.models import cost
from resnet_demo.models.architecture import ARCHITECTURES, Architecture
from resnet_demo.models.resnet import ResNet, count_gflops, count_parameters
from resnet_demo.models.state import check_state
from resnet_demo.training.optim import folded_norms

# name: parameters in millions and GFLOPs, of torchvision's documentation
SIZES = {"resnext50_32x4d": (25.03, 4.23), "wide_resnet50_2": (68.88, 11.40)}
SPEC = tiny.FLOWERS


@pytest.fixture(scope="module", params=SIZES)
def architecture(request) -> Architecture:
    return ARCHITECTURES[request.param]


@pytest.fixture(scope="module")
def state(architecture):
    return tiny.random_state(architecture, SPEC.outputs)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((1, 3, SPEC.size, SPEC.size), np.float32)


@pytest.fixture(scope="module")
def expected(architecture, state, picture) -> np.ndarray:
    """torchvision's logits (1, 4)."""
    with torch.device("meta"):
        network = getattr(torchvision.models, architecture.name)(num_classes=SPEC.outputs)
    weights = {key: torch.from_numpy(value) for key, value in state.items()}
    missing = network.load_state_dict(weights, strict=False, assign=True)
    assert not missing.unexpected_keys and all(key.endswith("num_batches_tracked") for key in missing.missing_keys)
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(picture)).numpy()
    assert logits.std() > 0.1
    return logits


def assert_same(actual: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.fixture(scope="module")
def network(architecture, state) -> ResNet:
    return with_weights(state, architecture, SPEC.outputs, None, "random", ResNet)


def test_pytorch(network, picture, expected):
    with torch.inference_mode():
        assert_same(network(torch.from_numpy(picture)).numpy(), expected)


def test_pytorch_with_folded_norms(network, picture, expected):
    with torch.inference_mode():
        assert_same(network.head(folded_norms.features(network, torch.from_numpy(picture))).numpy(), expected)


def test_openvino(architecture, state, picture, expected):
    graph = openvino_graph.build_model(state, SPEC, architecture)
    given = openvino_graph.takes_planes(graph, SPEC)
    logits, features = openvino_graph.with_head(graph, state)
    model = ov.Core().compile_model(ov.Model([logits, features], [given], architecture.name), "CPU", hints("f32"))
    assert_same(model([picture])[0], expected)


def test_onnx(architecture, state, picture, expected):
    model = onnx_graph.build_model(state, SPEC, architecture, False, {})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert_same(session.run(["logits"], {"pictures": picture})[0], expected)


def test_sizes(architecture):
    millions, gflops = SIZES[architecture.name]
    with torch.device("meta"):
        network = ResNet(architecture)
    assert round(count_parameters(network) / 1e6, 2) == millions
    assert cost.count_parameters(architecture, 1000) == count_parameters(network)
    assert cost.count_gflops(architecture, 1000, None, 224) == count_gflops(network) == pytest.approx(gflops, abs=0.02)
    assert network.depth == 50


def test_the_place_of_the_stride_is_the_records_unless_another_is_given(architecture):
    with torch.device("meta"):
        assert ResNet(architecture).layer2[0].conv2.stride == (2, 2)
        network = ResNet(architecture, variant="v1")
    assert (network.layer2[0].conv1.stride, network.layer2[0].conv2.stride) == ((2, 2), (1, 1))
    assert network.architecture.name == architecture.name


def test_checkpoints_hold_resnets_alone(architecture, tmp_path):
    with torch.device("meta"):
        network = resnet_demo.ResNet(architecture, SPEC.outputs)
    with pytest.raises(UserError, match=f"this is a {architecture.title}: save its state_dict"):
        network.save_pretrained(tmp_path / "a", spec=SPEC)
    assert not (tmp_path / "a").exists()


def test_errors_call_the_network_by_its_name(architecture, state):
    with pytest.raises(UserError, match=f"does not fit a {architecture.title} with 4 outputs: missing are fc.bias"):
        check_state({key: state[key] for key in state if key != "fc.bias"}, architecture, 4, "x")
