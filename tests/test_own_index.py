"""The user's own tasks have an index of their own, which git ignores; they are listed, renamed and removed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import gradio as gr
import pytest
import tiny
from conftest import EXAMPLES, ROOT

from resnet_demo import checkpoints
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.page import catalog
from resnet_demo.page.i18n import en
from resnet_demo.tasks import BUNDLED, CLASSIFICATION, KEYPOINTS, REGRESSION, TaskSpec
from resnet_demo.training.train_own import has_index

pytestmark = pytest.mark.usefixtures("narrow")

PETS = TaskSpec("pets", CLASSIFICATION, labels=("cat", "dog"), size=64, resize=64)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A folder of weights with a task of the project, and one of the user's own that is not registered yet."""
    root = tiny.weights_folder(tmp_path / "weights", (tiny.FLOWERS, 18))
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(root))
    save(root)
    return root


def save(root, name="pets"):
    spec = TaskSpec(name, CLASSIFICATION, labels=PETS.labels, size=64, resize=64)
    top1 = {"top1": {"value": 75.0, "low": 60.0, "high": 90.0, "n": 36}}
    card = f"# ResNet-18: {name}\n\nTask `{name}`, about pets.\n\nresnet-demo predict PHOTO --task {name} --depth 18\n"
    folder = root / name / "resnet18"
    checkpoints.save(folder, tiny.random_state(18, 2), spec, 18, "v1.5", top1, card)
    return folder


def tasks_in(path):
    return [record["task"] for record in json.loads(path.read_text(encoding="utf-8"))["checkpoints"]]


def test_an_own_task_leaves_the_project_s_index_as_it_is(weights):
    before = (weights / "index.json").read_bytes()
    checkpoints.register(weights / "pets" / "resnet18")
    assert (weights / "index.json").read_bytes() == before
    assert tasks_in(weights / "own.json") == ["pets"]
    assert checkpoints.available() == {"flowers102": [18], "pets": [18]}
    checkpoints.load("pets", 18)
    checkpoints.register(weights / "flowers102" / "resnet18")
    assert tasks_in(weights / "own.json") == ["pets"]


def test_one_that_the_project_s_index_lists_goes_on_and_moves_with_its_next_training(weights):
    record = checkpoints.index_record(weights, weights / "pets" / "resnet18")
    checkpoints.write_index(weights, [*checkpoints.read_index(weights), record])
    assert checkpoints.available()["pets"] == [18]
    checkpoints.register(weights / "pets" / "resnet18")
    assert tasks_in(weights / "index.json") == ["flowers102"]
    assert tasks_in(weights / "own.json") == ["pets"]


def test_own_tasks_alone_are_enough(weights):
    checkpoints.register(weights / "pets" / "resnet18")
    (weights / "index.json").unlink()
    assert checkpoints.available() == {"pets": [18]}
    assert has_index() and catalog.depths("pets") == [18]
    (weights / "own.json").write_text("{")
    with pytest.raises(UserError, match=r"own\.json is not valid JSON"):
        checkpoints.available()


REGISTER = """
import sys, time
import pytest, tiny
from resnet_demo import checkpoints
from resnet_demo.checkpoints import index_file
tiny.narrow(pytest.MonkeyPatch())
write = index_file.write_file
# A slow disk, so that the two surely meet between reading and writing.
index_file.write_file = lambda *file: (time.sleep(0.02), write(*file))
print("ready", flush=True)
sys.stdin.readline()
for folder in sys.argv[1:]:
    checkpoints.register(folder)
"""


def test_two_processes_that_register_at_once_lose_nothing(weights):
    names = [[f"{letter}{number}" for number in range(8)] for letter in "ab"]
    command = [sys.executable, "-c", REGISTER]
    path = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": {**os.environ, "PYTHONPATH": path}}
    processes = [subprocess.Popen([*command, *(save(weights, name) for name in own)], **pipes) for own in names]
    for process in processes:
        assert process.stdout.readline().strip() == b"ready"
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert tasks_in(weights / "own.json") == [*names[0], *names[1]]


def test_git_ignores_own_tasks_and_sees_those_of_the_project(tmp_path):
    repository = tmp_path / "clone"
    repository.mkdir()
    shutil.copy(ROOT / ".gitignore", repository)
    subprocess.run(["git", "init", "-q"], cwd=repository, check=True)
    paths = ["weights/index.json", "weights/README.md", *(f"weights/{task}/resnet18/config.json" for task in BUNDLED)]
    own = ["weights/own.json", "weights/.index.lock", "weights/pets/resnet18/model.safetensors"]
    command = ["git", "check-ignore", "--no-index", *paths, *own]
    found = subprocess.run(command, cwd=repository, stdout=subprocess.PIPE, text=True).stdout.split()
    assert found == own


def test_tasks_lists_all_with_their_figures(weights, capsys):
    checkpoints.register(weights / "pets" / "resnet18")
    assert main(["tasks"]) == 0
    flowers, pets = (line.split() for line in capsys.readouterr().out.splitlines()[1:])
    assert [flowers[0], flowers[2], flowers[-1]] == ["flowers102", "18", "bundled"]
    assert pets == ["pets", "classification", "18", "top-1", "75.0", "%", "own"]


def test_a_renamed_task_answers_by_its_new_name(weights, capsys):
    folder = weights / "pets" / "resnet18"
    checkpoints.register(folder)
    checkpoints.write_index(folder, [checkpoints.index_record(folder, folder)])  # as ``teach`` does
    (folder / "notes.txt").write_text("mine")
    before = (folder / "model.safetensors").read_bytes()
    assert main(["tasks", "rename", "pets", "animals"]) == 0
    assert "animals" in capsys.readouterr().out
    assert checkpoints.available() == {"animals": [18], "flowers102": [18]}
    made = weights / "animals" / "resnet18"
    assert checkpoints.load("animals", 18).spec.name == "animals"
    assert checkpoints.read_index(made)[0].task == "animals"
    assert (made / "model.safetensors").read_bytes() == before
    card = (made / "README.md").read_text(encoding="utf-8")
    assert card == (
        "# ResNet-18: animals\n\nTask `animals`, about pets.\n\nresnet-demo predict PHOTO --task animals --depth 18\n"
    )
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]


def test_a_checkpoint_that_is_the_weights_folder_itself_is_renamed_and_removed(tmp_path, monkeypatch):
    root = tmp_path / "taught"
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(root))
    checkpoints.save(root, tiny.random_state(18, 2), PETS, 18, "v1.5", {}, "# ResNet-18: pets\n")
    checkpoints.write_index(root, [checkpoints.index_record(root, root)])
    (root / "photo.jpg").write_bytes(b"mine")
    assert main(["tasks", "rename", "pets", "animals"]) == 0
    assert checkpoints.load("animals", 18).spec.name == "animals"
    assert main(["tasks", "remove", "animals"]) == 0
    assert checkpoints.available() == {}
    assert {file.name for file in root.iterdir()} - {".index.lock"} == {"index.json", "photo.jpg"}


def test_a_removed_task_is_gone_with_its_files(weights, capsys):
    checkpoints.register(weights / "pets" / "resnet18")
    assert main(["tasks", "remove", "pets"]) == 0
    said = capsys.readouterr().out
    assert all(str(weights / "pets" / "resnet18" / name) in said for name in ("model.safetensors", "README.md"))
    assert not (weights / "pets").exists()
    assert checkpoints.available() == {"flowers102": [18]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["remove", "flowers102"], "comes with the project"),
        (["rename", "flowers102", "mine"], "comes with the project"),
        (["remove", "dogs"], "There is no task dogs of your own: choose of pets."),
        (["rename", "dogs", "cats"], "There is no task dogs of your own: choose of pets."),
        (["rename", "pets", "faces68"], "choose another"),
        (["rename", "pets", "My Pets"], "small letters"),
        (["rename", "pets", "pets"], "already"),
    ],
)
def test_what_cannot_be_renamed_or_removed_gets_a_sentence_and_stays(weights, capsys, arguments, said):
    checkpoints.register(weights / "pets" / "resnet18")
    before = (weights / "own.json").read_bytes()
    assert main(["tasks", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert (weights / "own.json").read_bytes() == before
    checkpoints.load("pets", 18)
    checkpoints.load("flowers102", 18)


def test_a_page_with_an_own_task_alone_opens_on_it_and_its_depth(weights):
    from resnet_demo.page.app import build, device_line

    checkpoints.register(weights / "pets" / "resnet18")
    assert catalog.first_task(CLASSIFICATION) == "flowers102"
    (weights / "index.json").unlink()
    blocks = build().blocks.values()
    values = {block.elem_id: getattr(block, "value", None) for block in blocks}
    for tab in ("flowers", "compare", "many"):
        assert values[f"{tab}-task"] == "pets"
    assert [values["flowers-depth"], values["many-depth"], values["compare-depths"]] == [18, 18, [18]]
    assert "CPU" in device_line()
    shown = [block.id for block in blocks if isinstance(block, gr.Tab) and block.visible]
    assert shown == ["flowers", "compare", "many", "lab"]
    assert catalog.task_choices(CLASSIFICATION) == [("pets", "pets")]


def test_a_page_with_own_keypoints_alone_opens_on_their_tab(tmp_path, monkeypatch):
    from resnet_demo.page.app import build

    hands = TaskSpec("hands", KEYPOINTS, points=5, size=64, fit="squash", detector="")
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tiny.weights_folder(tmp_path, (hands, 18))))
    blocks = build().blocks.values()
    (tabs,) = (block for block in blocks if isinstance(block, gr.Tabs))
    assert tabs.selected == "faces"
    assert {"faces-task": "hands", "compare-task": "hands"}.items() <= {
        block.elem_id: getattr(block, "value", None) for block in blocks
    }.items()


def test_no_own_tasks_yet(weights, capsys):
    assert main(["tasks", "remove", "pets"]) == 2
    assert "none of your own yet" in capsys.readouterr().err


def test_numbers_have_a_tab_only_where_a_task_gives_some(tmp_path, monkeypatch):
    from resnet_demo.page.app import build, device_line
    from resnet_demo.page.tabs import compare, number

    def tabs():
        return {block.id: block.visible for block in build().blocks.values() if isinstance(block, gr.Tab)}

    age = TaskSpec("age", REGRESSION, size=64, resize=64)
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tiny.weights_folder(tmp_path, (tiny.FLOWERS, 18))))
    assert not tabs()["number"] and tabs()["compare"]
    tiny.weights_folder(tmp_path, (tiny.FLOWERS, 18), (age, 18))
    assert tabs()["number"]
    shown = number.answer(number.Question(str(EXAMPLES / "dahlia.jpg"), "age", 18))
    value = shown["details"]["value"]
    assert f"<b>{value:.4g}</b>" in shown["number"] and Path(shown["view"]).is_file()
    assert en.EN["number_heat"] in shown["line"]
    (card,) = compare.answers(str(EXAMPLES / "dahlia.jpg"), "age", [18])
    assert card.line.label == f"{value:.4g}" and Path(card.picture).is_file()
    alone = tiny.weights_folder(tmp_path / "alone", (age, 18))
    with monkeypatch.context() as patch:
        patch.setenv("RESNET_DEMO_WEIGHTS", str(alone))
        shown = tabs()
        assert shown["number"] and not any(shown[name] for name in ("flowers", "faces", "compare", "many", "lab"))
        assert "18" not in device_line() and en.EN["no_index"] not in device_line()
    with pytest.raises(UserError, match="is a task of classification, not of regression"):
        number.predict(number.Question(str(EXAMPLES / "dahlia.jpg"), "flowers102", 18))
