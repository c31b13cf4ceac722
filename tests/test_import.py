"""Weights as other programs write them: to begin a training with, and as a checkpoint of ours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from PIL import Image
from safetensors.torch import save_file

import resnet_demo
from resnet_demo import checkpoints, tasks
from resnet_demo.backends.torch_network import build_network
from resnet_demo.checkpoints.state_file import read_state_file
from resnet_demo.cli import main
from resnet_demo.errors import UserError
from resnet_demo.export.formats import export
from resnet_demo.export.transformers import transformers_name
from resnet_demo.training.networks.init import starting_network, whole_network

pytestmark = pytest.mark.usefixtures("narrow")

LABELS = ("Rose", "Daisy", "Tulip", "Iris")


def tensors(depth: int = 18) -> dict[str, torch.Tensor]:
    """A state dict as torch's networks give it, counters of batches included."""
    return tiny.network(depth).state_dict()


def write(path: Path, state: dict[str, torch.Tensor]) -> Path:
    if path.suffix == ".safetensors":
        save_file({key: value.contiguous().clone() for key, value in state.items()}, path)
    else:
        torch.save(state, path)
    return path


WAYS = {
    "plain.safetensors": lambda state: state,
    "half.safetensors": lambda state: {k: v.half() if v.is_floating_point() else v for k, v in state.items()},
    "brain.safetensors": lambda state: {k: v.bfloat16() if v.is_floating_point() else v for k, v in state.items()},
    "ddp.pth": lambda state: {f"module.{key}": value for key, value in state.items()},
    "backbone.pt": lambda state: {f"model.backbone.{key}": value for key, value in state.items()},
    "lightning.ckpt": lambda state: {"epoch": 3, "state_dict": {f"model.{k}": v for k, v in state.items()}},
    "transformers.safetensors": lambda state: {transformers_name(key): value for key, value in state.items()},
}


@pytest.mark.parametrize("name", WAYS)
def test_a_training_begins_with_weights_as_they_are_found(name, tmp_path):
    state = tensors()
    network = whole_network(str(write(tmp_path / name, WAYS[name](state))))
    assert network.depth == 18 and not network.training
    rounded = 1e-2 if name in ("half.safetensors", "brain.safetensors") else 0
    for key, value in network.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            np.testing.assert_allclose(value, state[key], atol=rounded, rtol=rounded)


def test_our_own_export_and_our_own_8_bit_file_are_taken(tmp_path):
    checkpoint = tiny.random_checkpoint(tiny.FLOWERS, 50, "v1")
    path, *_ = export(checkpoint, "safetensors", tmp_path / "n.safetensors")
    network = whole_network(str(path))
    assert (network.depth, network.variant) == (50, "v1")
    checkpoints.save(tmp_path / "own", checkpoint.state, tiny.FLOWERS, 50, "v1", {})
    assert whole_network(str(tmp_path / "own" / "model.safetensors")).variant == "v1"


def test_a_trunk_without_a_head_gets_one_of_zeros(tmp_path):
    trunk = {key: value for key, value in tensors().items() if not key.startswith("fc.")}
    network = starting_network(str(write(tmp_path / "trunk.pth", trunk)), 18, tiny.FLOWERS)
    assert network.fc.out_features == 4 and not network.fc.weight.any()
    with pytest.raises(UserError, match="missing are fc.weight, fc.bias"):
        whole_network(str(tmp_path / "trunk.pth"))


def test_parameters_are_weights_too(tmp_path):
    parameters = {key: torch.nn.Parameter(value.float()) for key, value in tensors().items()}
    found = read_state_file(write(tmp_path / "parameters.pth", parameters))
    np.testing.assert_array_equal(found.state["fc.weight"], parameters["fc.weight"].detach().numpy())


class Anything:
    """What a pickle of a whole network would run code for."""


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("object.pth", {"state_dict": Anything()}, "holds Python objects, which are not run here"),
        ("empty.pt", {"epoch": 3}, "holds no state dict"),
        ("text.pth", None, "cannot be read"),
        ("nothing.pth", b"", "cannot be read"),
        ("text.safetensors", None, "cannot be read"),
    ],
)
def test_what_holds_no_weights(name, content, sentence, tmp_path):
    path = tmp_path / name
    if content is None or isinstance(content, bytes):
        path.write_bytes(b"hello" if content is None else content)
    else:
        torch.save(content, path)
    with pytest.raises(UserError, match=sentence) as caught:
        read_state_file(path)
    assert "\n" not in str(caught.value)


def test_what_does_not_fit_is_named_a_dozen_at_most(tmp_path):
    state = {f"extra.{number}": torch.zeros(1) for number in range(30)} | tensors()
    state["fc.weight"] = torch.zeros(4, 3)
    with pytest.raises(UserError, match="unexpected are .* and 26 more; wrongly shaped are fc.weight") as caught:
        whole_network(str(write(tmp_path / "n.pth", state)))
    assert str(caught.value).count("extra.") == 4


def imported(path: Path, out: Path, *more: str) -> int:
    words = ["import", str(path), "--task", "meadow", "--labels", ",".join(LABELS), "--out", str(out)]
    return main.main([*words, *more])


@pytest.mark.parametrize(
    ("depth", "name"), [(18, "plain.safetensors"), (18, "lightning.ckpt"), (50, "transformers.safetensors")]
)
def test_an_imported_network_computes_what_its_source_does(depth, name, tmp_path, capsys, monkeypatch):
    state, folder = tensors(depth), tmp_path / "source"
    folder.mkdir()
    path = write(folder / name, WAYS[name](state))
    variant = "v1.5"
    if name.startswith("transformers"):
        assert imported(path, tmp_path / "out") == 2  # Nothing says where the stride is.
        assert "--variant v1" in capsys.readouterr().err and not (tmp_path / "out").exists()
        variant = "v1"
        config = {"model_type": "resnet", "downsample_in_bottleneck": True}
        (folder / "config.json").write_text(json.dumps(config))
    assert imported(path, tmp_path / "out") == 0
    assert f"ResNet-{depth} {variant} with 4 classes" in capsys.readouterr().out
    made = checkpoints.load_folder(tmp_path / "out")
    assert (made.depth, made.variant, made.spec.labels, made.spec.size) == (depth, variant, LABELS, 224)

    photos = sorted((Path(resnet_demo.__file__).parent / "examples").glob("*a*i*.jpg"))[:2]
    prepared = [tasks.preprocess(made.spec, Image.open(photo).convert("RGB"))[0] for photo in photos]
    batch = torch.from_numpy(tasks.normalise(made.spec, np.stack(prepared)))
    source = resnet_demo.ResNet(depth, 4, variant).eval()
    source.load_state_dict(state)
    with torch.no_grad():
        wanted = source(batch).numpy()
        if variant == "v1.5":
            np.testing.assert_allclose(whole_network(str(path))(batch).numpy(), wanted, atol=1e-4)
        rounded = build_network(made)(batch).numpy()
    # Eight bits change the logits by less than a twentieth of their range.
    assert np.abs(rounded - wanted).max() < 0.05 * np.ptp(wanted)
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "out"))
    assert main.main(["predict", str(photos[0]), "--task", "meadow", "--depth", str(depth), "--json"]) == 0
    top = json.loads(capsys.readouterr().out)["top_k"][0]
    assert top["label"] == LABELS[int(wanted[0].argmax())]


def test_labels_of_a_file_and_what_they_must_be(tmp_path, capsys):
    path = write(tmp_path / "n.pth", tensors())
    (tmp_path / "names.txt").write_text("\n".join(LABELS[:3]))
    words = ["import", str(path), "--task", "meadow", "--out", str(tmp_path / "out"), "--labels"]
    for labels, sentence in {
        str(tmp_path / "names.txt"): "does not fit a ResNet-18 with 3 outputs",
        "nowhere.txt": "There is no file nowhere.txt",
        ",".join(f"a class with a long name {number}" for number in range(40)): "a ResNet-18 with 40 outputs",
        "a,b,a,c": "The class a is named twice",
    }.items():
        assert main.main([*words, labels]) == 2
        error = capsys.readouterr().err
        assert sentence in error and error.count("\n") == 1 and not (tmp_path / "out").exists()
