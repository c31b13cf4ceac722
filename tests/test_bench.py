"""Side-by-side measurements: the table, the file, what they leave behind. What the figures are is not tested."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from resnet_demo.bench.harness import training_clock
from resnet_demo.bench.harness.our_training import averaged, phases
from resnet_demo.bench.harness.training_clock import Clock, Training
from resnet_demo.bench.harness.training_images import flower_pictures
from resnet_demo.bench.peers.torchvision_training import reference_batches
from resnet_demo.cli.main import main
from resnet_demo.training.recipe import Recipe
from resnet_demo.training.trainer import Trainer

TINY = ["--depths", "18", "--rounds", "1", "--batch", "2", "--size", "32", "--seconds", "0"]


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The folder for temporary files, on a machine without the data sets."""
    monkeypatch.setenv("RESNET_DEMO_DATA", str(tmp_path / "none"))
    # The workers' sockets lie in it, and the path of a socket has 107 characters at most.
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def left_in(scratch) -> list[str]:
    """What the measurements left there; Python's own folders for what processes share go when Python ends."""
    return [path.name for path in scratch.iterdir() if not path.name.startswith(("pymp-", "torchinductor"))]


def test_training_prints_a_table_and_writes_the_same_as_json(scratch, tmp_path, monkeypatch, capsys):
    """Without worker processes: among the threads that other tests left, they took a whole test worker along."""
    monkeypatch.setattr(training_clock, "QUIET", 0)  # Nothing is prepared ahead that a turn would have to wait for.
    file = tmp_path / "bench.json"
    assert main(["bench", "training", *TINY, "--workers", "0", "--json", str(file)]) == 0
    output = capsys.readouterr().out
    assert "torch " + torch.__version__ in output
    assert "(drawn)" in output
    lines = [line.strip("| ").split(" | ") for line in output.splitlines() if line.startswith("| ")]
    columns, rows = lines[0], [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]
    assert columns[-2:] == ["× reference", "× decoded"]
    ways = ["reference", "reference, decoded", "ours", "ours, by the recipe"]
    assert [(row["depth"], row["way"]) for row in rows] == [("18", way) for way in ways]

    written = json.loads(file.read_text())
    assert {"cpu", "cores", "threads", "torch", "torchvision", "load"} <= written["machine"].keys()
    assert (written["settings"]["rounds"], written["settings"]["workers"]) == (1, 0)
    records = {record["way"]: record for record in written["measurements"]["training"]}
    assert list(records) == ways
    for row, record in zip(rows, records.values(), strict=True):
        rate = record["pictures_per_second"]
        assert 0 < rate["lowest"] <= rate["median"] <= rate["highest"]
        assert len(rate["rounds"]) == 1
        assert row["× reference"] == f"{record['ratio']:.2f}"
        reference = records["reference"]["pictures_per_second"]["median"]
        assert record["ratio"] == pytest.approx(rate["median"] / reference)
    assert (records["ours"]["sizes"], records["ours"]["batch"]) == ([32], 2)
    assert records["ours, by the recipe"]["sizes"] == [128, 160]
    assert not left_in(scratch)


def test_a_stop_leaves_nothing_behind(scratch, tmp_path, monkeypatch, capsys):
    def stop(*_):
        assert left_in(scratch)
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "step", stop)
    assert main(["bench", "training", *TINY, "--json", str(tmp_path / "bench.json")]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "Stopped."
    assert not left_in(scratch)
    assert not (tmp_path / "bench.json").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["cooking"], "There is no measurement 'cooking': choose classify or "),
        (["--rounds", "0"], "--rounds must be 1 or more, not 0."),
        (["--batch", "1"], "--batch must be 2 or more, not 1."),
        (["--seconds", "nan"], "--seconds must be 0 or more, not nan."),
        (["--pictures", "0"], "--pictures must be 1 or more, not 0."),
        (["--json", "no/such/folder/bench.json"], "cannot be written"),
        (["training", "--data", "no/such/folder"], "is missing: set RESNET_DEMO_DATA"),
    ],
)
def test_a_bad_setting_gives_one_sentence_and_status_2(capsys, arguments, sentence):
    assert main(["bench", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line


def test_an_unknown_depth_gives_one_line_and_status_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["bench", "training", "--depths", "18", "20"])
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "20" in line


def test_a_recipe_counts_as_long_as_it_takes():
    recipe = Recipe("flowers102", epochs=4, sizes=((0, 64), (3, 96)), frozen=((0, 5), (1, 0)))
    epochs = phases(recipe)
    assert epochs == Counter({(64, 5): 1, (64, 0): 2, (96, 0): 1})
    # 1/40 + 2/20 + 1/5 of an epoch's pictures: 0.325 for four epochs.
    assert averaged({(64, 5): 40, (64, 0): 20, (96, 0): 5}, epochs) == pytest.approx(4 / 0.325)


@pytest.mark.parametrize(("step_takes", "picture_takes", "rate"), [(4.0, 0.5, 1.0), (1.0, 2.0, 0.5)])
def test_whichever_is_slower_decides_steps_or_preparation(monkeypatch, step_takes, picture_takes, rate):
    """With full queues at both ends a turn of one step pays for one batch's preparation too."""

    class Time:
        now = 100.0

        def monotonic(self):
            return self.now

        def sleep(self, seconds):
            self.now += seconds

    time, clock = Time(), Clock()
    monkeypatch.setattr(training_clock, "time", time)

    def batches():
        while True:
            # A worker starts on the batch that takes this one's place in the queue, and ends 4 pictures later.
            clock.value.value = time.now + 4 * picture_takes
            yield torch.zeros(4, 3, 8, 8), torch.zeros(4)

    way = Training("way", batches(), lambda *_: time.sleep(step_takes), clock)
    assert way.measure(0) == pytest.approx(rate)


def test_the_reference_sees_normalised_pictures_from_the_file_or_from_memory(scratch):
    pictures, source = flower_pictures(scratch)
    assert source == "drawn"
    for decoded in (False, True):
        batch, labels = next(reference_batches(pictures, 48, 4, 0, decoded, Clock()))
        assert (batch.shape, batch.dtype, labels.dtype) == ((4, 3, 48, 48), torch.float32, torch.int64)
        assert -2.2 < batch.min() < 0 < batch.max() < 2.7
        assert len(pictures.cache) == (4 if decoded else 0)
    assert np.all((pictures.labels >= 0) & (pictures.labels < len(pictures.classes)))
