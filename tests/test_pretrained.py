"""``ResNet.from_pretrained``, ``save_pretrained`` and ``push_to_hub``, with folders and with a Hub on this machine."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from conftest import ROOT
from hub_server import HubServer
from hub_uploads import OTHER, READ, WRITE, UploadServer
from safetensors.numpy import save as serialise

import resnet_demo
from resnet_demo import checkpoints, tasks
from resnet_demo.backends.torch_network import build_network
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.errors import UserError
from resnet_demo.export.formats import export
from resnet_demo.tasks import TaskSpec

pytestmark = pytest.mark.usefixtures("narrow")

REPO = "you/resnet-demo-weights"
ResNet = resnet_demo.ResNet


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with HubServer(tmp_path / "hub") as server:
        server.patch(monkeypatch)
        yield server


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """A folder as ``weights/``: flowers at depths 18 and 34, faces at 18."""
    root = tmp_path_factory.mktemp("weights")
    return tiny.weights_folder(root, (tiny.FLOWERS, 18), (tiny.FLOWERS, 34), (tiny.FACES, 18))


@pytest.fixture
def single(layout):
    """The folder of one checkpoint."""
    return layout / "flowers102" / "resnet18"


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def logits_of(network, size: int = 64) -> np.ndarray:
    """The logits of two pictures, without gradients."""
    batch = torch.from_numpy(tasks.normalise(tiny.FLOWERS, tiny.pictures(2, size)))
    with torch.no_grad():
        return network(batch).numpy()


def assert_is(network, checkpoint: Checkpoint) -> None:
    assert (network.depth, network.variant, network.spec) == (checkpoint.depth, checkpoint.variant, checkpoint.spec)
    assert not network.training and all(parameter.requires_grad for parameter in network.parameters())
    np.testing.assert_array_equal(logits_of(network), logits_of(build_network(checkpoint)))


def complaint(name, **options) -> str:
    with pytest.raises(UserError) as caught:
        ResNet.from_pretrained(name, **options)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message
    return message


def test_a_folder_with_one_checkpoint(single):
    assert_is(ResNet.from_pretrained(single), checkpoints.load_folder(single))
    assert_is(ResNet.from_pretrained(str(single), task="flowers102", depth=18), checkpoints.load_folder(single))


def test_a_folder_in_our_layout(layout):
    network = ResNet.from_pretrained(layout, task="flowers102", depth=34)
    assert_is(network, checkpoints.load_folder(layout / "flowers102" / "resnet34"))
    assert ResNet.from_pretrained(layout, task="faces68").spec == tiny.FACES


@pytest.mark.usefixtures("whole")
def test_a_folder_that_was_exported_keeps_its_variant(tmp_path):
    checkpoint = tiny.random_checkpoint(tiny.FLOWERS, 50, "v1")
    export(checkpoint, "safetensors", tmp_path / "model.safetensors")
    assert_is(ResNet.from_pretrained(tmp_path), checkpoint)


def test_a_repository_in_our_layout_sends_only_what_is_asked_for(hub, layout):
    revision = hub.commit(REPO, files_of(layout))
    network = ResNet.from_pretrained(REPO, task="flowers102", depth=18, revision=revision)
    assert_is(network, checkpoints.load_folder(layout / "flowers102" / "resnet18"))
    fetched = {path.rpartition(f"/{revision}/")[2] for path in hub.paths() if "/resolve/" in path}
    folder = "flowers102/resnet18"
    assert fetched == {"index.json", f"{folder}/config.json", f"{folder}/model.safetensors"}
    hub.down()  # A pinned revision in the cache needs no Hub.
    assert_is(
        ResNet.from_pretrained(REPO, task="flowers102", depth=18, revision=revision),
        checkpoints.load_folder(layout / "flowers102" / "resnet18"),
    )


def test_all_files_are_of_one_commit(hub, single, monkeypatch):
    hub.commit(REPO, files_of(single))
    old = checkpoints.load_folder(single)
    answer, moved = hub.answer, []

    def answer_and_move(request):
        given = answer(request)
        if request.path.endswith("/config.json") and request.method == "GET" and not moved:
            moved.append(hub.commit(REPO, {"config.json": b"{}", "model.safetensors": b"new"}))
        return given

    monkeypatch.setattr(hub, "answer", answer_and_move)
    assert_is(ResNet.from_pretrained(REPO), old)
    assert moved


def test_token_cache_folder_and_branch_are_passed_on(hub, single, tmp_path):
    hub.commit(REPO, files_of(single), branch="next")
    hub.private[REPO] = "secret"
    assert "private" in complaint(REPO, revision="next")
    cache = tmp_path / "cache"
    network = ResNet.from_pretrained(REPO, revision="next", token="secret", cache_dir=cache)
    assert_is(network, checkpoints.load_folder(single))
    assert list(cache.rglob("model.safetensors")) and not list(hub.cache.rglob("model.safetensors"))
    before = len(hub.log)
    ResNet.from_pretrained(REPO, revision="next", cache_dir=cache, local_files_only=True)
    assert len(hub.log) == before


def test_a_record_that_points_elsewhere_is_followed(hub, single, tmp_path):
    """An index whose weights lie in another repository, float32, with timm's configuration."""
    spec = TaskSpec("imagenet1k", "classification", labels=tuple(map(str, range(1000))), size=64, resize=64)
    checkpoint = tiny.random_checkpoint(spec, 18)
    weights = serialise(checkpoint.state)
    timm = {"architecture": "resnet18", "num_classes": 1000, "input_size": [3, 64, 64], "crop_pct": 1.0}
    timm |= {"mean": list(spec.mean), "std": list(spec.std)}
    revision = hub.commit("timm/r18", {"config.json": json.dumps(timm).encode(), "model.safetensors": weights})
    source = {"repo": "timm/r18", "revision": revision, "path": "model.safetensors", "format": "timm"}
    source["sha256"] = hashlib.sha256(weights).hexdigest()
    empty = dict.fromkeys(("file", "config", "bytes", "sha256"))
    record = {"task": "imagenet1k", "depth": 18, **empty, "metrics": {}, "hub": source}
    (tmp_path / "index.json").write_text(json.dumps({"checkpoints": [record]}))
    network = ResNet.from_pretrained(tmp_path, task="imagenet1k", depth=18)
    np.testing.assert_array_equal(logits_of(network), logits_of(build_network(checkpoint)))
    assert len(network.spec.labels) == 1000 and network.variant == "v1.5"
    assert ResNet.from_pretrained("timm/r18").spec == network.spec
    (cached,) = hub.cache.rglob("snapshots/*/model.safetensors")
    cached.write_bytes(weights[:-1] + b"x")
    assert "damaged" in complaint("timm/r18")
    assert ResNet.from_pretrained("timm/r18", force_download=True).spec == network.spec
    gone = {"file": "x/model.safetensors", "config": "x/config.json", "bytes": 1, "sha256": "1" * 64}
    (tmp_path / "index.json").write_text(json.dumps({"checkpoints": [record | gone]}))
    assert ResNet.from_pretrained(tmp_path).spec == network.spec
    source["sha256"] = "0" * 64
    (tmp_path / "index.json").write_text(json.dumps({"checkpoints": [record]}))
    assert "SHA-256" in complaint(tmp_path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "has several checkpoints, pass task= and depth=: faces68 (18), flowers102 (18, 34)."),
        ({"task": "flowers102"}, "has several checkpoints, pass task= and depth="),
        ({"task": "flowers102", "depth": 50}, "has no ResNet-50 for flowers102: choose from faces68 (18), flowers102"),
        ({"task": "cats"}, "has no checkpoint for cats: choose from"),
    ],
)
def test_what_a_layout_does_not_have(options, sentence, layout):
    assert sentence in complaint(layout, **options)


def test_a_single_checkpoint_of_another_task(single):
    assert "holds a ResNet-18 for flowers102" in complaint(single, task="faces68")
    assert "holds a ResNet-18 for flowers102" in complaint(single, depth=50)


def test_names_that_lead_nowhere(hub, tmp_path):
    assert "neither a folder on this machine nor the name" in complaint("./nowhere")
    assert "neither config.json nor index.json" in complaint(tmp_path)
    assert "does not exist or is private" in complaint("you/nothing")
    hub.commit(REPO, {"README.md": b""})
    assert f"{REPO} holds no ResNet" in complaint(REPO, task="flowers102")
    assert "no such revision" in complaint(REPO, revision="v9")


def test_no_hub_and_nothing_in_the_cache(hub, monkeypatch):
    hub.down()
    assert "cannot be reached" in complaint(REPO)
    assert "not in the Hub's cache" in complaint(REPO, local_files_only=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in complaint(REPO)


def forged(single, data: bytes) -> dict[str, bytes]:
    """A repository with other weights, for which its config.json vouches."""
    config = json.loads((single / "config.json").read_text())
    config["weights"] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return {"config.json": json.dumps(config).encode(), "model.safetensors": data}


def test_missing_and_surplus_keys_are_named(hub, single):
    state = tiny.random_state(18, 4)
    del state["bn1.bias"]
    state["surprise"] = np.zeros(3, np.float32)
    hub.commit(REPO, forged(single, serialise(state)))
    message = complaint(REPO)
    assert "missing are bn1.bias;" in message and "unexpected are surprise" in message


def test_weights_of_another_kind_or_damaged(hub, single):
    hub.commit(REPO, forged(single, b"PK\x03\x04" + bytes(100)))
    assert "is no weights file" in complaint(REPO)
    hub.commit(REPO, files_of(single) | {"model.safetensors": b"short"})
    assert "5 bytes instead of" in complaint(REPO)


def test_saving_and_loading_again(tmp_path):
    torch.manual_seed(0)
    network = ResNet(18, 4, "v1").eval()
    network.save_pretrained(tmp_path / "a", spec=tiny.FLOWERS, metrics={"top1": {"value": 90.0}})
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["README.md", "config.json", "model.safetensors"]
    loaded = ResNet.from_pretrained(tmp_path / "a")
    assert (loaded.spec, loaded.variant) == (tiny.FLOWERS, "v1")
    # Eight bits a weight.
    assert np.abs(logits_of(loaded) - logits_of(network)).max() < 0.05 * np.abs(logits_of(network)).max()
    (tmp_path / "a" / "README.md").write_text("mine")
    loaded.save_pretrained(tmp_path / "a")
    assert (tmp_path / "a" / "README.md").read_text() == "mine"
    # What was rounded once is not rounded further.
    np.testing.assert_allclose(logits_of(ResNet.from_pretrained(tmp_path / "a")), logits_of(loaded), atol=1e-5)
    assert checkpoints.load_folder(tmp_path / "a").metrics == {}


def test_the_card_has_a_head_that_the_hub_reads(tmp_path):
    from huggingface_hub import ModelCard

    ResNet(18, 136).save_pretrained(tmp_path, spec=tiny.FACES)
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.pipeline_tag == "keypoint-detection" and card.data.library_name == "resnet-demo"


def test_what_cannot_be_saved(tmp_path):
    network = ResNet(18, 5)
    with pytest.raises(UserError, match="has no task: pass spec="):
        network.save_pretrained(tmp_path / "a")
    with pytest.raises(UserError, match=r"fc.bias \(5,\) instead of \(4,\)"):
        network.save_pretrained(tmp_path / "a", spec=tiny.FLOWERS)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        ResNet(18, 4).save_pretrained(tmp_path / "file" / "a", spec=tiny.FLOWERS)


def test_the_package_stays_light():
    code = (
        "import sys, resnet_demo; print({'torch', 'huggingface_hub'} & sys.modules.keys()); resnet_demo.ResNet; "
        "print({'huggingface_hub'} & sys.modules.keys(), hasattr(resnet_demo, 'Nothing'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "set()", "False"]


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    with UploadServer(tmp_path / "uploads") as server:
        server.patch(monkeypatch)
        monkeypatch.setenv("HF_TOKEN", WRITE)
        yield server


def test_what_is_pushed_is_what_others_pull(uploads, single, tmp_path):
    network = ResNet.from_pretrained(single)
    address = network.push_to_hub("you/flowers", commit_message="First")
    assert "you/flowers" in address
    assert set(uploads.head("you/flowers")) >= {"config.json", "model.safetensors", "README.md"}
    assert_is(ResNet.from_pretrained("you/flowers"), checkpoints.load_folder(single))
    # A name of one's own, and through save_pretrained.
    assert "you/mine" in network.save_pretrained(tmp_path / "mine", push_to_hub=True)
    assert "config.json" in uploads.head("you/mine")


def test_a_card_on_the_hub_is_kept(uploads, single):
    network = ResNet.from_pretrained(single)
    network.push_to_hub("you/flowers")
    uploads.commit("you/flowers", uploads.head("you/flowers") | {"README.md": b"# Mine\n"})
    network.push_to_hub("you/flowers", metrics={"top1": {"value": 90.0}})
    assert uploads.head("you/flowers")["README.md"] == b"# Mine\n"
    assert json.loads(uploads.head("you/flowers")["config.json"])["metrics"] == {"top1": {"value": 90.0}}


@pytest.mark.parametrize(
    ("name", "token", "sentence"),
    [
        ("you/flowers", None, "needs a token"),
        ("you/flowers", READ, "may only read"),
        ("you/flowers", OTHER, "cannot write to you's repositories"),
        ("no such name", WRITE, "no such name"),
    ],
)
def test_what_cannot_be_pushed(name, token, sentence, uploads, single, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UserError, match=sentence):
        ResNet.from_pretrained(single).push_to_hub(name, token=token)
    assert uploads.writes() == []


def test_the_hub_goes_away_in_the_middle_of_a_push(uploads, single):
    network = ResNet.from_pretrained(single)
    uploads.drop("/commit/")
    with pytest.raises(UserError, match="connection to the Hub was lost"):
        network.push_to_hub("you/flowers")
    uploads.heal()
    network.push_to_hub("you/flowers")
    assert "model.safetensors" in uploads.head("you/flowers")


def test_torch_hub_loads_the_networks_of_a_clone(layout, monkeypatch):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(layout))
    network = torch.hub.load(str(ROOT), "resnet18", task="flowers102", source="local")
    assert not network.training and network.spec.labels == tiny.FLOWERS.labels
    again = ResNet.from_pretrained(layout, task="flowers102", depth=18)
    np.testing.assert_array_equal(logits_of(network), logits_of(again))
    assert torch.hub.load(str(ROOT), "resnet34", False, outputs=7, source="local").fc.out_features == 7
