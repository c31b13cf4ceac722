"""Growing: the deeper network computes what the shallower one does, with identities at the stated positions, or nearly
so, with all its blocks at work."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import tiny
import torch
from conftest import ROOT
from PIL import Image
from torch.nn import functional as F

from resnet_demo import checkpoints
from resnet_demo.backends.torch_network import with_weights
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import STAGES, architecture_of
from resnet_demo.models.resnet import ResNet
from resnet_demo.training.cards.card import model_card
from resnet_demo.training.evaluation.lesion import LesionFinder
from resnet_demo.training.networks.grow import grow_state, inserted_blocks, kept_positions, shares

EXAMPLES = ROOT / "resnet_demo" / "examples"
OUTPUTS = 4
WAYS = [(50, 101), (101, 152), (18, 34)]
POSITIONS = {
    (50, 101): {
        "layer1": [],
        "layer2": [],
        "layer3": [1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20, 21, 22],
        "layer4": [],
    },
    (101, 152): {
        "layer1": [],
        "layer2": [1, 3, 5, 7],
        "layer3": [2, 5, 8, 11, 13, 16, 19, 22, 24, 27, 30, 33, 35],
        "layer4": [],
    },
    (18, 34): {"layer1": [2], "layer2": [1, 3], "layer3": [1, 2, 4, 5], "layer4": [2]},
}


def network_of(state: dict[str, np.ndarray], depth: int) -> ResNet:
    return with_weights(state, depth, OUTPUTS, "v1.5", "the test", ResNet)


def pictures() -> torch.Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("old", "new"), WAYS)
@torch.inference_mode()
def test_a_grown_network_computes_the_same(old, new, monkeypatch):
    tiny.narrow(monkeypatch)
    state = tiny.random_state(old, OUTPUTS)
    before, after = network_of(state, old), network_of(grow_state(state, old, new), new)
    x = pictures()
    torch.testing.assert_close(after(x), before(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("old", "new"), WAYS)
def test_exactly_the_stated_blocks_are_identities_and_the_others_the_old_ones(old, new, monkeypatch):
    tiny.narrow(monkeypatch)
    inserted = inserted_blocks(old, new)
    assert inserted == POSITIONS[old, new]
    state = tiny.random_state(old, OUTPUTS)
    grown = grow_state(state, old, new)
    network = network_of(grown, new)
    for stage, before, after in zip(STAGES, architecture_of(old).counts, architecture_of(new).counts, strict=True):
        blocks = getattr(network, stage)
        silent = [index for index, block in enumerate(blocks) if not block.last_norm.weight.any()]
        assert silent == inserted[stage]
        assert len(blocks) == after
        for index in silent:
            x = torch.randn(1, blocks[index].conv1.in_channels, 4, 4, generator=torch.Generator().manual_seed(1))
            assert torch.equal(blocks[index](x), F.relu(x))
            assert blocks[index].conv1.weight.any()  # It has something to learn with as soon as its scale moves.
        for index, position in enumerate(kept_positions(before, after)):
            for key in (key for key in state if key.startswith(f"{stage}.{index}.")):
                assert np.array_equal(grown[key.replace(f"{stage}.{index}.", f"{stage}.{position}.", 1)], state[key])


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        (6, 23, [1, 5, 5, 4, 4, 4]),
        (4, 8, [1, 3, 2, 2]),
        (3, 3, [1, 1, 1]),
        (2, 6, [1, 5]),
        (23, 36, [1, *[2] * 13, *[1] * 9]),
    ],
)
def test_a_divided_stage_has_all_blocks(old, new, counts):
    assert shares(old, new) == counts
    assert sum(counts) == new


@torch.inference_mode()
def test_a_divided_block_adds_its_part_once_for_each():
    """Where its inputs stay the same, n parts are the whole: a block whose branch sees nothing adds a constant."""
    state = tiny.random_state(18, OUTPUTS)
    for key in state:
        if re.fullmatch(r"layer\d\.1\.conv2\.weight", key):  # What is left of the branch is its last norm's shift.
            state[key] = np.zeros_like(state[key])
            shift = key.replace("conv2.weight", "bn2.bias")
            state[shift] = np.abs(state[shift])  # Below zero the ReLU would cut each part.
            state[shift.replace("bias", "running_mean")] *= 0
    before, after = network_of(state, 18), network_of(grow_state(state, 18, 34, divided=True), 34)
    x = pictures()
    torch.testing.assert_close(after(x), before(x), rtol=1e-4, atol=1e-4)


def test_every_block_of_a_divided_network_works_and_its_answers_are_alike(tmp_path, capsys):
    source, out = ROOT / "weights" / "flowers102" / "resnet18", tmp_path / "grown"
    assert main(["grow", "--from", str(source), "--depth", "34", "--out", str(out), "--divided"]) == 0
    config = checkpoints.read_config(out)
    assert "--divided" in config.steps[-1].options
    config = config.changed(metrics={})
    assert "whose blocks are divided (layer1 from 2 to 3 as 1, 2; layer2" in model_card(config)
    before, after = LesionFinder(checkpoints.load_folder(source)), LesionFinder(checkpoints.load_folder(out))
    size = config.task.size
    photos = np.stack([photo.resize((size, size)) for photo in map(Image.open, sorted(EXAMPLES.glob("*.jpg")))])
    same, logits = before.run(photos).logits, after.run(photos).logits
    assert np.corrcoef(same.ravel(), logits.ravel())[0, 1] > 0.9
    changes = after.found().changes
    assert len(changes) == 16 and min(changes.values()) > 1


@pytest.mark.parametrize(("old", "new"), [(50, 34), (34, 50), (152, 101), (50, 50), (34, 18)])
def test_other_ways_are_refused(old, new):
    sentence = f"ResNet-{old} cannot grow to ResNet-{new}: what goes is 18 to 34, 50 to 101, 50 to 152, 101 to 152."
    with pytest.raises(UserError, match=sentence):
        inserted_blocks(old, new)


@torch.inference_mode()
def test_the_command_writes_a_checkpoint_of_the_same_function_with_its_history(tmp_path, capsys):
    history = ["python -m resnet_demo train flowers102 --depth 18 --init imagenet --out runs/x"]
    extra = {"recipe": {"epochs": 3}, "init": "imagenet", "commands": history}
    source, out = tmp_path / "source", tmp_path / "grown"
    checkpoints.save(source, tiny.random_state(18, OUTPUTS), tiny.FLOWERS, 18, "v1.5", {}, None, extra)
    command = ["grow", "--from", str(source), "--depth", "34", "--out", str(out)]
    assert main(command) == 0
    before, after = checkpoints.load_folder(source), checkpoints.load_folder(out)
    assert (after.depth, after.spec) == (34, before.spec)
    x = pictures()
    torch.testing.assert_close(network_of(after.state, 34)(x), network_of(before.state, 18)(x), rtol=1e-5, atol=1e-5)
    config = json.loads((out / "config.json").read_text())
    assert config["commands"] == [*history, f"python -m resnet_demo {' '.join(command)}"]

    assert main(["grow", "--from", str(out), "--depth", "50", "--out", str(tmp_path / "none")]) == 2
    assert "ResNet-34 cannot grow to ResNet-50" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
