"""Blocks left out without PyTorch: the gates of the OpenVINO graph."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES

from resnet_demo.backends.openvino import OpenVinoEngine
from resnet_demo.backends.openvino_lesion import WithoutBlocks
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.inference.predictor import make_predictor

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.mark.parametrize("depth", [18, 50])
def test_a_block_left_out_is_one_whose_residual_branch_is_zero(depth):
    checkpoint = tiny.random_checkpoint(depth=depth)
    whole = OpenVinoEngine(checkpoint, "f32")
    pictures = tiny.pictures(2, checkpoint.spec.size)
    out = ("layer2.0", "layer3.1")  # one with a projection, one without
    silent = tiny.random_checkpoint(depth=depth)
    last = {block.name: block.convolutions[-1].norm for block in silent.architecture.blocks}
    for name in out:
        for part in ("weight", "bias"):
            silent.stored[f"{last[name]}.{part}"] = np.zeros_like(silent.stored[f"{last[name]}.{part}"])
    expected = OpenVinoEngine(silent, "f32").run(pictures)
    without = WithoutBlocks(whole, out).run(pictures)
    np.testing.assert_allclose(without.features, expected.features, rtol=0.02, atol=0.02 * expected.features.max())
    assert abs(without.logits - whole.run(pictures).logits).max() > 10 * abs(without.logits - expected.logits).max()
    nothing = WithoutBlocks(whole, ()).run(pictures)
    np.testing.assert_allclose(nothing.logits, whole.run(pictures).logits, atol=0.02 * abs(nothing.logits).max())


def test_a_predictor_without_blocks_answers_with_heat_and_leaves_the_whole_one_alone():
    whole = make_predictor("tiny", checkpoint=tiny.random_checkpoint())
    photo, before = tiny.photo(), whole(tiny.photo()).probabilities
    without = whole.without("layer2.1", "layer4.1")
    answer = without(photo)
    assert abs(answer.probabilities - before).max() > 1e-3
    assert answer.cam().shape == (photo.height, photo.width)
    assert np.array_equal(whole(photo).probabilities, before)
    with pytest.raises(UserError, match="heat of layer4 only"):
        answer.cam(layer="layer3")


def test_blocks_that_were_left_out_stay_out():
    whole, photo = make_predictor("tiny", checkpoint=tiny.random_checkpoint()), tiny.photo(seed=3)
    both = whole.without("layer2.1", "layer4.1")(photo)
    one_by_one = whole.without("layer2.1").without("layer4.1")
    np.testing.assert_array_equal(one_by_one(photo).probabilities, both.probabilities)
    assert not np.array_equal(whole.without("layer4.1")(photo).probabilities, both.probabilities)


@pytest.mark.usefixtures("whole")
def test_the_command_leaves_blocks_out_and_refuses_those_that_are_none(capsys):
    photo = str(EXAMPLES / "dahlia.jpg")
    command = ["predict", photo, "--depth", "18", "--json"]
    assert main(command) == 0 and main([*command, "--without", "layer4.0,layer4.1"]) == 0
    whole, without = (json.loads(line)["top_k"] for line in capsys.readouterr().out.splitlines())
    assert whole != without
    assert main([*command, "--without", "layer9.0"]) == 2
    assert "The network has no block 'layer9.0': choose among layer1.0, layer1.1" in capsys.readouterr().err
