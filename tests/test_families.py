"""Networks beyond the ResNets of the paper: a record gives one network in every runtime, and it is torchvision's."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import tiny
import torch
import torchvision

import resnet_demo
from resnet_demo import checkpoints, tasks
from resnet_demo.backends import openvino_graph
from resnet_demo.backends.openvino import hints
from resnet_demo.backends.openvino_runtime import core, ov
from resnet_demo.backends.torch_network import with_weights
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.errors import UserError
from resnet_demo.export import onnx_graph
from resnet_demo.hub_mixin import network_of
from resnet_demo.inference.classifier import Classifier
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
    model = core.compile_model(ov.Model([logits, features], [given], architecture.name), "CPU", hints("f32"))
    assert_same(model([picture])[0], expected)


@pytest.mark.parametrize("architecture", ["resnext50_32x4d"], indirect=True)
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


@pytest.fixture
def small() -> tuple[Architecture, dict[str, np.ndarray]]:
    """A ResNeXt-50 of half the channels, and random weights, where no other library builds it."""
    architecture = replace(ARCHITECTURES["resnext50_32x4d"], channels=32)
    return architecture, tiny.random_state(architecture, SPEC.outputs)


def test_a_checkpoint_of_another_family_is_saved_loaded_and_run(small, tmp_path, monkeypatch):
    architecture, state = small
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    folder, photo = tmp_path / "other", tiny.photo()
    checkpoints.save(folder, state, SPEC, architecture, None, {})
    checkpoint = checkpoints.load_folder(folder)
    assert checkpoint.architecture == architecture and checkpoint.variant == "v1.5"
    answers = [Classifier(SPEC.name, device=device, checkpoint=checkpoint)(photo) for device in ("cpu", "reference")]
    picture = torch.from_numpy(tasks.normalise(SPEC, tasks.preprocess(SPEC, photo)[0][None]))
    network = resnet_demo.ResNet.from_pretrained(folder)
    assert network.architecture == architecture
    with torch.inference_mode():
        expected = tasks.softmax(network(picture).numpy()[0])
    np.testing.assert_allclose(answers[1].probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(answers[0].probabilities, expected, atol=0.05)  # its CPU may compute in bf16
    assert answers[0].cam().max() == 1
    assert (checkpoints.register(folder).task, checkpoints.load(SPEC.name, 50).architecture) == (
        SPEC.name,
        architecture,
    )


def test_a_network_of_another_family_is_saved_with_its_record(small, tmp_path, monkeypatch):
    architecture, state = small
    ours = network_of(Checkpoint(SPEC, architecture, state))
    ours.save_pretrained(tmp_path / "a")
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    assert (config["depth"], config["architecture"]["name"]) == (50, architecture.name)
    assert f"# {architecture.title}, flowers102" in (tmp_path / "a" / "README.md").read_text()
    assert resnet_demo.ResNet.from_pretrained(tmp_path / "a").architecture == architecture
    tiny.narrow(monkeypatch)
    checkpoints.save(tmp_path / "b", tiny.random_state(50, SPEC.outputs), SPEC, 50, "v1", {})
    assert isinstance(json.loads((tmp_path / "b" / "config.json").read_text())["architecture"], str)  # no record


@pytest.mark.parametrize(
    "change",
    [
        {"block": "other"},
        {"counts": [3, 4, 6]},
        {"counts": [3, 4, 6, 10**9]},
        {"groups": 0},
        {"channels": 0},
        {"groups": "32"},
        {"name": 5},
        {"counts": [2, 2, 2, 2]},  # it is not 50 layers deep then
    ],
)
def test_a_damaged_record_gives_one_sentence(change, tmp_path):
    record = {"name": "x", "family": "X", "block": "bottleneck", "counts": [3, 4, 6, 3], "groups": 1}
    record |= {"width_per_group": 64, **change}
    config = checkpoints.Config({"depth": 50, "variant": "v1.5", "architecture": record}, "config.json")
    with pytest.raises(UserError, match="config.json describes no ResNet that exists here: fetch it again."):
        _ = config.architecture


def test_a_record_of_few_channels_is_kept(tmp_path):
    narrow = replace(ARCHITECTURES["resnet18"], channels=16)
    checkpoints.save(tmp_path, tiny.random_state(narrow, SPEC.outputs), SPEC, narrow, None, {})
    assert checkpoints.load_folder(tmp_path).architecture == narrow
    assert count_parameters(resnet_demo.ResNet.from_pretrained(tmp_path)) < 1e6


def test_errors_call_the_network_by_its_name(architecture, state):
    with pytest.raises(UserError, match=f"does not fit a {architecture.title} with 4 outputs: missing are fc.bias"):
        check_state({key: state[key] for key in state if key != "fc.bias"}, architecture, 4, "x")
