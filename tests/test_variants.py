"""Other residual networks: a record gives one network in every runtime, timm's or torchvision's number for number, and
``train --arch`` makes a checkpoint of it that predicts and explains. All of few channels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import timm
import tiny
import torch
import torchvision
from hub_server import HubServer
from PIL import Image
from timm.models import PretrainedCfg
from torch import Tensor, nn
from torch.nn import functional as F

import resnet_demo
from resnet_demo import checkpoints
from resnet_demo.backends import openvino_graph
from resnet_demo.backends.factory import make_engine
from resnet_demo.backends.openvino import hints
from resnet_demo.backends.openvino_gradient import EARLIER, build_gradient_model
from resnet_demo.backends.openvino_lesion import WithoutBlocks
from resnet_demo.backends.openvino_runtime import core, ov
from resnet_demo.backends.torch_network import with_weights
from resnet_demo.checkpoints.timm_names import from_timm, to_timm
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.explain import autograd
from resnet_demo.export import onnx_graph
from resnet_demo.export.formats import export
from resnet_demo.export.transformers import export_transformers
from resnet_demo.models import cost
from resnet_demo.models.architecture import ARCHITECTURES, Architecture
from resnet_demo.models.resnet import ResNet, count_gflops, count_parameters
from resnet_demo.models.state import architecture_in, expected_shapes, rounded_convolutions
from resnet_demo.tasks.spec import IMAGENET_MEAN, IMAGENET_STD
from resnet_demo.training.evaluation.lesion import measure_lesions
from resnet_demo.training.heads import TaskHead, all_outputs
from resnet_demo.training.networks.init import read_state, scaling_of, starting_network
from resnet_demo.training.optim import folded_norms
from resnet_demo.training.recipe import Recipe

SPEC = replace(tiny.FLOWERS, size=72, resize=72)  # feature maps of 18, 9, 5 and 3 cells a side: averages at a rim
BY_TIMM = ("seresnet50", "resnet18d", "resnet50d", "resnetv2_50")
BLOCKS = (1, 2, 1, 1)
NARROW = {
    **{name: replace(ARCHITECTURES[name], channels=8, counts=BLOCKS) for name in (*BY_TIMM, "resnet18_cifar")},
    **{name: replace(ARCHITECTURES[name], counts=(*BLOCKS[:3], 0)) for name in ("resnet20", "plain20")},
}
# A group of ResNeXt has four of 64 channels, and so needs sixteen of them.
ON_HUB = {name: replace(record, channels=16, counts=BLOCKS) for name, record in ARCHITECTURES.items() if record.source}
# In millions and billions, of timm's table of results; of CIFAR-10's networks the paper's Table 6 counts parameters.
SIZES = {
    "seresnet50": (28.09, 4.09),
    "resnet50d": (25.58, 4.33),
    "resnetv2_50": (25.55, 4.09),
    "resnet20": (0.27, 0.04),
    "resnet32": (0.46, 0.07),
    "resnet44": (0.66, 0.10),
    "resnet56": (0.85, 0.13),
    "resnet110": (1.73, 0.25),
}


class OnCifar(nn.Module):
    """Section 4.2 of the paper, as one would write it down: option A, or no shortcuts."""

    def __init__(self, residual: bool, outputs: int):
        super().__init__()
        self.residual = residual
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        for stage, width in enumerate((16, 32, 64), start=1):
            blocks = nn.ModuleList()
            for number in range(BLOCKS[stage - 1]):
                stride = 2 if stage > 1 and number == 0 else 1
                first = nn.Conv2d(width // stride, width, 3, stride, 1, bias=False)
                second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
                layers = {"conv1": first, "bn1": nn.BatchNorm2d(width), "conv2": second, "bn2": nn.BatchNorm2d(width)}
                blocks.append(nn.ModuleDict(layers))
            setattr(self, f"layer{stage}", blocks)
        self.fc = nn.Linear(64, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        for blocks in (self.layer1, self.layer2, self.layer3):
            for block in blocks:
                y = block["bn2"](block["conv2"](F.relu(block["bn1"](block["conv1"](x)))))
                if self.residual and y.shape == x.shape:
                    y = y + x
                elif self.residual:
                    y[:, : x.shape[1]] += x[:, :, ::2, ::2]
                x = F.relu(y)
        return self.fc(x.mean((2, 3)))


def reference(record: Architecture) -> nn.Module:
    """The network as others build it."""
    name, width, outputs = record.name, record.channels, SPEC.outputs
    if name in BY_TIMM:
        wide = 4 if name == "resnetv2_50" else 1  # timm counts what a stage puts out there
        channels = tuple(wide * width * 2**stage for stage in range(4))
        return timm.create_model(name, num_classes=outputs, channels=channels, layers=BLOCKS)
    if name == "resnet18_cifar":
        block = torchvision.models.resnet.BasicBlock
        network = torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=outputs)
        network.inplanes, network.maxpool = width, nn.Identity()
        network.conv1, network.bn1 = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        for stage in range(4):
            layer = network._make_layer(block, width * 2**stage, BLOCKS[stage], stride=min(2, stage + 1))
            setattr(network, f"layer{stage + 1}", layer)
        network.fc = nn.Linear(8 * width, outputs)
        return network
    return OnCifar(name.startswith("res"), outputs)


@pytest.fixture(scope="module", params=NARROW)
def architecture(request) -> Architecture:
    return {**ON_HUB, **NARROW}[request.param]


@pytest.fixture(scope="module")
def expected(architecture, state, picture) -> np.ndarray:
    """The others' logits (1, 4) of the same weights, loaded strictly."""
    network = reference(architecture)
    weights = {key: torch.from_numpy(value) for key, value in state.items()}
    if architecture.activation_first:
        weights = {to_timm(key): value for key, value in weights.items()}
        weights["head.fc.weight"] = weights["head.fc.weight"][:, :, None, None]
        assert {from_timm(key) for key in weights} == state.keys()
    missing = network.load_state_dict(weights, strict=False)
    assert not missing.unexpected_keys and all(key.endswith("num_batches_tracked") for key in missing.missing_keys)
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(picture)).numpy()
    assert logits.std() > 0.01
    return logits


@pytest.fixture(scope="module")
def network(architecture, state) -> ResNet:
    return with_weights(state, architecture, SPEC.outputs, None, "random", ResNet)


def assert_same(actual: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_pytorch(network, picture, expected):
    x = torch.from_numpy(picture)
    with torch.inference_mode():
        assert_same(network(x).numpy(), expected)
        assert_same(network.head(folded_norms.features(network, x)).numpy(), expected)


def test_openvino(architecture, state, picture, expected):
    graph = openvino_graph.build_model(state, SPEC, architecture)
    given = openvino_graph.takes_planes(graph, SPEC)
    logits, features = openvino_graph.with_head(graph, state)
    model = core.compile_model(ov.Model([logits, features], [given], architecture.name), "CPU", hints("f32"))
    assert_same(model([picture])[0], expected)


def test_onnx(architecture, state, picture, expected):
    model = onnx_graph.build_model(state, SPEC, architecture, False, {})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    logits, features = session.run(["logits", "features"], {"pictures": picture})
    assert_same(logits, expected)
    assert features.shape[2] == architecture.side_of_map(SPEC.size)


def test_heat_of_all_stages_equals_autograd(architecture, state, network):
    photo = tiny.pictures(1, SPEC.size)
    x = resnet_demo.tasks.normalise(SPEC, photo)
    model = core.compile_model(build_gradient_model(state, SPEC, architecture), "CPU", hints("f32"))
    found = model([photo, state["fc.weight"][1:3]])
    for index, layer in enumerate(EARLIER):
        wanted = autograd.stage_maps(network, torch.from_numpy(x), [1, 2], layer)
        np.testing.assert_allclose(found[index], wanted, rtol=0, atol=1e-3 * np.abs(wanted).max())


def test_a_record_is_kept_and_recognised_by_its_arrays(architecture, state, tmp_path):
    checkpoints.save(tmp_path, state, SPEC, architecture, None, {})
    assert checkpoints.load_folder(tmp_path).architecture == architecture
    whole = ARCHITECTURES[architecture.name]
    arrays = {key: np.empty(shape) for key, shape in expected_shapes(whole, 7).items()}
    # A shortcut without weights leaves no trace.
    assert architecture_in(arrays) == ARCHITECTURES[whole.name.replace("plain20", "resnet20")]


@pytest.mark.parametrize("name", ON_HUB)
def test_every_array_of_the_weights_on_the_hub_has_its_place_and_shape(name):
    whole = ARCHITECTURES[name]
    with torch.device("meta"):
        theirs = timm.create_model(whole.source.removeprefix("timm/")).state_dict()
    shapes = {from_timm(key): tuple(array.shape) for key, array in theirs.items() if "num_batches" not in key}
    if whole.activation_first:
        assert shapes["fc.weight"][2:] == (1, 1)  # timm's head is a convolution there
        shapes["fc.weight"] = shapes["fc.weight"][:2]
    assert shapes == {key: tuple(shape) for key, shape in expected_shapes(whole, 1000).items()}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name):
    record, (millions, gflops) = ARCHITECTURES[name], SIZES[name]
    side, outputs = (32, 10) if record.stem == "cifar" else (224, 1000)
    assert cost.count_parameters(record, outputs) / 1e6 == pytest.approx(millions, abs=0.006)
    assert cost.count_gflops(record, outputs, None, side) == pytest.approx(gflops, abs=0.006)


def test_sizes_are_those_of_the_network(architecture, network):
    outputs = SPEC.outputs
    assert cost.count_parameters(architecture, outputs) == count_parameters(network)
    assert cost.count_gflops(architecture, outputs, None, 72) == pytest.approx(count_gflops(network, 72, 72))


@pytest.mark.parametrize("change", [{"stem": "x"}, {"shortcut": 3}, {"gated": 1}, {"counts": [2, 2, 0, 2]}])
def test_a_damaged_record_gives_one_sentence(change):
    record = {"name": "x", "family": "X", "block": "basic", "counts": [2, 2, 2, 2], "groups": 1, "width_per_group": 64}
    config = checkpoints.Config({"depth": 18, "variant": "v1.5", "architecture": record | change}, "config.json")
    with pytest.raises(UserError, match="config.json describes no ResNet that exists here: fetch it again."):
        _ = config.architecture


# --- From pictures to heat -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fruit(tmp_path_factory):
    """Six pictures of each of two colours."""
    root = tmp_path_factory.mktemp("fruit")
    for name, colour in {"cherry": (200, 40, 50), "lime": (60, 190, 50)}.items():
        (root / name).mkdir()
        for number in range(6):
            noise = np.random.default_rng(number).integers(0, 50, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(noise + np.array(colour, np.uint8)).save(root / name / f"{number}.png")
    return root


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A Hub of the tests' own, with this process's client pointed at it."""
    with HubServer(tmp_path / "hub") as running:
        running.patch(monkeypatch)
        yield running


def published_cfg(record: Architecture) -> PretrainedCfg:
    """What timm says of a network's public weights."""
    assert record.source is not None
    return timm.get_pretrained_cfg(record.source.removeprefix("timm/"))


def publish(server: HubServer, record: Architecture, folder: Path) -> dict[str, np.ndarray]:
    """Put random weights with ImageNet's classes where timm has its own, as timm does → their state."""
    state = tiny.random_state(record, 1000)
    checkpoint = checkpoints.Checkpoint(replace(SPEC, labels=tuple(map(str, range(1000)))), record, state)
    export(checkpoint, "safetensors", folder / "published.safetensors")
    cfg = published_cfg(record).to_dict(remove_source=True, remove_null=True)
    config = {"architecture": record.name, "num_classes": 1000, "pretrained_cfg": cfg}
    files = {"config.json": json.dumps(config).encode()}
    server.commit(record.source, files | {"model.safetensors": (folder / "published.safetensors").read_bytes()})
    return state


@pytest.mark.parametrize(
    "architecture", ["seresnet50", "resnet50d", "resnetv2_50", "resnext50_32x4d", "plain20"], indirect=True
)
def test_from_pictures_to_heat(architecture, fruit, server, tmp_path, monkeypatch, capsys):
    """From the public weights where there are some, with the mean and deviation that these were trained with."""
    start = "hub" if architecture.source else "scratch"
    if architecture.source:
        publish(server, architecture, tmp_path)
    monkeypatch.setitem(ARCHITECTURES, architecture.name, architecture)
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").mkdir()
    command = ["train", "--data", str(fruit), "--name", "fruit", "--arch", architecture.name, "--init", start]
    settings = ["sizes=[[0,32]]", "test_size=32", "test_resize=32", "epochs=1", "batch=8"]
    assert main([*command, "--workers", "0", "--set", *settings]) == 0
    assert f"--task fruit --depth {architecture.depth}" in capsys.readouterr().out
    checkpoint = checkpoints.load("fruit", architecture.depth)
    assert checkpoint.architecture == architecture
    usual = (IMAGENET_MEAN, IMAGENET_STD)
    if architecture.source:
        published = published_cfg(architecture)
        usual = (published.mean, published.std)
    assert (checkpoint.spec.mean, checkpoint.spec.std) == usual
    assert checkpoint.ranges.keys() == set(rounded_convolutions(architecture))  # 8-bit arithmetic, where a CPU has it
    card = tmp_path / "weights" / "fruit" / f"resnet{architecture.depth}" / "README.md"
    assert f"--arch {architecture.name}" in card.read_text()
    predict = resnet_demo.load("fruit", depth=architecture.depth, device="cpu")
    answer = predict(fruit / "lime" / "0.png")
    assert sum(score.probability for score in answer.top_k) == pytest.approx(1)
    assert all(answer.cam(layer=layer).shape == (32, 32) for layer in ("layer1", "layer4"))


def test_what_remains_without_a_block(architecture, state):
    checkpoint = checkpoints.Checkpoint(SPEC, architecture, state)
    engine, name = make_engine(checkpoint, "cpu"), "layer2.1"
    if not architecture.has_shortcuts:
        with pytest.raises(UserError, match="A Plain-10 has no shortcuts, so none of its blocks can be left out"):
            WithoutBlocks(engine, [name])
        return
    photo = tiny.pictures(1, SPEC.size)
    network = with_weights(state, architecture, SPEC.outputs, None, "random", ResNet)
    block = network.get_submodule(name)
    block.forward = block.without_branch
    with torch.inference_mode():
        wanted = network.features(torch.from_numpy(resnet_demo.tasks.normalise(SPEC, photo))).numpy()
    found = WithoutBlocks(engine, [name]).last_features(photo)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0.05 * np.abs(wanted).max())  # CPUs may compute in bf16
    assert np.abs(found - engine.last_features(photo)).max() > 0.02 * np.abs(wanted).max()


def test_a_plain_network_has_no_lesions_to_measure(tmp_path):
    record = NARROW["plain20"]
    checkpoints.save(tmp_path, tiny.random_state(record, SPEC.outputs), SPEC, record, None, {})
    with pytest.raises(UserError, match="has no shortcuts"):
        measure_lesions(tmp_path, [], None, "lesion")


# --- Weights of others, and for others -------------------------------------------------------------------------------


def test_an_export_loads_strictly_into_timm(tmp_path):
    record = NARROW["resnetv2_50"]
    checkpoint = checkpoints.Checkpoint(SPEC, record, tiny.random_state(record, SPEC.outputs))
    export(checkpoint, "safetensors", tmp_path / "network.safetensors")
    from safetensors.torch import load_file

    reference(record).load_state_dict(load_file(tmp_path / "network.safetensors"))
    found, _ = read_state(str(tmp_path / "network.safetensors"))
    assert all(np.array_equal(found[key], value) for key, value in checkpoint.state.items())
    with pytest.raises(UserError, match="transformers has no network for flowers102 on a Pre-activation ResNet-17"):
        export_transformers(checkpoint, tmp_path / "folder")


@pytest.mark.parametrize("name", ON_HUB)
def test_init_hub_begins_with_timms_weights_mean_and_deviation(name, server, tmp_path):
    record = ON_HUB[name]
    state = publish(server, record, tmp_path)
    network = starting_network("hub", record, SPEC)
    found = {key: value.numpy() for key, value in network.state_dict().items() if key in state and key[:3] != "fc."}
    assert found.keys() == {key for key in state if key[:3] != "fc."}
    assert all(np.array_equal(found[key], state[key]) for key in found)
    assert network.fc.out_features == SPEC.outputs
    cfg = published_cfg(record)
    assert scaling_of("hub", record) == (cfg.mean, cfg.std)
    assert cfg.mean == ((0.5, 0.5, 0.5) if name == "resnetv2_50" else IMAGENET_MEAN)
    server.log.clear()
    assert read_state("hub", record)[1] == "v1.5" and scaling_of("hub", record) == (cfg.mean, cfg.std)
    assert server.log == []  # What came first is kept.


def test_init_hub_without_public_weights_gives_one_sentence():
    for ask in (read_state, scaling_of):
        with pytest.raises(UserError, match="There are no public ImageNet weights of a Plain-20: pass --init scratch"):
            ask("hub", ARCHITECTURES["plain20"])


def test_training_goes_on_with_the_mean_and_deviation_of_a_checkpoint(tmp_path):
    record, half = NARROW["resnetv2_50"], (0.5, 0.5, 0.5)
    spec = replace(SPEC, mean=half, std=half)
    checkpoints.save(tmp_path, tiny.random_state(record, SPEC.outputs), spec, record, None, {})
    assert scaling_of(str(tmp_path), record) == (half, half)
    assert scaling_of("scratch", record) == (IMAGENET_MEAN, IMAGENET_STD)
    head = TaskHead("colour", "classification", (0, 2), (0, 1), ("red", "green"), mean=half, std=half)
    for made in (head.spec(Recipe("colour"), "colour"), all_outputs([head], Recipe("colour"))):
        assert (made.mean, made.std) == (half, half)


# --- One network of a depth ------------------------------------------------------------------------------------------


def test_a_second_network_of_a_depth_is_refused_before_it_is_trained_and_when_it_is_bundled(
    fruit, tmp_path, monkeypatch, capsys
):
    spec, root = replace(SPEC, name="fruit"), tmp_path / "weights"
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(root))
    tiny.weights_folder(root, (spec, 50))
    before = {path: path.read_bytes() for path in root.rglob("*.json")}
    refusal = (
        "fruit has weights of a ResNet-50 already, and can have one network of depth 50: choose another --name for the "
        "ResNeXt-50, or let RESNET_DEMO_WEIGHTS name another folder."
    )
    name = "resnext50_32x4d"
    command = ["train", "--data", str(fruit), "--name", "fruit", "--arch", name, "--init", "scratch"]
    assert main([*command, "--out", str(tmp_path / "run")]) == 2
    assert refusal in capsys.readouterr().err and not (tmp_path / "run").exists()
    record = replace(ARCHITECTURES[name], channels=16)
    checkpoints.save(tmp_path / "made", tiny.random_state(record, spec.outputs), spec, record, None, {})
    assert main(["bundle", str(tmp_path / "made")]) == 2
    assert refusal in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in root.rglob("*.json")}
    checkpoints.check_one_network("fruit", replace(ARCHITECTURES["resnet50"], variant="v1"))  # a new one of the same
