"""Faces of any photos as training pictures: which are taken, and where their landmarks lie.

MediaPipe is not installed here: what stands in for it puts its 478 points where a bundled network sees the landmarks,
so that the regression from the ones to the others can be right or wrong.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES
from PIL import Image

from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.faces.alignment import Frame
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.tasks.landmarks import MIRROR
from resnet_demo.training import gather_faces
from resnet_demo.training.data.datasets import labelled_points
from resnet_demo.training.data.face_mesh import Annotator, Meshes, left_out, mirror_symmetric
from resnet_demo.training.evaluation.evaluate import nme
from resnet_demo.training.recipe import load_recipe
from resnet_demo.training.train import training_pictures

STAND_IN = """
import json, sys
import numpy as np
from PIL import Image, ImageOps
from resnet_demo.faces.alignment import Frame
from resnet_demo.inference.landmarks import LandmarkPredictor
_, script, files, out, processes = sys.argv
predict = LandmarkPredictor("faces68", 18, "cpu")

def mesh(photo):
    faces = predict(photo).faces
    if not faces:
        return np.full((478, 3), np.nan, np.float32)
    layers = np.arange(478) // 68
    points = np.resize(faces[0].keypoints, (478, 2)) + np.stack([0 * layers, 1.0 * layers], axis=1)
    return np.concatenate([points, 0.1 * points[:, 1:]], axis=1).astype(np.float32)

pairs = []
for number, path in enumerate(json.load(open(files)), 1):
    photo = Image.open(path).convert("RGB")
    pairs.append((mesh(photo), mesh(ImageOps.mirror(photo)), photo.width))
    print(number, flush=True)
plain, mirrored, widths = zip(*pairs) if pairs else ((), (), ())
np.savez(out, plain=np.array(plain).reshape(-1, 478, 3), mirrored=np.array(mirrored).reshape(-1, 478, 3),
         widths=np.array(widths), version="0.10.99")
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """Stands in for the Python of an environment with MediaPipe."""
    folder = tmp_path_factory.mktemp("mesh")
    (folder / "mesh.py").write_text(STAND_IN)
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{os.getcwd()}" exec "{sys.executable}" "{folder}/mesh.py" "$@"\n')
    program.chmod(0o755)
    return program


@pytest.fixture(scope="module")
def module_patch():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def predict() -> LandmarkPredictor:
    return LandmarkPredictor("faces68", 18, "cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory, real_faces, predict, module_patch) -> Path:
    """A data set of faces whose landmarks are the bundled network's, of two sources, and photos to gather from."""
    root = tmp_path_factory.mktemp("faces")
    module_patch.setenv("XDG_CACHE_HOME", str(root / "cache"))  # for where the known faces are found
    folder = root / "data" / "faces68"
    folder.mkdir(parents=True)
    photos = root / "web" / "someone+faces"
    photos.mkdir(parents=True)
    with (folder / "landmarks.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "source", "identity", "split", *(f"{axis}{k}" for k in range(68) for axis in "xy")])
        # Where there are no data sets, every third one is a view of the photograph that is gathered below.
        for index, each in enumerate([each for index, each in enumerate(real_faces(21)) if index % 3 < 2]):
            faces = predict(each.photo).faces
            split, source = ("test", "afw") if index > 11 else ("train", ("helen", "lfpw")[index % 2])
            each.photo.save(folder / f"{index}.png")
            rows.writerow([f"{index}.png", source, index, split, *faces[0].keypoints.ravel()])
    known = Image.open(folder / "13.png")
    known.resize([side * 3 // 4 for side in known.size]).save(photos / "copy-of-a-test-face.jpg", quality=70)
    Image.open(EXAMPLES / "two-people.jpg").save(photos / "two.jpg")
    Image.open(EXAMPLES / "daffodil.jpg").save(photos / "no-face.jpg")
    (photos / "broken.jpg").write_bytes(b"no picture")
    return root


def gathered(data: Path, python: Path, out: str, *more: str) -> int:
    command = ["faces", str(data / "web"), "--out", str(data / out), "--mesh-python", str(python)]
    return main([*command, "--data", str(data / "data"), *more])


def test_faces_get_the_landmarks_that_the_labelled_ones_have(data, python, predict, monkeypatch, capsys):
    monkeypatch.setattr(gather_faces, "CHECKED", 4)
    monkeypatch.setattr(gather_faces, "APART", 0.3)  # The stand-in is not as sure as MediaPipe.
    assert gathered(data, python, "more") == 0
    record = json.loads((data / "more" / "gathered.json").read_text())
    assert json.loads(capsys.readouterr().out) == record
    assert (record["files"], record["unusable"], record["near known"]) == (4, 2, 1)
    assert record["pictures"] + record["mesh"]["unsure"] == 2
    assert record["mesh"]["package"] == "mediapipe 0.10.99" and record["mesh"]["n"] > 8
    assert set(record["mesh"]["shifts"]) == {"helen", "lfpw"}
    assert record["by source"] == {"someone+faces": record["pictures"]}
    assert record["copies"]["turned by 7°"]["found"] == 100

    further = labelled_points(data / "more", 68)
    assert further.sources == ["someone+faces"] * record["pictures"] and len(further) > 0
    for index, points in enumerate(further.labels):
        face = predict(further.picture(index)).faces[0]
        assert nme(points, face.keypoints) < 12  # of a dozen faces that it was fitted to
    recipe = load_recipe("faces68-mesh")
    together = training_pictures(recipe, data / "data", None, [], [data / "more"])
    assert len(together) == 12 + len(further) and together.sources[-1] == "someone+faces"

    assert gathered(data, python, "more") == 2
    assert "is not empty: choose a new folder" in capsys.readouterr().err


def test_nothing_is_written_where_it_cannot_be_done(data, python, tmp_path, capsys):
    for wrong, words in (
        (tmp_path / "none", "cannot be started"),
        (Path(sys.executable), "No module named 'mediapipe'"),
    ):
        assert gathered(data, wrong, "other") == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert words in said and "mesh/bin/pip install mediapipe==" in said
    assert gathered(data, python, "other", "--most", "0") == 2
    assert "--most cannot be 0" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["faces", str(tmp_path / "empty"), "--out", str(data / "other"), "--mesh-python", str(python)]) == 2
    assert "There are no pictures in" in capsys.readouterr().err
    assert not (data / "other").exists()


def test_photos_of_known_faces_alone_leave_nothing(data, python, capsys):
    known = data / "known" / "someone+faces"
    known.mkdir(parents=True)
    for number in (3, 12):
        Image.open(data / "data" / "faces68" / f"{number}.png").save(known / f"{number}.jpg", quality=80)
    command = ["faces", str(data / "known"), "--out", str(data / "none"), "--mesh-python", str(python)]
    assert main([*command, "--data", str(data / "data")]) == 2
    assert "are among those of faces68: name other photos" in capsys.readouterr().err
    assert not (data / "none").exists()


def test_a_mesh_of_the_neighbour_or_one_that_differs_from_its_mirror_image_is_not_used():
    points = np.full((4, 478, 3), 50.0)
    points[1, :, 0] += 40
    meshes = Meshes(points, np.array([0.01, 0.01, 0.3, np.nan]), "0")
    assert gather_faces.sure(meshes, [Frame((52.0, 48.0), 80.0, 0.0)] * 4).tolist() == [True, False, False, False]


def test_so_many_photos_of_each_source_are_taken_evenly(tmp_path):
    for source, count in (("one", 9), ("two", 2)):
        (tmp_path / source).mkdir()
        for number in range(count):
            (tmp_path / source / f"{number}.jpg").touch()
    found = [(source, path.stem) for source, path in gather_faces.photos_of(tmp_path, 3)]
    assert found == [("one", "0"), ("one", "4"), ("one", "8"), ("two", "0"), ("two", "1")]


def faces(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Meshes of round faces that are turned, moved and scaled at random, and landmarks on some of their points."""
    random = np.random.default_rng(0)
    middles = random.uniform(-1, 1, (239, 3))
    shape = np.concatenate([middles, middles * (-1, 1, 1)])
    bent = shape + 0.05 * np.einsum("nk,kpx->npx", random.normal(size=(count, 4)), random.normal(size=(4, 478, 3)))
    turns = np.exp(1j * random.normal(0, 0.2, count))[:, None] * random.uniform(40, 90, count)[:, None]
    plane = (bent[..., 0] + 1j * bent[..., 1]) * turns + random.uniform(90, 120, (count, 1)) * (1 + 1j)
    meshes = np.stack([plane.real, plane.imag, bent[..., 2] * np.abs(turns)], axis=2)
    return meshes, meshes[:, np.arange(68) * 3, :2]


def test_landmarks_are_read_off_a_mesh_whatever_its_place_size_and_turn():
    meshes, points = faces(60)
    found = left_out(meshes, points, [str(number) for number in range(60)])
    assert np.linalg.norm(found - points, axis=2).mean() < 1
    annotator = Annotator.fitted(meshes, points)
    np.testing.assert_allclose(annotator(2 * meshes + (7, 9, 0)), 2 * annotator(meshes) + (7, 9), atol=1e-6)


def test_landmarks_further_to_the_right_than_an_even_handed_annotator_puts_them_are_seen_to_be_so():
    meshes, _ = faces(200)
    # Landmarks that are a mirrored face's as well: half of them on the one side, their counterparts on the other.
    points = np.empty((200, 68, 2))
    for index in range(68):
        other = MIRROR[index]
        place = min(index, other)
        pair = meshes[:, [place, place + 239], :2]
        points[:, index] = pair.mean(axis=1) if index == other else pair[:, int(index > other)]

    def away(points: np.ndarray) -> np.ndarray:
        return (points - mirror_symmetric(meshes, points)(meshes)).mean(axis=(0, 1))

    np.testing.assert_allclose(away(points + np.array((5, 0))) - away(points), (5, 0), atol=0.7)


def test_points_of_another_number_are_refused(data):
    with pytest.raises(UserError, match="do not have 5 keypoints each"):
        labelled_points(data / "data" / "faces68", 5)
    with pytest.raises(
        UserError, match="There is no landmarks.csv in .*web: name a folder that the command faces made"
    ):
        labelled_points(data / "web", 68)


def test_a_shift_without_its_source_is_refused():
    with pytest.raises(UserError, match="The setting mirror_shift takes a table like {lfpw = 0.005}, not 0.005"):
        load_recipe("faces68-mesh", ["mirror_shift=0.005"])
