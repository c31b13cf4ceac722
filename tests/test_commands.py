"""The command line: answers a line each, bad input in one sentence with exit status 2, the others still come out."""

from __future__ import annotations

import errno
import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES, ROOT
from PIL import Image

from resnet_demo.cli import bring, train
from resnet_demo.cli.main import COMMANDS, main, make_parser
from resnet_demo.inference import results
from resnet_demo.version import __version__


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A weights folder of tiny random networks: what is tested here is not what they answer."""
    root = tmp_path / "weights"
    root.mkdir()
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(root))
    return tiny.weights_folder(root, (tiny.FLOWERS, 18), (tiny.FACES, 18))


def test_a_folder_of_a_hundred_photos_and_a_broken_one(weights, tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(100):
        tiny.photo(seed=index).save(folder / f"{index:03}.jpg")
    for name in ("roses", ".hidden"):
        (folder / name).mkdir()
        tiny.photo().save(folder / name / "1.jpg")
    (folder / "050-broken.jpg").write_bytes((folder / "050.jpg").read_bytes()[:300])
    assert main(["predict", str(folder), "--depth", "18", "--top-k", "3", "--json"]) == 2
    output = capsys.readouterr()
    records = [json.loads(line) for line in output.out.splitlines()]
    names = [*(f"{index:03}.jpg" for index in range(100)), "roses/1.jpg"]
    assert [record["image"] for record in records] == [str(folder / name) for name in names]
    assert all(list(record) == ["image", "task", "depth", "backend", "top_k", "milliseconds"] for record in records)
    assert all(len(record["top_k"]) == 3 for record in records)
    (line,) = output.err.splitlines()
    assert "050-broken.jpg" in line
    assert "cut off or damaged" in line


def test_faces_as_json(weights, capsys):
    photos = [str(EXAMPLES / "two-people.jpg"), str(EXAMPLES / "dahlia.jpg")]
    assert main(["predict", *photos, "--task", "faces68", "--depth", "18", "--json"]) == 0
    two, none = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert [len(face["keypoints"]) for face in two["faces"]] == [68, 68]
    assert all(len(face["box"]) == 4 and 0 <= face["score"] <= 1 for face in two["faces"])
    assert none["faces"] == []


def test_people_get_a_readable_line_and_overlays(weights, tmp_path, capsys):
    overlays = tmp_path / "overlays"
    assert main(["predict", str(EXAMPLES / "dahlia.jpg"), "--depth", "18", "--overlays", str(overlays)]) == 0
    assert "%" in capsys.readouterr().out
    with Image.open(overlays / "dahlia.jpg") as overlay, Image.open(EXAMPLES / "dahlia.jpg") as photo:
        assert overlay.size == photo.size
        assert overlay.tobytes() != photo.tobytes()


def test_overlays_of_photos_with_one_name_are_all_kept(weights, tmp_path, capsys):
    """Also where another photo's own name is that of a further one, or differs by capitals only."""
    with Image.open(EXAMPLES / "dahlia.jpg") as photo:
        small = photo.resize((64, 64))
    names = ("a/x.jpg", "a/x.png", "a/x-2.png", "b/x.jpg", "b/X.png")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        small.save(tmp_path / name)
    overlays = tmp_path / "overlays"
    photos = [str(tmp_path / name) for name in names]
    for _ in range(2):  # A second run writes the same ones anew.
        assert main(["predict", *photos, "--depth", "18", "--overlays", str(overlays)]) == 0
        found = sorted(path.name for path in overlays.iterdir())
        assert found == ["X-4.jpg", "x-2-2.jpg", "x-2.jpg", "x-3.jpg", "x.jpg"]


def test_overlays_beside_the_photos_never_take_their_places(weights, tmp_path, capsys):
    with Image.open(EXAMPLES / "dahlia.jpg") as photo:
        for name in ("x.jpg", "x.png", "x-2.jpg", "y.jpg"):
            photo.resize((64, 64)).save(tmp_path / name)
    photos = [str(tmp_path / name) for name in ("x.jpg", "x.png", "x-2.jpg", "y.jpg")]
    before = [Path(photo).read_bytes() for photo in photos]
    (tmp_path / "other-name").symlink_to(tmp_path, target_is_directory=True)
    assert main(["predict", *photos, "--depth", "18", "--overlays", str(tmp_path / "other-name")]) == 0
    assert [Path(photo).read_bytes() for photo in photos] == before
    found = {path.name for path in tmp_path.glob("*.jpg")}
    assert found == {"x.jpg", "x-2.jpg", "x-3.jpg", "x-4.jpg", "x-2-2.jpg", "y.jpg", "y-2.jpg"}
    # Nor of photos that were not named.
    assert main(["predict", str(tmp_path / "y.jpg"), "--depth", "18", "--overlays", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.glob("*.jpg")} == found | {"y-3.jpg"}
    assert [Path(photo).read_bytes() for photo in photos] == before


def test_a_photo_that_is_too_wide_for_an_overlay_costs_no_other_one(weights, tmp_path, capsys):
    Image.new("RGB", (66_000, 20), "red").save(tmp_path / "wide.png")
    photos = [str(tmp_path / "wide.png"), str(EXAMPLES / "dahlia.jpg")]
    assert main(["predict", *photos, "--depth", "18", "--overlays", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert "wide.png: Its overlay cannot be a JPEG" in said.err and "Traceback" not in said.err
    assert len(said.out.splitlines()) == 2 and (tmp_path / "out" / "dahlia.jpg").is_file()


def test_a_full_disk_is_one_sentence(weights, monkeypatch, capsys):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("resnet_demo.cli.predict.answer_line", full)
    assert main(["predict", str(EXAMPLES / "dahlia.jpg"), "--depth", "18"]) == 2
    assert capsys.readouterr().err.endswith(
        "Nothing more can be written (no space left on device): make room, and run the same command again.\n"
    )


def test_other_troubles_of_the_system_are_not_called_a_full_disk(weights, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

    monkeypatch.setattr("resnet_demo.cli.predict.answer_line", refused)
    with pytest.raises(ConnectionRefusedError):
        main(["predict", str(EXAMPLES / "dahlia.jpg"), "--depth", "18"])


def test_names_that_a_terminal_cannot_show_cost_no_other_photo(weights, tmp_path):
    odd = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    with open(odd, "wb") as file:
        file.write((EXAMPLES / "dahlia.jpg").read_bytes())
    command = [sys.executable, "-m", "resnet_demo", "predict", odd, str(EXAMPLES / "dahlia.jpg"), "--depth", "18"]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2 and b"caf\\udce9.jpg" in done.stdout


def test_an_empty_heatmap_and_missing_rows_are_said(weights, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(results.Prediction, "low_resolution_cam", lambda *_: np.zeros((2, 2), np.float32))
    photo = tmp_path / "cut.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (640, 640, 3), np.uint8)
    Image.fromarray(noise).save(photo, quality=90)
    photo.write_bytes(photo.read_bytes()[: round(photo.stat().st_size * 0.98)])
    options = ["--depth", "18", "--json", "--overlays", str(tmp_path / "overlays")]
    assert main(["predict", str(photo), *options]) == 0
    out, err = capsys.readouterr()
    (note,) = json.loads(out)["notes"]
    assert note.startswith("The file ends too early: 2.") and note.endswith("% of the photo's rows are missing.")
    assert "Nothing in this photo speaks for " in err and "rows are missing." in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--depth", "34"], "There is no ResNet-34 for flowers102 yet: choose 18."),
        (["--task", "cats"], "There are no weights for the task 'cats': choose faces68 or flowers102."),
        (["--depth", "18", "--top-k", "0"], "top_k must be a whole number from 1 on, not 0."),
        (["--depth", "18", "--device", "tpu"], "There is no device 'tpu'"),
        (["--depth", "18", "--device", "cuda:99"], "here: choose"),
    ],
)
def test_a_bad_setting_gives_one_sentence_and_status_2(weights, capsys, arguments, sentence):
    assert main(["predict", str(EXAMPLES / "dahlia.jpg"), *arguments]) == 2
    output = capsys.readouterr()
    assert not output.out
    assert sentence in output.err
    assert len(output.err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["predict"], ["predict", "x.jpg", "--depth", "21"], ["paint"]])
def test_a_bad_argument_gives_one_line_and_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def commands() -> dict:
    """Name → parser of every command."""
    (table,) = (action.choices for action in make_parser()._actions if action.dest == "command")
    return table


def test_help_lists_every_command_once_under_its_purpose_with_an_example(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    listed = [line.split()[0] for line in shown.splitlines() if line.startswith("  ") and line[2:3].isalpha()]
    assert [name for name in listed if name in commands()] == list(commands())
    assert all(f"\n{purpose}:\n" in shown for purpose in COMMANDS)
    for name, parser in commands().items():
        assert f"python -m resnet_demo {parser.example}" in shown, name


@pytest.mark.parametrize("name", commands())
def test_the_help_of_a_command_has_an_example_that_parses(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    example = capsys.readouterr().out.strip().splitlines()[-1].strip()
    words = shlex.split(example.removeprefix("python -m resnet_demo "))
    assert words[0] == name
    assert make_parser().parse_args(words).command == name


def test_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"python -m resnet_demo {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "", "--depth", "18"], "A photo has no name"),
        (["predict", "PHOTO", "--depth", "18", "--overlays", "FILE"], "it is a file"),
        (["predict", "PHOTO", "--depth", "18", "--overlays", "/proc/nothing"], "No pictures can be written to"),
        (["convert", "--package", "NONE"], "no such file or directory"),
        (["convert", "--package", "FILE"], "is not the package"),
        (["convert", "--package", "FOLDER"], "is a directory"),
        (["serve", "--port", "0"], "PORT must be a number from 1 to 65535, not '0'"),
        (["publish", "--repo-id", "you/name", "--dry-run", "--tasks", "nope"], "no weights for the task 'nope'"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_status_2(weights, tmp_path, capsys, monkeypatch, arguments, words):
    (tmp_path / "file").touch()
    names = {"PHOTO": EXAMPLES / "dahlia.jpg", "FILE": tmp_path / "file", "FOLDER": tmp_path, "NONE": tmp_path / "none"}
    monkeypatch.setenv("PORT", "7860")
    assert main([str(names.get(argument, argument)) for argument in arguments]) == 2
    output = capsys.readouterr()
    assert words in output.err and len(output.err.splitlines()) == 1 and not output.out


def test_a_taken_port_is_status_2(capsys, monkeypatch):
    monkeypatch.setenv("HOST", "127.0.0.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("PORT", str(taken.getsockname()[1]))
        assert main(["serve"]) == 2
    assert "is taken" in capsys.readouterr().err


def test_a_missing_photo_and_an_empty_folder(weights, tmp_path, capsys):
    assert main(["predict", str(tmp_path / "none.jpg"), "--depth", "18"]) == 2
    assert "There is no file" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["predict", str(tmp_path / "empty"), "--depth", "18"]) == 2
    assert "There are no pictures in" in capsys.readouterr().err


def test_help_and_predictions_import_neither_torch_nor_gradio(weights):
    code = (
        "import sys; from resnet_demo.cli.main import main; "
        f"main(['predict', {str(EXAMPLES / 'dahlia.jpg')!r}, '--depth', '18', '--device', 'cpu']); "
        "assert not {'torch', 'gradio'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_has_seen_enough_gets_no_traceback(weights):
    photos = " ".join([str(EXAMPLES / "dahlia.jpg")] * 5)
    command = f"{sys.executable} -m resnet_demo predict {photos} --depth 18 --json | head -n 1"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["depth"] == 18
    assert "Traceback" not in done.stderr


@pytest.fixture
def without_torch(tmp_path, monkeypatch):
    """A function that runs ``train`` where no PyTorch is, in the environment that make built for a clone; it gives the
    status and, where the command was started again, its arguments. The clone's script notes what it was asked for."""
    clone = tmp_path / "clone"
    (clone / ".ci").mkdir(parents=True)
    (clone / ".ci" / "environment").write_text(
        "import os, pathlib, sys\n"
        "pathlib.Path('asked').write_text(sys.argv[1])\nprint('Installing')\nsys.exit(int(os.environ['FAILS']))\n"
    )
    (clone / ".venv").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bring, "ROOT", clone)
    monkeypatch.setattr(sys, "argv", ["resnet-demo", "train", "flowers102", "--out", "run"])
    monkeypatch.setenv("FAILS", "0")
    monkeypatch.setenv(bring.BROUGHT, "")

    def needs_torch(_):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(train, "run_train", needs_torch)  # Here PyTorch may have been imported before.
    again: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, arguments: again.append(arguments[1:]))

    def run() -> tuple[int, list[list[str]]]:
        return main(), again

    return run


def test_pytorch_is_fetched_when_a_command_first_needs_it(without_torch, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "clone" / ".venv"))
    assert without_torch()[1] == [["-m", "resnet_demo", "train", "flowers102", "--out", "run"]]
    assert (tmp_path / "asked").read_text() == "torch"
    output = capfd.readouterr()
    assert output.err.startswith("This needs torch, which is not installed yet, and fetches it now.\nInstalling\n")
    assert output.out == ""
    (tmp_path / "asked").unlink()
    assert without_torch()[0] == 2  # What did not help is not done twice.
    assert not (tmp_path / "asked").exists() and "run `make torch`" in capfd.readouterr().err


@pytest.mark.parametrize("fails", ["0", "1"])
def test_another_environment_is_left_alone_and_what_fails_is_said(without_torch, tmp_path, monkeypatch, fails, capfd):
    if fails == "1":
        monkeypatch.setattr(sys, "prefix", str(tmp_path / "clone" / ".venv"))
        monkeypatch.setenv("FAILS", "1")
    status, again = without_torch()
    assert (status, again, (tmp_path / "asked").exists()) == (2, [], fails == "1")
    assert "This needs the package torch, which is not installed here: run `make torch`" in capfd.readouterr().err
