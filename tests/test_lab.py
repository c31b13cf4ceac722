"""The Lab: blocks left out of a network, gradients through the layers, numbers of the architecture, stages."""

from __future__ import annotations

import gc
import re
from dataclasses import replace
from math import prod

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES

from resnet_demo import checkpoints
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.images.pixel_budget import budget
from resnet_demo.inference.predictor import make_predictor
from resnet_demo.lab import fresh, plots
from resnet_demo.lab.results import Epoch, Layer, Trap, read_rows, write_rows
from resnet_demo.models.architecture import ARCHITECTURES
from resnet_demo.page import result_cache
from resnet_demo.page.i18n import texts
from resnet_demo.page.tabs import (
    classify,
    compare,
    compare_cards,
    lab,
    lab_blocks,
    lab_layers,
    lab_numbers,
    lab_recorded,
    lab_sections,
    lab_training,
    lab_traps,
)
from resnet_demo.utils.linalg import in_pieces

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


def test_what_is_kept_of_a_photo_takes_no_room_of_the_photos_that_are_decoded():
    """An example is no larger than what the tab keeps, and is kept for a quarter of an hour."""
    result_cache.forget(0)
    gc.collect()
    before = budget.used
    kept, _ = lab.whole(str(EXAMPLES / "dahlia.jpg"), "flowers102", 18)
    gc.collect()
    assert max(kept.photo.size) <= lab.SIDE and budget.used == before


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


def test_the_shares_name_the_pictures_where_they_are_not_the_validation_ones(weights, monkeypatch):
    folder = checkpoints.find("flowers102", 18).config.parent
    blocks = {"layer1": ["layer1.0", "layer1.1"]}
    command = "python -m resnet_demo lesion flowers102 --depth 18"
    for options, sources in ((" --pictures flowers5 photos", "flowers5, photos"), ("", None)):
        record = {"command": command + options, "changes": {"layer1.0": 4.0, "layer1.1": 5.0}, "pictures": 9}
        checkpoints.copy(folder, folder, {}, None, {"lesions": record})
        checkpoints.register(folder)
        said = lab_blocks.shares("flowers102", 18, blocks)
        assert (f"Over 9 photos of {sources}:" if sources else "Over 9 validation photos:") in said
        assert ("validation" in said) == (not sources)
        with monkeypatch.context() as chinese:
            chinese.setattr(texts, "of_event", lambda: "zh")
            said = lab_blocks.shares("flowers102", 18, blocks)
        assert ("在 flowers5、photos 的 9 张照片上" if sources else "在 9 张验证照片上") in said


def test_a_card_of_compare_leads_here():
    card = next(compare.answers(PHOTO, "flowers102", [18]))
    assert 'href="?tab=lab&amp;task=flowers102&amp;depth=18&amp;language=en"' in compare_cards.filled(
        card, "ResNet-18", False, None
    )


# --- Gradients --------------------------------------------------------------------------------------------------------


def autograd(network: fresh.Network, norm: bool) -> list[tuple[float, float]]:
    """The same network in PyTorch: each convolution's gradient's norm and its layer's root mean square."""
    import torch
    from torch.nn import functional as F

    pictures, labels = fresh.batch()
    weights = [
        torch.tensor(one.weight.reshape(3, 3, -1, one.weight.shape[1]).transpose(3, 2, 0, 1).copy(), requires_grad=True)
        for one in network.convolutions
    ]
    sizes = []

    def layer(x, index, shortcut=None):
        y = F.conv2d(x, weights[index], stride=network.convolutions[index].stride, padding=1)
        y = F.batch_norm(y, None, None, training=True) if norm else y
        y = torch.relu(y if shortcut is None else y + shortcut)
        sizes.append(y.square().mean().sqrt().item())
        return y

    x = layer(torch.tensor(pictures.transpose(0, 3, 1, 2).copy()), 0)
    for index in range(1, len(weights), 2):
        inner = layer(x, index)
        wider = inner.shape[1] - x.shape[1]
        same = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, wider)) if wider else x
        x = layer(inner, index + 1, same if network.shortcuts else None)
    F.cross_entropy(x.mean(dim=(2, 3)) @ torch.tensor(network.head), torch.tensor(labels)).backward()
    return [(weight.grad.norm().item(), size) for weight, size in zip(weights, sizes, strict=True)]


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("shortcuts", [True, False])
def test_gradients_and_activations_are_those_of_autograd(shortcuts, norm):
    found = [(one.gradient, one.activation) for one in fresh.measure(20, shortcuts, norm)]
    np.testing.assert_allclose(found, autograd(fresh.Network(20, shortcuts, norm), norm), rtol=1e-4)
    assert len(found) == 19


def test_products_in_pieces_are_products():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((700, 90)), rng.standard_normal((90, 33))
    np.testing.assert_allclose(in_pieces(a, b), a @ b, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(in_pieces(b.T, a.T), (a @ b).T, rtol=1e-9, atol=1e-9)


def test_the_sentence_says_what_was_measured_and_both_curves_are_drawn():
    said = lab_layers.measured(20, False, True)
    plain, residual = fresh.measure(20, False, True), fresh.measure(20, True, True)
    times = lab_layers.number(lab_layers.ratio(plain))
    assert f"Plain-20 with batch norm: the first convolution's gradient is {times} times" in said
    assert f"ResNet-20 with batch norm: {lab_layers.number(lab_layers.ratio(residual))} times." in said
    assert said.count("<polyline") == 4 and said.count('class="with faint" points') == 2
    assert lab_layers.ratio(plain) > lab_layers.ratio(residual)


def test_the_recorded_gradients_stand_beside_with_their_batch_and_seed(monkeypatch):
    from resnet_demo.lab import gradients

    rows = [row for row in read_rows(lab_recorded.FILE, Layer) if row.batch_norm and row.layer != "fc"]
    times = {
        name: lab_layers.number(found[0] / found[-1])
        for name in ("plain20", "plain110", "resnet20", "resnet110")
        if (found := [row.gradient for row in rows if row.network == name])
    }
    english = lab_sections.sections()
    assert fresh.PICTURES == 8
    assert f"one batch of eight random pictures of {fresh.SIDE} × " in english
    recorded = english.split('class="lab-recorded"')[1].split("</section>")[0]
    depths = ", ".join(map(str, gradients.DEPTHS))
    assert (
        f"fresh networks of {depths} layers, {gradients.PICTURES} random pictures of 32 × 32 pixels, one seed"
        in recorded
    )
    assert f"{times['plain20']} times the last one's in Plain-20 and {times['plain110']} times in Plain-110" in recorded
    assert f"{times['resnet20']} times in ResNet-20 and {times['resnet110']} times in ResNet-110" in recorded
    assert recorded.count("<polyline") == 2 * 2 * len(gradients.DEPTHS)
    drawn = [points.split() for points in re.findall(r'class="plain deep5" points="([^"]+)"', recorded)]
    assert [len(points) for points in drawn] == [109, 109]  # the convolutions of 110 layers, with and without norm
    places = [tuple(map(float, point.split(","))) for points in drawn for point in points]
    assert min(x for x, _ in places) == 56 and max(x for x, _ in places) == 468  # from edge to edge
    assert all(12 <= y <= 210 for _, y in places)
    monkeypatch.setattr(texts, "of_event", lambda: "zh")
    chinese = lab_sections.sections()
    assert f"在普通网络-110 中是 {times['plain110']} 倍" in chinese and "一个随机种子" in chinese


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0559, "0.056"),
        (5.45, "5.5"),
        (1941.2, "1,900"),
        (5136115.0, "5,100,000"),
        (2.25e8, "2.2 · 10⁸"),
        (2e-7, "2.0 · 10⁻⁷"),
    ],
)
def test_numbers_have_two_digits_that_count(value, words):
    assert lab_layers.number(value) == words


def test_a_depth_that_there_is_not_gets_a_sentence():
    found = lab_sections.lab_measured({"depth": 9, "shortcuts": True, "norm": True})
    assert found["failed"] and "Choose among the depths" in found["html"]
    with pytest.raises(UserError):
        fresh.measure(9, True, True)


# --- Numbers and stages -----------------------------------------------------------------------------------------------


def test_the_numbers_are_those_of_the_records():
    html = lab_sections.lab_open({})["html"]
    assert "1·1·256·64 + 3·3·64·64 + 1·1·64·256 = <b>69,632</b>" in html and "<b>1,179,648</b>" in html
    assert lab_numbers.parameters(ARCHITECTURES["resnet34"].stages["layer3"][1]) == 2 * prod((3, 3, 256, 256))
    heading, rows = lab_numbers.architectures()
    assert heading[2:] == ["ResNet-18", "ResNet-34", "ResNet-50", "ResNet-101", "ResNet-152"]
    assert [row[:2] for row in rows[:5]] == [
        [name, f"{side}×{side}"]
        for name, side in zip(("conv1", "layer1", "layer2", "layer3", "layer4"), (112, 56, 28, 14, 7), strict=True)
    ]
    assert rows[3][6].endswith("× 36</span>")
    assert all(name in html for name in ("AlexNet", "VGG-16", "GoogLeNet", "ResNet-152"))
    said = {row[0]: row[2] for row in lab_numbers.published()[1]}  # Krizhevsky et al. 2012, Table 2, of its 15.3 %
    assert "two of them pre-trained on the ImageNet release of autumn 2011" in said["AlexNet"]
    assert "seven networks together, test pictures" in said["GoogLeNet"]


def test_each_stage_shows_its_strongest_channels():
    before, token = lab.whole(PHOTO, "flowers102", 18)
    found = lab_sections.lab_seen({"token": token, "out": ""})["html"]
    means = before.stages()["layer2"].mean(axis=(1, 2))
    strongest = [int(channel) for channel in re.findall('aria-label="Channel ([0-9]+)"', found)]
    assert len(strongest) == 4 * 8 and strongest[8:16] == list(np.argsort(-means)[:8])
    assert "layer3: 64 channels of 4 × 4" in found
    assert lab_sections.lab_seen({"token": token, "out": "layer2.0"})["html"] != found
    assert lab_sections.lab_seen({"token": "gone", "out": ""})["failed"]


def test_curves_that_begin_high_stay_inside_their_panel():
    rows = [row for row in read_rows(lab_training.FILE, Epoch) if row.network == "resnet20"]
    svg = plots.degradation_svg(rows)
    heights = [float(y) for points in re.findall(r'points="([^"]+)"', svg) for y in re.findall(r",([-\d.]+)", points)]
    assert heights and min(heights) >= plots.TOP


def test_the_degradation_experiment_is_told_with_its_figures_once_it_was_run(monkeypatch, tmp_path):
    ends = {"plain20": 40.0, "plain56": 55.5, "resnet20": 38.0, "resnet56": 30.25}
    rows = [
        Epoch(name, seed, epoch, 2, 16, 5000, 1000, 128, 0.1, 50, end + 10 * (2 - epoch) + seed, end + 20, 1.0)
        for name, end in ends.items()
        for seed in (0, 1)
        for epoch in (1, 2)
    ]
    monkeypatch.setattr(lab_training, "FILE", tmp_path / "degradation.csv")
    assert "lab-training" not in lab_sections.sections()
    write_rows(lab_training.FILE, rows)
    found = {}
    for language in ("en", "zh"):
        monkeypatch.setattr(texts, "of_event", lambda language=language: language)
        found[language] = lab_sections.sections()
    for language, percent in (("en", " %"), ("zh", "%")):
        said = found[language]
        assert all(f"{mean}{percent}" in said for mean in ("56.0", "40.5", "30.8"))  # of both seeds
        assert said.count('class="plain') >= 4 and "lab-training" in said
    for part in ("Plain-56", "shortened run", "first 50 of 80 steps", "the mean of 2 seeds"):
        assert part in found["en"]
    assert "缩短的实验" in found["zh"]
    assert "running mean over an epoch, of cropped and mirrored pictures" in found["en"]
    assert "图片经过裁剪和翻转" in found["zh"]
    write_rows(lab_training.FILE, [row for row in rows if row.seed == 0])
    assert "每个网络训练一次" in lab_sections.sections()
    full = [replace(row, epochs=164, size=32, pictures=49_966) for row in rows]
    assert "缩短的实验" not in lab_training.how(full)  # Copies of test pictures are never trained on.
    assert "缩短的实验" in lab_training.how([replace(row, limited=1) for row in full])


# --- Traps ------------------------------------------------------------------------------------------------------------


def traps_section(monkeypatch, language: str) -> str:
    monkeypatch.setattr(texts, "of_event", lambda: language)
    return lab_sections.sections().split('class="lab-traps"')[1].split("</section>")[0]


def is_said(number: str, text: str) -> bool:
    """Whether a number stands in a text, and not only as a part of another one."""
    return re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", text) is not None


@pytest.mark.parametrize(("language", "percent"), [("en", " %"), ("zh", "%")])
def test_the_traps_are_told_with_the_figures_of_their_file(language, percent, monkeypatch, tmp_path):
    said = traps_section(monkeypatch, language)
    assert said.count("<h3>") == 5 and "eval()" in said and "train()" in said
    assert all(f"{right}{percent}" in said for right in ("89.0", "78.0", "42.0", "4.5", "28.5", "13.5", "86.0"))
    for number in (f"0{percent}", f"88{percent}", "4.62", "4.39", "200", "320", "30"):
        assert is_said(number, said), number
    rows = read_rows(lab_traps.FILE, Trap)
    monkeypatch.setattr(lab_traps, "FILE", tmp_path / "traps.csv")
    write_rows(lab_traps.FILE, [replace(row, value=row.value / 2, pictures=70) for row in rows])
    other = traps_section(monkeypatch, language)
    assert all(f"{right}{percent}" in other for right in ("44.5", "39.0", "21.0", "2.2", "14.2", "6.8", "43.0"))
    assert all(is_said(number, other) for number in (f"44{percent}", "2.31", "2.20", "70")) and "89.0" not in other


def test_the_command_writes_the_file_that_the_traps_are_told_from(monkeypatch, tmp_path, capsys):
    from resnet_demo.lab import traps
    from resnet_demo.training.data.datasets import Pictures

    def few(task, splits, folder):
        count = 12 if splits == ("test",) else 2 * traps.BATCH
        cache = dict(enumerate(tiny.pictures(count, 64)))
        return Pictures(task, [None] * count, np.arange(count) % 4, tiny.FLOWERS.labels, cache=cache)

    committed = read_rows(lab_traps.FILE, Trap)
    monkeypatch.setattr(traps, "load_pictures", few)
    monkeypatch.setattr(traps, "STEPS", 2)
    monkeypatch.setattr(traps, "RATES", (0.1, 1.0))
    assert main(["lab", "traps", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    rows = read_rows(tmp_path / "traps.csv", Trap)
    found = {(row.trap, row.case, row.batch, row.measure): row for row in rows}
    assert len(found) == len(rows)
    kept = [row for row in committed if row.case not in ("rate 0.01", "rate 10")]
    assert {(row.trap, row.case, row.batch, row.measure) for row in kept} <= found.keys()
    assert all(0 <= row.value <= 100 for row in rows if row.measure != "loss")
    right, late = found["eval", "evaluation", 50, "right"], found["head", "late", 32, "loss"]
    assert late.value == pytest.approx(np.log(102), abs=1e-3)  # A head that nothing moves has learned nothing.
    assert (right.pictures, late.pictures, late.steps) == (12, 64, 2)
    assert "12 test photos of flowers102" in said and f"Right in evaluation mode: {right.value:.1f} %" in said
    assert f"made after the optimizer: loss {late.value:.2f} after 2 steps" in said
    monkeypatch.setattr(lab_traps, "FILE", tmp_path / "traps.csv")
    assert f"instead of {right.value:.1f} % of the photos," in traps_section(monkeypatch, "en")
