"""The experiments on depth: runs that can be stopped, CSV files, plots; small ones, whose figures say little."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from conftest import ROOT
from PIL import Image

from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.lab import degradation, gradients, plots, results
from resnet_demo.models.architecture import ARCHITECTURES

SETTINGS = degradation.Settings(epochs=2, size=8, pictures=24, batch=8, rate=0.01)


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    """CIFAR-10's layout with two classes of one colour each."""
    root = tmp_path_factory.mktemp("cifar")
    for part, count in (("train", 14), ("test", 4)):
        for name, colour in (("cat", 40), ("ship", 200)):
            (root / part / name).mkdir(parents=True)
            for index in range(count):
                noise = np.random.default_rng(colour + index + 1000 * count).integers(
                    0, 40, (32, 32, 3), dtype=np.uint8
                )
                Image.fromarray(noise + np.uint8(colour)).save(root / part / name / f"{index}.png")
    return root


@pytest.fixture(scope="module")
def data(cifar) -> degradation.Data:
    return degradation.read_data(cifar, SETTINGS, torch.device("cpu"))


def test_all_but_the_test_part_is_trained_on_at_the_size_asked_for(data):
    assert data.train[0].shape == (24, 3, 8, 8) and data.test[0].shape == (8, 3, 8, 8)
    assert set(data.train[1].tolist()) == {0, 1} == set(data.test[1].tolist())
    assert abs(float(data.normalised(data.train[0]).mean())) < 1e-5
    assert data.limited  # to 24 of 28


def test_pictures_are_cropped_and_mirrored():
    picture = torch.arange(64, dtype=torch.uint8).view(1, 1, 8, 8).expand(40, 3, 8, 8) + 1
    cut = degradation.augmented(picture, torch.Generator().manual_seed(0))
    assert cut.shape == picture.shape and len({tuple(one.flatten().tolist()) for one in cut[:, 0]}) > 10
    whole = [one for one in cut[:, 0] if int((one == 0).sum()) == 0]  # neither moved up nor down nor aside
    kinds = {torch.equal(one, picture[0, 0]) for one in whole}
    assert kinds <= {True, False} and all(
        torch.equal(one, picture[0, 0]) or torch.equal(one, picture[0, 0].flip(1)) for one in whole
    )


def test_a_stopped_run_ends_as_one_that_never_stopped(data, tmp_path):
    whole = degradation.Run("plain20", 0, SETTINGS, data, tmp_path / "a")
    stopped = degradation.Run("plain20", 0, SETTINGS, data, tmp_path / "b")
    rows = [whole.epoch(), whole.epoch()]
    assert stopped.epoch() == rows[0]
    again = degradation.Run("plain20", 0, SETTINGS, data, tmp_path / "b")
    assert again.rows == rows[:1] and again.epoch() == rows[1] and again.done
    assert asdict(rows[1]) | {"train_error": 0, "test_error": 0, "loss": 0} == {
        **{"network": "plain20", "seed": 0, "epoch": 2, "epochs": 2, "size": 8, "pictures": 24, "tests": 8},
        **{"batch": 8, "rate": 0.01, "warmup": 0, "train_error": 0, "test_error": 0, "loss": 0},
        **{"limited": 1, "precision": "float32"},
    }
    with pytest.raises(UserError, match="is a run of other settings or pictures: choose another --out"):
        degradation.Run("plain20", 0, replace(SETTINGS, rate=0.1), data, tmp_path / "b")


def test_the_rate_rises_evenly_and_falls_after_half_and_three_quarters_of_the_epochs():
    settings = degradation.Settings(epochs=8, rate=0.1, warmup=3)
    rates = [degradation.rate_at(step, step // 2, settings) for step in range(16)]  # two steps an epoch
    assert rates == pytest.approx([0.025, 0.05, 0.075, *[0.1] * 5, *[0.01] * 4, *[0.001] * 4])
    assert degradation.rate_at(0, 0, replace(settings, warmup=0)) == 0.1


def test_from_the_command_line_to_a_plot(cifar, tmp_path, capsys):
    assert main(["lab", "plot", "--out", str(tmp_path)]) == 2
    assert "holds no results" in capsys.readouterr().err
    options = ["--epochs", "1", "--size", "8", "--pictures", "16", "--batch", "8", "--seeds", "0", "--warmup", "1"]
    command = ["lab", "degradation", "--data", str(cifar), "--out", str(tmp_path), *options]
    assert main([*command, "--precision", "float32", "--networks", "plain20", "resnet20"]) == 0
    rows = results.read_rows(tmp_path / "degradation.csv", results.Epoch)
    assert [(row.network, row.epochs, row.pictures) for row in rows] == [("plain20", 1, 16), ("resnet20", 1, 16)]
    assert main(["lab", "plot", "--out", str(tmp_path)]) == 0
    drawn = (tmp_path / "degradation.svg").read_text()
    ET.fromstring(drawn)
    assert "1 epoch, 1 seed, 16 pictures of 8 pixels, the rate rises over 1 step (a shortened run: " in drawn
    assert "the paper has 164 epochs of 50,000)" in drawn
    assert main(["lab", "degradation", "--out", str(tmp_path)]) == 2
    assert main([*command, "--rate", "0"]) == 2


def test_other_runs_stay_in_the_csv_and_the_same_ones_are_replaced(cifar, tmp_path, capsys):
    path = tmp_path / "degradation.csv"
    options = ["--networks", "plain20", "--epochs", "1", "--size", "8", "--pictures", "16", "--batch", "8"]

    def run(*more: str) -> int:
        return main(["lab", "degradation", "--data", str(cifar), "--out", str(tmp_path), *options, *more])

    assert run("--seeds", "0", "1") == 0
    first = results.read_rows(path, results.Epoch)
    for file in tmp_path.glob("*.pt"):  # as in a fresh clone: they are not in git
        file.unlink()
    assert run("--seeds", "2", "--networks", "resnet20") == 0
    rows = results.read_rows(path, results.Epoch)
    assert rows[:2] == first and (rows[2].network, rows[2].seed) == ("resnet20", 2)

    results.write_rows(path, [replace(row, loss=77.0) for row in rows])
    assert run("--seeds", "1") == 0  # anew, as its file is gone
    again = results.read_rows(path, results.Epoch)
    assert [(row.network, row.seed) for row in again] == [("plain20", 0), ("plain20", 1), ("resnet20", 2)]
    assert [row.loss == 77 for row in again] == [True, False, True]

    before = path.read_bytes()
    assert run("--seeds", "3", "--epochs", "2") == 2
    error = capsys.readouterr().err
    assert "holds runs of other settings (epochs is 1 there and 2 here): choose the same ones, or another" in error
    assert path.read_bytes() == before and not (tmp_path / "plain20-3.pt").exists()


def test_all_pictures_of_the_paper_are_no_shortened_run_although_copies_are_left_out(tmp_path):
    whole = results.Epoch("plain20", 0, 1, 164, 32, 49_966, 10_000, 128, 0.1, 0, 70.0, 60.0, 2.0)
    shortened = (replace(whole, limited=1), replace(whole, epochs=20), replace(whole, size=16))
    assert "49,966 pictures of 32 pixels" in plots.degradation_svg([whole])
    assert "shortened" not in plots.degradation_svg([whole])
    assert all("(a shortened run: " in plots.degradation_svg([row]) for row in shortened)
    assert "in bf16" in plots.degradation_svg([replace(whole, precision="bf16")])
    # Files of before do not say whether --pictures limited them, nor that they are in float32.
    path = tmp_path / "degradation.csv"
    results.write_rows(path, [whole])
    path.write_text("".join(f"{line.rsplit(',', 2)[0]}\n" for line in path.read_text().splitlines()))
    assert "limited" not in path.read_text() and results.read_rows(path, results.Epoch) == [whole]


def test_the_precision_is_the_devices_own_or_what_is_asked_for(cifar, tmp_path, monkeypatch, capsys):
    options = ["--networks", "resnet20", "--epochs", "1", "--size", "8", "--pictures", "16", "--batch", "8"]
    seen = []
    step = degradation.Run.step

    def watched(run, *batch):
        hook = run.network.layer3.register_forward_hook(lambda part, x, map: seen.append(map.dtype))
        result = step(run, *batch)
        hook.remove()
        return result

    monkeypatch.setattr(degradation.Run, "step", watched)
    for own, asked, kept in (
        (torch.bfloat16, [], "bf16"),
        (torch.float32, [], "float32"),
        (torch.bfloat16, ["--precision", "float32"], "float32"),
    ):
        monkeypatch.setattr(degradation, "training_type", lambda device_type, own=own: own)
        out = tmp_path / f"{own}-{kept}"
        command = ["lab", "degradation", "--data", str(cifar), "--out", str(out), *options]
        assert main([*command, *asked, "--seeds", "0"]) == 0
        assert {row.precision for row in results.read_rows(out / "degradation.csv", results.Epoch)} == {kept}
        assert set(seen) == {degradation.DTYPES[kept]}
        seen.clear()
        other = "bf16" if kept == "float32" else "float32"
        assert main([*command, "--seeds", "1", "--precision", other]) == 2  # No plot could show both.
        assert f"(precision is {kept} there and {other} here)" in capsys.readouterr().err


def test_gradients_of_deep_plain_networks_grow_towards_the_input_and_shortcuts_keep_them(tmp_path):
    x, labels = gradients.noise(8, 16), torch.arange(8)
    grown = {}
    for name in ("plain44", "resnet44"):
        rows = gradients.measure(ARCHITECTURES[name], True, x, labels)
        assert [rows[0].layer, rows[-1].layer, len(rows)] == ["conv1", "fc", 44]
        grown[name] = rows[0].gradient / rows[-2].gradient
    assert grown["plain44"] > 10 * grown["resnet44"]
    bare = gradients.measure(ARCHITECTURES["resnet20"], False, x, labels)
    assert bare[-2].activation > 2 * gradients.measure(ARCHITECTURES["resnet20"], True, x, labels)[-2].activation
    results.write_rows(tmp_path / "gradients.csv", bare)
    again = results.read_rows(tmp_path / "gradients.csv", results.Layer)
    assert [row.layer for row in again] == [row.layer for row in bare]
    with pytest.raises(UserError, match="holds no such results"):
        results.read_rows(tmp_path / "gradients.csv", results.Epoch)


def test_the_committed_curves_show_that_depth_is_worse_without_shortcuts_and_better_with_them():
    rows = results.read_rows(plots.COMMITTED / "degradation.csv", results.Epoch)
    names = ("epochs", "size", "pictures", "tests", "batch", "rate", "warmup", "limited", "precision")
    assert len({tuple(getattr(row, name) for name in names) for row in rows}) == 1
    seeds = sorted({row.seed for row in rows})
    assert len(seeds) >= 3 and len(rows) == len(seeds) * len(degradation.NETWORKS) * rows[0].epochs
    for seed in seeds:
        last = {row.network: row.train_error for row in rows if row.seed == seed and row.epoch == row.epochs}
        assert last["plain56"] > last["plain20"], seed
        assert last["resnet56"] < last["resnet20"] < last["plain20"], seed
    ET.fromstring(plots.degradation_svg(rows))


def test_the_document_says_from_which_epoch_on_the_deeper_residual_network_is_ahead():
    rows = results.read_rows(plots.COMMITTED / "degradation.csv", results.Epoch)
    error = {
        (name, epoch): np.mean([row.train_error for row in rows if (row.network, row.epoch) == (name, epoch)])
        for name in ("resnet20", "resnet56")
        for epoch in range(1, 1 + rows[0].epochs)
    }
    ahead = [epoch for epoch in range(1, 1 + rows[0].epochs) if error["resnet56", epoch] < error["resnet20", epoch]]
    assert ahead == [*range(11, 21)]
    said = f"{error['resnet56', 10]:.1f} and {error['resnet20', 10]:.1f} % in the tenth"
    text = " ".join((ROOT / "docs" / "lab.md").read_text(encoding="utf-8").split())
    assert "behind through the tenth epoch" in text and said in text and "ahead from the eleventh on" in text


def test_the_committed_figures_are_drawn():
    rows = results.read_rows(plots.COMMITTED / "gradients.csv", results.Layer)
    drawn = plots.gradients_svg(rows)
    ET.fromstring(drawn)
    assert drawn.count("<polyline") == 20 and "Solid: with batch norm. Dashed: without." in drawn
