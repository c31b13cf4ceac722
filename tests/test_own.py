"""Pictures of one's own: what is read, how it is split, what is refused, and that what is trained is there by name."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import replace
from functools import partialmethod
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image, ImageDraw
from tqdm import tqdm

from resnet_demo import available, checkpoints, load
from resnet_demo.checkpoints import class_stats
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.page.widgets import class_list as classify_list
from resnet_demo.tasks import TaskSpec
from resnet_demo.training.data.own_images import read_own
from resnet_demo.training.data.own_items import Item
from resnet_demo.training.data.own_keypoints import read_points
from resnet_demo.training.data.own_split import BY_SEED, assign, complete
from resnet_demo.training.evaluation.evaluate import nme
from resnet_demo.training.recipe import load_recipe
from resnet_demo.training.train_own import default_start, fit_batch, own_recipe
from resnet_demo.utils.json_record import as_json

pytestmark = pytest.mark.usefixtures("narrow")

COLOURS = {"blueberry": (40, 60, 200), "cherry": (200, 40, 50), "lime": (60, 190, 50)}
QUICK = ["sizes=[[0,32]]", "test_size=32", "test_resize=32", "learning_rate=1e-3", "batch=8", "ema=0.8"]
PLAIN = ["crop_scale=0.7", "jitter=0.0", "label_smoothing=0.0"]


@pytest.fixture(autouse=True)
def weights(tmp_path, monkeypatch):
    """An empty weights folder, and a working folder where ``runs`` would appear."""
    root = tmp_path / "weights"
    root.mkdir()
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(root))
    monkeypatch.chdir(tmp_path)
    return root


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A checkpoint of random weights to start from: with bounded activations it learns in a few steps."""
    folder = tmp_path_factory.mktemp("start")
    checkpoints.save(folder, tiny.random_state(18, 4), tiny.FLOWERS, 18, "v1.5", {})
    return str(folder)


def draw(path, colour, seed: int, size: int = 48) -> tuple[float, float]:
    """A picture of one disc on noise; returns the disc's centre."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(60, 140, (size, size, 3), dtype=np.uint8))
    x, y = rng.uniform(0.25 * size, 0.75 * size, 2)
    radius = size / 4
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return float(x), float(y)


def fruit(root, each: int = 8, first: int = 0):
    """A folder with a subfolder a class; one class has a folder of its own inside."""
    for label, (name, colour) in enumerate(COLOURS.items()):
        for index in range(each):
            folder = root / name / "more" if name == "lime" and index % 2 else root / name
            draw(folder / f"{index}.png", colour, first + 100 * label + index)
    return root


def discs(root, count: int = 40):
    """A CSV in the layout of faces68: the disc's centre, and the point 6 pixels to the right of it."""
    rows = []
    for index in range(count):
        x, y = draw(root / "images" / f"{index}.png", COLOURS["cherry"], index)
        rows.append((f"images/{index}.png", x, y, "" if index % 5 == 0 else x + 6, y))
    write(root / "points.csv", [("image", "x0", "y0", "x1", "y1"), *rows])
    return root


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def train(data, name, *more: str, settings=()) -> int:
    command = [
        "train",
        "--data",
        str(data),
        "--depth",
        "18",
        "--name",
        name,
        "--workers",
        "0",
        "--evaluate-every",
        "99",
    ]
    return main([*command, *more, "--set", *QUICK, *settings])


def hits_of_fresh_pictures(folder, first: int) -> list[bool]:
    """Draws four pictures of each fruit, such as lime-0.png; whether each is named right."""
    predict = load("fruit", 18, "cpu")
    for number, (name, colour) in enumerate(COLOURS.items()):
        for index in range(4):
            draw(folder / f"{name}-{index}.png", colour, first + 10 * number + index)
    return [predict(path).top_k[0].label == path.stem.split("-")[0] for path in folder.glob("*-?.png")]


# --- From a folder to a task of the page ------------------------------------------------------------------------------


def test_a_folder_of_classes_becomes_a_task_that_is_known_by_name(tmp_path, capsys, start):
    data = fruit(tmp_path / "fruit")
    whole = (data / "cherry" / "0.png").read_bytes()
    (data / "cherry" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (data / "lime" / "notes.txt").write_text("bought on Monday")
    (data / ".cache").mkdir()
    (data / "lime" / ".DS_Store").write_bytes(b"hidden")
    assert train(data, "fruit", "--init", start, settings=[*PLAIN, "epochs=8"]) == 0
    output = capsys.readouterr()
    skipped = [line for line in output.err.splitlines() if line.startswith("Skipped")]
    assert [line.split(": ")[0] for line in skipped] == [
        f"Skipped {data / 'cherry' / 'cut.png'}",
        f"Skipped {data / 'lime' / 'notes.txt'}",
    ]
    assert "cut off or damaged" in skipped[0]
    assert "predict PHOTO --task fruit --depth 18" in output.out
    assert "| fruit | 18 | top-1 accuracy |" in output.out
    assert (tmp_path / "runs" / "fruit-18" / "checkpoint").is_dir()

    assert available() == {"fruit": [18]}
    metrics = checkpoints.find("fruit", 18).metrics
    assert list(metrics) == ["top1"]
    assert metrics["top1"].n == 3
    card = (tmp_path / "weights" / "fruit" / "resnet18" / "README.md").read_text()
    assert "18 / 3 / 3 for train, val and test, split by the fixed seed 0" in card
    assert "2 more could not be read or used" in card
    assert "cherry 6 / 1 / 1" in card
    assert f"python -m resnet_demo train --data {data} --depth 18 --name fruit --init {start}" in card

    # Fresh pictures, as three test pictures tell little.
    hits = hits_of_fresh_pictures(tmp_path, 1000)
    assert len(hits) == 12 and sum(hits) >= 10
    assert main(["predict", str(tmp_path / "lime-0.png"), "--task", "fruit", "--depth", "18", "--json"]) == 0
    assert {score["label"] for score in json.loads(capsys.readouterr().out)["top_k"]} == set(COLOURS)

    for where in (["fruit", "--depth", "18"], ["--weights", str(tmp_path / "runs" / "fruit-18" / "checkpoint")]):
        assert main(["evaluate", *where, "--data", str(data), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["metrics"] == as_json(metrics)
    assert main(["evaluate", "fruit", "--depth", "18"]) == 2
    assert "pass their folder with --data" in capsys.readouterr().err
    assert main(["evaluate"]) == 0
    assert "Left out fruit" in capsys.readouterr().err

    # The head was there before the first epoch.
    assert re.search(r"The head alone names [\d.]+ % of [\d,]+ train pictures, each left out", output.out)

    draw(data / "lime" / "new.png", COLOURS["lime"], 5)
    assert main(["evaluate", "fruit", "--depth", "18", "--data", str(data)]) == 2
    assert "are not those that fruit was trained with" in capsys.readouterr().err
    assert train(data, "fruit", "--init", start, settings=[*PLAIN, "epochs=8"]) == 2
    assert "holds a run with other pictures" in capsys.readouterr().err


def test_new_classes_are_known_by_a_fitted_head_before_anything_else_learns(tmp_path, start):
    data = fruit(tmp_path / "fruit")
    assert train(data, "fruit", "--init", start, settings=[*PLAIN, "epochs=1", "learning_rate=0.0"]) == 0
    state, before = checkpoints.load("fruit", 18).state, checkpoints.load_folder(start).state
    assert np.abs(state["layer4.1.conv2.weight"] - before["layer4.1.conv2.weight"]).max() < 0.02  # but for rounding
    hits = hits_of_fresh_pictures(tmp_path, 2000)
    assert len(hits) == 12 and sum(hits) >= 9


def test_keypoints_of_whole_pictures_become_a_task(tmp_path, capsys, start):
    data = discs(tmp_path / "discs")
    settings = ["epochs=10", "rotation=0"]
    assert train(data, "discs", "--init", start, settings=settings) == 0
    metrics = checkpoints.find("discs", 18).metrics
    assert list(metrics) == ["nme"]
    assert metrics["nme"].n == 6 and metrics["nme"].low < metrics["nme"].value < metrics["nme"].high
    card = (tmp_path / "weights" / "discs" / "resnet18" / "README.md").read_text()
    assert "28 / 6 / 6 for train, val and test" in card
    assert "NME: mean distance of the points to the truth over the larger side" in card
    assert "face detector" not in card

    predict = load("discs", 18, "cpu")
    errors = []
    for index in range(12):
        truth = draw(tmp_path / f"{index}.png", COLOURS["cherry"], 500 + index)
        photo = Image.open(tmp_path / f"{index}.png").resize((96, 144))
        answer = predict(photo)
        (face,) = answer.faces
        assert face.box == (0, 0, 96, 144) and face.score == 1
        assert face.cam().shape == (144, 96)
        errors.append(np.abs(face.keypoints[0] / (2, 3) - truth).max())
    # The discs lie within 12 pixels of the middle; whoever always says the middle is 8 pixels off.
    assert np.mean(errors) < 5.5
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "0.png"), "--task", "discs", "--depth", "18"]) == 0
    assert "keypoints at" in capsys.readouterr().out
    assert main(["evaluate", "discs", "--depth", "18", "--data", str(data / "points.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == as_json(metrics)


def test_a_stopped_run_that_goes_on_ends_in_the_same_bytes(tmp_path, capsys, monkeypatch, start):
    monkeypatch.setattr(tqdm, "__init__", partialmethod(tqdm.__init__, disable=True))  # as TQDM_DISABLE=1 does
    data = fruit(tmp_path / "fruit", each=4)
    options = ["--init", start, "--out", str(tmp_path / "whole")]
    assert train(data, "fruit", *options, settings=["epochs=2"]) == 0
    stored = tmp_path / "weights" / "fruit" / "resnet18" / "model.safetensors"
    whole = stored.read_bytes()
    stored.unlink()
    options[-1] = str(tmp_path / "parts")
    assert train(data, "fruit", *options, "--stop-after", "1", settings=["epochs=2"]) == 0
    assert "to go on" in capsys.readouterr().out
    assert not stored.exists()
    assert train(data, "fruit", *options, settings=["epochs=2"]) == 0
    assert len((tmp_path / "parts" / "log.jsonl").read_text().splitlines()) == 2
    assert stored.read_bytes() == whole


# --- What is refused, before any training -----------------------------------------------------------------------------


def one_class(root):
    fruit(root)
    for name in ("lime", "blueberry"):
        (root / name).rename(root / f".{name}")


def poor_class(root):
    fruit(root)
    draw(root / "plum" / "1.png", (90, 0, 90), 1)
    (root / "plum" / "2.png").write_bytes(b"\x89PNG\r\n")


def table(*rows):
    """A folder with a CSV, and with the pictures a.png and b.png."""

    def make(root):
        for name in "ab":
            draw(root / f"{name}.png", COLOURS["lime"], 1)
        write(root / "points.csv", rows)

    return make


HEAD = ("image", "x0", "y0", "x1", "y1")


def nearly_normalised(root):
    names = [f"{index}.png" for index in range(12)]
    for name in names:
        draw(root / name, COLOURS["lime"], 1)
    write(root / "points.csv", [HEAD, *((name, 0.1, 1.02, 0.3, 47 if name == "11.png" else 0.4) for name in names)])


def parts(*folders, inside="lime/"):
    """A folder with these folders, each with two folders of pictures or, without ``inside``, with pictures."""

    def make(root):
        for folder in folders:
            for name in (inside, inside and "fig/"):
                draw(root / folder / f"{name}1.png", COLOURS["lime"], 1)

    return make


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda root: None, "There is no "),
        (lambda root: root.mkdir(), "data is empty: make one subfolder a class"),
        (lambda root: draw(root / "1.png", (0, 0, 0), 1), "has no subfolders"),
        (one_class, "has only one class, cherry"),
        (poor_class, "at least two readable pictures, fewer has plum (1)"),
        (
            lambda root: [draw(root / part / "a" / "1.png", (0, 0, 0), 1) for part in ("train", "test")],
            "train has only one class, a",
        ),
        (lambda root: [write(root / f"{name}.csv", [HEAD]) for name in "ab"], "several CSV files (a.csv, b.csv)"),
        (table(), "points.csv is empty"),
        (table(HEAD), "has headings but no pictures"),
        (table(HEAD, ("a.png", 1, 2, 3, 4), ("b.png", 1, 2, 3)), "line 3 has 4 cells instead of 5"),
        (table(HEAD, ("a.png", 1, 2, 3, "left")), "line 2: 'left' in column 5 is no coordinate"),
        (table(HEAD, ("a.png", 1, 2, 3, "inf")), "line 2: 'inf' in column 5 is no coordinate"),
        (table(HEAD[:-1], ("a.png", 1, 2, 3)), "line 1: point 1 has the column x1 but no y1"),
        (table(("a.png", 1, 2, 3), ("b.png", 1, 2, 3)), "line 1 has 3 cells after the picture's name"),
        (table(HEAD, ("", 1, 2, 3, 4)), "line 2 names no picture"),
        (table(HEAD, ("a.png", 1, 2, 3, 4), ("a.png", 1, 2, 3, 4)), "line 3 names a.png again, after line 2"),
        (
            table(HEAD, *((f"{name}.png", 1, 2, 3, 4) for name in "avwxyz")),
            "names 5 pictures that are not there: v.png (line 3), w.png (line 4), x.png (line 5) …",
        ),
        (table((*HEAD, "split"), ("a.png", 1, 2, 3, 4, "dev")), "line 2: the split is 'dev'"),
        (nearly_normalised, "line 13 has a coordinate of 47, and nearly all others are at most 1"),
        (parts("train", "test", inside=""), "is divided into test, train, not into classes: put one"),
        (parts("seg_train", "seg_test"), "data/seg_train, or call these folders train, val and test"),
        (parts("training_set", "test_set"), "data/training_set, or call these folders"),
        (parts("train_images", "test_images", inside=""), "is divided into test_images, train_images"),
        (parts("images", "annotations", inside=""), "sort the pictures in"),
        (parts("a", "b"), "The folders a, b in"),
        (parts("flowers"), "holds only the folder flowers, with folders in it: pass"),
        (lambda root: [fruit(root), fruit(root / "fruit")], "holds folders called like those beside it, such as"),
        (
            lambda root: [
                fruit(root / "train"),
                draw(root / "test" / "fig" / "1.png", (0, 0, 0), 1),
                draw(root / "test" / "lime" / "1.png", (0, 0, 0), 1),
            ],
            "test holds classes that",
        ),
        (
            table(("id", "age", "sold"), ("a.png", 1, 0), ("b.png", 1, 0)),
            "does not tell which of its columns age, sold",
        ),
        (table(("a.png", "lime", 0), ("b.png", "fig", 0)), "does not tell which of the 2 columns after the picture"),
        (table(("image", "label"), ("a.png", "lime"), ("b.png", "")), "line 3 names no class for b.png"),
        (table(("image", "label"), ("a.png", "lime"), ("b.png", "fig")), "fewer has fig (1), lime (1)"),
        (table(("image", "label"), ("a.png", "lime"), ("b.png", "lime")), "has only one class, lime"),
        (table(("image", "x0", "y0"), ("a.png", "9 " * 9000, 1)), "9 9 9 …' in column 2 is no coordinate"),
        (
            table(HEAD, ("a.png", 1, 2, "", ""), ("b.png", 1, 2, "NaN", 4)),
            "point 1 (counted from 0) has no coordinates",
        ),
        (table(HEAD, ("a.png", 1, 2, 3, 4), ("b.png", 300, 300, 310, 300)), "has 1 usable pictures"),
        (table((*HEAD, "split"), *((f"{n}.png", 1, 2, 3, 4, "train") for n in "ab")), "no usable picture into test"),
        (table((*HEAD, "identity"), *((f"{n}.png", 1, 2, 3, 4, "Ann") for n in "ab")), "has only one identity"),
    ],
)
def test_what_cannot_be_trained_on_gives_one_sentence_and_leaves_nothing(tmp_path, weights, capsys, make, sentence):
    make(tmp_path / "data")
    assert train(tmp_path / "data", "mine", "--init", "scratch") == 2
    errors = capsys.readouterr().err
    *_, line = errors.splitlines()
    assert sentence in line
    assert "Traceback" not in errors
    assert not (tmp_path / "runs").exists()
    assert not list(weights.iterdir())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--name", "My Pets"], "The name 'My Pets' will not do"),
        (["--name", ""], "The name '' will not do"),
        (["--name", "flowers5"], "belongs to a task that comes with the project"),
        (["--name", "pets", "--depth", "34"], "There are no weights to start a ResNet-34 from: choose --depth 50"),
        (["--name", "pets", "--init", "scratch", "--set", "epoch=3"], "unknown settings: epoch."),
        (["--name", "pets", "--init", "nowhere"], "nowhere cannot be read"),
        (["--name", "pets", "--set", "epochs=0"], "The setting epochs cannot be 0: choose 1"),
        (["--name", "pets", "--set", "sizes=[]"], "The setting sizes needs pairs of an epoch"),
        (["--name", "pets", "--set", "crop_scale=2"], "The setting crop_scale cannot be 2"),
        (["--name", "pets", "--set", "optimizer=lion"], "The setting optimizer cannot be 'lion'"),
        (["--name", "pets", "--stop-after", "0"], "--stop-after cannot be 0: choose 1 or more"),
        (["--name", "pets", "--workers", "-1"], "--workers cannot be -1: choose 0 or more"),
        (["--name", "pets", "--evaluate-every", "0"], "--evaluate-every cannot be 0: choose 1 or more"),
        ([], "To train by a recipe, name it"),
    ],
)
def test_a_bad_name_start_or_setting_gives_one_sentence(tmp_path, capsys, arguments, sentence):
    assert main(["train", "--data", str(fruit(tmp_path / "fruit", each=2)), *arguments]) == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "runs").exists()


def test_a_recipe_of_the_other_kind_is_refused_and_the_right_one_is_found(tmp_path):
    classes, points = fruit(tmp_path / "fruit", each=2), discs(tmp_path / "discs", 4)
    assert own_recipe(None, [], classes, "fruit").kind == "classification"
    found = own_recipe(None, ["margin=2.0", "test_size=96"], points, "discs")
    assert (found.task, found.kind, found.margin, found.test_resize) == ("discs", "keypoints", 1.0, 96)
    with pytest.raises(UserError, match="is for keypoints, but .* is a folder of classes"):
        own_recipe("own-points", [], classes, "fruit")


def test_few_pictures_get_small_batches():
    recipe = load_recipe("own")
    assert [fit_batch(recipe, count, False).batch for count in (2, 20, 80, 1000)] == [2, 4, 10, 32]
    assert [fit_batch(recipe, count, True).batch for count in (20, 1000)] == [20, 32]


def test_training_starts_from_the_bundled_flowers_where_there_are_some(tmp_path, weights):
    assert default_start(50) == "imagenet"
    tiny.weights_folder(weights, (tiny.FLOWERS, 18))
    assert default_start(18) == "weights/flowers102/resnet18"
    with pytest.raises(UserError, match="choose --depth 18 or 50"):
        default_start(34)


# --- The split --------------------------------------------------------------------------------------------------------


def test_the_split_is_the_same_twice_and_keeps_the_shares_of_each_class(tmp_path):
    data = fruit(tmp_path / "fruit", each=20)
    (first, again) = (read_own(data, "fruit") for _ in range(2))
    assert first.record == again.record
    assert first.record.classes == {name: [14, 3, 3] for name in COLOURS}
    for part, pictures in first.parts.items():
        assert pictures.paths == again.parts[part].paths
    assert len({path for pictures in first.parts.values() for path in pictures.paths}) == 60


@pytest.mark.parametrize(
    ("count", "parts"), [(2, (1, 0, 1)), (3, (2, 0, 1)), (4, (2, 1, 1)), (10, (6, 2, 2)), (100, (70, 15, 15))]
)
def test_small_classes_still_learn_and_are_tested(count, parts):
    found = Counter(assign({str(index): 1 for index in range(count)}, 0, least=1).values())
    assert tuple(found[part] for part in ("train", "val", "test")) == parts


def test_an_identity_stays_on_one_side_and_a_given_split_is_kept(tmp_path):
    root = tmp_path / "people"
    names = [f"{index}.png" for index in range(24)]
    for index, name in enumerate(names):
        draw(root / name, COLOURS["lime"], index)
    rows = [(name, f"person {index % 6}", 10, 20) for index, name in enumerate(names)]
    write(root / "points.csv", [("image", "identity", "x0", "y0"), *rows])
    own = read_own(root, "people")
    sides = {part: {int(path.stem) % 6 for path in pictures.paths} for part, pictures in own.parts.items()}
    assert sides["train"] and sides["test"]
    assert sum(map(len, sides.values())) == 6

    given = [(name, ("test", "train", "val")[index % 3], 10, 20) for index, name in enumerate(names)]
    write(root / "points.csv", [("image", "split", "x0", "y0"), *given])
    parts = read_own(root, "people").parts
    assert [int(path.stem) % 3 for path in parts["test"].paths] == [0] * 8
    assert [int(path.stem) % 3 for path in parts["val"].paths] == [2] * 8


def test_a_table_without_test_is_tested_on_val(tmp_path, capsys):
    fruit(tmp_path / "data")
    names = sorted(path.relative_to(tmp_path / "data").as_posix() for path in (tmp_path / "data").rglob("*.png"))
    rows = [(name, name.split("/")[0], ("val", "train", "train")[index % 3]) for index, name in enumerate(names)]
    table = write(tmp_path / "data" / "labels.csv", [("image", "label", "split"), *rows])
    own = read_own(table, "fruit")
    assert own.record.counts == {"train": 16, "val": 0, "test": 8}


def test_what_a_split_data_set_puts_into_no_part_is_learnt_from():
    items = [Item(Path(f"{n}.png"), f"{n}.png", n % 2, part=("train", "", "test")[n % 3]) for n in range(60)]
    found, how = complete(items, ("a", "b"), "it was published")
    counts = Counter(item.part for item in found)
    assert counts["test"] == 20 and counts["train"] + counts["val"] == 40 and counts["val"] > 0
    assert how.startswith("as it was published")
    found, how = complete([item for item in items if item.part != "test"], ("a", "b"), "it was published")
    assert set(Counter(item.part for item in found)) == {"train", "val", "test"} and how == BY_SEED


def test_depths_of_a_task_may_have_classes_of_their_own(weights):
    three = TaskSpec("pets", "classification", labels=("cat", "dog", "fox"), size=64, resize=64)
    four = replace(three, labels=("ant", "cat", "dog", "fox"))
    tiny.weights_folder(weights, (three, 18), (four, 34))
    checkpoints.copy(
        weights / "pets" / "resnet34",
        weights / "pets" / "resnet34",
        {},
        None,
        {"classes": [[1, 2, 3, 1]] * 4},
    )
    checkpoints.register(weights / "pets" / "resnet34")
    found = class_stats.facts_of_classes("pets", 34)
    assert [each.label for each in found] == list(four.labels) and {each.taken_for for each in found} == {"fox"}
    assert class_stats.facts("pets", 34, "ant").shown == 2
    assert [each.label for each in class_stats.facts_of_classes("pets", 18)] == list(three.labels)
    listed = classify_list.listing(load("pets", 34, "cpu")(tiny.photo()), None)
    assert {row["label"] for row in listed["classes"]} == set(four.labels)


@pytest.mark.parametrize(
    ("folders", "counts", "how"),
    [
        (("train", "valid", "test"), {"train": 24, "val": 24, "test": 24}, "as its folders say"),
        (("Training", "Testing"), {"train": 21, "val": 3, "test": 24}, "val from train by the fixed seed 0"),
        (("train", "val"), {"train": 21, "val": 3, "test": 24}, "val from train by the fixed seed 0"),
    ],
)
def test_folders_that_are_split_already_keep_their_split(tmp_path, capsys, folders, counts, how):
    for number, folder in enumerate(folders):
        fruit(tmp_path / "data" / folder, first=1000 * number)
    draw(tmp_path / "data" / "pred" / "1.png", COLOURS["lime"], 1)
    own = read_own(tmp_path / "data", "fruit")
    assert own.record.counts == counts and how in own.record.split
    assert own.parts["train"].classes == tuple(COLOURS)
    assert {path.relative_to(tmp_path).parts[1] for path in own.parts["test"].paths} == {folders[-1]}
    said = capsys.readouterr().err
    assert "split already" in said and "pred/ is not used" in said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "filename,label,fold\n{0},lime,0\n{1},fig,1\n{2},lime,2\n{3},fig,0\n"),
        ("labels.csv", "{0};lime\n{1};fig\n{2};lime\n{3};fig\n"),
        ("labels.tsv", "class\tid\nlime\t{0}\nfig\t{1}\nlime\t{2}\nfig\t{3}\n"),
        ("metadata.csv", "file_name,label\n{0},lime\n{1},fig\n{2},lime\n{3},fig\n"),
        (
            "metadata.jsonl",
            "".join(f'{{{{"file_name": "{{{n}}}", "label": "{c}"}}}}\n' for n, c in enumerate(("lime", "fig") * 2)),
        ),
    ],
)
def test_a_table_of_pictures_and_classes_is_one_of_classes(tmp_path, name, text):
    names = [f"{index}.png" for index in range(4)]
    for index, picture in enumerate(names):
        draw(tmp_path / "pictures" / picture, COLOURS["lime"], index)
    (tmp_path / name).write_text(text.format(*(n[:-4] if name == "labels.tsv" else n for n in names)))
    assert own_recipe(None, [], tmp_path, "fruit").kind == "classification"
    own = read_own(tmp_path, "fruit")
    assert own.record.classes == {"fig": [1, 0, 1], "lime": [1, 0, 1]}
    parts = own.parts.values()
    where = {path.name: int(label) for part in parts for path, label in zip(part.paths, part.labels, strict=True)}
    assert where == {"0.png": 1, "1.png": 0, "2.png": 1, "3.png": 0}


def test_numbers_of_classes_and_folds_are_no_points(tmp_path):
    for index in range(6):
        draw(tmp_path / f"{index}.png", COLOURS["lime"], index)
    write(tmp_path / "train.csv", [("filename", "label", "fold"), *((f"{n}.png", n % 2, n % 3) for n in range(6))])
    assert read_own(tmp_path, "fruit").kind == "classification"


def test_a_table_beside_class_folders_is_left_out_and_that_is_said(tmp_path, capsys):
    data = fruit(tmp_path / "fruit", each=2)
    write(data / "prices.csv", [("fruit", "price"), ("lime", 1), ("cherry", 2)])
    assert read_own(data, "fruit").parts["train"].classes == tuple(COLOURS)
    assert "prices.csv is not used" in capsys.readouterr().err


@pytest.mark.parametrize(("low", "shown"), [(0, "0 to 1"), (-1, "-1 to 1")])
def test_coordinates_as_parts_of_the_sides_are_found_from_their_values(tmp_path, capsys, low, shown):
    rows = []
    for index in range(6):
        x, y = draw(tmp_path / f"{index}.png", COLOURS["lime"], index)
        rows.append((f"{index}.png", *(low + (1 - low) * value / 48 for value in (x, y, 49, 10 * index))))
    write(tmp_path / "points.csv", [HEAD, *rows])
    pictures = read_own(tmp_path, "discs").parts["train"]
    assert f"coordinates from {shown}" in capsys.readouterr().err
    for path, points in zip(pictures.paths, pictures.labels, strict=True):
        index = int(path.stem)
        expected = [draw(tmp_path / "again.png", COLOURS["lime"], index), (49, 10 * index)]
        np.testing.assert_allclose(points, expected, atol=1e-3)


# --- Reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        ("image", "source", "identity", "split", "x0", "y0", "x1", "y1"),
        ("", "0", "1", "2", "3"),
        ("file", "left_x", "left_y", "right_x", "right_y"),
        None,
    ],
)
def test_both_layouts_say_the_same(tmp_path, head):
    for name in "ab":
        draw(tmp_path / "training" / f"{name}.png", COLOURS["lime"], 1)
    between = ("film", "Ann", "train") if head and "split" in head else ()
    rows = [("a.png", *between, 1.5, 2, "", "NaN"), ("b.png", *between, 5, 6, 7, 8)]
    table = write(tmp_path / "points.csv", [*([head] if head else []), *rows])
    a, b = read_points(table)
    assert a.path == tmp_path / "training" / "a.png"
    np.testing.assert_array_equal(a.points, np.float32([(1.5, 2), (np.nan, np.nan)]))
    np.testing.assert_array_equal(b.points, np.float32([(5, 6), (7, 8)]))
    assert (b.source, b.identity, b.part) == (between or ("", "", ""))


def test_photos_are_upright_and_scaled_down_with_their_points(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # The camera was turned: a viewer shows 600 × 800 pixels.
    photo = Image.new("RGB", (800, 600), "white")
    ImageDraw.Draw(photo).rectangle((0, 560, 40, 600), fill="red")  # Upright: the top left corner.
    photo.save(tmp_path / "a.jpg", exif=exif)
    ImageDraw.Draw(photo).rectangle((400, 300, 800, 600), fill="blue")
    photo.save(tmp_path / "b.jpg", exif=exif)
    write(tmp_path / "points.csv", [("image", "x0", "y0"), ("a.jpg", 20, 20), ("b.jpg", 20, 20)])
    pictures = read_own(tmp_path, "corner").parts["train"]
    small = pictures.picture(0)
    assert small.size == (256, 341)
    x, y = pictures.labels[0][0]
    assert (x, y) == pytest.approx((20 * 256 / 600, 20 * 341 / 800), rel=1e-5)
    assert small.getpixel((int(x), int(y)))[0] > 200 > 100 > small.getpixel((int(x), int(y)))[1]


def test_very_long_pictures_stay_small_and_usable(tmp_path):
    for name in ("a", "b"):
        for index in range(2):
            draw(tmp_path / "long" / name / f"{index}.png", COLOURS["lime"], index)
    Image.new("RGB", (30_000, 20)).save(tmp_path / "long" / "a" / "long.png")
    own = read_own(tmp_path / "long", "long")
    arrays = [array for pictures in own.parts.values() for array in pictures.cache.values()]
    assert max(array.shape[1] for array in arrays) == 1024
    assert min(min(array.shape[:2]) for array in arrays) >= 8


def test_unknown_points_do_not_count_in_the_error():
    truth = np.array([(0, 0), (10, 0), (np.nan, np.nan)])
    assert nme(np.array([(3, 4), (13, 4), (99, 99)]), truth) == pytest.approx(50.0)
    assert nme(np.array([(3.0, 4.0)]), np.array([(0.0, 0.0)]), side=100) == pytest.approx(5.0)


def test_stored_configurations_without_a_detector_are_those_of_faces():
    record = tiny.FACES.to_json()
    del record["detector"]
    assert TaskSpec.from_json(record) == tiny.FACES
    whole = TaskSpec("dogs", "keypoints", points=5, size=64, resize=64, fit="squash", detector="")
    predict = LandmarkPredictor("dogs", checkpoint=tiny.random_checkpoint(whole), device="cpu")
    answer = predict(tiny.photo(200, 100))
    assert [face.keypoints.shape for face in answer.faces] == [(5, 2)]
    assert answer.faces[0].keypoints.max() > 60  # in the photo's pixels
