"""Classes of one's own without training: the closed form, what is refused, and the right answers on real photos."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES, ROOT, data_folder
from species import write_species

from resnet_demo import checkpoints, load
from resnet_demo.cli.main import main
from resnet_demo.images.archives import Source
from resnet_demo.images.class_folders import classes_by_name
from resnet_demo.inference import predictor
from resnet_demo.inference.classifier import Classifier
from resnet_demo.tasks import TaskSpec
from resnet_demo.teach import confidence, features, head, ridge, save

THINGS = TaskSpec("imagenet1k", "classification", labels=("ball", "cup", "hat"), size=64, resize=64)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Random networks: of things, of flowers and of faces."""
    root = tiny.weights_folder(tmp_path / "weights", (THINGS, 18), (tiny.FLOWERS, 34), (tiny.FACES, 50))
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(root))
    return root


def photos(root: Path, **classes: int) -> Path:
    """A folder with a subfolder a class, each with so many pictures of its own colour."""
    for number, (name, count) in enumerate(classes.items()):
        (root / name).mkdir(parents=True)
        for index in range(count):
            tiny.photo(seed=100 * number + index).save(root / name / f"{index}.png")
    return root


def drawn(count: int, channels: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of which some overlap; classes of unequal size."""
    rng = np.random.default_rng(0)
    labels = np.sort(rng.integers(0, classes, count))
    return rng.gamma(1.0, 1.0, (count, channels)) + 0.8 * np.eye(channels)[labels], labels


def test_what_is_taught_sees_no_mirror_images_though_its_trunk_does(weights):
    trunk = predictor.load("imagenet1k", 18, "cpu")
    mirrored = replace(trunk.checkpoint, spec=replace(trunk.spec, mirrored=True))
    network = Classifier("imagenet1k", 18, "cpu", checkpoint=mirrored)
    taught = head.teach(network, "arrows", ["left", "right"], *drawn(40, 512, 2))
    assert network.spec.mirrored and not taught.checkpoint.spec.mirrored


@pytest.mark.parametrize(("count", "channels"), [(20, 50), (60, 8)])
def test_left_out_scores_are_those_of_fits_without_the_picture(count, channels):
    known, labels = drawn(count, channels)
    fit = ridge.fit(known, labels, 3)
    # The same problem written out: each picture's weight stays, one at a time is set to zero.
    weight = 1 / np.bincount(labels)[labels] / 3
    centred = known - weight @ known
    scale = weight @ np.square(centred).sum(axis=1)
    for out in range(0, count, 7):
        part = weight.copy()
        part[out] = 0
        design = np.c_[known, np.ones(count)]
        penalty = np.diag([fit.penalty * scale] * channels + [0])
        solved = np.linalg.solve(design.T * part @ design + penalty, design.T * part @ np.eye(3)[labels])
        np.testing.assert_allclose(fit.left_out[out], design[out] @ solved, atol=1e-6)
    whole = np.linalg.solve(design.T * weight @ design + penalty, design.T * weight @ np.eye(3)[labels])
    np.testing.assert_allclose(np.c_[fit.weights, fit.bias], whole.T, atol=1e-6)


def test_a_large_class_does_not_swallow_a_small_one():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [200, 6])
    known = rng.normal(0, 1, (206, 20)) + 3 * np.eye(20)[labels]
    found = ridge.fit(known, labels, 2).left_out.argmax(axis=1)
    assert (found[labels == 1] == 1).sum() >= 4


def test_probabilities_of_scores_that_are_always_right_are_high_but_not_certain():
    labels = np.arange(40) % 4
    right = np.eye(4)[labels]
    sharp, random = confidence.temperature(right, labels), confidence.temperature(right, (labels + labels // 2) % 4)
    assert 0.9 < np.exp(1 / sharp) / (np.exp(1 / sharp) + 3) < 0.99
    assert random > 3 * sharp


def test_nineteen_of_twenty_taught_photos_are_known_ones_and_other_features_are_not():
    known, labels = drawn(100, 40)
    known += 3 * np.eye(40)[labels]
    means = confidence.means(known, labels, 3)
    assert (means.nearest(known) >= means.threshold).mean() >= 0.95
    other = np.eye(40)[20:30] * 5 + 0.5
    assert (means.nearest(other) < means.threshold).all()


def test_the_class_of_a_file_is_its_first_folder_that_not_all_share():
    assert classes_by_name(["pets/cat/1.jpg", "pets/dog/a/2.jpg", "pets/x.txt"]) == ["cat", "dog", ""]
    assert classes_by_name(["cat/1.jpg", "cat/2.jpg"]) == ["cat", "cat"]
    assert classes_by_name(["1.jpg", "cat/2.jpg"]) == ["", "cat"]
    assert classes_by_name([]) == []


@pytest.mark.parametrize(
    ("classes", "arguments", "sentence"),
    [
        ({}, [], "has no subfolders|is empty"),
        ({"cat": 3}, [], "has only one class, cat"),
        ({"train": 3, "test": 3}, [], "not into classes"),
        ({"cat": 3, "dog": 1}, [], "at least 2 photos that can be read, fewer has dog \\(1\\)"),
        ({"cat": 2, "dog": 2}, ["--name", "flowers102"], "belongs to a task that comes with the project"),
        ({"cat": 2, "dog": 2}, ["--name", "My Pets"], "use small letters"),
        ({"cat": 2, "dog": 2}, ["--depth", "101"], "There is no ResNet-101 to teach: choose 18, 34"),
        ({"cat": 2, "dog": 2}, ["--depth", "50", "--trunk", "faces68"], "faces68 has no classes"),
        ({"cat": 2, "dog": 2}, ["--out", "full"], "holds other things: choose another --out"),
    ],
)
def test_what_cannot_be_taught_gets_a_sentence(weights, tmp_path, monkeypatch, capsys, classes, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    (tmp_path / "photos").mkdir()
    photos(tmp_path / "photos", **classes)
    assert main(["teach", "photos", "--depth", "18", "--out", "pets", *arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert re.search(sentence, line), line
    assert not (tmp_path / "pets").exists()


def test_there_must_be_a_folder(weights, tmp_path, capsys):
    assert main(["teach", str(tmp_path / "none"), "--depth", "18", "--out", str(tmp_path / "pets")]) == 2
    assert "pass a folder with one subfolder of photos a class" in capsys.readouterr().err
    (tmp_path / "file").write_text("x")
    assert main(["teach", str(tmp_path / "file"), "--depth", "18", "--out", str(tmp_path / "pets")]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_files_that_cannot_be_read_are_listed_and_the_others_are_taught(weights, tmp_path, capsys):
    root = photos(tmp_path / "photos", cat=4, dog=3)
    (root / "cat" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (root / "dog" / "notes.txt").write_text("good dog")
    (root / "dog" / ".hidden").write_text("left out")
    out = tmp_path / "Our Pets"
    assert main(["teach", str(root), "--depth", "18", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert [line.split(": ")[0] for line in said.err.splitlines()] == [
        f"Skipped {root / 'cat' / 'broken.jpg'}",
        f"Skipped {root / 'dog' / 'notes.txt'}",
    ]
    assert "of 7 photos" in said.out and "--task our-pets --depth 18" in said.out
    config, card = checkpoints.read_config(out), (out / checkpoints.CARD).read_text("utf-8")
    assert config.own.classes == {"cat": [4, 0, 0], "dog": [3, 0, 0]} and config.own.skipped == 2
    assert config.calibration.fitted.kept == 0.95 and config.ranges is None
    assert "2 more files could not be used" in card and "| cat | 4 |" in card
    # Once more: what was taught may be taught again in the same place.
    assert main(["teach", str(root), "--depth", "18", "--out", str(out)]) == 0


def test_inside_the_weights_folder_it_is_one_of_the_tasks_and_is_never_published(weights, tmp_path, capsys):
    root = photos(tmp_path / "photos", cat=3, dog=3)
    assert (
        main(["teach", str(root), "--depth", "18", "--out", str(weights / "pets" / "resnet18"), "--name", "pets"]) == 0
    )
    assert "RESNET_DEMO_WEIGHTS" not in capsys.readouterr().out
    assert checkpoints.available()["pets"] == [18] and "imagenet1k" in checkpoints.available()
    assert "pets" in checkpoints.own_tasks()


def test_a_folder_of_a_depth_has_its_tasks_name_and_another_task_keeps_its_place(weights, tmp_path, capsys):
    root = photos(tmp_path / "photos", cat=3, dog=3)
    words = ["teach", str(root), "--depth", "18", "--out"]
    assert main([*words, str(weights / "pets" / "resnet18")]) == 0
    assert main([*words, str(weights / "birds" / "resnet18")]) == 0
    assert {"pets", "birds"} <= set(checkpoints.available())
    capsys.readouterr()
    assert main([*words, str(weights / "other" / "resnet18"), "--name", "pets"]) == 2
    assert "There is a ResNet-18 for pets already, in" in capsys.readouterr().err
    assert checkpoints.find("pets", 18).path.parent.parent.name == "pets"
    assert main([*words, str(weights / "pets" / "resnet18")]) == 0


def test_a_class_whose_folder_has_no_utf8_name_is_refused_before_any_photo(weights, tmp_path, capsys):
    root = photos(tmp_path / "photos", cat=3, dog=3)
    os.rename(os.fsencode(root / "dog"), os.fsencode(root) + b"/d\xf6g")
    assert main(["teach", str(root), "--depth", "18", "--out", str(tmp_path / "out")]) == 2
    assert "has a name that is not UTF-8: rename it" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_trunk_is_that_of_things_where_it_is_here_else_that_of_flowers(weights):
    assert (head.default_trunk(18), head.default_trunk(34)) == ("imagenet1k", "flowers102")


def test_names_of_classes_do_not_break_the_card(weights):
    network = predictor.load("imagenet1k", 18, "cpu")
    known = np.abs(np.random.default_rng(0).normal(size=(8, network.engine.head_weights.shape[1]))).astype(np.float32)
    taught = head.teach(network, "odd", ("a|b\n# c", "d"), known, np.arange(8) % 2)
    assert "| a\\|b # c | 4 |" in save.card(taught)


def test_it_imports_neither_torch_nor_gradio(weights, tmp_path):
    root = photos(tmp_path / "photos", cat=2, dog=2)
    code = (
        "import sys; from resnet_demo.cli.main import main; "
        f"main(['teach', {str(root)!r}, '--depth', '18', '--device', 'cpu', '--out', {str(tmp_path / 'pets')!r}]); "
        "assert not {'torch', 'gradio'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def species(tmp_path_factory):
    """Real photos, the bundled ResNet-50, and what it was taught with twenty of each class."""
    root = tmp_path_factory.mktemp("species")
    teaching, testing = write_species(root, 20, 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RESNET_DEMO_WEIGHTS", raising=False)
        network = predictor.load(head.default_trunk(50), 50, "cpu")
        seen = [(photo, file.parent.name) for photo, file in looked_at(network, teaching)]
    names = tuple(sorted({name for _, name in seen}))
    labels = np.array([names.index(name) for _, name in seen])
    taught = head.teach(network, "species", names, np.stack([photo.features for photo, _ in seen]), labels)
    folder = save.save(taught, root / "species")
    return taught, taught.predictor(network), folder, testing


def looked_at(network, folder: Path):
    files = sorted(folder.rglob("*.jpg"))
    return zip(features.look(network, [Source(str(file), partial(str, file)) for file in files]), files, strict=True)


def test_five_species_are_named_right_on_photos_that_it_was_not_taught_with(species):
    taught, predict, _, testing = species
    files = sorted(testing.rglob("*.jpg"))
    answers = [answer for first in range(0, len(files), 16) for answer in predict.many(files[first : first + 16])]
    right = [answer.top_k[0].label == file.parent.name for answer, file in zip(answers, files, strict=True)]
    assert np.mean(right) >= 0.9
    assert taught.accuracy.value >= 90
    assert np.mean([answer.unknown for answer in answers]) <= 0.2
    # The probabilities mean what they say, within what a hundred photos can tell.
    assert abs(np.mean([answer.top_k[0].probability for answer in answers]) - np.mean(right)) < 0.1


def test_a_portrait_is_none_of_them_and_heat_lies_on_the_flower(species):
    _, predict, _, testing = species
    assert predict(EXAMPLES / "astronaut.jpg").unknown
    answer = predict(sorted(testing.rglob("*.jpg"))[0])
    cam = answer.cam()
    rows, columns = cam.shape
    middle = cam[rows // 4 : -(rows // 4), columns // 4 : -(columns // 4)]
    assert cam.max() == 1 and middle.mean() > cam.mean()
    assert not np.allclose(cam, answer.cam(answer.top_k[1].label))


def test_the_checkpoint_answers_as_the_page_did(species, monkeypatch, capsys):
    _, predict, folder, testing = species
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(folder))
    photo = sorted(testing.rglob("*.jpg"))[0]
    here, there = predict(photo), load("species", 50, "cpu")(photo)
    np.testing.assert_allclose(there.probabilities, here.probabilities, atol=1e-5)
    np.testing.assert_allclose(there.cam(), here.cam(), atol=1e-4)
    np.testing.assert_allclose(there.cam(layer="layer3"), here.cam(layer="layer3"), atol=0.02)
    assert there.familiarity == pytest.approx(here.familiarity)
    assert checkpoints.available() == {"species": [50]}
    assert main(["predict", str(photo), "--task", "species", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["top_k"][0]["label"] == here.top_k[0].label


def test_the_network_can_be_had_in_pytorch_and_its_outputs_are_calibrated_already(species):
    import torch

    from resnet_demo import ResNet
    from resnet_demo.images.decode import open_photo
    from resnet_demo.tasks import normalise, preprocess

    _, predict, folder, testing = species
    photo = sorted(testing.rglob("*.jpg"))[0]
    network = ResNet.from_pretrained(folder)
    picture, _ = preprocess(network.spec, open_photo(photo))
    with torch.inference_mode():
        found = network(torch.from_numpy(normalise(network.spec, picture[None]))).softmax(dim=1)[0].numpy()
    answer = predict(photo)
    # float32 here, 8 bits there.
    np.testing.assert_allclose(found, answer.probabilities, atol=0.1)
    assert found.argmax() == answer.probabilities.argmax()


def test_the_zip_holds_the_folder_as_it_is(species, tmp_path):
    *_, folder, _ = species
    path = save.pack(folder, tmp_path / "species.zip")
    shutil.unpack_archive(path, tmp_path / "unpacked")
    names = sorted(file.name for file in (tmp_path / "unpacked" / "species").iterdir())
    assert names == sorted([checkpoints.CARD, checkpoints.CONFIG, checkpoints.INDEX, checkpoints.MODEL])
    assert checkpoints.load_folder(tmp_path / "unpacked" / "species").spec.name == "species"


def test_real_species_are_at_hand_where_the_data_is(species):
    taught, *_ = species
    assert len(taught.labels) == 20 * len(taught.checkpoint.spec.labels)
    assert len(taught.checkpoint.spec.labels) == (5 if data_folder() else 3)
