"""Accuracy on photos of another source, several classes of which may be right."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny
from PIL import Image

from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.inference.classifier import Classifier
from resnet_demo.training.evaluation.elsewhere import photos_elsewhere


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A bundled random network, and photos in folders named after genera and classes."""
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tiny.weights_folder(tmp_path / "weights", (tiny.FLOWERS, 18))))
    for number, name in enumerate(("rosa", "rosa", "bellis", "unknown", "Rose", "Daisy")):
        (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, (70, 80, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    (tmp_path / "genera.csv").write_text("genus,right\nrosa,Rose\nbellis,Daisy|Tulip|Iris|Rose\n")
    return tmp_path


def test_one_of_several_right_answers_is_enough_and_other_folders_are_left_out(photos, capsys):
    command = ["evaluate", "flowers102", "--depth", "18", "--labelled", str(photos / "photos"), "--json"]
    assert main([*command, "--right", str(photos / "genera.csv")]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    predict = Classifier("flowers102", 18, "cpu")
    top = [predict(photos / "photos" / "rosa" / f"{number}.png").top_k[0].label for number in (0, 1)]
    assert metrics["top1"]["n"] == 3  # bellis is always right: all four classes are
    assert metrics["top1"]["value"] == pytest.approx(100 * (1 + top.count("Rose")) / 3, abs=0.01)
    assert metrics["top5"]["value"] == 100
    assert "flagged" not in metrics  # not calibrated

    (photos / "more.csv").write_text("genus,right\nunknown,Tulip\nrosa,Rose|Daisy|Tulip|Iris\n")
    assert main([*command, "--right", str(photos / "genera.csv"), str(photos / "more.csv")]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert metrics["top1"]["n"] == 4 and metrics["top1"]["value"] >= 75  # the later file's word on rosa counts

    assert main(command) == 0  # the folders Rose and Daisy
    assert json.loads(capsys.readouterr().out)["metrics"]["top1"]["n"] == 2


def test_what_cannot_be_measured_gives_one_sentence(photos, capsys):
    (photos / "genera.csv").write_text("genus,right\nrosa,Rose|Peony\n")
    with pytest.raises(UserError, match="names Peony: the task has no such class"):
        photos_elsewhere(photos / "photos", tiny.FLOWERS.labels, [photos / "genera.csv"])
    with pytest.raises(UserError, match="no pictures in subfolders of .* of known names, such as Rose"):
        photos_elsewhere(photos / "photos" / "rosa", tiny.FLOWERS.labels, [])
    assert main(["evaluate", "--labelled", str(photos / "photos")]) == 2
    assert "--labelled needs a task" in capsys.readouterr().err
    assert main(["evaluate", "flowers102", "--grey", "--labelled", str(photos / "photos")]) == 2
    assert "--grey measures one network on a split" in capsys.readouterr().err
