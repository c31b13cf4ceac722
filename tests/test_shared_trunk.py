"""Tasks whose networks differ in the head alone: stored once, loaded once, and each a task like any other."""

from __future__ import annotations

import csv
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from hub_server import HubServer
from PIL import Image

import resnet_demo
from resnet_demo import checkpoints
from resnet_demo.backends import factory
from resnet_demo.backends.other_head import OtherHead
from resnet_demo.checkpoints import Metric
from resnet_demo.checkpoints import index as checkpoint_index
from resnet_demo.checkpoints.calibration_record import CalibrationRecord, Fitted
from resnet_demo.checkpoints.hub import HubSource
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.inference import predictor
from resnet_demo.inference.base import Predictor
from resnet_demo.publish.weights import choose, weights_files
from resnet_demo.tasks import TaskSpec
from resnet_demo.tasks.calibration import ClassMeans

pytestmark = pytest.mark.usefixtures("narrow")

GARDEN = replace(tiny.FLOWERS, name="garden", labels=(*tiny.FLOWERS.labels, "Lilac", "Peony"))
BUDS = TaskSpec("flowers5", "classification", labels=("rose", "tulip", "bud"), size=64, resize=64)
TASKS = {"flowers102": tiny.FLOWERS, "garden": GARDEN, "flowers5": BUDS}


def write_data(root: Path) -> None:
    """Pictures of flowers102, which are garden's too, and of flowers5."""
    random = np.random.default_rng(0)
    for spec in (tiny.FLOWERS, BUDS):
        folder = root / spec.name
        folder.mkdir(parents=True)
        rows: list[tuple[str | int, ...]] = [("image", "label", "split")]
        for index in range(24):
            Image.fromarray(random.integers(0, 255, (72, 72, 3), dtype=np.uint8)).save(folder / f"{index}.png")
            rows.append((f"{index}.png", index % len(spec.labels), ("train", "val", "test")[index % 3]))
        for name, lines in (("labels.csv", rows), ("classes.csv", [("label", "name"), *enumerate(spec.labels)])):
            with (folder / name).open("w", newline="") as file:
                csv.writer(file).writerows(lines)


@pytest.fixture(scope="module")
def trained(narrow, tmp_path_factory) -> tuple[Path, Path]:
    """The folder of three checkpoints of one network, with ranges, and that of their data."""
    root = tmp_path_factory.mktemp("trained")
    write_data(root / "data")
    state = tiny.random_state(18, 13)
    for (task, spec), rows in zip(TASKS.items(), (slice(0, 4), slice(4, 10), slice(10, 13)), strict=True):
        own = {key: value[rows] if key.startswith("fc.") else value for key, value in state.items()}
        command = f"python -m resnet_demo train {task} --depth 18 --init scratch --out {task}"
        extra = {"recipe": {"train_splits": ["train"]}, "commands": [command]}
        checkpoints.save(root / task, own, spec, 18, "v1.5", {}, extra=extra)
    return root, root / "data"


@pytest.fixture(scope="module")
def made(trained, tmp_path_factory) -> Path:
    """A folder as ``weights/`` into which the three were bundled, by the command line."""
    folder, data = trained
    root = tmp_path_factory.mktemp("made") / "weights"
    root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_DEMO_WEIGHTS", str(root))
        for task in TASKS:
            assert main(["bundle", str(folder / task), "--data", str(data)]) == 0
    return root


@pytest.fixture
def bundled(made, tmp_path, monkeypatch) -> Path:
    """A copy of it."""
    root = shutil.copytree(made, tmp_path / "weights")
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(root))
    return root


def sizes(root: Path) -> dict[str, int]:
    return {task: (root / task / "resnet18" / "model.safetensors").stat().st_size for task in TASKS}


def test_the_network_is_stored_once_and_each_task_measured(bundled, trained):
    whole, *heads = sizes(bundled).values()
    assert whole > 20 * max(heads)
    for task, spec in TASKS.items():
        entry, before = checkpoints.find(task, 18), checkpoints.load_folder(trained[0] / task)
        assert entry.metrics["top1"].n == 8
        assert entry.size == sizes(bundled)[task] + (0 if task == "flowers102" else whole)
        loaded = checkpoints.load(task, 18)
        assert loaded.spec.labels == spec.labels
        assert loaded.stored.keys() == before.stored.keys()
        assert all(np.array_equal(values, before.stored[key]) for key, values in loaded.stored.items())
        assert ("has the head alone" in (entry.config.parent / "README.md").read_text()) is bool(entry.trunk)


def test_a_network_is_loaded_once_for_all_its_tasks(bundled, monkeypatch):
    monkeypatch.setattr(predictor, "_loaded", {})
    photo = Image.fromarray(np.random.default_rng(1).integers(0, 255, (80, 90, 3), dtype=np.uint8))
    loaded = {task: resnet_demo.load(task, 18) for task in TASKS}
    first, *others = [one.engine for one in loaded.values()]
    assert not isinstance(first, OtherHead)
    assert all(isinstance(engine, OtherHead) and engine.trunk is first for engine in others)
    for task, shared in loaded.items():
        alone = predictor.make_predictor(task, 18)
        one, other = shared(photo), alone(photo)
        assert one.task == other.task == task
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)
        np.testing.assert_allclose(one.cam(), other.cam(), atol=1e-5)
        np.testing.assert_allclose(one.cam(layer="layer2"), other.cam(layer="layer2"), atol=1e-3)


def test_a_network_that_several_ask_for_at_once_is_compiled_once(bundled, monkeypatch):
    monkeypatch.setattr(predictor, "_loaded", {})
    made, make_engine = [], factory.make_engine
    together = threading.Barrier(len(TASKS))

    def counted(checkpoint, device):
        made.append(checkpoint.spec.name)
        return make_engine(checkpoint, device)

    def ask(task: str) -> Predictor:
        together.wait()
        return predictor.load(task, 18)

    monkeypatch.setattr(factory, "make_engine", counted)
    with ThreadPoolExecutor(len(TASKS)) as pool:
        loaded = list(pool.map(ask, TASKS))
    assert len(made) == 1 and [one.task for one in loaded] == list(TASKS)


def test_a_network_that_is_trained_anew_leaves_the_others_theirs(bundled, trained, tmp_path):
    before = {task: checkpoints.load(task, 18).stored for task in TASKS}
    config = checkpoints.read_config(trained[0] / "flowers102")
    kept = {key: config.record[key] for key in ("recipe", "commands")}
    checkpoints.save(tmp_path / "anew", tiny.random_state(18, 4, seed=5), tiny.FLOWERS, 18, "v1.5", {}, extra=kept)
    assert main(["bundle", str(tmp_path / "anew"), "--data", str(trained[1])]) == 0
    for task in ("garden", "flowers5"):
        now = checkpoints.load(task, 18).stored
        assert checkpoints.find(task, 18).trunk is None
        assert all(np.array_equal(values, before[task][key]) for key, values in now.items())
    assert not np.array_equal(
        checkpoints.load("flowers102", 18).stored["conv1.weight"], before["flowers102"]["conv1.weight"]
    )


def test_a_head_that_is_trained_anew_leaves_the_network_to_all(bundled, trained, tmp_path):
    before = sizes(bundled)
    state = checkpoints.load("flowers102", 18).state
    state |= {"fc.weight": state["fc.weight"][::-1], "fc.bias": state["fc.bias"][::-1]}
    config = checkpoints.read_config(trained[0] / "flowers102")
    kept = {key: config.record[key] for key in ("recipe", "commands")}
    checkpoints.save(tmp_path / "head", state, tiny.FLOWERS, 18, "v1.5", {}, extra=kept)
    assert main(["bundle", str(tmp_path / "head"), "--data", str(trained[1])]) == 0
    assert sizes(bundled) == before
    assert checkpoints.same_trunk(checkpoints.load("flowers102", 18), checkpoints.load("garden", 18))


def test_a_head_that_is_bundled_again_keeps_its_calibration(bundled, trained):
    folder, network = bundled / "garden" / "resnet18", checkpoints.load("garden", 18)
    measured = {
        name: Metric(50.0, 40.0, 60.0, 8) for name in ("ece", "ece_before", "nll", "nll_before", "flagged_known")
    }
    means = ClassMeans.of(np.ones((6, network.architecture.width), np.float32))
    record = CalibrationRecord(1.5, means.to_json(), "x", Fitted(9, 9, False, 0.9), measured, [], {})
    checkpoints.copy(folder, folder, {}, None, {"calibration": record})
    assert main(["bundle", str(trained[0] / "garden"), "--data", str(trained[1])]) == 0
    assert checkpoints.load("garden", 18).calibration.temperature == 1.5


@pytest.mark.parametrize("change", [{"file": "/etc/passwd"}, {"sha256": None}, {"bytes": "7"}, {"file": 3}])
def test_a_record_that_names_no_sound_trunk(change, bundled):
    record = json.loads((bundled / "index.json").read_text())
    line = next(line for line in record["checkpoints"] if line["task"] == "garden")
    line["trunk"] |= change
    (bundled / "index.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match="index.json"):
        checkpoints.find("garden", 18)


def test_a_trunk_outside_of_its_repository_is_not_looked_for(bundled):
    entry = checkpoints.find("garden", 18)
    source = HubSource("you/weights", "0" * 40, "garden/model.safetensors")
    remote = replace(entry, hub=source, other_index=True)
    assert not remote.is_cached
    with pytest.raises(UserError, match="outside of its repository"):
        checkpoint_index.trunk_source(source, remote.trunk)


def test_further_classes_need_pictures(trained, tmp_path, capsys):
    words = ["train", "garden", "--depth", "18", "--init", "scratch", "--out", str(tmp_path / "run")]
    assert main([*words, "--data", str(trained[1]), "--set", "epochs=1", "shared={}"]) == 2
    assert "There are no pictures of Daylily, Jasmine" in capsys.readouterr().err


def test_another_trunk_than_the_one_that_was_trained_with_is_refused(bundled, trained):
    shutil.copyfile(trained[0] / "garden" / "model.safetensors", bundled / "flowers102/resnet18/model.safetensors")
    with pytest.raises(UserError, match="flowers102/resnet18/model.safetensors are damaged"):
        checkpoints.load("garden", 18)


def test_a_calibrated_head_stays_a_head(bundled, trained):
    before = sizes(bundled)
    checkpoints.copy(bundled / "garden/resnet18", bundled / "elsewhere", {}, None, {})
    copied = checkpoints.load_folder(bundled / "elsewhere")
    assert np.array_equal(copied.stored["conv1.weight"], checkpoints.load("garden", 18).stored["conv1.weight"])
    checkpoints.copy(bundled / "garden/resnet18", bundled / "garden/resnet18", {}, None, {"note": "x"})
    assert sizes(bundled) == before


def test_what_is_published_and_pulled(bundled, tmp_path, monkeypatch):
    selection = choose(["garden"])
    files = {file.path: file for file in weights_files(selection, "you/weights")}
    assert files["flowers102/resnet18/model.safetensors"].size == sizes(bundled)["flowers102"]
    wanted = checkpoints.load("garden", 18).stored
    with HubServer(tmp_path / "hub") as hub:
        hub.commit("you/weights", {path: file.read() for path, file in files.items()})
        hub.patch(monkeypatch)
        monkeypatch.setenv("RESNET_DEMO_HUB_REPO", "you/weights")
        entry = checkpoints.find("garden", 18)
        assert not entry.is_cached
        came: list[int] = []
        pulled = checkpoints.load_entry(entry, lambda done, _: came.append(done)).stored
        whole, head, _ = sizes(bundled).values()
        assert came[-1] == whole and head not in came  # The bar runs through once.
        assert entry.is_cached and all(np.array_equal(values, pulled[key]) for key, values in wanted.items())
        network = resnet_demo.ResNet.from_pretrained("you/weights", task="garden", depth=18)
        assert network.spec.labels == GARDEN.labels


def test_a_folder_of_weights_is_read_by_from_pretrained(bundled):
    network = resnet_demo.ResNet.from_pretrained(bundled, task="flowers5", depth=18)
    assert network.spec.labels == BUDS.labels and network.fc.out_features == 3
