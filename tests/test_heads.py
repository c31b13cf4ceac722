"""Several tasks on one trunk: what is read, what counts for which head, and that each head is a task like any other."""

from __future__ import annotations

import csv
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
import torch
from PIL import Image, ImageDraw

import resnet_demo
from resnet_demo import checkpoints
from resnet_demo.backends import openvino
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.tasks import CLASSIFICATION, KEYPOINTS, REGRESSION
from resnet_demo.training.data.own_heads import Joined, Labels, divide, divided, moved_to, read_heads, sources_in
from resnet_demo.training.data.own_items import Item
from resnet_demo.training.heads import HeadAugmentation, TaskHead, finish, losses_of
from resnet_demo.training.recipe import load_recipe
from resnet_demo.training.train_heads import heads_of, heads_recipe, ready

COLOURS = {"cherry": (200, 40, 50), "lime": (60, 190, 50)}
QUICK = ["sizes=[[0,32]]", "test_size=32", "test_resize=32", "learning_rate=2e-3", "batch=8", "ema=0.8", "jitter=0.0"]


def write(path: Path, rows) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def draw(path: Path, index: int) -> tuple[str, float, float, float]:
    """A disc on noise → its kind, its diameter in percent of the side, and its centre in pixels."""
    random, size = np.random.default_rng(index), 48
    image = Image.fromarray(random.integers(60, 140, (size, size, 3), dtype=np.uint8))
    kind = list(COLOURS)[index % 2]
    radius, (x, y) = random.uniform(4, 20), random.uniform(20, 28, 2)
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), fill=COLOURS[kind])
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return kind, round(200 * radius / size, 2), float(x), float(y)


@pytest.fixture(scope="module")
def fruit(tmp_path_factory) -> Path:
    """A table of kinds and sizes, some of which are not known, and one of the centres of some of the pictures."""
    root = tmp_path_factory.mktemp("fruit")
    rows, points = [("image", "Kind", "size", "note")], [("image", "x0", "y0")]
    for index in range(64):
        name = f"{index}.png"
        kind, diameter, x, y = draw(root / "images" / name, index)
        rows.append((f"images/{name}", "" if index % 9 == 1 else kind, "" if index % 9 == 2 else diameter, "ripe"))
        points += [(f"images/{name}", x, y)] if index % 3 == 0 else []
    write(root / "fruit.csv", rows)
    write(root / "centres.csv", points)
    return root


@pytest.fixture(scope="module")
def trained(fruit, tmp_path_factory):
    """One network for kind and size, trained by the command line."""
    with pytest.MonkeyPatch.context() as patch:
        tiny.narrow(patch)
        root = tmp_path_factory.mktemp("trained")
        patch.setenv("RESNET_DEMO_WEIGHTS", str(root / "weights"))
        patch.chdir(root)
        start = root / "start"
        checkpoints.save(start, tiny.random_state(18, 4), tiny.FLOWERS, 18, "v1.5", {})
        words = ["train", "--tasks", "kind,size", "--data", str(fruit / "fruit.csv"), "--depth", "18", "--workers", "0"]
        words += ["--name", "fruit", "--init", str(start), "--evaluate-every", "99"]
        assert main([*words, "--set", *QUICK, "epochs=9", "crop_scale=0.9", "label_smoothing=0.0"]) == 0
        yield SimpleNamespace(root=root, photo=str(fruit / "images" / "4.png"))


def test_each_head_is_a_task_of_its_own_and_both_have_learned(trained):
    assert {"fruit-kind", "fruit-size"} <= resnet_demo.available().keys()
    kind, size = (checkpoints.read_config(trained.root / f"weights/fruit-{name}/resnet18") for name in ("kind", "size"))
    assert kind.metrics["top1"].value > 70
    # The mean diameter is off by some 17 percent of the side.
    assert size.metrics["mae"].value < 14 and size.metrics["r2"].value > 0.2
    assert size.metrics["mae"].low <= size.metrics["mae"].value <= size.metrics["mae"].high
    assert "mean absolute error" in (trained.root / "weights/fruit-size/resnet18/README.md").read_text("utf-8")


def test_the_file_of_weights_is_one_and_the_same(trained):
    files = [trained.root / f"weights/fruit-{name}/resnet18/model.safetensors" for name in ("kind", "size")]
    assert os.path.samefile(*files)
    kind, size = (checkpoints.load(f"fruit-{name}", 18) for name in ("kind", "size"))
    assert (kind.spec.outputs, size.spec.outputs) == (2, 1)
    assert kind.state["fc.weight"].shape[0] == 2 and size.state["fc.weight"].shape[0] == 1


def test_both_answers_take_one_pass_and_are_those_of_each_task_alone(trained, monkeypatch):
    alone = [resnet_demo.load(f"fruit-{name}", 18)(trained.photo) for name in ("kind", "size")]
    both = resnet_demo.load_heads(["fruit-kind", "fruit-size"], 18)
    assert both.shared == ("fruit-size",)
    passes = []
    engine = type(both.predictors["fruit-kind"].engine)
    ask = engine.last_features
    monkeypatch.setattr(engine, "last_features", lambda self, pictures: passes.append(1) or ask(self, pictures))
    found = both(trained.photo)
    assert len(passes) == 1
    assert {answer.image for answer in found.values()} == {trained.photo}
    # An answer's heat takes passes of its own, which nobody needs again.
    kept = found["fruit-kind"]._engine._passes
    found["fruit-kind"].cam(method="occlusion")
    assert len(kept) == 1
    np.testing.assert_allclose(found["fruit-kind"].probabilities, alone[0].probabilities, atol=1e-5)
    assert found["fruit-size"].value == pytest.approx(alone[1].value, abs=1e-3)
    assert issubclass(engine, openvino.Engine)


def test_a_number_is_explained_in_two_colours_and_written_to_all_outputs(trained, tmp_path, capsys):
    predict = resnet_demo.load("fruit-size", 18)
    answer = predict(trained.photo)
    cam = answer.cam()
    assert cam.shape == (48, 48) and np.abs(cam).max() == pytest.approx(1, abs=0.05)
    # The map says what the number is made of: its mean and the bias are the number.
    weights = predict.engine.head_weights[0]
    parts = np.einsum("c,crk->rk", weights, answer.features)
    assert parts.mean() + predict.engine.head_bias[0] == pytest.approx(answer.value, rel=1e-3)
    np.testing.assert_allclose(answer.low_resolution_cam(), parts / np.abs(parts).max(), atol=1e-4)
    with pytest.raises(UserError, match="gives one number"):
        answer.heat("cherry", "grad-cam", None)
    out = tmp_path / "overlays"
    assert (
        main(["predict", trained.photo, "--task", "fruit-size", "--depth", "18", "--json", "--overlays", str(out)]) == 0
    )
    assert f'"value": {answer.value:.3g}'[:12] in capsys.readouterr().out
    assert (out / "4.jpg").is_file()
    table = tmp_path / "sizes.csv"
    assert main(["batch", trained.photo, "--task", "fruit-size", "--depth", "18", "--output", str(table)]) == 0
    assert float(next(csv.DictReader(table.open()))["value"]) == pytest.approx(answer.value, rel=1e-3)


def test_a_head_is_measured_again_and_exported_like_any_task(trained, fruit, tmp_path, capsys):
    data = ["--data", str(fruit / "fruit.csv")]
    before = checkpoints.read_config(trained.root / "weights/fruit-size/resnet18").metrics["mae"].value
    assert main(["evaluate", "fruit-size", "--depth", "18", *data]) == 0
    assert f"| {before:g} |" in capsys.readouterr().out
    words = ["export", "--task", "fruit-size", "--depth", "18", "--format", "safetensors"]
    assert main([*words, "--out", str(tmp_path / "size.safetensors")]) == 0
    from safetensors.numpy import load_file

    assert load_file(tmp_path / "size.safetensors")["fc.weight"].shape[0] == 1
    assert main(["tasks"]) == 0
    assert f"mean error {before:g}" in capsys.readouterr().out


# --- What is read, and what counts ------------------------------------------------------------------------------------


def test_pictures_of_two_tables_are_one_with_all_their_labels(fruit, capsys):
    words = ["kind,size", f"centre={fruit / 'centres.csv'}"]
    own = read_heads(sources_in(words, fruit / "fruit.csv"))
    assert own.kinds == {"kind": CLASSIFICATION, "size": REGRESSION, "centre": KEYPOINTS}
    assert sum(map(len, own.parts.values())) == 64
    counts = {name: sum(task.record.counts.values()) for name, task in own.tasks.items()}
    assert counts == {"kind": 57, "size": 57, "centre": 22}
    # No picture is in train for one task and in test for another.
    train, test = (
        {path for task in own.tasks.values() for path in task.parts[part].paths} for part in ("train", "test")
    )
    assert not train & test
    recipe = heads_recipe(None, ["sizes=[[0,32]]"], sources_in(words, fruit / "fruit.csv"))
    heads = heads_of(own, recipe)
    assert [head.weight for head in heads] == [1.0, 1.0, 0.1]
    pictures, mean = ready(own.parts["train"], heads)
    assert mean is not None and np.abs(mean - 0.5).max() < 0.1
    index = next(i for i, row in enumerate(pictures.labels) if not np.isnan(row).any())
    picture, row = HeadAugmentation(recipe, 32, heads)(pictures, index, 7)
    assert picture.shape == (3, 32, 32)
    assert row[0] == pictures.labels[index][0] and row[1] == pictures.labels[index][1]
    # The point moves with the picture: there the disc's colour is.
    x, y = (row[2:] * 32).int().tolist()
    assert picture[:, y, x].float().argmax() == (0 if row[0] == 0 else 1)


def test_a_picture_counts_only_for_the_heads_that_it_has_labels_for():
    recipe = load_recipe("own-heads", ["label_smoothing=0.0"])
    heads = [
        TaskHead("kind", CLASSIFICATION, (0, 2), (0, 1), ("a", "b")),
        TaskHead("size", REGRESSION, (2, 3), (1, 2), weight=2.0, centre=10.0, scale=4.0),
        TaskHead("centre", KEYPOINTS, (3, 5), (2, 4), weight=0.5),
    ]
    nan = float("nan")
    logits = torch.tensor([[3.0, 1.0, 0.5, 0.0, 0.0], [1.0, 1.0, 9.0, 9.0, 9.0]], requires_grad=True)
    labels = torch.tensor([[nan, 12.0, 0.5, 0.5], [1.0, nan, nan, nan]])
    found = losses_of(heads, recipe, logits, labels)
    assert found["kind"].item() == pytest.approx(np.log(2), rel=1e-5)
    assert found["size"].item() == found["centre"].item() == 0
    sum(found.values()).backward()
    assert not logits.grad[0, :2].any() and not logits.grad[1, 2:].any()
    assert losses_of(heads, recipe, logits, torch.full((2, 4), nan)) == {}
    network = torch.nn.Module()
    network.fc = torch.nn.Linear(6, 5)
    before = network.fc(torch.ones(6))[2].item()
    finish(network, heads)
    assert network.fc(torch.ones(6))[2].item() == pytest.approx(10 + 4 * before, rel=1e-4)


def test_numbers_with_fractions_are_a_regression_by_themselves(fruit, tmp_path, capsys):
    rows = [row[:3:2] for row in csv.reader((fruit / "fruit.csv").open()) if row[2]]
    (fruit / "only.csv").exists() or write(fruit / "only.csv", rows)
    words = ["train", "--data", str(fruit / "only.csv"), "--name", "diameter", "--depth", "18", "--workers", "0"]
    with pytest.MonkeyPatch.context() as patch:
        tiny.narrow(patch)
        patch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
        patch.chdir(tmp_path)
        assert main([*words, "--init", "scratch", "--evaluate-every", "99", "--set", *QUICK, "epochs=1"]) == 0
        assert "| diameter | 18 | mean absolute error |" in capsys.readouterr().out
        assert checkpoints.spec("diameter").kind == REGRESSION


def test_classes_a_number_and_keypoints_on_one_network(fruit, tmp_path):
    words = ["train", "--tasks", "kind,size", f"centre:keypoints={fruit / 'centres.csv'}", "--data"]
    words += [str(fruit / "fruit.csv"), "--name", "all", "--depth", "18", "--workers", "0", "--init", "scratch"]
    with pytest.MonkeyPatch.context() as patch:
        tiny.narrow(patch)
        patch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
        patch.chdir(tmp_path)
        assert main([*words, "--evaluate-every", "99", "--set", *QUICK, "epochs=1"]) == 0
        found = resnet_demo.load_heads(["all-kind", "all-size", "all-centre"], 18)(str(fruit / "images" / "4.png"))
    assert {score.label for score in found["all-kind"].top_k} == COLOURS.keys()
    assert 0 < found["all-size"].value < 100
    ((x, y),) = found["all-centre"].faces[0].keypoints
    assert 0 < x < 48 and 0 < y < 48


def test_the_labels_of_a_regression_may_have_moved(fruit, tmp_path):
    rows = [row[:3:2] for row in csv.reader((fruit / "fruit.csv").open()) if row[2]]
    shutil.copytree(fruit / "images", tmp_path / "images")
    (tmp_path / "moved.csv").write_text("\n".join(map(",".join, rows)))
    (source,) = moved_to(sources_in(["size:regression=gone.csv"], None), tmp_path / "moved.csv")
    own = read_heads([source]).tasks["size"]
    assert sum(own.record.counts.values()) == len(rows) - 1
    both = moved_to(sources_in(["size=moved.csv", "kind=elsewhere/none.csv"], None), tmp_path)
    assert [each.path for each in both] == [tmp_path / "moved.csv", Path("elsewhere/none.csv")]
    columns = sources_in(["kind,size"], fruit / "fruit.csv")
    assert moved_to(columns, fruit / "fruit.csv") == columns


def test_a_persons_pictures_stay_on_one_side_whatever_else_is_known_of_them():
    labels = {"kind": Labels(CLASSIFICATION, [], ("a", "b"))}
    joined = [
        Joined(Item(Path(f"{n}.png"), f"{n}.png", 0, group=f"person {n // 4}"), {"kind": float(n % 2)})
        for n in range(80)
    ]
    done, _ = divide(joined, labels)
    sides = {one.item.group: one.item.part for one in done}
    assert all(sides[one.item.group] == one.item.part for one in done)
    assert {"train", "test"} <= set(sides.values())
    alone = [replace(one, item=replace(one.item, group="the same")) for one in joined]
    assert {one.item.part for one in divide(alone, labels)[0]} == {"train"}


def test_a_source_that_is_all_train_is_divided_and_one_without_test_is_tested_on_val():
    items = [Item(Path(f"{n}.png"), f"{n}.png", n % 2, part="train") for n in range(6)]
    assert {item.part for item in divided(items)} == {""}
    items[0] = replace(items[0], part="val")
    assert [item.part for item in divided(items)] == ["test", *["train"] * 5]


@pytest.mark.parametrize(
    ("words", "settings", "sentence"),
    [
        (["kind,weight"], [], "has no column weight: its headings are image, Kind, size, note."),
        (["kind:colour"], [], "There is no kind 'colour' of task"),
        (["kind:regression"], [], "'lime' is no number|'cherry' is no number"),
        (["kind,kind"], [], "--tasks names kind twice"),
        (["note"], [], "has only one class, ripe"),
        (["size:keypoints"], [], "Keypoints are no single column"),
        (["kind"], ["mixup=0.2"], "cannot be trained with mixup"),
        (["kind"], ["test_mirror=true"], "cannot be trained with test_mirror"),
        (["kind"], ["loss_weights={age=2.0}"], "loss_weights names age, which is none of the tasks"),
        (["kind=nowhere"], [], "There is no nowhere"),
    ],
)
def test_what_cannot_be_trained_gives_one_sentence(fruit, tmp_path, monkeypatch, capsys, words, settings, sentence):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    more = ["--set", *settings] if settings else []
    command = ["train", "--tasks", *words, "--data", str(fruit / "fruit.csv"), "--init", "scratch", *more]
    assert main([*command, "--name", "x"]) == 2
    assert re.search(sentence, capsys.readouterr().err.splitlines()[-1])
