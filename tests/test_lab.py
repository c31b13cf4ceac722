"""The Lab: blocks left out of a network, gradients through the layers, numbers of the architecture, stages."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES

from resnet_demo import checkpoints
from resnet_demo.inference.predictor import make_predictor
from resnet_demo.page.tabs import classify, compare, compare_cards, lab, lab_blocks

PHOTO = str(EXAMPLES / "dahlia.jpg")


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory):
    """Narrow random networks in the place of the bundled ones."""
    with pytest.MonkeyPatch.context() as patch:
        tiny.narrow(patch)
        with tiny.page_weights(tmp_path_factory, (tiny.FLOWERS, 18), (tiny.FACES, 18)) as root:
            yield root


def asked(*out: str, network: str = "flowers102/18") -> lab.Question:
    return lab.Question(PHOTO, "flowers102", 18, lab.Board(network, out))


# --- Blocks -----------------------------------------------------------------------------------------------------------


def test_an_answer_without_blocks_is_that_of_the_network_without_them():
    network = make_predictor("tiny", checkpoint=tiny.random_checkpoint())
    whole = network(tiny.photo())
    np.testing.assert_allclose(whole.without().probabilities, whole.probabilities, atol=0.02)
    without = whole.without("layer2.1", "layer4.0")
    assert abs(without.probabilities - whole.probabilities).max() > 1e-3
    np.testing.assert_allclose(
        without.probabilities, network.without("layer2.1", "layer4.0")(tiny.photo()).probabilities, atol=1e-5
    )
    assert len(without.top_k) == len(whole.top_k) and without.window == whole.window
    assert without.low_resolution_cam(0).shape == whole.low_resolution_cam(0).shape


def test_the_row_of_blocks_comes_with_the_network_and_stays_while_blocks_are_pressed():
    first = lab.answer(asked(network=""))
    assert first["board"]["stages"] == {f"layer{n}": [f"layer{n}.0", f"layer{n}.1"] for n in (1, 2, 3, 4)}
    assert first["board"]["network"] == "flowers102/18" and "Whole network" in first["pair"]
    assert first["pair"].count("<img") == 1 and "All 8 blocks are in" in first["line"]
    pressed = lab.answer(asked("layer1.0", "layer4.1", "layer9.9"))
    assert "board" not in pressed and pressed["pair"].count("<img") == 2
    assert "Without layer1.0, layer4.1<" in pressed["pair"] and "2 of 8 blocks out" in pressed["line"]
    token = r'data-token="(.*?)"'
    assert re.findall(token, first["pair"]) == re.findall(token, pressed["pair"])


@pytest.mark.parametrize("payload", [None, 3, {}, {"out": "layer1.0"}, {"network": None, "out": None}])
def test_nonsense_of_the_browser_is_an_empty_row(payload):
    assert lab.Question(PHOTO, "flowers102", 18, payload).board == lab.Board()


def test_the_words_say_whether_the_answer_is_another_one():
    before = classify.classifier("flowers102", 18)(PHOTO, 3)
    same, other = before.without(), before.without("layer1.0", "layer4.1")
    assert "and it still says" in lab_blocks.words(before, same, ["layer1.0"])
    best = int(before.probabilities.argmax())
    flipped = np.roll(other.probabilities, 1 + best - int(other.probabilities.argmax()))
    from dataclasses import replace

    said = lab_blocks.words(before, replace(other, probabilities=flipped), ["layer1.0", "layer4.1"])
    assert "it says <b>" in said and f"{before.top_k[0].label} had" in said


def test_each_block_is_tried_with_progress_and_gets_a_bar():
    *steps, last = lab.each(PHOTO, "flowers102", 18)
    assert "0 of 8 blocks tried" in steps[0] and "4 of 8" in steps[1] and "<progress" in steps[1]
    assert last.count("<i") == 8
    whole = classify.classifier("flowers102", 18)(PHOTO, 3)
    best = int(whole.probabilities.argmax())
    drop = 100 * float(whole.probabilities[best] - whole.without("layer3.1").probabilities[best])
    assert f'title="layer3.1: {drop:.3g} points"' in last


@pytest.mark.parametrize(
    ("idle", "sentence"),
    [
        ((), "All 8 blocks of this network do something"),
        (("layer3.1",), "7 of the 8 blocks of this network do anything"),
    ],
)
def test_the_shares_say_how_many_blocks_do_anything(weights, idle, sentence):
    folder = checkpoints.find("flowers102", 18).config.parent
    blocks = {f"layer{n}": [f"layer{n}.0", f"layer{n}.1"] for n in (1, 2, 3, 4)}
    assert "was not measured" in lab_blocks.shares("faces68", 18, blocks)
    changes = {name: 0.2 if name in idle else 40.0 for names in blocks.values() for name in names}
    checkpoints.copy(folder, folder, {}, None, {"lesions": {"changes": changes, "pictures": 9}})
    checkpoints.register(folder)
    said = lab_blocks.shares("flowers102", 18, blocks)
    assert sentence in said and "Over 9 validation photos" in said
    assert said.count("is-idle") == len(idle)


def test_a_card_of_compare_leads_here():
    card = next(compare.answers(PHOTO, "flowers102", [18]))
    assert 'href="?tab=lab&amp;task=flowers102&amp;depth=18&amp;language=en"' in compare_cards.filled(card, False, None)
