"""Networks of Keras Applications out of Keras' own files; the files here are written by Keras' rules."""

from __future__ import annotations

import json
import sys
import zipfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
import tiny

from resnet_demo import checkpoints
from resnet_demo.checkpoints import keras_file
from resnet_demo.checkpoints.keras_file import MEAN, read_keras_file
from resnet_demo.checkpoints.state_file import read_state_file
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import architecture_of
from resnet_demo.tasks import IMAGENET_STD


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """Not as narrow as elsewhere: each stage has a shortcut with weights, as Keras' have."""
    tiny.narrow(monkeypatch, 32)


EPSILON = 1.001e-5
SIDE = 96
Layer = tuple[str, str, dict[str, np.ndarray]]  # class, name, arrays in the order in which Keras keeps them


def convolution(name: str, weight: np.ndarray, bias: np.ndarray) -> Layer:
    return "Conv2D", f"{name}_conv", {"kernel": weight.transpose(2, 3, 1, 0), "bias": bias}


def norm(name: str, state: dict[str, np.ndarray], key: str, bias: np.ndarray) -> Layer:
    values = {
        "gamma": state[f"{key}.weight"],
        "beta": state[f"{key}.bias"],
        "moving_mean": state[f"{key}.running_mean"] + bias,
        "moving_variance": state[f"{key}.running_var"] + 1e-5 - EPSILON,
    }
    return "BatchNormalization", f"{name}_bn", values


def layers_of(state: dict[str, np.ndarray], depth: int = 50) -> list[Layer]:
    """A network's layers in the order of Keras' ``model.layers``: a shortcut lies between a block's second and third
    convolution."""
    rng = np.random.default_rng(1)
    stem = (state["conv1.weight"] / (255 * np.array(IMAGENET_STD, np.float32))[None, :, None, None])[:, ::-1]
    found: list[Layer] = []

    def pair(name: str, weight: np.ndarray, key: str) -> None:
        bias = rng.normal(0, 0.1, len(weight)).astype(np.float32)
        found.extend([convolution(name, weight, bias), norm(name, state, key, bias)])

    pair("conv1", stem, "bn1")
    for stage, count in enumerate(architecture_of(depth).counts):
        for block in range(count):
            ours, name = f"layer{stage + 1}.{block}", f"conv{stage + 2}_block{block + 1}"
            for k in (1, 2, 0, 3) if block == 0 else (1, 2, 3):
                convolution_key = f"{ours}.downsample.0" if k == 0 else f"{ours}.conv{k}"
                norm_key = f"{ours}.downsample.1" if k == 0 else f"{ours}.bn{k}"
                pair(f"{name}_{k}", state[f"{convolution_key}.weight"], norm_key)
    return [*found, ("Dense", "predictions", {"kernel": state["fc.weight"].T, "bias": state["fc.bias"]})]


SNAKE = {"Conv2D": "conv2d", "BatchNormalization": "batch_normalization", "Dense": "dense", "Functional": "functional"}


def write_counted(group: h5py.Group, layers: list[Layer]) -> None:
    """As Keras 3 does it: by class and number."""
    seen: Counter[str] = Counter()
    for kind, _, arrays in layers:
        place = SNAKE[kind] + (f"_{seen[kind]}" if seen[kind] else "")
        seen[kind] += 1
        for index, values in enumerate(arrays.values()):
            group[f"layers/{place}/vars/{index}"] = values


def config_of(layers: list[Layer]) -> list[dict]:
    return [{"class_name": kind, "config": {"name": name}} for kind, name, _ in layers]


def as_weights(path: Path, layers: list[Layer]) -> None:
    with h5py.File(path, "w") as file:
        write_counted(file, layers)


def as_named_weights(path: Path, layers: list[Layer]) -> None:
    """As Keras 3.15 does it; here in an order of its own."""
    turned = [*reversed(layers[:-1]), layers[-1]]
    as_weights(path, turned)
    with h5py.File(path, "a") as file:
        seen: Counter[str] = Counter()
        for kind, name, _ in turned:
            place = SNAKE[kind] + (f"_{seen[kind]}" if seen[kind] else "")
            seen[kind] += 1
            file[f"layers/{place}/vars"].attrs["name"] = name


def as_nested_weights(path: Path, layers: list[Layer]) -> None:
    with h5py.File(path, "w") as file:
        write_counted(file.create_group("layers/functional"), layers[:-1])
        write_counted(file, layers[-1:])


def as_keras(path: Path, layers: list[Layer]) -> None:
    """A Sequential of the network and a head, as transfer learning makes it."""
    inner = {"class_name": "Functional", "config": {"name": "resnet50", "layers": config_of(layers[:-1])}}
    first = {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, SIDE, SIDE, 3]}}
    pooling = {"class_name": "GlobalAveragePooling2D", "config": {"name": "pool"}}
    head = {"class_name": "Dense", "config": {"name": "flowers"}}
    as_nested_weights(path.with_suffix(".tmp"), layers)
    with zipfile.ZipFile(path, "w") as archive:
        config = {"class_name": "Sequential", "config": {"layers": [first, inner, pooling, head]}}
        archive.writestr("config.json", json.dumps(config))
        archive.write(path.with_suffix(".tmp"), "model.weights.h5")


def as_earlier(path: Path, layers: list[Layer]) -> None:
    """As Keras 2 does it: by name."""
    with h5py.File(path, "w") as file:
        for _, name, arrays in layers:
            for array, values in arrays.items():
                file[f"model_weights/{name}/{name}/{array}:0"] = values
        first = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, SIDE, SIDE, 3]}}
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": {"layers": [first]}})


WAYS = {
    "alone.weights.h5": as_weights,
    "named.weights.h5": as_named_weights,
    "nested.weights.h5": as_nested_weights,
    "transfer.keras": as_keras,
    "earlier.h5": as_earlier,
}


@pytest.mark.parametrize("name", WAYS)
def test_the_weights_of_keras_files_are_those_of_the_network(name, tmp_path):
    state = tiny.random_state(50, 4)
    WAYS[name](tmp_path / name, layers_of(state))
    found = read_keras_file(tmp_path / name)
    assert found.side == (None if name.endswith(".weights.h5") else SIDE)
    assert found.state.keys() == state.keys()
    for key, value in state.items():
        np.testing.assert_allclose(found.state[key], value, rtol=1e-4, atol=1e-5, err_msg=key)


def test_an_import_prepares_pictures_as_keras_does(tmp_path, capsys):
    as_keras(tmp_path / "model.keras", layers_of(tiny.random_state(50, 4)))
    command = ["import", str(tmp_path / "model.keras"), "--task", "pets", "--labels", "a,b,c,d"]
    assert main([*command, "--out", str(tmp_path / "pets")]) == 0
    assert f"ResNet-50 v1 with 4 classes; pictures: {SIDE} × {SIDE} pixels, whole, bilinear" in capsys.readouterr().out
    made = checkpoints.load_folder(tmp_path / "pets")
    assert (made.variant, made.spec.size, made.spec.fit, made.spec.mean) == ("v1", SIDE, "squash", MEAN)
    assert read_state_file(tmp_path / "model.keras").variant == "v1"  # as train --init takes it


def test_the_earlier_names_have_the_earlier_epsilon(tmp_path):
    state = tiny.random_state(50, 4)
    layers = [
        (kind, name.replace("conv1_conv", "conv1").replace("conv1_bn", "bn_conv1"), arrays)
        for kind, name, arrays in layers_of(state)
    ]
    as_earlier(tmp_path / "a.h5", layers)
    assert read_keras_file(tmp_path / "a.h5").state["bn1.running_var"] == pytest.approx(state["bn1.running_var"])
    old = [(kind, old_name(name), arrays) for kind, name, arrays in layers]
    as_earlier(tmp_path / "b.h5", old)
    found = read_keras_file(tmp_path / "b.h5").state["bn1.running_var"]
    np.testing.assert_allclose(found - state["bn1.running_var"], 1e-3 - EPSILON, rtol=1e-2)


def old_name(name: str) -> str:
    """``conv2_block1_2_conv`` → ``res2a_branch2b``."""
    if "_block" not in name:
        return "fc1000" if name == "predictions" else name
    stage, block, number, kind = name.replace("conv", "", 1).replace("block", "").split("_")
    branch = "1" if number == "0" else "2" + " abc"[int(number)]
    return f"{'bn' if kind == 'bn' else 'res'}{stage}{' abcdef'[int(block)]}_branch{branch}"


def test_other_models_are_refused_in_a_sentence(tmp_path, monkeypatch):
    layers = layers_of(tiny.random_state(50, 4))
    kind, _, arrays = layers[-1]
    as_earlier(tmp_path / "two.h5", [*layers[:-1], (kind, "hidden", arrays), (kind, "last", arrays)])
    with pytest.raises(UserError, match="one Dense layer behind it \\(its further layers are hidden, last\\)"):
        read_keras_file(tmp_path / "two.h5")
    preactivated = [(kind, name.replace("_1_bn", "_preact_bn"), arrays) for kind, name, arrays in layers]
    as_earlier(tmp_path / "v2.h5", preactivated)
    with pytest.raises(UserError, match="no ResNet50, ResNet101 or ResNet152"):
        read_keras_file(tmp_path / "v2.h5")
    (tmp_path / "text.keras").write_text("no zip")
    with pytest.raises(UserError, match="cannot be read \\(File is not a zip file\\)"):
        read_keras_file(tmp_path / "text.keras")
    as_keras(tmp_path / "large.keras", layers)
    with monkeypatch.context() as patch, pytest.raises(UserError, match="^[^ ]+ holds more than 2 GB of weights"):
        patch.setattr(keras_file, "MOST_BYTES", 1000)
        read_keras_file(tmp_path / "large.keras")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UserError, match="needs h5py: pip install h5py"):
        read_keras_file(tmp_path / "v2.h5")
