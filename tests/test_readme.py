"""The README says what is so: its figures are the bundled checkpoints', its Space settings those of the code."""

from __future__ import annotations

import re

from conftest import ROOT

from resnet_demo import checkpoints
from resnet_demo.training.cards.card import table_rows

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_metric_of_the_bundled_weights_stands_in_the_accuracy_table(monkeypatch):
    monkeypatch.delenv("RESNET_DEMO_WEIGHTS", raising=False)
    table = README.split("## Accuracy")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith(("| flowers", "| faces", "| imagenet"))]
    expected = []
    for entry in checkpoints.bundled():
        expected += table_rows(entry.task, entry.depth, entry.metrics).splitlines()
    assert sorted(rows) == sorted(expected)


def test_the_space_settings_fit_the_requirements():
    front = README.split("---")[1]
    version = re.search(r"sdk_version: (\S+)", front)[1]
    (bounds,) = re.findall(r"^gradio\[mcp\]>=([\d.]+),<(\d+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert [int(part) for part in version.split(".")] >= [int(part) for part in bounds[0].split(".")]
    assert int(version.split(".")[0]) < int(bounds[1])
    app_file = re.search(r"app_file: (\S+)", front)[1]
    assert (ROOT / app_file).is_file()


def test_every_requirement_is_bounded_on_both_sides():
    for name in ("requirements.txt", "tests/requirements.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.match(r"^[\w\[\]-]+>=[\d.]+,<[\d.]+", line), line


def test_every_picture_in_the_readme_is_there():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path
