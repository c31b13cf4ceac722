"""A task that is one file of somebody's own is trained, described and offered like those that come with the project."""

from __future__ import annotations

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT
from gradio.context import LocalContext
from PIL import Image

from resnet_demo import tasks
from resnet_demo.cli.main import main
from resnet_demo.page import catalog
from resnet_demo.tasks.bundled import add_task

pytestmark = pytest.mark.usefixtures("narrow")

OWN = ROOT / "tests" / "own_task" / "colours.toml"


@pytest.fixture
def known(monkeypatch, tmp_path):
    """The task is known for the length of a test, its pictures lie in the folder that is returned."""
    for table in (tasks.BUNDLED, tasks.TITLES):
        monkeypatch.setitem(table, OWN.stem, None)  # undone at the end
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    add_task(OWN)
    folder, random = tmp_path / "colours", np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    (folder / "classes.csv").write_text("label,name\n0,red\n1,blue\n")
    rows = [["image", "label", "split"]]
    for index in range(16):
        noise = random.integers(0, 80, (48, 48, 3), dtype=np.uint8)
        noise[..., 2 * (index % 2)] += 150
        Image.fromarray(noise).save(folder / "images" / f"{index}.png")
        rows.append([f"images/{index}.png", index % 2, ("train", "train", "val", "test")[index // 2 % 4]])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return tmp_path


def test_it_is_one_short_file():
    assert len(OWN.read_text(encoding="utf-8").splitlines()) <= 40


def test_it_is_trained_by_its_name_described_and_offered_last(known, capsys):
    out, data = known / "run", ["--data", str(known)]
    start = ["--depth", "18", "--init", "scratch", "--workers", "0", "--out", str(out)]
    assert main(["train", "colours", *start, *data]) == 0
    assert main(["bundle", str(out / "checkpoint"), *data]) == 0
    card = (known / "weights" / "colours" / "resnet18" / "README.md").read_text(encoding="utf-8")
    assert "# ResNet-18: 2 colours" in card and "Trained with the recipe `colours`." in card
    assert "The pictures are nobody's" in card and "It knows two colours and nothing else." in card
    assert "| top-1 accuracy | 100.00 % |" in card
    assert catalog.task_choices(tasks.CLASSIFICATION)[-1] == ("2 colours", "colours")
    token = LocalContext.request.set(SimpleNamespace(headers={"Accept-Language": "zh-CN"}))
    assert catalog.title("colours") == "2 种颜色"
    LocalContext.request.reset(token)
    capsys.readouterr()
    assert main(["predict", str(known / "colours" / "images" / "0.png"), "--task", "colours", "--depth", "18"]) == 0
    assert ": red " in capsys.readouterr().out
