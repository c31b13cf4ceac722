"""Preparing pictures and reading outputs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny
from PIL import Image

from resnet_demo import tasks
from resnet_demo.errors import UserError
from resnet_demo.tasks import TaskSpec


def test_a_spec_survives_json_and_ignores_what_it_does_not_know():
    record = json.loads(json.dumps(tiny.FLOWERS.to_json()))
    assert TaskSpec.from_json({**record, "from_the_future": 1}) == tiny.FLOWERS


def test_outputs_are_classes_or_coordinates():
    assert tiny.FLOWERS.outputs == 4
    assert tiny.FACES.outputs == 136


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (64, 64), (1000, 20), (21, 500)])
def test_a_centre_crop_shows_the_middle_square(size):
    spec = replace(tiny.FLOWERS, size=64, resize=80)
    picture, window = tasks.preprocess(spec, tiny.photo(*size))
    assert picture.shape == (64, 64, 3) and picture.dtype == np.uint8
    side = min(size) * 64 / 80
    assert window.right - window.left == pytest.approx(side)
    assert window.bottom - window.top == pytest.approx(side)
    assert (window.left + window.right) / 2 == pytest.approx(size[0] / 2)
    assert (window.top + window.bottom) / 2 == pytest.approx(size[1] / 2)
    assert window.left >= 0 and window.top >= 0 and window.right <= size[0] and window.bottom <= size[1]


def test_squashing_shows_the_whole_photo():
    spec = replace(tiny.FLOWERS, fit="squash")
    photo = Image.new("RGB", (300, 100), "blue")
    photo.paste("red", (0, 0, 150, 100))
    picture, window = tasks.preprocess(spec, photo)
    assert window == tasks.CropBox(0, 0, 300, 100)
    assert picture[:, :30].reshape(-1, 3).tolist() == [[255, 0, 0]] * (64 * 30)
    assert picture[:, 34:].reshape(-1, 3).tolist() == [[0, 0, 255]] * (64 * 30)


def test_the_window_is_what_the_picture_shows():
    """A red square in the window's place fills the input, up to the filter's reach at the edges."""
    spec = replace(tiny.FLOWERS, size=64, resize=128)
    photo = Image.new("RGB", (400, 200), "blue")
    photo.paste("red", (150, 50, 250, 150))
    picture, window = tasks.preprocess(spec, photo)
    assert window == tasks.CropBox(150, 50, 250, 150)
    assert (picture[2:-2, 2:-2] == (255, 0, 0)).all()
    assert (picture[..., 0] > 150).all()


def test_normalisation_is_by_channel_and_channels_first():
    pictures = np.zeros((1, 2, 2, 3), np.uint8)
    pictures[..., 1] = 255
    x = tasks.normalise(tiny.FLOWERS, pictures)
    assert x.shape == (1, 3, 2, 2) and x.dtype == np.float32 and x.flags.c_contiguous
    expected = (np.array([0, 1, 0]) - tasks.IMAGENET_MEAN) / tasks.IMAGENET_STD
    np.testing.assert_allclose(x[0, :, 0, 0], expected, rtol=1e-5)


def test_softmax_of_large_logits_is_finite():
    probabilities = tasks.softmax(np.array([[1000.0, 999.0, -1000.0]], np.float32))
    np.testing.assert_allclose(probabilities, [[0.7310586, 0.2689414, 0]], atol=1e-6)


def test_the_best_classes_come_first_and_there_are_no_more_than_classes():
    logits = np.log(np.array([0.1, 0.6, 0.25, 0.05], np.float32))
    best = tasks.decode_classes(tiny.FLOWERS, logits, 2)
    assert [index for index, _ in best] == [1, 2]
    assert [probability for _, probability in best] == pytest.approx([0.6, 0.25])
    assert len(tasks.decode_classes(tiny.FLOWERS, logits, 99)) == 4


def test_keypoints_are_pairs_of_x_and_y_between_0_and_1():
    points = tasks.decode_keypoints(np.array([[0, np.log(3), -50, 50]], np.float32))
    assert points.shape == (1, 2, 2)
    np.testing.assert_allclose(points[0], [[0.5, 0.75], [0, 1]], atol=1e-6)


@pytest.mark.parametrize("target", ["tulip", " Tulip ", "2", 2, np.int64(2)])
def test_a_class_by_name_or_index(target):
    assert tasks.class_index(tiny.FLOWERS, target) == 2


def test_classes_that_are_called_by_numbers_are_found_by_their_names():
    coins = replace(tiny.FLOWERS, name="coins", labels=("1", "2", "5", "01"))
    assert [tasks.class_index(coins, name) for name in coins.labels] == [0, 1, 2, 3]
    assert tasks.class_index(coins, 1) == 1
    assert tasks.class_index(coins, "3") == 3 and tasks.class_index(coins, " 3.0 ") == 3
    pair = replace(tiny.FLOWERS, name="pair", labels=("Cat", "cat"))
    assert tasks.class_index(pair, "cat") == 1 and tasks.class_index(pair, "CAT") == 0


@pytest.mark.parametrize("target", [None, ""])
def test_no_class_is_none(target):
    assert tasks.class_index(tiny.FLOWERS, target) is None


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("Tulpi", "There is no class 'Tulpi' in flowers102. Did you mean 'Tulip'?"),
        ("zebra fish", "There is no class 'zebra fish' in flowers102."),
        (4, "There is no class 4: flowers102 has the classes 0 to 3."),
        ("-1", "There is no class -1: flowers102 has the classes 0 to 3."),
        ("--1", "There is no class '--1' in flowers102."),
        ("²", "There is no class '²' in flowers102."),
    ],
)
def test_a_class_that_does_not_exist(target, message):
    with pytest.raises(UserError) as caught:
        tasks.class_index(tiny.FLOWERS, target)
    assert str(caught.value) == message


def test_the_regions_cover_each_point_once():
    parts = [point for name, points in tasks.REGIONS.items() if name != "all" for point in points]
    assert sorted(parts) == list(tasks.region_points("all"))
    assert tasks.region_points("mouth") == tuple(range(48, 68))


def test_regions_of_another_number_of_points():
    assert tasks.region_points("all", 5) == (0, 1, 2, 3, 4)
    with pytest.raises(UserError, match="There is no face region 'mouth': choose one of all"):
        tasks.region_points("mouth", 5)
    with pytest.raises(
        UserError, match="There is no face region 'ear': choose one of all, jaw, brows, nose, eyes, mouth"
    ):
        tasks.region_points("ear")


@pytest.mark.parametrize("top_k", [1, 5.0, np.int64(3), 1000])
def test_usable_top_k(top_k):
    assert tasks.check_top_k(top_k) == int(top_k) and isinstance(tasks.check_top_k(top_k), int)


@pytest.mark.parametrize("top_k", [0, -1, 2.5, float("nan"), float("inf"), "5", None, True])
def test_unusable_top_k(top_k):
    with pytest.raises(UserError, match="top_k must be a whole number from 1 on"):
        tasks.check_top_k(top_k)
