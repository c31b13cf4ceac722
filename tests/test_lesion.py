"""The command ``lesion``: which blocks of a network do anything."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
import tiny
import torch
from conftest import ROOT

from resnet_demo import checkpoints
from resnet_demo.backends.torch_network import with_weights
from resnet_demo.cli.main import main
from resnet_demo.models.resnet import ResNet
from resnet_demo.training.cards.card import model_card
from resnet_demo.training.evaluation.lesion import LesionFinder

EXAMPLES = ROOT / "resnet_demo" / "examples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny checkpoint, not in any index, whose block layer3.1 does nothing."""
    folder = tmp_path_factory.mktemp("lesion") / "tiny"
    state = tiny.random_state(18, 4)
    for part in ("weight", "bias"):
        state[f"layer3.1.bn2.{part}"] = np.zeros_like(state[f"layer3.1.bn2.{part}"])
    checkpoints.save(folder, state, tiny.FLOWERS, 18, "v1.5", {}, card="# Tiny\n")
    return folder


def test_the_block_that_sleeps_is_found_and_the_card_says_so(folder, capsys):
    before = (folder / checkpoints.MODEL).read_bytes()
    assert main(["lesion", "--weights", str(folder), "--pictures", str(EXAMPLES)]) == 0
    lines = capsys.readouterr().out.splitlines()
    changes = {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith("layer")}
    assert len(changes) == 8 and changes["layer3.1"] == 0
    assert all(change > 1 for block, change in changes.items() if block != "layer3.1")
    assert lines[-1].startswith("7 of 8 blocks change them by 1 % or more.")
    assert (folder / checkpoints.MODEL).read_bytes() == before
    config = checkpoints.read_config(folder).changed(commands=["python -m resnet_demo train flowers102 --depth 18"])
    card = model_card(config)
    assert "for 7 of 8 blocks, measured on 8 pictures. Without any one of the others (`layer3.1`)" in card
    assert config.lesions.command in card


def test_the_change_is_that_of_a_network_without_the_residual_branch(folder):
    checkpoint = checkpoints.load_folder(folder)
    finder = LesionFinder(checkpoint)
    pictures = tiny.pictures(5, checkpoint.spec.size)
    whole = finder.run(pictures).logits
    state = checkpoint.state
    for part in ("weight", "bias"):
        state[f"layer2.0.bn2.{part}"] = np.zeros_like(state[f"layer2.0.bn2.{part}"])
    network = with_weights(state, 18, 4, "v1.5", "test", ResNet)
    assert network.layer2[0].last_norm is network.layer2[0].bn2
    mean, std = (np.reshape(values, (3, 1, 1)) * 255 for values in (checkpoint.spec.mean, checkpoint.spec.std))
    x = torch.from_numpy(((pictures.transpose(0, 3, 1, 2) - mean) / std).astype(np.float32))
    with torch.inference_mode():
        without = network(x).numpy()
    spread = np.sqrt(np.square(whole - whole.mean(axis=0)).mean())
    expected = 100 * np.sqrt(np.square(without - whole).mean()) / spread
    assert finder.found().changes["layer2.0"] == pytest.approx(expected, rel=1e-3)


def test_photos_are_counted_and_not_the_faces_in_them(tmp_path, monkeypatch):
    tiny.narrow(monkeypatch)
    checkpoints.save(tmp_path / "faces", tiny.random_state(18, 136), tiny.FACES, 18, "v1.5", {})
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("two-people", "president", "dahlia"):
        shutil.copy(EXAMPLES / f"{name}.jpg", photos)
    assert main(["lesion", "--weights", str(tmp_path / "faces"), "--pictures", str(photos)]) == 0
    assert checkpoints.read_config(tmp_path / "faces").lesions.pictures == 2


def test_pictures_without_anything_of_the_task_are_refused(tmp_path, monkeypatch, capsys):
    tiny.narrow(monkeypatch)
    checkpoints.save(tmp_path / "faces", tiny.random_state(18, 136), tiny.FACES, 18, "v1.5", {})
    (tmp_path / "none").mkdir()
    tiny.photo().save(tmp_path / "none" / "noise.png")
    assert main(["lesion", "--weights", str(tmp_path / "faces"), "--pictures", str(tmp_path / "none")]) == 2
    assert "At least two pictures that show something of the task are needed" in capsys.readouterr().err


BUNDLED = [
    pytest.param(record["task"], record["depth"], (ROOT / "weights" / record["file"]).parent, id=record["file"])
    for record in json.loads((ROOT / "weights" / "index.json").read_text("utf-8"))["checkpoints"]
    if record["file"]
]


def documented() -> dict[tuple[str, int], str]:
    """(task, depth) → "16 of 33", as docs/accuracy.md says it."""
    text = (ROOT / "docs" / "accuracy.md").read_text("utf-8")
    table = re.search(r"^## Blocks that work\n[^|]*\n((?:\|.*\n)+)", text, re.MULTILINE)[1]
    (_, *names), _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines())
    cells = {(name, int(row[0])): cell for row in rows for name, cell in zip(names, row[1:], strict=True)}
    return {key: re.match(r"\d+ of \d+", cell)[0] for key, cell in cells.items() if cell != "–"}


@pytest.mark.parametrize(("task", "depth", "folder"), BUNDLED)
def test_every_bundled_checkpoint_knows_which_of_its_blocks_work_and_the_documents_say_so(task, depth, folder):
    config = checkpoints.read_config(folder)
    found = config.lesions
    assert found, f"run resnet-demo lesion {task} --depth {depth}"
    assert [*found.changes] == [block.name for block in config.architecture.blocks]
    assert found.pictures >= 200 and f"lesion {task} --depth {depth}" in found.command
    said = f"{found.working} of {len(found.changes)}"
    assert documented()[task, depth] == said, f"docs/accuracy.md, Blocks that work: {said}"
    assert f"for {said} blocks" in (folder / "README.md").read_text("utf-8")
    if task == "flowers102":  # The page and the README count on it.
        assert not found.idle


def test_the_documents_name_no_network_that_is_not_bundled():
    assert {*documented()} == {param.values[:2] for param in BUNDLED}
