"""The README says what is so: its figures are the bundled checkpoints', its Space settings those of the code."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT

from resnet_demo import checkpoints
from resnet_demo.training.cards.card import table_rows

README = (ROOT / "README.md").read_text(encoding="utf-8")
ACCURACY = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")


def rows_of(section: str) -> list[str]:
    """The rows of a table of accuracy."""
    return [
        line
        for line in section.splitlines()
        if line.startswith(("| flowers", "| garden", "| faces", "| imagenet", "| cifar"))
    ]


def test_every_metric_of_the_bundled_weights_stands_in_the_accuracy_table(monkeypatch):
    monkeypatch.delenv("RESNET_DEMO_WEIGHTS", raising=False)
    rows = rows_of(ACCURACY.split("## All bundled checkpoints")[1].split("\n## ")[0])
    expected = []
    for entry in checkpoints.bundled():
        expected += table_rows(entry.task, entry.depth, entry.metrics).splitlines()
    assert sorted(rows) == sorted(expected)


def test_the_readme_has_the_best_rows_and_the_usual_depth():
    """Of the tasks that have unseen test pictures; the first metric of each, for faces both sources."""
    rows = rows_of(README.split("## Accuracy")[1].split("\n## ")[0])
    every = rows_of(ACCURACY)
    assert set(rows) <= set(every)
    best = {}
    for row in every:
        task, depth, metric, value = (cell.strip() for cell in row.split("|")[1:5])
        if task == "imagenet1k" or metric.startswith("top-5"):
            continue
        size = float(value.split()[0]) * (-1 if metric.startswith("NME") else 1)
        if (task, metric) not in best or size > best[task, metric][0]:
            best[task, metric] = (size, row)
        if depth == "50":
            assert row in rows
    assert {row for _, row in best.values()} <= set(rows)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_a_readme_has_at_most_200_lines(name):
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 200


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
