"""Landmarks in the mean with a network's, mirror images of faces, and faces that look to the side."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES, ROOT

from resnet_demo.checkpoints.records import Gathered, MeshRecord
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.faces.alignment import frame_of, transform
from resnet_demo.faces.pose import pose_of
from resnet_demo.images.decode import open_photo
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.training.cards.history import faces_in_words
from resnet_demo.training.data.augment_faces import turn
from resnet_demo.training.data.datasets import Pictures, labelled_points
from resnet_demo.training.data.gather_record import RECORD, records
from resnet_demo.training.data.loader import epoch_order
from resnet_demo.training.evaluation.detection import measure_mirrored
from resnet_demo.training.evaluation.evaluate import nme
from resnet_demo.training.gather_faces import cut_out, write
from resnet_demo.training.recipe import Recipe
from resnet_demo.utils.json_record import as_json

WEIGHTS = ROOT / "weights"
NETWORK = WEIGHTS / "faces68" / "resnet18"
MOVED = np.array([6.0, -4.0])  # pixels that the landmarks of the folder lie aside


@pytest.fixture(scope="module")
def predict() -> LandmarkPredictor:
    return LandmarkPredictor("faces68", 18, "cpu")


@pytest.fixture
def folder(tmp_path, predict, monkeypatch) -> Path:
    """Two faces as the command ``faces`` leaves them, whose landmarks lie aside."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # for where the faces are found
    made = tmp_path / "gathered"
    (made / "images").mkdir(parents=True)
    photo = open_photo(EXAMPLES / "two-people.jpg")
    faces = [cut_out("someone+faces", photo, frame_of(face)) for face in predict.detector.detect(photo)]
    paths = [made / "images" / f"{number:05d}.jpg" for number in range(len(faces))]
    for face, path in zip(faces, paths, strict=True):
        path.write_bytes(face.data)
    seen = np.stack([predict(path).faces[0].keypoints for path in paths])
    write(made, [face.source for face in faces], paths, seen + MOVED)
    mesh = MeshRecord("mediapipe 0.10.99", 3.4, 1666, {"helen": 0.004}, 3)
    record = Gathered(
        2, 4, 1, None, ["faces68"], {"someone+faces": 2}, {}, command="python -m resnet_demo faces a", mesh=mesh
    )
    (made / RECORD).write_text(json.dumps(as_json(record)))
    return made


def relabel(folder: Path, out: str, *more: str) -> int:
    return main(["relabel", str(folder), "--network", str(NETWORK), "--out", str(folder.parent / out), *more])


def test_landmarks_are_the_mean_with_the_networks(folder, capsys):
    assert relabel(folder, "mean", "--share", "0.5") == 0
    record = json.loads(capsys.readouterr().out)
    before, after = labelled_points(folder, 68), labelled_points(folder.parent / "mean", 68)
    assert after.sources == before.sources and len(after) == 2
    assert [path.read_bytes() for path in after.paths] == [path.read_bytes() for path in before.paths]
    # The network sees the landmarks where they were before they were moved, but for what its mirror image says.
    np.testing.assert_allclose((after.labels - before.labels).mean(axis=1), [-MOVED / 2] * 2, atol=0.7)
    assert record["mesh"] | {"apart": 0} == {
        "package": "mediapipe 0.10.99",
        "nme": 3.4,
        "n": 1666,
        "shifts": {"helen": 0.004},
        "unsure": 3,
        "network": "resnet18",
        "share": 0.5,
        "apart": 0,
    }
    assert 3 < record["mesh"]["apart"] < 20  # percent of faces of 100 pixels and more
    first, second = record["command"].splitlines()
    assert first == "python -m resnet_demo faces a"
    assert second == "python -m resnet_demo relabel gathered --network resnet18 --out mean --share 0.5"
    kept = records([folder.parent / "mean"])[(folder.parent / "mean").as_posix()]
    assert "in the mean with the landmarks that `resnet18` found (a share of 0.5" in faces_in_words(
        "mean", kept, kept.mesh
    )


def test_a_share_of_one_is_what_the_network_sees_in_the_photo_and_in_a_mirror(folder, predict):
    assert relabel(folder, "own", "--share", "1") == 0
    found = labelled_points(folder.parent / "own", 68)
    for index, points in enumerate(found.labels):
        assert nme(points, predict(found.picture(index)).faces[0].keypoints) < 3


def test_what_cannot_be_relabelled_says_what_to_do(folder, tmp_path, capsys):
    def said(*command: str) -> str:
        assert main(["relabel", *command]) == 2
        return capsys.readouterr().err.splitlines()[-1]

    here, out = str(folder), str(tmp_path / "out")
    assert "--share cannot be 0: choose more than 0" in said(
        here, "--network", str(NETWORK), "--out", out, "--share", "0"
    )
    assert "is not empty: choose a new folder" in said(here, "--network", str(NETWORK), "--out", here)
    flowers = str(WEIGHTS / "flowers102" / "resnet18")
    assert "name a checkpoint of faces68" in said(here, "--network", flowers, "--out", out)
    assert "no landmarks.csv" in said(str(tmp_path / "none"), "--network", str(NETWORK), "--out", out)
    (folder / RECORD).unlink()
    assert "no record of the command faces" in said(here, "--network", str(NETWORK), "--out", out)
    assert not Path(out).exists()


def test_mirror_images_are_measured_with_and_without_the_annotators_shift(predict, real_faces):
    photos = [each.photo for each in real_faces(8)]
    seen = [predict(photo).faces[0].keypoints for photo in photos]
    pictures = Pictures("faces68", [Path(f"{number}.png") for number in range(8)], np.stack(seen))
    pictures.picture = lambda index: photos[index]
    lines = list(measure_mirrored(predict, pictures, list(range(8))))
    assert "less the shift" in lines[0]
    count, straight, mirrored, less, mean, _ = (float(cell.strip(" %")) for cell in lines[-1].strip("| \n").split("|"))
    assert (count, straight) == (8, 0) and mean < less < mirrored


def test_faces_that_look_to_the_side_are_shown_more_often(predict):
    face = predict(EXAMPLES / "astronaut.jpg").faces[0]
    straight = transform(face.matrix, face.keypoints) / predict.spec.size
    points = np.stack([turn(straight, math.radians(angle)) for angle in (0, 5, 30, -30)] * 3)
    pictures = Pictures("faces68", [Path("x")] * 12, points, sources=["helen"] * 12)
    order = epoch_order(pictures, Recipe("x", source_weights={"helen": 0.5}, turned_factor=4.0), epoch=0)
    counts = [order.count(index) for index in range(12)]
    assert counts[2::4] == counts[3::4] == [2, 2, 2] and sum(counts[0::4] + counts[1::4]) == 3
    assert sorted(epoch_order(pictures, Recipe("x"), epoch=0)) == list(range(12))
    others = Pictures("x", [Path("x")] * 2, np.zeros((2, 5, 2)))
    with pytest.raises(UserError, match="turned_factor is for 68 landmarks"):
        epoch_order(others, Recipe("x", turned_factor=2.0), epoch=0)


@pytest.mark.parametrize("angle", [-25, -10, 10, 25])
def test_a_face_is_turned_by_the_degrees_that_a_recipe_says(angle, predict):
    face = predict(EXAMPLES / "astronaut.jpg").faces[0]
    points = transform(face.matrix, face.keypoints) / predict.spec.size
    assert pose_of(turn(points, math.radians(angle))).yaw - pose_of(points).yaw == pytest.approx(angle, rel=0.35)
