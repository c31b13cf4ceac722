"""Live keypoints without a browser: what the server answers to a frame, and how faces are followed."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES
from PIL import Image

from resnet_demo.faces import alignment
from resnet_demo.faces import detector as face_detector
from resnet_demo.inference import predictor, tracking
from resnet_demo.page.tabs import live


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A random ResNet-18 for faces68."""
    root = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_DEMO_WEIGHTS", str(root))
        tiny.weights_folder(root, (tiny.FACES, 18))
        yield root


def frame(picture: Image.Image, kind: str = "JPEG") -> str:
    file = io.BytesIO()
    picture.save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


def points_of(detection: alignment.Detection) -> np.ndarray:
    """68 points whose eyes, nose and corners of the mouth lie where the detector found them."""
    points = np.repeat(detection.landmarks.mean(axis=0)[None], 68, axis=0)
    for part, place in zip(tracking.FIVE, detection.landmarks, strict=True):
        points[list(part)] = place
    return points


def astronaut() -> Image.Image:
    return Image.open(EXAMPLES / "astronaut.jpg").convert("RGB").resize((360, 360))


def test_a_face_in_the_frame_gets_its_points(weights):
    answer = live.live_points({"frame": frame(astronaut()), "depth": 18, "faces": []})
    assert np.shape(answer["faces"]) == (1, 68, 2)
    assert answer["ms"]["network"] > 0
    expected = predictor.load("faces68", 18)(base64.b64decode(frame(astronaut()))).faces[0].keypoints
    np.testing.assert_allclose(answer["faces"][0], expected, atol=0.06)


def test_a_frame_without_a_face_is_no_error(weights):
    assert live.live_points({"frame": frame(Image.new("RGB", (320, 240), "grey")), "depth": 18})["faces"] == []


def test_a_known_face_is_followed_without_the_detector(weights, monkeypatch):
    network = predictor.load("faces68", 18)
    points = points_of(network.detector.detect(astronaut())[0])
    detector = network.detector
    monkeypatch.setattr(face_detector.Detector, "detect", lambda *_: pytest.fail("The detector was asked."))
    answer = live.live_points({"frame": frame(astronaut()), "depth": 18, "faces": [points.tolist()]})
    assert np.shape(answer["faces"]) == (1, 68, 2)
    assert network.detector is detector  # Others go on with it.


@pytest.mark.parametrize(
    "known", [[[[0, 0]] * 68], [[[1, 2]] * 5], "x", [[[None, 1]] * 68], [[[1e9, 0], [0, 1]] * 34], 7]
)
def test_points_that_cannot_be_followed_are_detected_anew(weights, known):
    answer = live.live_points({"frame": frame(astronaut()), "depth": 18, "faces": known})
    assert len(answer["faces"]) == 1


def test_a_followed_face_gets_the_frame_that_the_detector_gave(real_faces):
    detector = face_detector.Detector()
    shapes = []
    for real in real_faces(8):
        for found in detector.detect(real.photo)[:1]:
            own, again = alignment.frame_of(found), alignment.frame_of(tracking.detection_of(points_of(found)))
            shapes.append((again.side / own.side, again.angle - own.angle, *np.subtract(again.centre, own.centre)))
            assert np.hypot(*shapes[-1][2:]) < 0.05 * own.side
            assert abs(shapes[-1][1]) < 1e-3
    assert len(shapes) >= 6
    assert abs(np.mean([shape[0] for shape in shapes]) - 1) < 0.1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"frame": base64.b64encode(b"\xff\xd8\xff broken").decode(), "depth": 18}, "cut off or damaged"),
        ({"frame": "no base64!", "depth": 18}, "damaged"),
        ({"frame": None, "depth": 18}, "damaged"),
        ({"frame": "A" * 2_000_000, "depth": 18}, "too large"),
        ({"frame": frame(Image.new("RGB", (1500, 1500))), "depth": 18}, "too large"),
        ({"frame": frame(Image.new("RGB", (64, 64))), "depth": 19}, "no depth of a ResNet"),
        ({"frame": frame(Image.new("RGB", (64, 64))), "depth": "<b>"}, "<b> is no depth"),
        ({"frame": frame(Image.new("RGB", (64, 64))), "depth": 152}, "no ResNet-152 for Face keypoints yet"),
        ({}, "Something went wrong"),
        (None, "Something went wrong"),
    ],
)
def test_what_cannot_be_used_gets_a_sentence(weights, data, words):
    assert words in live.live_points(data)["error"]
