"""The report over all weights: what it says is what is stored; plots that can be read; cards that tell the history."""

from __future__ import annotations

import csv
import json
import re
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
import tiny
from conftest import ROOT
from PIL import Image

from resnet_demo import checkpoints
from resnet_demo.checkpoints import Config
from resnet_demo.checkpoints.records import Gathered, Metric
from resnet_demo.cli.main import main
from resnet_demo.tasks import KEYPOINTS, TaskSpec
from resnet_demo.training.cards import report
from resnet_demo.training.cards.card import model_card
from resnet_demo.training.cards.history import history, history_line
from resnet_demo.training.cards.plot import CHARACTER, Panel, Point, Series, draw
from resnet_demo.utils.json_record import as_json
from resnet_demo.utils.svg import FONT, linear_ticks, log_ticks

FLOWERS = TaskSpec("flowers102", "classification", labels=tuple("abcd"), size=192, resize=220)
FACES = TaskSpec("faces68", KEYPOINTS, points=68, size=160, fit="squash")
PETS = TaskSpec("pets", "classification", labels=("cat", "dog"))
COMMAND = "python -m resnet_demo train flowers102 --depth 18 --init imagenet --out runs/x"


def metric(value: float, n: int = 500) -> dict:
    return {"value": value, "low": value - 0.4, "high": value + 0.3, "n": float(n)}


def write_index(root, *models: tuple[TaskSpec, int, dict]) -> None:
    """An index and configurations without the weights themselves, which the report does not read."""
    records = []
    for spec, depth, metrics in models:
        folder = root / spec.name / f"resnet{depth}"
        folder.mkdir(parents=True)
        config = {
            "depth": depth,
            "variant": "v1",
            "metrics": metrics,
            "task": spec.to_json(),
            "recipe": {"epochs": 3},
            "commands": [COMMAND],
        }
        (folder / "config.json").write_text(json.dumps(config))
        place = f"{spec.name}/resnet{depth}"
        record = {"task": spec.name, "depth": depth, "file": f"{place}/model.safetensors", "bytes": depth * 10**6}
        records.append(record | {"config": f"{place}/config.json", "sha256": "0" * 64, "metrics": metrics})
    (root / "index.json").write_text(json.dumps({"checkpoints": records}))


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A weights folder of five checkpoints, one of them a task of the user's own, with timings of all but one."""
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    write_index(
        tmp_path,
        (FACES, 18, {"nme_afw": metric(5.1, 337), "nme_udacity": metric(5.0, 673)}),
        (FACES, 50, {"nme_afw": metric(4.6, 337) | {"missed": 2.0}, "nme_udacity": metric(4.5, 673)}),
        (FLOWERS, 34, {"top1": metric(94, 6149), "top5": metric(98, 6149)}),
        (FLOWERS, 50, {"top1": metric(95, 6149), "top5": metric(99, 6149)}),
        (PETS, 34, {"top1": metric(90, 40), "top5": metric(99, 40)}),
    )
    gflops = {key: round(report.count(checkpoints.read_config(tmp_path / key))[1], 3) for key in TIMES}
    stored = {
        "cpu": "Some CPU @ 3 GHz",
        "threads": 2,
        "load": 0.1,
        "backend": "OpenVINO",
        "rounds": 7,
        "checkpoints": {
            key: {"gflops": gflops[key], "network": milliseconds, "whole": milliseconds + 10}
            for key, milliseconds in TIMES.items()
        },
    }
    (tmp_path / "report.json").write_text(json.dumps(stored))
    return tmp_path


TIMES = {"faces68/resnet18": 3.14, "faces68/resnet50": 7.7, "flowers102/resnet34": 6.2, "flowers102/resnet50": 9.9}


def rows_of(text: str) -> dict[tuple[str, str], list[str]]:
    """(task, depth) → cells of the README's table."""
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {(row[0], row[1]): row for row in cells}


# --- The README -------------------------------------------------------------------------------------------------------


def test_the_readme_of_the_bundled_weights_is_what_the_report_would_write_now(monkeypatch):
    monkeypatch.delenv("RESNET_DEMO_WEIGHTS", raising=False)
    folder = ROOT / "weights"
    for name, text in report.render(folder).items():
        assert (folder / name).is_file(), f"{name} is missing: run `python -m resnet_demo report`"
        assert (folder / name).read_text(encoding="utf-8") == text, f"{name}: run `python -m resnet_demo report`"
    for entry in checkpoints.bundled():
        card = (entry.path.parent / "README.md").read_text(encoding="utf-8")
        assert card == model_card(checkpoints.read_config(entry.config.parent)), f"{entry.task} {entry.depth}"


def test_each_checkpoint_has_a_row_with_its_figures(weights):
    assert main(["report", "--no-timing"]) == 0
    text = (weights / "README.md").read_text(encoding="utf-8")
    rows = rows_of(text)
    faces = rows["faces68", "50"]
    assert "NME, afw 4.60 % (4.20 to 4.90), n = 337, 2 missed<br>NME, udacity 4.50 %" in faces[2]
    assert faces[3:9] == [
        "`python -m resnet_demo evaluate faces68 --depth 50 --split test`",
        "23.79",
        "1.97 (160²)",
        "7.7",
        "17.7",
        "50.0",
    ]
    assert rows["pets", "34"][6:8] == ["–", "–"]
    assert "186.0 MB together (limit 400 MB), the largest one 50.0 MB (limit 95 MB)" in text
    assert "Some CPU @ 3 GHz with 2 threads" in text
    assert "machine was busy" not in text
    assert "Kaggle" not in text  # flowers5 is not among them
    for path in re.findall(r"\]\(([^)]+)\)", text):
        assert (weights / path).is_file(), path


def test_the_readme_follows_the_index_and_old_timings_do_not_outlive_their_network(weights):
    before = report.render(weights)["README.md"]
    assert report.render(weights)["README.md"] == before
    index = (weights / "index.json").read_text()
    (weights / "index.json").write_text(index.replace('"value": 94,', '"value": 93.5,'))
    assert report.render(weights)["README.md"] != before
    path = weights / "flowers102" / "resnet50" / "config.json"
    path.write_text(path.read_text().replace('"size": 192', '"size": 224'))
    assert rows_of(report.render(weights)["README.md"])["flowers102", "50"][5:8] == ["3.86 (224²)", "–", "–"]


def test_numbers_have_no_percent_and_a_taught_network_no_command(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    metric = Metric(0.00312, 0.00299, 0.0034, 40)
    assert report.metric_in_words("mae", metric) == "mean absolute error 0.00312 (0.00299 to 0.0034), n = 40"
    assert report.metric_in_words("r2", Metric(0.72, 0.5, 0.8, 40)).startswith("R² 0.72 (0.5 to 0.8)")
    assert "%" in report.metric_in_words("top1", Metric(72.0, 70.0, 74.0, 40))
    spec = TaskSpec("pets", "classification", labels=("cat", "dog", "ant", "fox"), size=64, resize=64)
    own = {"counts": {"train": 8, "val": 2, "test": 2}, "split": "by seed", "skipped": 0, "classes": {}}
    checkpoints.save(tmp_path / "pets" / "resnet18", tiny.random_state(18, 4), spec, 18, "v1.5", {}, None, {"own": own})
    checkpoints.register(tmp_path / "pets" / "resnet18")
    assert main(["report", "--no-timing"]) == 0
    assert "`python -m resnet_demo evaluate pets --depth 18 --split test`" in (tmp_path / "README.md").read_text()


def test_milliseconds_are_measured_and_stored_with_the_cpu(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(report, "ROUNDS", 2)
    state = tiny.random_state(18, 4)
    extra = {"recipe": {"epochs": 3}, "commands": [COMMAND]}
    folder = tmp_path / "flowers102" / "resnet18"
    checkpoints.save(folder, state, tiny.FLOWERS, 18, "v1.5", {"top1": metric(50)}, "", extra)
    checkpoints.register(folder)
    assert main(["report"]) == 0
    stored = json.loads((tmp_path / "report.json").read_text())
    assert stored["cpu"]
    timing = stored["checkpoints"]["flowers102/resnet18"]
    assert 0 < timing["network"] < timing["whole"]
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert rows_of(text)["flowers102", "18"][6] == f"{timing['network']:.1f}"
    assert COMMAND in (folder / "README.md").read_text(encoding="utf-8")
    assert main(["report", "--no-timing"]) == 0
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == text


# --- The plots --------------------------------------------------------------------------------------------------------


def test_tasks_with_several_depths_are_plotted_against_what_was_measured(weights):
    files = report.render(weights)
    for name in ("accuracy-gflops.svg", "accuracy-milliseconds.svg"):
        words = [element.text for element in ElementTree.fromstring(files[name]).iter() if element.text]
        assert {"102 flowers", "Face keypoints", "NME, afw", "NME, udacity", "18", "34", "50"} <= set(words)
        assert "pets" not in words
        assert f"]({name})" in files["README.md"]


NS = "{http://www.w3.org/2000/svg}"


def boxes_of(svg: str) -> tuple[list[tuple], list[tuple]]:
    """(left, top, right, bottom) of the points' labels and of the error bars, of a plot of one panel."""
    root = ElementTree.fromstring(svg)
    labels = []
    for element in root.iter(f"{NS}text"):
        if element.get("class") == "point":
            x, y, half = float(element.get("x")), float(element.get("y")), CHARACTER * len(element.text) / 2
            labels.append((x - half, y - 0.7 * FONT, x + half, y))
    bars = []
    for element in root.iter(f"{NS}path"):
        if element.get("class") == "bar":
            x, low, high = map(float, re.match(r"M([\d.]+) ([\d.]+)V([\d.]+)", element.get("d")).groups())
            bars.append((x - 3, high, x + 3, low))
    return labels, bars


def meet(one: tuple, other: tuple) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("gap", [1.02, 1.2])
def test_labels_lie_on_no_other_label_and_on_no_error_bar(gap):
    """Depths 34 and 50 cost nearly the same, and the errors on the two sources hardly differ."""
    costs = {"18": 1.0, "34": 1.9, "50": 1.9 * gap, "101": 5.0, "152": 7.5}
    series = tuple(
        Series(
            name,
            tuple(
                Point(cost, 5 - cost / 20 + lift, 4.8 - cost / 20, 5.2 - cost / 20, depth)
                for depth, cost in costs.items()
            ),
        )
        for name, lift in (("one", 0.0), ("two", 0.02))
    )
    labels, bars = boxes_of(draw([Panel("x", "y", series)], "cost", "t"))
    assert len(labels) == 5
    assert len(bars) == 10
    assert not any(meet(one, other) for one, other in combinations(labels, 2))
    assert not any(meet(label, bar) for label in labels for bar in bars)


def test_a_plot_is_well_formed_and_has_dark_colours():
    panel = Panel("Cats & <dogs>", "y", (Series("one", (Point(2.0, 90, 90, 90, "18"),)),))
    svg = draw([panel, panel], "x", "t")
    assert ElementTree.fromstring(svg).get("viewBox") == "0 0 760 600"
    assert "prefers-color-scheme: dark" in svg


def test_ticks_are_round_and_enclose_the_values():
    assert log_ticks(0.9, 9) == [1, 2, 4, 8]
    assert log_ticks(2.1, 3.2) == [2.5, 3]
    for low, high in [(92.3, 96.1), (4.28, 5.1), (90, 90), (0.1, 0.11)]:
        ticks = linear_ticks(low, high)
        assert ticks[0] <= low <= high <= ticks[-1]
        assert 3 <= len(ticks) <= 9


# --- The cards --------------------------------------------------------------------------------------------------------

GROWN = [
    "python -m resnet_demo train flowers102 --depth 50 --init imagenet --out runs/a",
    "python -m resnet_demo grow --from weights/flowers102/resnet50 --depth 101 --out runs/b",
    "python -m resnet_demo train flowers102-grown --depth 101 --init runs/b --out runs/c --set epochs=2",
]
DISTILLED = [
    "python -m resnet_demo distill distill-general --depth 18 --init scratch --out runs/d --teacher imagenet "
    "--pictures tiny-imagenet/train flowers102 '../my photos'",
    "python -m resnet_demo distill faces68-distilled --depth 18 --init runs/d/checkpoint --out runs/e "
    "--teacher weights/faces68/resnet50",
]


def test_a_grown_networks_card_says_from_what_and_where():
    start = " ".join(history(Config({"commands": GROWN})))
    assert "began with the ImageNet ResNet-50 of Keras Applications" in start
    assert "Grown to ResNet-101 from the checkpoint `weights/flowers102/resnet50`, a ResNet-50" in start
    assert "inserted are the blocks layer3 1–2, 4–6, 8–10, 12–14, 16–18, 20–22 (counted from 0)" in start
    line = "ImageNet ResNet-50 → flowers102 → grown to 101 → flowers102-grown"
    assert history_line(Config({"commands": GROWN})) == line


def test_a_distilled_networks_card_names_its_teachers_and_pictures():
    small = "python -m resnet_demo train cifar10 --arch resnet18_cifar --init runs/a --out runs/b"
    *_, trained, more = history(Config({"commands": [*DISTILLED, small, f"{small} --set epochs=1"]}))
    assert "`cifar10`, with a stem for small pictures made of that one's" in trained and "stem" not in more
    first, general, task = history(Config({"commands": DISTILLED}))
    assert "random weights and the teacher's stem" in first
    assert "from the ImageNet ResNet-50 of Keras Applications" in general
    assert "Tiny ImageNet's 100,000 training pictures" in general
    assert "seshuad/IMagenet" in general
    assert "the train and val parts of flowers102; those in `../my photos`" in general
    assert task == "Distilled with the recipe `faces68-distilled` from `weights/faces68/resnet50`."


def test_a_card_says_where_gathered_pictures_are_from():
    record = {
        "pictures": 1234,
        "files": 2345,
        "near known": 678,
        "near one another": 90,
        "apart": ["flowers102", "flowers5"],
        "by source": {"someone+flowers": 1200, "another+photos": 34},
        "by class": {"daisy": 1000, "other": 234},
    }
    commands = [
        "python -m resnet_demo train flowers5 --depth 50 --init imagenet --out runs/f --labelled runs/more",
        "python -m resnet_demo distill flowers5-distill --depth 34 --out runs/g --teacher runs/f/checkpoint "
        "--pictures runs/more runs/others --labelled runs/more",
    ]
    _, taught, followed = history(Config({"commands": commands, "gathered": {"runs/more": record}}))
    assert taught.startswith("Trained with the recipe `flowers5`, with the labels too of those in folders named as the")
    assert "(daisy 1,000), which `python -m resnet_demo gather` put into `runs/more`" in taught
    assert "out of the 2 public repositories someone/flowers, another/photos (of 2,345 files 678 were like" in taught
    # Where they are from is said once.
    assert followed.endswith(
        ", on further pictures without labels: those in `runs/more`; those in `runs/others`, with the labels too of "
        "the pictures in `runs/more`."
    )
    _, alone = history(Config({"commands": commands[1:], "gathered": {"runs/more": record}}))
    assert "on further pictures without labels: 1,234 photos, which `python -m resnet_demo gather` put" in alone
    assert alone.endswith(
        "; those in `runs/others`; with labels those in folders that were named as the classes (daisy 1,000)."
    )
    assert history(Config({"commands": commands}))[1].endswith("with the labels too of the pictures in `runs/more`.")


def test_a_card_says_whose_landmarks_gathered_faces_have():
    record = {
        "pictures": 1234,
        "files": 2345,
        "unusable": 67,
        "near known": 8,
        "near one another": 0,
        "apart": ["faces68"],
        "mesh": {"package": "mediapipe 0.10.21", "nme": 3.61, "n": 1675, "shifts": {"lfpw": 0.006}, "unsure": 9},
        "by source": {"someone+faces": 1200, "another+photos": 34},
        "by class": {},
    }
    assert as_json(Gathered.from_json(record)) == record
    command = "python -m resnet_demo train faces68-mesh --init runs/f --out runs/g --labelled runs/faces"
    _, trained = history(Config({"commands": [command], "gathered": {"runs/faces": record}}))
    assert "with 1,234 faces too that `python -m resnet_demo faces` put into `runs/faces`" in trained
    assert "repositories someone/faces, another/photos (of 2,345 photos 67 have no face that is large" in trained
    assert trained.endswith("by 3.61 % on the 1,675 labelled faces that it was fitted to, each left out.")


def test_the_card_of_a_student_has_the_commands_of_a_teacher_without_a_card():
    config = checkpoints.read_config(checkpoints.find("flowers102", 18).path.parent)
    made = {"teacher": "runs/f/checkpoint", "teacher_commands": ["python -m resnet_demo train x --out runs/f"]}
    both = "# the teacher, runs/f/checkpoint\npython -m resnet_demo train x --out runs/f\n# the student\n"
    assert both + config.steps[0].line in model_card(config.changed(**made))
    assert "# the teacher" not in model_card(config)


def test_a_card_says_what_the_worst_classes_are_taken_for_where_that_was_measured():
    config = {
        "depth": 101,
        "variant": "v1.5",
        "task": FLOWERS.to_json(),
        "metrics": {"top1": metric(90)},
        "recipe": {"epochs": 3},
        "commands": GROWN,
        "confusions": [["a", "b", 7]],
        "worst": [["a", 3, 11, [["b", 7], ["c", 1]]], ["d", 5, 5, []]],
    }
    card = model_card(Config(config))
    assert "| a | 3 of 11 | b (7), c (1) |\n| d | 5 of 5 | – |" in card
    assert "\n".join([*GROWN, "python -m resnet_demo bundle runs/c/checkpoint"]) in card
    assert "| 90.00 % | 89.60 to 90.30 % | 500 |" in card
    assert model_card(Config(json.loads(json.dumps(config)))) == card
    older = model_card(Config(config | {"worst": [["a", 3, 11]]}))
    assert "| a | 3 of 11 |\n" in older
    assert "taken for (times)" not in older


# --- evaluate --all ---------------------------------------------------------------------------------------------------


def write_data(root, task: str) -> None:
    """Two test pictures of two classes."""
    (root / task).mkdir(parents=True)
    for index in range(2):
        Image.fromarray(np.full((40, 40, 3), 90 * index, np.uint8)).save(root / task / f"{index}.png")
    with (root / task / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "label", "split"), ("0.png", 0, "test"), ("1.png", 1, "test")])
    (root / task / "classes.csv").write_text("label,name\n0,dark\n1,grey\n")


def test_evaluate_all_measures_every_checkpoint(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    tasks = ("colours", "shades")
    specs = [TaskSpec(task, "classification", ("dark", "grey"), size=32, resize=32) for task in tasks]
    tiny.weights_folder(tmp_path / "weights", *((spec, 18) for spec in specs))
    for task in tasks:
        write_data(tmp_path / "data", task)
    data = ["--data", str(tmp_path / "data")]
    assert main(["evaluate", "--all", *data]) == 0
    table = capsys.readouterr().out
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith(("| colours", "| shades"))]
    assert [row[:3] for row in rows] == [[f"| {task}", "18", "top-1 accuracy"] for task in tasks]
    assert table.count("95 % interval") == 1
    assert main(["evaluate", *data]) == 0
    assert capsys.readouterr().out == table


@pytest.mark.parametrize("other", [["flowers102"], ["--weights", "runs/x/checkpoint"]])
def test_all_and_one_exclude_each_other(other, capsys):
    assert main(["evaluate", "--all", *other]) == 2
    assert "leave out the task and --weights, or --all" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("listed", "said"),
    [("some.csv", "`some.csv` lists"), (["some.csv", "more.csv"], "`some.csv` and `more.csv` list")],
)
def test_a_card_says_which_list_photos_and_which_classes_of_other_data_sets_were_trained_on(listed, said):
    record = {
        "pictures": 3,
        "files": 4,
        "near known": 1,
        "near one another": 0,
        "apart": ["flowers102", "flowers-app"],
        "listed": listed,
        "command": "python -m resnet_demo gather photos --out runs/more --listed some.csv",
        "by source": {"someone+flowers": 3},
        "by class": {"Rose": 3},
    }
    config = checkpoints.read_config(checkpoints.find("flowers102", 50).path.parent)
    config = config.changed(
        commands=["python -m resnet_demo train x --init imagenet --out runs/x --labelled runs/more"],
        gathered={"runs/more": record},
        recipe={"shared": {"flowers5": {"daisy": "Oxeye Daisy"}}},
    )
    card = model_card(config)
    assert f"with the labels too of those that {said} (Rose 3), which" in card
    assert "It saw of flowers5's train split daisy as Oxeye Daisy too." in card
    assert f"# further photos\n{record['command']}\n# the network\n{config.steps[0].line}" in card
