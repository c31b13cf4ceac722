"""Faces: found in photos of any size, cut out upright, points mapped back."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import EXAMPLES
from PIL import Image

from resnet_demo.faces.alignment import crop, crop_matrix, frame_of, to_photo, transform
from resnet_demo.faces.detector import Detector, suppress


@pytest.fixture(scope="module")
def detector():
    return Detector()


def example(name: str) -> Image.Image:
    with Image.open(EXAMPLES / f"{name}.jpg") as image:
        return image.convert("RGB")


@pytest.mark.parametrize(("name", "count"), [("astronaut", 1), ("president", 1), ("two-people", 2), ("dahlia", 0)])
def test_finds_as_many_faces_as_there_are(detector, name, count):
    assert len(detector.detect(example(name))) == count


def test_finds_a_small_face_in_a_large_photo_and_a_face_that_fills_a_small_one(detector):
    portrait = example("president")
    large = Image.new("RGB", (2400, 1800), (90, 120, 90))
    large.paste(portrait.resize((205, 256)), (1500, 900))
    (face,) = detector.detect(large)
    assert 1500 < face.box[0] < face.box[2] < 1705
    assert 900 < face.box[1] < face.box[3] < 1156
    close = portrait.crop((300, 60, 600, 420)).resize((75, 90))
    assert len(detector.detect(close)) == 1


def test_the_largest_face_comes_first_and_its_points_lie_in_its_box(detector):
    first, second = detector.detect(example("two-people"))
    assert first.box[2] - first.box[0] > second.box[2] - second.box[0]
    for face in (first, second):
        assert (face.landmarks > face.box[:2]).all()
        assert (face.landmarks < face.box[2:]).all()
        assert 0.3 <= face.score <= 1


@pytest.mark.parametrize("angle", [-35, 0, 35])
def test_a_tilted_head_is_cut_out_upright(detector, angle):
    photo = example("astronaut").rotate(angle, Image.Resampling.BICUBIC, center=(226, 118), fillcolor=(114,) * 3)
    face = detector.detect(photo)[0]
    assert np.degrees(frame_of(face).angle) == pytest.approx(-angle, abs=8)
    inside = transform(crop_matrix(face, 1.3, 160), face.landmarks)
    left_eye, right_eye, nose, left_mouth, right_mouth = inside
    assert abs(left_eye[1] - right_eye[1]) < 16
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]


def test_points_go_to_the_crop_and_back(detector):
    face = detector.detect(example("astronaut"))[0]
    matrix = crop_matrix(face, 1.3, 160)
    back = to_photo(transform(matrix, face.landmarks) / 160, matrix, 160)
    assert np.abs(back - face.landmarks).max() < 1e-3
    assert back.dtype == np.float32


def test_a_crop_shows_the_same_at_any_resolution_of_the_photo(detector):
    photo = example("astronaut")
    face = detector.detect(photo)[0]
    matrix = crop_matrix(face, 1.3, 96)
    small = crop(photo, matrix, 96).astype(float)
    larger = photo.resize((2048, 2048), Image.Resampling.BICUBIC)
    scaled = np.concatenate([matrix[:, :2] / 4, matrix[:, 2:]], axis=1)
    assert np.abs(crop(larger, scaled, 96) - small).mean() < 4


def test_what_lies_beyond_the_photo_is_grey(detector):
    face = detector.detect(example("astronaut"))[0]
    beyond = crop(example("astronaut"), crop_matrix(face, 8.0, 64), 64)
    assert (beyond[0, 0] == 114).all()


def test_overlapping_boxes_are_suppressed():
    boxes = np.array([(0, 0, 10, 10), (1, 1, 11, 11), (20, 20, 30, 30), (0, 0, 10, 10)], float)
    assert suppress(boxes, 0.3) == [0, 2]
