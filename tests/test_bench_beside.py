"""Measurements beside peers: the table, the file, peers that are not there. No peer is installed and nothing is timed.

Tiny networks stand in for the bundled ones; of the peers those run whose packages the app has itself (OpenVINO).
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES
from PIL import Image

from resnet_demo import checkpoints
from resnet_demo.backends.openvino import best_precision
from resnet_demo.bench import chart, comparison, readme, results
from resnet_demo.bench.cases import bulk, classify, depths, faces, gpu, photo, precision, stages, stem
from resnet_demo.bench.comparison import Entry
from resnet_demo.bench.harness import photos
from resnet_demo.bench.peers import install
from resnet_demo.bench.results import Row
from resnet_demo.bench.settings import Settings
from resnet_demo.cli.main import main
from resnet_demo.models import state

QUICK = ["--depths", "18", "--rounds", "1", "--seconds", "0"]
ONCE = Settings(depths=(18, 34), rounds=1, seconds=0.0, pictures=3)
IMAGENET = replace(tiny.FLOWERS, name="imagenet1k")


@pytest.fixture(autouse=True)
def small_world(tmp_path, monkeypatch):
    """Tiny bundled networks of depth 18, an empty cache folder, and a pip that has no network."""
    root = tmp_path / "weights"
    tiny.weights_folder(root, (tiny.FLOWERS, 18), (tiny.FACES, 18), (IMAGENET, 18))
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(root))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(install, "pip", lambda packages, target: "its packages cannot be installed: no network.")
    install.installed.cache_clear()
    yield
    install.installed.cache_clear()


def ours_and(*others: Row) -> list[Row]:
    return [row("ours", 10.0, ours=True), *others]


def row(way: str, median: float, **more) -> Row:
    given = {"what": "a thing", "unit": "ms", "lower_is_better": True} | more
    return Row(way=way, median=median, lowest=0.9 * median, highest=1.1 * median, **given)


def test_a_missing_peer_gives_a_sentence_and_the_others_are_measured(tmp_path, monkeypatch, capsys):
    tiny.weights_folder(tmp_path / "weights", (IMAGENET, 18), channels=64)  # torchvision's has all of them.
    monkeypatch.setattr(classify, "measure", partial(classify.measure, depth=18))
    file = tmp_path / "bench.json"
    assert main(["bench", "classify", *QUICK, "--json", str(file)]) == 0
    output = capsys.readouterr().out
    for name in ("pytorch-grad-cam", "captum LayerGradCam", "torchcam GradCAM", "transformers' pipeline"):
        assert f"Left out: {name}: its packages cannot be installed: no network." in output
    written = json.loads(file.read_text(encoding="utf-8"))["measurements"]["classify"]
    assert [record["way"] for record in written] == ["ours", "OpenVINO, the forward pass alone"]
    ours, bare = written
    assert bare["ratio"] == pytest.approx(ours["median"] / bare["median"])
    assert results.table(results.from_dicts(written)) in output


def test_depths_without_weights_get_random_ones_and_say_so(monkeypatch, capsys):
    """What stands beside ours, the bare pass, is a stand-in here."""
    tiny.narrow(monkeypatch)
    monkeypatch.setattr(depths.networks, "bare_pass", lambda checkpoint: lambda picture: picture)
    records = depths.measure(ONCE)
    output = capsys.readouterr().out
    assert "No weights are bundled for ResNet-34: random ones stand in" in output
    assert [record["ours"] for record in records] == [True, False, True, False]
    assert {record["what"] for record in records} == {
        "2 depths compared",
        "2 depths compared, with their pictures",
    }


def test_heat_of_the_earlier_stages_beside_autograd_and_a_forward_pass(capsys):
    records = stages.measure(ONCE)
    assert {record["what"] for record in records} == {
        "heat of layer1 to layer3, ResNet-18",
        "heat of layer3, ResNet-18",
        "first heat of an earlier stage, ResNet-18",
    }
    ways = ["ours", "PyTorch, autograd", "the forward pass, float32", "the answer's forward pass"]
    assert [record["way"] for record in records] == ways * 2 + ways[:2]
    assert "the forward pass, float32" in capsys.readouterr().out


def test_the_first_convolution_on_bytes_beside_the_same_in_float32(monkeypatch, capsys):
    assert stem.measure(ONCE) == [] and "these networks are not computed in 8 bits" in capsys.readouterr().out
    checkpoint = checkpoints.load("flowers102", 18)
    measured = replace(checkpoint, ranges=dict.fromkeys(state.rounded_convolutions(checkpoint.architecture), 4.0))
    monkeypatch.setattr(stem.networks, "checkpoint_of", lambda task, depth: measured)
    monkeypatch.setattr(stem, "best_precision", lambda checkpoint: "int8")
    records = stem.measure(ONCE)
    whats = [f"first convolution of ResNet-18, pictures at a time: {count}" for count in (1, 4)]
    assert [record["what"] for record in records] == [what for what in whats for _ in range(2)]
    assert [record["ours"] for record in records] == [True, False] * 2


def test_photo_and_bulk_do_our_part_without_peers(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    record, *parts = photo.measure(ONCE, depth=18, camera=(400, 300))
    assert (record["way"], record["unit"]) == ("ours, as the page does it", "ms")
    assert [part["way"].split()[0] for part in parts] == ["decoding", "the", "scaling", "the", "encoding"]
    record, alone = bulk.measure(ONCE, depth=18)
    assert (record["way"], record["unit"], record["lower_is_better"]) == ("ours", "pictures a second", False)
    assert (alone["what"], alone["way"]) == ("folder to CSV, ResNet-18: its parts", "the network")
    assert "400 × 300 pixels" in capsys.readouterr().out
    assert not list(folder.iterdir())


def test_faces_say_how_many_they_found(capsys):
    record, *parts = faces.measure(ONCE, depths=(18,))
    assert record["note"] == "5 of 5 faces found"
    assert [part["way"] for part in parts] == ["finding the faces", "cutting them out", "the network", "drawing"]
    assert "5 × " in parts[2]["note"]
    assert "face-alignment is left out" in capsys.readouterr().out


def test_quick_arithmetic_is_held_against_float32(monkeypatch, capsys):
    monkeypatch.delenv("RESNET_DEMO_WEIGHTS")
    examples = {precision.FLOWERS: ["daffodil", "yellow-daisy"], precision.FACES: ["astronaut"]}
    monkeypatch.setattr(
        precision,
        "load_pictures",
        lambda task, *_: SimpleNamespace(paths=[EXAMPLES / f"{name}.jpg" for name in examples[task]]),
    )
    records = precision.measure(Settings(depths=(18,)))
    quick = best_precision(checkpoints.load("flowers102", 18)) != "f32"
    assert all(record["met"] is not False for record in records) and bool(records) == quick
    if quick:
        assert "the same class** | 100 %" in capsys.readouterr().out
    monkeypatch.undo()
    assert precision.measure(Settings(depths=(18,), data=Path("/nowhere"))) == []
    assert "Nothing was measured beside float32: The file " in capsys.readouterr().out


def test_without_a_cuda_device_gpu_says_so(monkeypatch, capsys):
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    assert gpu.measure(ONCE) == []
    assert "There is no CUDA device here" in capsys.readouterr().out


def test_the_finished_photo_has_the_size_that_the_page_shows():
    from resnet_demo.page.widgets.inputs import DISPLAY_SIDE, DRAFT_SIDE

    assert (photo.SIDE, photo.DRAFT) == (DISPLAY_SIDE, DRAFT_SIDE)
    file = photos.camera_photo((2000, 1500))
    finished = photo.ours(tiny.random_checkpoint(), file)()
    assert Image.open(io.BytesIO(finished)).size == (1280, 960)


def test_others_see_the_same_network():
    """A checkpoint of each variant gives the same logits in torchvision's network, and one in OpenVINO's bare pass,
    which is made of that."""
    from resnet_demo.backends.factory import make_engine
    from resnet_demo.bench.peers import networks

    for depth, variant in ((50, "v1"), (18, "v1.5")):
        checkpoint = tiny.random_checkpoint(depth=depth, variant=variant)
        picture = tiny.pictures(1, 64)
        expected = make_engine(checkpoint, "reference").run(picture).logits
        x = networks.normalised(checkpoint, Image.fromarray(picture[0]))
        np.testing.assert_allclose(networks.torchvision_network(checkpoint)(x).detach(), expected, atol=1e-3)
    bare = networks.bare_pass(checkpoint)(x.numpy())
    np.testing.assert_allclose(bare, expected, atol=0.05 * np.abs(expected).max())


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Documents with marks in a root of their own, and a file of measurements."""
    root = tmp_path / "root"
    (root / "docs").mkdir(parents=True)
    for name in (readme.TABLES, *readme.WORDS):
        (root / name).write_text(f"before\n\n{readme.START}\nNot measured yet.\n{readme.END}\n\nafter\n")
    monkeypatch.setattr(readme, "ROOT", root)
    machine = {"cpu": "A CPU", "cores": 2, "device": "cpu", "bf16": [], "torch": "2.15", "load": 0.1}
    training = {"depth": 18, "sizes": [128, 160], "batch": 32, "way": "reference"}
    rate = {"median": 10.0, "lowest": 9.0, "highest": 11.0, "rounds": [10.0]}
    record = {
        "machine": machine,
        "settings": {"rounds": 3},
        "measurements": {
            "classify": results.to_dicts(
                ours_and(row("a peer", 160.0, target_ratio=15), row("bare", 8.0, limit_ratio=1.15))
            ),
            "gpu": [],
            "training": [
                training | {"pictures_per_second": rate},
                training | {"way": "ours, by the recipe", "pictures_per_second": dict.fromkeys(rate, 40.0)},
            ],
        },
    }
    file = tmp_path / "bench.json"
    file.write_text(json.dumps(record))
    return root, file


def texts_in(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_the_documents_get_the_figures_of_the_file_and_again_the_same(written, capsys):
    root, file = written
    assert main(["bench", "--readme", str(file)]) == 0
    texts = texts_in(root)
    assert texts.keys() == {"README.md", "README.zh-CN.md", "docs/benchmarks.md", "docs/bench.svg"}
    tables = texts["docs/benchmarks.md"]
    assert tables.startswith("before\n\n<!-- bench -->\n\n![")
    assert tables.endswith("\n<!-- /bench -->\n\nafter\n")
    assert "](bench.svg)\n" in tables
    assert "| a thing | **ours** | 10 ms | 9 to 11 |  |  |  |" in tables
    assert "|  | a peer | 160 ms | 144 to 176 | 16× better | 15× ✓ |  |" in tables
    assert "|  | bare | 8 ms | 7.2 to 8.8 | 1.25× of it | at most 1.15× ✗ |  |" in tables
    assert "| training, ResNet-18 | **ours, by the recipe** | 40 pictures a second |" in tables
    assert "| 4× better |" in tables
    assert "A CPU, 2 cores, CPU; instructions for 8 bits: not recorded, for bf16: none;" in tables
    assert "A CPU, 2 cores, CPU; instructions for 8 bits: not recorded." in texts["README.md"]
    assert "A CPU，2 核" in texts["README.zh-CN.md"]
    for said in ("a peer", "16×", "1.25× of it", "torchvision&#x27;s reference"):
        assert said in texts["docs/bench.svg"]

    assert main(["bench", "--readme", str(file)]) == 0
    assert texts == texts_in(root)


def test_the_readmes_get_the_quickest_other_way_of_five_things(written, capsys):
    """The first of what is always shown, then what else was compared; a bare pass only where there is nothing else."""
    root, file = written
    record = json.loads(file.read_text())
    for number in range(6):
        record["measurements"][f"more{number}"] = results.to_dicts(
            [
                row("ours", 10.0, ours=True, what=f"more {number}"),
                row("bare", 9.0, limit_ratio=1.5, what=f"more {number}"),
            ]
        )
    record["measurements"]["classify"] += results.to_dicts([row("a quicker peer", 30.0)])
    record["measurements"]["http"] = results.to_dicts(
        [row("ours", 10.0, ours=True, what=readme.FIRST[3]), row("slow", 40.0, what=readme.FIRST[3])]
    )
    file.write_text(json.dumps(record))
    assert main(["bench", "--readme", str(file)]) == 0
    for name in readme.WORDS:
        lines = [line for line in (root / name).read_text().splitlines() if line.startswith("|")][2:]
        assert lines == [
            "| HTTP: upload to fetched result | 10 ms | slow | 40 ms | 4× better |",
            "| a thing | 10 ms | a quicker peer | 30 ms | 3× better |",
            "| training, ResNet-18 | 40 pictures a second | torchvision's reference "
            "| 10 pictures a second | 4× better |",
            "| more 0 | 10 ms | bare | 9 ms | 1.11× of it |",
            "| more 1 | 10 ms | bare | 9 ms | 1.11× of it |",
        ]


def test_the_page_of_another_cpu_gets_them_alone(written, capsys):
    root, file = written
    page = root / "docs" / "bench-other.md"
    page.write_text("Another CPU\n\n<!-- bench -->\n<!-- /bench -->\n")
    before = texts_in(root)
    assert main(["bench", "--readme", str(file), "--page", str(page)]) == 0
    changed = {name: text for name, text in texts_in(root).items() if before.get(name) != text}
    assert changed.keys() == {"docs/bench-other.md", "docs/bench-other.svg"}
    assert "](bench-other.svg)" in changed["docs/bench-other.md"]
    assert "| a thing | **ours** | 10 ms | 9 to 11 |" in changed["docs/bench-other.md"]


def test_a_readme_keeps_its_rows_where_nothing_was_compared(written, capsys):
    root, file = written
    record = json.loads(file.read_text())
    record["measurements"] = {"memory": results.to_dicts([row("ours", 10.0, ours=True)])}
    file.write_text(json.dumps(record))
    assert main(["bench", "--readme", str(file)]) == 0
    assert "| a thing | **ours** |" in (root / "docs/benchmarks.md").read_text()
    assert "Not measured yet." in (root / "README.md").read_text()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read: run `bench --json "),
        ("{", "is no JSON file"),
        ("[]", "is no file of measurements"),
        ('{"machine": {}, "settings": {}, "measurements": {"gpu": []}}', "There are no figures in "),
    ],
)
def test_a_file_without_figures_changes_nothing(written, tmp_path, capsys, text, sentence):
    root, _ = written
    file = tmp_path / "other.json"
    if text is not None:
        file.write_text(text)
    assert main(["bench", "--readme", str(file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line
    assert "Not measured yet." in (root / "README.md").read_text()
    assert not (root / "docs/bench.svg").exists()


@pytest.mark.parametrize("name", ["README.zh-CN.md", "docs/benchmarks.md"])
def test_a_document_without_marks_is_named(written, capsys, name):
    root, file = written
    (root / name).write_text("nothing here\n")
    assert main(["bench", "--readme", str(file)]) == 2
    assert f"{name} has no lines <!-- bench -->" in capsys.readouterr().err
    assert "Not measured yet." in (root / "README.md").read_text()


def test_measuring_and_writing_the_readme_are_two_commands(capsys):
    assert main(["bench", "classify", "--readme"]) == 2
    assert "run the measurements first" in capsys.readouterr().err


def test_rows_of_rates_and_of_goals_of_our_own():
    fast = row("ours", 40.0, unit="pictures a second", lower_is_better=False, ours=True, target_ratio=50)
    slow = row("a peer", 10.0, unit="pictures a second", lower_is_better=False, target_ratio=8)
    other = row("another unit", 10.0)
    table = [fast, slow, other]
    assert results.ratio(slow, table) == 4
    assert (results.met(fast, table), results.met(slow, table), results.met(other, table)) == (False, False, None)
    assert results.cells(fast, table)[5] == "at least 50 pictures a second ✗"
    assert results.cells(slow, table)[4:6] == ["4× better", "8× ✗"]
    assert results.ratio(other, table) is None
    assert results.from_dicts(results.to_dicts(table)) == table
    assert results.against(row("a peer", 5.0), [row("ours", 10.0, ours=True)]) == "2× worse"
    assert "another unit" not in chart.draw([table])


def test_a_peer_that_breaks_is_left_out_and_ours_is_not(capsys):
    def broken():
        raise RuntimeError("first line\nsecond line")

    good = Entry("ours", lambda: lambda: None, ours=True)
    (only,) = comparison.compare("a thing", [good, Entry("a peer", lambda: broken)], 1, 0)
    assert only.way == "ours"
    assert "Left out: a peer: it failed with RuntimeError: first line." in capsys.readouterr().out
    with pytest.raises(RuntimeError):
        comparison.compare("a thing", [Entry("ours", broken, ours=True)], 1, 0)


def test_a_group_is_installed_once_with_what_it_needs_and_found_after_the_apps_own(tmp_path, monkeypatch, capsys):
    calls = []

    def pip(packages: list[str], target: Path) -> str:
        calls.append(packages)
        if any(package.startswith("captum") for package in packages):
            (target / "captum_stub.py").write_text("value = 1\n")
        return ""

    monkeypatch.setattr(install, "pip", pip)
    monkeypatch.setattr(sys, "path", list(sys.path))
    own = list(sys.path)
    assert install.load("captum", "captum_stub").value == 1
    assert [packages[0].partition(">")[0] for packages in calls] == ["matplotlib", "captum"]
    assert sys.path[: len(own)] == own
    assert [Path(path).name.rpartition("-")[0] for path in sys.path[len(own) :]] == ["matplotlib", "captum"]
    install.installed.cache_clear()
    install.load("captum", "captum_stub")
    assert len(calls) == 2
    assert "Installing captum" in capsys.readouterr().out
    with pytest.raises(install.Missing, match="no_such_module cannot be imported"):
        install.load("captum", "no_such_module")
    assert sorted(path.name.partition("-")[0] for path in (tmp_path / "cache/resnet-demo/bench").iterdir()) == [
        "captum",
        "matplotlib",
    ]


def test_a_failed_installation_leaves_nothing_behind_and_is_tried_once(tmp_path, monkeypatch):
    calls = []

    def pip(packages: list[str], target: Path) -> str:
        calls.append(packages)
        (target / "half.py").write_text("")
        return "its packages cannot be installed: the disk is full."

    monkeypatch.setattr(install, "pip", pip)
    for _ in range(2):
        with pytest.raises(install.Missing, match="the disk is full"):
            install.load("dlib", "dlib")
    assert len(calls) == 1
    assert not list((tmp_path / "cache/resnet-demo/bench").iterdir())


def test_every_peers_requirement_is_bounded_on_both_sides():
    names = [
        line[3:-1].partition(" on ")[0] for line in install.REQUIREMENTS.read_text().splitlines() if line[:3] == "# ["
    ]
    for name in names:
        _, packages = install.wanted_by(name)
        assert packages
        assert all(">=" in package and ",<" in package for package in packages), name
