"""Growing: the deeper network computes what the shallower one does, with identities at the stated positions."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny
import torch
from torch.nn import functional as F

from resnet_demo import checkpoints
from resnet_demo.backends.torch_network import with_weights
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import STAGES, architecture_of
from resnet_demo.models.resnet import ResNet
from resnet_demo.training.networks.grow import grow_state, inserted_blocks, kept_positions

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
def test_a_grown_network_computes_the_same(old, new):
    state = tiny.random_state(old, OUTPUTS)
    before, after = network_of(state, old), network_of(grow_state(state, old, new), new)
    x = pictures()
    torch.testing.assert_close(after(x), before(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("old", "new"), WAYS)
def test_exactly_the_stated_blocks_are_identities_and_the_others_the_old_ones(old, new):
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
