"""Saving, verifying and loading weights; every damaged file gives one sentence."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import tiny
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from resnet_demo import checkpoints
from resnet_demo.checkpoints import files
from resnet_demo.errors import UserError
from resnet_demo.models import quantization
from resnet_demo.models import state as model_state
from resnet_demo.models.architecture import DEPTHS
from resnet_demo.models.resnet import ResNet

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture
def state():
    return tiny.random_state(18, 4)


@pytest.fixture
def folder(tmp_path, monkeypatch, state):
    """A weights folder with flowers102 at depth 18; returns the checkpoint's folder."""
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    folder = tmp_path / "flowers102" / "resnet18"
    checkpoints.save(folder, state, tiny.FLOWERS, 18, "v1", {"top1": 0.9}, card="# Card\n", extra={"recipe": "tiny"})
    checkpoints.register(folder)
    return folder


def complaint(call, *arguments) -> str:
    """The one sentence a call refuses with."""
    with pytest.raises(UserError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message
    return message


@pytest.mark.parametrize("depth", DEPTHS)
def test_expected_shapes_are_those_of_the_network(depth):
    with torch.device("meta"):
        network = ResNet(depth, 7)
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    shapes = {key: shape for key, shape in shapes.items() if not key.endswith("num_batches_tracked")}
    assert list(model_state.expected_shapes(depth, 7).items()) == list(shapes.items())


def test_what_was_saved_is_what_is_loaded(folder, state):
    checkpoint = checkpoints.load("flowers102", 18)
    assert (checkpoint.spec, checkpoint.depth, checkpoint.variant) == (tiny.FLOWERS, 18, "v1")
    assert checkpoint.metrics == {"top1": checkpoints.Metric(0.9)}
    assert checkpoint.path == folder / "model.safetensors"
    loaded = checkpoint.state
    assert loaded.keys() == state.keys()
    for key, value in state.items():
        assert loaded[key].dtype == np.float32 and loaded[key].shape == value.shape
        if value.ndim < 2:
            np.testing.assert_array_equal(loaded[key], value)
        else:
            # Eight bits: half a step of 1/127 of the largest weight, and some more where outliers are cut off.
            error = np.abs(loaded[key] - value).reshape(len(value), -1)
            largest = np.abs(value).reshape(len(value), -1).max(axis=1)
            assert np.sqrt(np.square(error).mean()) < 0.01 * value.std()
            assert (error.max(axis=1) <= 0.41 * largest).all()


def test_a_folder_outside_the_index_loads_too(tmp_path, state):
    checkpoints.save(tmp_path / "mine", state, tiny.FLOWERS, 18, "v1.5", {})
    assert checkpoints.load_folder(tmp_path / "mine").spec == tiny.FLOWERS
    assert not (tmp_path / "mine" / "README.md").exists()


@pytest.mark.usefixtures("whole")
def test_the_files_of_a_checkpoint(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    config = json.loads((folder / "config.json").read_text())
    assert (config["depth"], config["variant"], config["recipe"]) == (18, "v1", "tiny")
    assert config["task"]["labels"] == ["Rose", "Daisy", "Tulip", "Iris"]
    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        assert file.metadata() == {"format": "int8-per-channel"}
    stored = load_file(folder / "model.safetensors")
    assert stored["layer1.0.conv1.weight"].dtype == np.int8
    assert stored["layer1.0.conv1.weight.scale"].shape == (64,)
    assert stored["fc.weight"].dtype == np.int8 and stored["fc.bias"].dtype == np.float32
    # A quarter of float32's 45 MB.
    assert (folder / "model.safetensors").stat().st_size < 11.6e6


def test_counters_of_batches_are_not_stored(tmp_path, state):
    path = checkpoints.save(
        tmp_path, {**state, "bn1.num_batches_tracked": np.array(3)}, tiny.FLOWERS, 18, "v1", {}, card=None
    )
    assert "bn1.num_batches_tracked" not in load_file(path)


@pytest.mark.usefixtures("whole")
def test_loading_imports_no_torch(folder):
    code = (
        "import sys; from resnet_demo import checkpoints as c; c.load('flowers102', 18); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_quantising_cuts_off_an_outlier_where_that_costs_less():
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 0.01, (2, 40_000)).astype(np.float32)
    weight[1, 0] = 0.12  # among so many, coarse steps would cost more than this one weight
    stored = quantization.quantise({"fc.weight": weight})
    plain = np.abs(weight).max(axis=1) / 127
    assert stored["fc.weight.scale"][1] < 0.99 * plain[1]
    error = np.square(quantization.dequantise(stored)["fc.weight"] - weight).sum(axis=1)
    naive = np.square(np.rint(weight / plain[:, None]) * plain[:, None] - weight).sum(axis=1)
    assert (error <= naive).all() and error[1] < 0.9 * naive[1]


def test_a_channel_of_zeros_stays_zero():
    stored = quantization.quantise({"fc.weight": np.zeros((3, 8), np.float32)})
    state = quantization.dequantise(stored)
    assert np.array_equal(state["fc.weight"], np.zeros((3, 8))) and np.isfinite(stored["fc.weight.scale"]).all()


def test_the_index_is_sorted_and_stable(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    tiny.weights_folder(tmp_path, (tiny.FLOWERS, 34), (tiny.FACES, 18), (tiny.FLOWERS, 18))
    before = (tmp_path / "index.json").read_bytes()
    records = json.loads(before)["checkpoints"]
    assert [(record["task"], record["depth"]) for record in records] == [
        ("faces68", 18),
        ("flowers102", 18),
        ("flowers102", 34),
    ]
    assert records[0]["file"] == "faces68/resnet18/model.safetensors" and records[0]["hub"] is None
    checkpoints.register(tmp_path / "faces68" / "resnet18")
    assert (tmp_path / "index.json").read_bytes() == before
    assert checkpoints.available() == {"faces68": [18], "flowers102": [18, 34]}


def test_registering_again_follows_new_weights(folder):
    old = checkpoints.find("flowers102", 18)
    checkpoints.save(folder, tiny.random_state(18, 4, seed=1), tiny.FLOWERS, 18, "v1", {"top1": 0.95})
    assert "damaged" in complaint(checkpoints.load, "flowers102", 18)
    new = checkpoints.register(folder)
    assert (
        new.sha256 != old.sha256
        and new.metrics == {"top1": checkpoints.Metric(0.95)}
        and len(checkpoints.entries()) == 1
    )
    checkpoints.load("flowers102", 18)
    assert (folder / "README.md").read_text() == "# Card\n"


def test_only_folders_inside_the_weights_can_be_registered(folder, tmp_path_factory, state):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    checkpoints.save(elsewhere, state, tiny.FLOWERS, 18, "v1", {})
    assert "is not inside" in complaint(checkpoints.register, elsewhere)


def test_depths_and_tasks_without_a_checkpoint(folder):
    assert complaint(checkpoints.find, "flowers102", 101) == "There is no ResNet-101 for flowers102 yet: choose 18."
    assert complaint(checkpoints.find, "flowers102", 42) == "There is no ResNet-42: choose 18."
    assert complaint(checkpoints.find, "cats", 18) == "There are no weights for the task 'cats': choose flowers102."


def test_a_missing_file(folder):
    (folder / "model.safetensors").unlink()
    assert "model.safetensors cannot be read (No such file or directory)" in complaint(
        checkpoints.load, "flowers102", 18
    )


def test_a_pointer_of_git_lfs(folder):
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert "Git LFS pointer" in complaint(checkpoints.load, "flowers102", 18)


def test_a_truncated_file(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert "bytes instead of" in complaint(checkpoints.load, "flowers102", 18)
    assert "bytes instead of" in complaint(checkpoints.load_folder, folder)


def test_a_flipped_bit(folder):
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1000] ^= 1
    path.write_bytes(data)
    assert "SHA-256" in complaint(checkpoints.load, "flowers102", 18)
    assert "SHA-256" in complaint(checkpoints.load_folder, folder)


def forge(folder, data: bytes) -> None:
    """Other weights, with a config.json that vouches for them."""
    import hashlib

    (folder / "model.safetensors").write_bytes(data)
    config = json.loads((folder / "config.json").read_text())
    config["weights"] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "config.json").write_text(json.dumps(config))


def test_a_file_of_another_kind(folder):
    forge(folder, b"PK\x03\x04" + bytes(200))
    assert "is no weights file that this version can read" in complaint(checkpoints.load_folder, folder)


@pytest.mark.usefixtures("whole")
def test_weights_of_another_network(folder, tmp_path):
    stored = quantization.quantise(tiny.random_state(18, 5))
    del stored["layer1.0.conv1.weight"], stored["bn1.bias"]
    stored["surprise"] = np.zeros(3, np.float32)
    save_file(stored, tmp_path / "other")
    forge(folder, (tmp_path / "other").read_bytes())
    message = complaint(checkpoints.load_folder, folder)
    assert "does not fit a ResNet-18 with 4 outputs" in message
    assert "missing are bn1.bias, layer1.0.conv1.weight;" in message
    assert "unexpected are layer1.0.conv1.weight.scale, surprise;" in message
    assert "fc.weight (5, 512) instead of (4, 512)" in message


@pytest.mark.usefixtures("whole")
def test_a_long_list_of_bad_keys_is_cut(folder):
    message = complaint(model_state.check_state, {}, 18, 4, "It")
    assert "and 97 more" in message and len(message) < 300


@pytest.mark.parametrize("scale", [None, np.ones(3, np.float32)])
def test_integers_with_no_or_wrong_scales(folder, tmp_path, scale):
    stored = load_file(folder / "model.safetensors")
    del stored["fc.weight.scale"]
    if scale is not None:
        stored["fc.weight.scale"] = scale
    save_file(stored, tmp_path / "other")
    forge(folder, (tmp_path / "other").read_bytes())
    assert "scale" in complaint(checkpoints.load_folder, folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_broken_json(folder, text):
    (folder / "config.json").write_text(text)
    assert "config.json" in complaint(checkpoints.load, "flowers102", 18)
    (folder.parent.parent / "index.json").write_text(text)
    assert "index.json" in complaint(checkpoints.load, "flowers102", 18)


@pytest.mark.parametrize("change", [{"depth": 17}, {"depth": None}, {"variant": "v3"}, {"task": {}}, {"task": "x"}])
def test_a_config_that_describes_nothing(folder, change):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    assert "config.json" in complaint(checkpoints.load, "flowers102", 18)


@pytest.mark.parametrize("record", [{}, {"task": "flowers102"}, 3])
def test_an_index_of_something_else(folder, record):
    index = folder.parent.parent / "index.json"
    index.write_text(json.dumps({"checkpoints": [record]}))
    assert "is not a list of checkpoints" in complaint(checkpoints.entries)


def test_no_index_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "nowhere"))
    assert "index.json cannot be read" in complaint(checkpoints.available)


def test_saving_refuses_what_is_not_the_network(tmp_path, state):
    assert "does not fit a ResNet-34" in complaint(checkpoints.save, tmp_path, state, tiny.FLOWERS, 34, "v1", {})
    broken = {**state, "fc.bias": np.full(4, np.nan, np.float32)}
    assert "training has diverged: see fc.bias" in complaint(
        checkpoints.save, tmp_path, broken, tiny.FLOWERS, 18, "v1", {}
    )
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_no_litter(folder, monkeypatch, state):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        checkpoints.save(folder, state, tiny.FLOWERS, 18, "v1.5", {})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
