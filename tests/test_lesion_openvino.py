"""Blocks left out without PyTorch: the gates of the OpenVINO graph."""

from __future__ import annotations

import numpy as np
import pytest
import tiny

from resnet_demo.backends.openvino import OpenVinoEngine
from resnet_demo.backends.openvino_lesion import GatedNetwork, WithoutBlocks

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


def test_a_block_that_is_none_is_refused():
    checkpoint = tiny.random_checkpoint()
    with pytest.raises(ValueError, match="no block layer9.0"):
        GatedNetwork(checkpoint).features(tiny.pictures(1, checkpoint.spec.size), ["layer9.0"])
