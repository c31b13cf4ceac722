"""Deletion and insertion: a map that names what counts has the better curves, and the command says by how much."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES
from PIL import Image

from resnet_demo import checkpoints
from resnet_demo.cli.main import main
from resnet_demo.explain import curves
from resnet_demo.explain.case import Case
from resnet_demo.explain.targets import ClassTarget
from resnet_demo.inference.classifier import Classifier
from resnet_demo.tasks.decode import softmax

SIZE = tiny.FLOWERS.size


@pytest.fixture
def case() -> Case:
    """A network that sees stripes, in the upper left quarter alone; class 1 is that there are some."""
    picture = tiny.pictures(1, SIZE)[0].copy()
    picture[:, ::2], picture[:, 1::2] = 0, 255

    def run(pictures: np.ndarray) -> np.ndarray:
        part = pictures[:, : SIZE // 2, : SIZE // 2].astype(np.float32)
        there = np.abs(np.diff(part, axis=2)).mean(axis=(1, 2, 3)) / 255
        return np.stack([0 * there, 10 * there - 5], axis=1)

    def none() -> None:
        raise AssertionError("not asked for")

    return Case(
        spec=tiny.FLOWERS,
        picture=picture,
        features=np.zeros((1, 2, 2), np.float32),
        weights=np.zeros((2, 1), np.float32),
        run=run,
        stage_maps=lambda *_: none(),
        network=none,
        target=ClassTarget(1),
    )


def map_of(row: int, column: int) -> np.ndarray:
    cam = np.zeros((4, 4), np.float32)
    cam[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 1
    return cam


def test_curves_begin_and_end_with_the_picture_and_with_nothing(case):
    for way, ends in ((curves.deletion, (1, 0)), (curves.insertion, (0, 1))):
        curve = way(case, map_of(0, 0), steps=5)
        np.testing.assert_allclose(curve.shares, [0, 0.2, 0.4, 0.6, 0.8, 1], atol=1e-3)
        np.testing.assert_allclose(curve.probabilities[[0, -1]], ends, atol=0.05)
    assert len(curves.deletion(case, map_of(0, 0)).shares) == curves.STEPS + 1


def test_the_right_map_has_the_better_areas(case):
    right, wrong = map_of(0, 0), map_of(1, 1)
    other = curves.random_map(right.shape, seed=3)
    falls = [curves.deletion(case, cam).area for cam in (right, other, wrong)]
    rises = [curves.insertion(case, cam).area for cam in (right, other, wrong)]
    assert falls == sorted(falls) and falls[0] < 0.3 < falls[2]
    assert rises == sorted(rises, reverse=True) and rises[2] < 0.5 < rises[0]


def test_the_picture_itself_stays_as_it_is(case):
    before = case.picture.copy()
    curves.deletion(case, map_of(0, 0), steps=3)
    curves.insertion(case, map_of(0, 0), steps=3)
    np.testing.assert_array_equal(case.picture, before)


def test_an_area_is_that_under_the_curve():
    shares = np.array([0, 0.5, 1], np.float32)
    assert curves.Curve(shares, np.array([1, 0.5, 0], np.float32)).area == pytest.approx(0.5)
    assert curves.Curve(shares, np.ones(3, np.float32)).area == pytest.approx(1)


def test_a_random_map_has_every_cell_at_another_rank():
    cam = curves.random_map((3, 4), seed=1)
    assert cam.shape == (3, 4) and len(set(cam.ravel())) == 12
    np.testing.assert_array_equal(cam, curves.random_map((3, 4), seed=1))
    assert not np.array_equal(cam, curves.random_map((3, 4), seed=2))


def test_hiding_what_grad_cam_names_hurts_a_real_flower_most():
    predict = Classifier("flowers102", 18, "cpu")
    answer = predict(EXAMPLES / "dahlia.jpg")
    case, cam = answer.case(), answer.low_resolution_cam()
    assert curves.deletion(case, cam).area < curves.deletion(case, -cam).area
    assert curves.insertion(case, cam).area > curves.insertion(case, -cam).area
    whole = float(curves.deletion(case, cam).probabilities[0])
    before = softmax(np.log(answer.probabilities) * predict.checkpoint.calibration.temperature)  # Of the calibration.
    assert whole == pytest.approx(before.max(), abs=0.05)
    assert replace(case, layer="layer3").layer == "layer3"


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """Tiny networks, and a data set of three test photos."""
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    tiny.weights_folder(tmp_path / "weights", (tiny.FLOWERS, 18), (tiny.FACES, 18))
    folder = tmp_path / "data" / "flowers102"
    folder.mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "label", "split"])
        for number, name in enumerate(("dahlia", "marigold", "astronaut")):
            with Image.open(EXAMPLES / f"{name}.jpg") as photo:
                photo.convert("RGB").resize((80, 80)).save(folder / f"{name}.png")
            writer.writerow([f"{name}.png", number, "test"])
    with (folder / "classes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "name"])
        writer.writerows(enumerate(tiny.FLOWERS.labels))
    return folder.parent


def test_the_command_prints_a_row_for_each_depth(data, capsys):
    arguments = ["curves", "flowers102", "--depths", "18", "--data", str(data)]
    assert main([*arguments, "--layer", "layer3"]) == 0
    head, _, row = capsys.readouterr().out.splitlines()
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == head.count("|") - 1
    assert cells[:4] == ["flowers102", "18", "layer3", "3"]
    areas = [float(cell.split(" ± ")[0]) for cell in cells[4:8]]
    assert all(0 <= area <= 1 for area in areas) and cells[8].endswith("%")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["flowers102", "--pictures", "1"], "--pictures must be 2 or more, not 1."),
        (["faces68"], "Curves are of a class's probability: faces68 has no classes, name another task."),
    ],
)
def test_what_curves_cannot_do_is_one_sentence(data, capsys, arguments, sentence):
    assert main(["curves", *arguments, "--depths", "18", "--data", str(data)]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_photo_says_its_curves_and_what_is_left_when_a_part_is_hidden(data, mirrored):
    checkpoint = checkpoints.load(tiny.FLOWERS.name, 18)
    checkpoint = replace(checkpoint, spec=replace(checkpoint.spec, mirrored=mirrored))
    answer = Classifier(tiny.FLOWERS.name, 18, "cpu", checkpoint=checkpoint)(EXAMPLES / "dahlia.jpg")
    best, mask = answer.probabilities.argmax(), np.zeros((8, 8), bool)
    np.testing.assert_allclose(answer.hidden(mask), answer.probabilities, atol=1e-3)
    gone = answer.hidden(~mask)[best]
    assert gone != pytest.approx(answer.probabilities[best], abs=1e-3)
    found = answer.faithfulness()
    for curve in found["deletion"]:
        assert curve.probabilities[[0, -1]] == pytest.approx([answer.probabilities[best], gone], abs=1e-3)
    for curve in found["insertion"]:
        assert curve.probabilities[-1] == pytest.approx(answer.probabilities[best], abs=1e-3)
