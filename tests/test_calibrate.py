"""Probabilities that come true, "probably none of these", and what was measured of each class."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES
from PIL import Image

import resnet_demo
from resnet_demo import checkpoints
from resnet_demo.checkpoints.class_stats import facts
from resnet_demo.cli.main import main
from resnet_demo.cli.predict import answer_line
from resnet_demo.errors import UserError
from resnet_demo.inference.classifier import Classifier
from resnet_demo.tasks import softmax
from resnet_demo.tasks.calibration import Calibration, ClassMeans
from resnet_demo.tasks.imagenet_names import names, synsets
from resnet_demo.training.bundle import kept_calibration
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.data.ood_images import SHOWN_FLOWERS, ood_pictures
from resnet_demo.training.evaluation import features
from resnet_demo.training.evaluation.calibrate import hard_view, means_of_classes, spread_over
from resnet_demo.training.evaluation.evaluate import class_rows
from resnet_demo.training.evaluation.ood_scores import class_means, scores
from resnet_demo.training.evaluation.temperature import (
    calibration_error,
    calibration_metrics,
    fit_temperature,
    reliability,
)

pytestmark = pytest.mark.usefixtures("narrow")


def true_logits(count: int = 4000, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is exactly how often each class is right."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, (count, classes)).astype(np.float32)
    return logits, np.array([random.choice(classes, p=row / row.sum()) for row in softmax(logits).astype(float)])


# --- Temperature ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [3.0, 0.4])
def test_the_temperature_undoes_too_sure_and_too_unsure_logits(factor):
    logits, labels = true_logits()
    temperature = fit_temperature(logits * factor, labels)
    assert temperature == pytest.approx(factor, rel=0.08)
    metrics = calibration_metrics(logits * factor, labels, temperature)
    assert metrics["ece"].value < 0.35 * metrics["ece_before"].value
    assert metrics["nll"].value < metrics["nll_before"].value
    for metric in metrics.values():
        assert metric.low < metric.high
        assert metric.n == len(labels)


def test_few_pictures_that_happen_to_be_right_make_nothing_sure():
    logits = np.zeros((36, 6), np.float32)
    labels = np.arange(36) % 6
    logits[np.arange(36), labels] = 2.0  # All right, at 60 %; likelihood alone would end at the smallest temperature.
    sure = [softmax(logits[:count] / fit_temperature(logits[:count], labels[:count])).max() for count in (30, 36)]
    assert 0.9 < sure[0] < sure[1] < 0.985  # One in 36 may be wrong still.


def test_the_calibration_error_is_the_gap_between_sure_and_right():
    assert calibration_error(np.full(10, 0.9), np.arange(10) < 9) == pytest.approx(0)
    assert calibration_error(np.full(10, 0.9), np.arange(10) < 5) == pytest.approx(40)
    assert calibration_error(np.array([1.0]), np.array([True])) == 0  # 1.0 belongs to the last bin.


def test_the_reliability_counts_every_picture_once():
    logits, labels = true_logits(500)
    rows = reliability(logits, labels, 2.0)
    assert sum(shown for _, _, shown in rows) == 500
    assert sum(right for _, right, _ in rows) == (logits.argmax(axis=1) == labels).sum()


# --- What is known ----------------------------------------------------------------------------------------------------


def clusters(count: int = 200, channels: int = 32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pooled features of four classes in directions of their own, their labels, and features of something else."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 4
    known = 5 * np.eye(4, channels)[labels] + random.normal(0, 0.3, (count, channels))
    other = 5 * np.eye(4, channels, 16)[labels] + random.normal(0, 0.3, (count, channels))
    return np.abs(known).astype(np.float32), labels, np.abs(other).astype(np.float32)


def test_every_score_that_compares_with_known_pictures_tells_others_from_them():
    known, labels, other = clusters()
    means = ClassMeans.of(class_means(known, labels, 4))
    head = np.eye(4, 32, dtype=np.float32)
    for name, score in scores(known[:100], labels[:100], means.nearest).items():
        threshold = np.quantile(score(known[100:], known[100:] @ head.T), 0.05)
        assert (score(other, other @ head.T) < threshold).mean() > 0.9, name


def test_class_means_survive_json_and_eight_bits():
    known, labels, _ = clusters()
    exact = class_means(known, labels, 4)
    calibration = Calibration(0.5, ClassMeans.of(exact, 0.7, 0.05))
    again = Calibration.from_json(json.loads(json.dumps(calibration.to_json())), 32)
    unit = exact / np.linalg.norm(exact, axis=1, keepdims=True)
    cosine = (known @ unit.T).max(axis=1) / np.linalg.norm(known, axis=1)
    assert np.abs(again.means.nearest(known) - cosine).max() < 0.01
    assert (again.temperature, again.means.threshold, again.means.spread) == (0.5, 0.7, 0.05)


def test_a_class_of_many_pictures_has_two_means_where_it_has_two_looks():
    random = np.random.default_rng(0)
    looks = np.repeat([0, 1, 2], [20, 20, 10])  # of class 0 two looks, of class 1 one
    pooled = np.abs(5 * np.eye(3, 16)[looks] + random.normal(0, 0.3, (50, 16))).astype(np.float32)
    means = means_of_classes(pooled, np.where(looks == 2, 1, 0), 2)
    assert means.shape == (3, 16)
    assert sorted(means.argmax(axis=1).tolist()) == [0, 1, 2]
    assert ClassMeans.of(means).nearest(pooled).min() > 0.9
    assert ClassMeans.of(class_means(pooled, np.where(looks == 2, 1, 0), 2)).nearest(pooled).min() < 0.8


@pytest.mark.parametrize(
    "record",
    [
        {"temperature": 0},
        {"temperature": -1},
        {"means": None},
        {"temperature": 1, "means": {"classes": 3, "levels": "AAAA", "threshold": 0, "spread": 1}},
        {"temperature": 1, "means": {"classes": 1, "levels": "&&&", "threshold": 0, "spread": 1}},
    ],
)
def test_a_damaged_calibration_is_one_clear_error(record, tmp_path):
    folder = tmp_path / "checkpoint"
    checkpoints.save(folder, tiny.random_state(18, 4), tiny.FLOWERS, 18, "v1.5", {}, None, {"calibration": record})
    with pytest.raises(UserError, match=r"config.json is damaged .*calibrat"):
        checkpoints.load_folder(folder)


def predictor_with(calibration: Calibration) -> Classifier:
    made = tiny.random_checkpoint()
    checkpoint = replace(made, calibration=calibration)
    return Classifier("flowers102", 18, "cpu", checkpoint=checkpoint)


def test_a_temperature_changes_how_sure_but_not_what():
    plain, cold = (predictor_with(Calibration(value))(tiny.photo()) for value in (1.0, 0.25))
    assert [score.label for score in plain.top_k] == [score.label for score in cold.top_k]
    assert cold.top_k[0].probability > plain.top_k[0].probability
    assert cold.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert cold.top_k[0].probability == pytest.approx(cold.probabilities.max())


def test_only_what_was_calibrated_says_known_or_unknown():
    plain = predictor_with(Calibration(2.0))(tiny.photo())
    assert (plain.unknown, plain.familiarity) == (False, None)
    assert "unknown" not in plain.to_json()
    pooled = plain.features.mean(axis=(1, 2))[None]
    known = predictor_with(Calibration(1.0, ClassMeans.of(pooled, 0.9, 0.1)))(tiny.photo())
    assert known.familiarity > 0.5
    assert known.to_json()["unknown"] is False
    assert "none of these" not in answer_line(known)
    strange = predictor_with(Calibration(1.0, ClassMeans.of(-pooled, 0.9, 0.1)))(tiny.photo())
    assert strange.familiarity < 0.5
    assert strange.to_json()["unknown"] is True
    assert "probably none of these" in answer_line(strange)


# --- Pictures ---------------------------------------------------------------------------------------------------------


def test_the_sample_photos_that_show_a_bundled_tasks_classes_are_left_out_for_it_alone(tmp_path):
    for synset in synsets():
        (tmp_path / f"{synset}_some.JPEG").touch()
    left = {path.name[:9] for path in ood_pictures("flowers102", str(tmp_path), None).paths}
    assert set(synsets()) - left == {synsets()[index] for index in SHOWN_FLOWERS}
    left = {path.name[:9] for path in ood_pictures("cifar10", str(tmp_path), None).paths}
    shown = {names()[index] for index in range(1000) if synsets()[index] not in left}
    assert {"tabby", "sorrel (horse)", "airliner", "tree frog", "moving van", "Chihuahua", "schooner"} <= shown
    assert len(left) == 726 and not {"tench", "daisy"} & shown
    assert len(ood_pictures("pets", str(tmp_path), None).paths) == 1000


def test_the_own_pictures_of_a_task_are_not_unlike_it():
    with pytest.raises(UserError, match="show its classes"):
        ood_pictures("flowers102", "flowers102", None)


def test_pictures_to_fit_on_come_evenly_from_all_classes():
    labels = np.array([0] * 50 + [1] * 5 + [2] * 50)
    rows = spread_over(Pictures("pets", [Path("x")] * len(labels), labels), 45)
    assert np.bincount(labels[rows]).tolist() == [20, 5, 20]


def test_the_pass_of_a_measurement_serves_again_until_something_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    paths = [tmp_path / f"{seed}.png" for seed in range(3)]
    for seed, path in enumerate(paths):
        Image.fromarray(tiny.pictures(3, 80)[seed]).save(path)
    pictures = Pictures("flowers102", paths, np.arange(3))
    predictor = Classifier("flowers102", 18, "cpu", checkpoint=tiny.random_checkpoint())
    first = features.all_features(predictor, pictures, "test", keep=True)
    made = []
    monkeypatch.setattr(features, "features_of", lambda *_: made.append(1) or first)
    again = features.cached_features(predictor, pictures, "test")
    np.testing.assert_array_equal(again.logits, first.logits)
    np.testing.assert_array_equal(again.pooled, first.pooled)
    assert not made
    features.all_features(predictor, pictures, "test")  # Measuring is never skipped.
    Image.fromarray(tiny.pictures(4, 80)[3]).save(paths[0])
    features.cached_features(predictor, pictures, "test")
    features.cached_features(
        Classifier("flowers102", 18, "cpu", checkpoint=tiny.random_checkpoint(seed=1)), pictures, "test"
    )
    assert len(made) == 3


def test_a_hard_view_is_the_same_each_time_and_another_for_each_picture():
    photo = tiny.photo(200, 160)
    assert (hard_view(photo, 96, 1) == hard_view(photo, 96, 1)).all()
    assert (hard_view(photo, 96, 1) != hard_view(photo, 96, 2)).any()
    assert hard_view(photo, 48, 3).shape == (48, 48, 3)


# --- Facts of a class -------------------------------------------------------------------------------------------------


def test_class_rows_count_right_and_name_the_commonest_mistake():
    truth, found = np.array([0, 0, 0, 0, 1, 2]), np.array([0, 2, 2, 1, 1, 2])
    assert class_rows(truth, found, 4) == [(1, 4, 2, 2), (1, 1, None, 0), (1, 1, None, 0), (0, 0, None, 0)]


def test_facts_are_those_of_the_class_and_empty_where_nothing_was_counted(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    tiny.weights_folder(tmp_path, (tiny.FLOWERS, 18), (tiny.FLOWERS, 34))
    folder = tmp_path / "flowers102" / "resnet18"
    rows = [(3, 5, 2, 2), (4, 4, None, 0), (0, 0, None, 0), (1, 2, 0, 1)]
    checkpoints.copy(folder, folder, {"top1": 0.5}, None, {"classes": rows})
    rose = facts("flowers102", 18, "rose")
    assert (rose.label, rose.right, rose.shown, rose.taken_for, rose.times) == ("Rose", 3, 5, "Tulip", 2)
    assert facts("flowers102", 18, 1).taken_for is None
    assert facts("flowers102", 34, "Rose").shown == 0
    with pytest.raises(UserError, match="no class"):
        facts("flowers102", 18, "Oak")


# --- The command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path):
    """A data set of four classes of tiny pictures, and a folder of others."""
    root = tmp_path / "data"
    (root / "flowers102").mkdir(parents=True)
    (root / "noise").mkdir()
    rows = []
    for split, count in (("train", 8), ("val", 32), ("test", 24)):
        for index, picture in enumerate(tiny.pictures(count, 64, seed=len(split))):
            Image.fromarray(picture).save(root / "flowers102" / f"{split}{index}.png")
            rows.append({"image": f"{split}{index}.png", "label": index % 4, "split": split})
    for index, picture in enumerate(tiny.pictures(5, 64, seed=9)):
        Image.fromarray(255 - picture).save(root / "noise" / f"{index}.png")
    for name, table in (
        ("labels", rows),
        ("classes", [{"label": k, "name": name} for k, name in enumerate(tiny.FLOWERS.labels)]),
    ):
        with (root / "flowers102" / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, table[0])
            writer.writeheader()
            writer.writerows(table)
    return root


@pytest.mark.parametrize("seen", [True, False])
def test_calibrate_writes_what_the_checkpoint_then_uses(data, tmp_path, monkeypatch, capsys, seen):
    weights = tmp_path / "weights"
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(weights))
    tiny.weights_folder(weights, (tiny.FLOWERS, 18))
    folder = weights / "flowers102" / "resnet18"
    recipe = {"train_splits": ["train", "val"] if seen else ["train"]}
    commands = ["python -m resnet_demo train flowers102 --depth 18 --out runs/x"]
    top1 = {"top1": {"value": 25.0, "low": 10.0, "high": 40.0, "n": 24.0}}
    checkpoints.copy(folder, folder, top1, None, {"recipe": recipe, "commands": commands})
    before = (folder / "model.safetensors").read_bytes()

    arguments = ["calibrate", "flowers102", "--depth", "18", "--data", str(data), "--others", str(data / "noise")]
    assert main(arguments) == 0
    assert "flagged_noise" in capsys.readouterr().out
    assert (folder / "model.safetensors").read_bytes() == before
    config = checkpoints.read_config(folder).record
    record = config["calibration"]
    assert record["fitted"] == {"means": 8, "val": 32, "seen": seen, "kept": 0.96 if seen else 0.98}
    assert record["measured"]["flagged_known"]["n"] == 24
    assert record["measured"]["flagged_noise"]["n"] == 5
    assert sum(shown for _, shown, _, _ in config["classes"]) == 24
    assert config["metrics"] == top1
    assert str(tmp_path) not in json.dumps(config)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "python -m resnet_demo calibrate flowers102 --depth 18 --others noise" in card
    assert ("hard views" in card) == seen
    assert f"divided by {record['temperature']:.3f}" in card

    answer = resnet_demo.load("flowers102", 18, "cpu")(data / "flowers102" / "test0.png")
    assert answer.to_json()["unknown"] in (True, False)
    assert main(arguments) == 0  # Calibrating what is calibrated gives the same.
    assert checkpoints.read_config(folder).record["calibration"] == record

    threshold = record["means"]["threshold"]
    assert main([*arguments, "--kept", "0.7"]) == 0  # Fewer pass as known.
    record = checkpoints.read_config(folder).record["calibration"]
    assert record["fitted"]["kept"] == 0.7 and record["means"]["threshold"] > threshold
    assert "calibrate flowers102 --depth 18 --kept 0.7 --others noise" in (folder / "README.md").read_text("utf-8")
    assert main([*arguments, "--kept", "1"]) == 2
    assert "pass --kept a share from 0.5 up to 1" in capsys.readouterr().err


def test_further_known_photos_count_as_known(data, tmp_path, monkeypatch, capsys):
    weights, garden = tmp_path / "weights", tmp_path / "garden" / "train"  # a name that data sets have too
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(weights))
    tiny.weights_folder(weights, (tiny.FLOWERS, 18))
    folder = weights / "flowers102" / "resnet18"
    commands = ["python -m resnet_demo train flowers102 --depth 18 --out runs/x"]
    top1 = {"top1": {"value": 25.0, "low": 10.0, "high": 40.0, "n": 24.0}}
    checkpoints.copy(folder, folder, top1, None, {"recipe": {"train_splits": ["train"]}, "commands": commands})
    arguments = ["calibrate", "flowers102", "--depth", "18", "--data", str(data), "--labelled", str(garden)]
    assert main(arguments) == 2
    assert f"There are no pictures in subfolders of {garden}" in capsys.readouterr().err
    (garden / tiny.FLOWERS.labels[1]).mkdir(parents=True)
    for index, picture in enumerate(tiny.pictures(30, 64, seed=5)):
        Image.fromarray(picture).save(garden / tiny.FLOWERS.labels[1] / f"{index}.png")
    assert main(arguments) == 0
    record = checkpoints.read_config(folder).record["calibration"]
    assert record["fitted"]["means"] == 8 + 30
    assert record["means"]["classes"] == 4 + 1  # Two of the class that has many.
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "python -m resnet_demo calibrate flowers102 --depth 18 --labelled train" in card
    assert "nearest mean of a class, two of one with many pictures (of 38 training pictures)" in card
    assert resnet_demo.load("flowers102", 18, "cpu")(data / "flowers102" / "test0.png").unknown in (True, False)


def test_calibrate_says_what_it_cannot_do(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    tiny.weights_folder(tmp_path / "weights", (tiny.FLOWERS, 18), (tiny.FACES, 18))
    with (data / "flowers102" / "labels.csv").open("w") as file:
        file.write("image,label,split\ntrain0.png,0,train\nval0.png,0,val\ntest0.png,0,test\n")
    for arguments, message in (
        (["faces68"], "no classes"),
        (["flowers102"], "1 val pictures"),
        (["flowers5"], "There are no weights"),
        ([], "Name a task"),
        (["flowers102", "--others", "nothing"], "nothing"),
    ):
        assert main(["calibrate", *arguments, "--depth", "18", "--data", str(data)]) == 2
        assert message in capsys.readouterr().err


def test_bundling_the_same_weights_again_keeps_their_calibration_and_others_lose_it(tmp_path):
    weights, record = {"bytes": 1, "sha256": "a"}, {"temperature": 2}
    (tmp_path / "config.json").write_text(json.dumps({"weights": weights, "calibration": record}))
    config = checkpoints.Config({"weights": weights})
    assert kept_calibration(tmp_path, config, tmp_path) == {"calibration": record}
    assert kept_calibration(tmp_path, config.changed(weights=weights | {"sha256": "b"}), tmp_path) == {}
    assert kept_calibration(tmp_path, config.changed(calibration={"temperature": 3}), tmp_path) == {}
    assert kept_calibration(tmp_path / "none", config, tmp_path) == {}


# --- The bundled checkpoint -------------------------------------------------------------------------------------------


@pytest.fixture
def bundled(monkeypatch):
    monkeypatch.delenv("RESNET_DEMO_WEIGHTS", raising=False)


@pytest.mark.usefixtures("whole")
def test_a_flower_is_known_and_an_astronaut_is_not(bundled):
    predict = resnet_demo.load("flowers102", 50, "cpu")
    for name in ("dahlia", "marigold", "yellow-daisy"):
        assert not predict(EXAMPLES / f"{name}.jpg").unknown, name
    for name in ("astronaut", "president", "two-people"):
        assert predict(EXAMPLES / f"{name}.jpg").unknown, name


def test_the_bundled_flags_and_facts_are_as_good_as_they_must_be(bundled):
    config = checkpoints.read_config(checkpoints.find("flowers102", 50).path.parent)
    measured = config.calibration.measured
    assert measured["flagged_known"].value <= 5
    assert measured["flagged_imagenet-sample-images"].value >= 90
    assert measured["ece"].value < measured["ece_before"].value
    every = [facts("flowers102", 50, index) for index in range(102)]
    assert sum(fact.shown for fact in every) == config.metrics["top1"].n
    assert 100 * sum(fact.right for fact in every) / 6149 == pytest.approx(config.metrics["top1"].value, abs=0.01)
