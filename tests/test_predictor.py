"""From a picture to an answer, as programs use it."""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import tiny
from conftest import ROOT
from PIL import Image

import resnet_demo
from resnet_demo import checkpoints, tasks
from resnet_demo.backends import devices
from resnet_demo.errors import UserError
from resnet_demo.explain import gradcam, maps
from resnet_demo.faces import alignment
from resnet_demo.faces import spread as spreading
from resnet_demo.inference import base, predictor
from resnet_demo.inference.classifier import Classifier
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.inference.results import Score
from resnet_demo.utils import cpu, packages

CROPPED = replace(tiny.FLOWERS, resize=80)


class TwoFaces:
    """A detector that always sees one upright and one turned face."""

    def detect(self, photo: Image.Image) -> list[alignment.Detection]:
        eyes_nose_mouth = np.array([(-17, -18), (17, -18), (0, 2), (-14, 17), (14, 17)], np.float32)
        turned = eyes_nose_mouth @ np.array([(0.8, 0.6), (-0.6, 0.8)], np.float32)
        return [
            alignment.Detection((20.0, 20.0, 120.0, 120.0), 0.9, np.add(eyes_nose_mouth, (70, 70))),
            alignment.Detection((150.0, 60.0, 230.0, 140.0), 0.8, np.add(turned, (190, 100))),
        ]


class NoFace:
    def detect(self, photo: Image.Image) -> list[alignment.Detection]:
        return []


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    root = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_DEMO_WEIGHTS", str(root))
        tiny.weights_folder(root, (CROPPED, 18), (tiny.FACES, 18))
    return root


@pytest.fixture(autouse=True)
def use_weights(weights, monkeypatch):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(weights))


@pytest.fixture(scope="module")
def classify(weights) -> Classifier:
    return Classifier(
        "flowers102", checkpoint=checkpoints.load_folder(weights / "flowers102" / "resnet18"), device="cpu"
    )


@pytest.fixture(scope="module")
def find_keypoints(weights) -> LandmarkPredictor:
    checkpoint = checkpoints.load_folder(weights / "faces68" / "resnet18")
    return LandmarkPredictor("faces68", checkpoint=checkpoint, device="cpu", detector=TwoFaces())


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return tiny.photo(250, 160, seed=3)


def test_the_contracts_example(tmp_path, photo):
    path = tmp_path / "photo.png"
    photo.save(path)
    predict = resnet_demo.load("flowers102", depth=18, device="auto")
    r = predict(str(path), top_k=3)
    assert isinstance(r.top_k[0], Score) and r.top_k[0].label in tiny.FLOWERS.labels
    assert [score.probability for score in r.top_k] == sorted((s.probability for s in r.top_k), reverse=True)
    assert r.probabilities.shape == (4,) and r.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert r.top_k[0].probability == pytest.approx(r.probabilities.max())
    assert r.photo.size == (250, 160) and r.image == str(path)
    assert (r.task, r.depth, r.device) == ("flowers102", 18, predict.device)
    cam = r.cam()
    assert cam.shape == (160, 250) and cam.dtype == np.float32 and cam.min() == 0 and cam.max() <= 1


def test_path_bytes_picture_and_array_give_the_same(classify, photo, tmp_path):
    path = tmp_path / "photo.png"
    photo.save(path)
    memory = io.BytesIO()
    photo.save(memory, "PNG")
    answers = [classify(source) for source in (str(path), path, path.read_bytes(), photo, np.asarray(photo))]
    for answer in answers:
        np.testing.assert_array_equal(answer.probabilities, answers[0].probabilities)
        np.testing.assert_array_equal(answer.cam(), answers[0].cam())
    assert [answer.image for answer in answers] == [str(path), str(path), None, None, None]


def test_json_of_classes(classify, photo):
    record = json.loads(json.dumps(classify(photo, top_k=2).to_json()))
    assert list(record) == ["image", "task", "depth", "backend", "top_k", "milliseconds"]
    assert record["image"] is None and record["task"] == "flowers102" and record["depth"] == 18
    assert record["backend"].startswith("OpenVINO")
    assert [list(score) for score in record["top_k"]] == [["label", "probability"]] * 2
    assert list(record["milliseconds"]) == ["decode", "prepare", "network", "total"]
    *steps, total = record["milliseconds"].values()
    assert min(steps) >= 0 and total == pytest.approx(sum(steps), abs=0.05)


def test_the_spread_is_that_of_the_views_put_back(find_keypoints, photo):
    face = find_keypoints(photo).faces[0]
    spread = face.spread()
    assert spread.shape == (68,) and spread.dtype == np.float32 and (spread > 0).all()
    # A network that sees the same points wherever they are turned to has none.
    seen = np.array([[30, 20], [11, 40], [25, 33]], np.float32)

    def steady(pictures: np.ndarray) -> np.ndarray:
        turned = np.stack([alignment.transform(matrix, seen) for matrix in spreading.views(64, mirrors=False)]) / 64
        return np.log(turned / (1 - turned)).reshape(len(pictures), -1)

    np.testing.assert_allclose(spreading.spread_of(tiny.pictures(1, 64)[0], 3, steady, np.eye(2)), 0, atol=1e-3)

    # In a photo that was squeezed, a pixel of the crop is more one way than the other.
    def aside(pictures: np.ndarray) -> np.ndarray:
        logits = steady(pictures).reshape(len(pictures), -1, 2)
        return (logits + np.linspace(-0.1, 0.1, len(pictures))[:, None, None] * (1, 0)).reshape(len(pictures), -1)

    picture = tiny.pictures(1, 64)[0]
    narrow, wide = (spreading.spread_of(picture, 3, aside, np.diag([factor, 1.0])) for factor in (1, 10))
    assert (wide > 8 * narrow).all()
    matrix = spreading.views(64, mirrors=True)[-1]
    assert len(spreading.views(64, mirrors=True)) == 8 and np.linalg.det(matrix[:, :2]) == pytest.approx(-1)


def test_json_of_faces(find_keypoints, photo):
    record = json.loads(json.dumps(find_keypoints(photo).to_json()))
    assert list(record) == ["image", "task", "depth", "backend", "faces", "milliseconds"]
    assert [list(face) for face in record["faces"]] == [["box", "score", "keypoints", "pose"]] * 2
    assert record["faces"][0]["box"] == [20, 20, 120, 120] and record["faces"][0]["score"] == 0.9
    assert np.array(record["faces"][0]["keypoints"]).shape == (68, 2)
    assert list(record["milliseconds"]) == ["decode", "detect", "prepare", "network", "total"]


def test_a_batch_equals_its_pictures_one_by_one(classify):
    photos = [tiny.photo(100 + 9 * number, 90, seed=number) for number in range(base.BATCH + 3)]
    for one, other in zip(classify.many(photos, top_k=2), map(classify, photos), strict=True):
        assert len(one.top_k) == 2 and one.top_k[0].label == other.top_k[0].label
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=0.02)
        assert one.photo.size == other.photo.size and one.window == other.window


def test_a_batch_of_faces_keeps_them_with_their_photos(find_keypoints):
    photos = [tiny.photo(250, 160, seed=number) for number in range(9)]  # 18 faces: more than one pass
    for one, other in zip(find_keypoints.many(photos), map(find_keypoints, photos), strict=True):
        for face, single in zip(one.faces, other.faces, strict=True):
            np.testing.assert_allclose(face.keypoints, single.keypoints, atol=1)
    assert find_keypoints.many([]) == []


@pytest.mark.parametrize("layer", ["layer1", "layer2", "layer3", "layer4"])
def test_the_map_covers_what_the_network_saw(classify, photo, layer):
    answer = classify(photo)
    # An untrained network has nothing in favour of some classes.
    target = next(index for index in range(4) if answer.low_resolution_cam(index, layer).any())
    cam = answer.cam(target, layer)
    assert cam.shape == (160, 250) and cam.dtype == np.float32 and cam.min() >= 0 and cam.max() <= 1
    window = answer.window
    seen = np.zeros(cam.shape, bool)
    seen[round(window.top) : round(window.bottom), round(window.left) : round(window.right)] = True
    assert not cam[~seen].any() and cam[seen].any()
    rows = {"layer1": 16, "layer2": 8, "layer3": 4, "layer4": 2}[layer]
    assert answer.low_resolution_cam(target, layer).shape == (rows, rows)


def test_maps_of_classes_by_name_index_and_default(classify, photo):
    answer = classify(photo)
    top = answer.top_k[0].label
    index = tiny.FLOWERS.labels.index(top)
    np.testing.assert_array_equal(answer.cam(), answer.cam(top))
    np.testing.assert_array_equal(answer.cam(), answer.cam(index))
    other = answer.low_resolution_cam((index + 1) % 4)
    assert not np.array_equal(answer.low_resolution_cam(), other)


def test_the_map_of_the_last_layer_equals_autograd(weights, photo):
    """In float32, from the photo: preparing, network, closed form and target all agree."""
    predict = Classifier("flowers102", 18, "reference")
    answer = predict(photo)
    import torch

    picture, _ = tasks.preprocess(predict.spec, photo)
    x = torch.from_numpy(tasks.normalise(predict.spec, picture[None]))
    for index in range(4):
        expected = gradcam.by_autograd(predict.engine.network(), x, lambda logits, k=index: logits[0, k])
        np.testing.assert_allclose(answer.low_resolution_cam(index), maps.normalise01(expected), atol=1e-5)


def test_a_map_for_a_scaled_copy_of_the_photo(classify, find_keypoints, photo):
    small = classify(photo).cam(size=(80, 125))
    large = classify(photo).cam()
    assert small.shape == (80, 125)
    assert np.abs(small - large.reshape(80, 2, 125, 2).mean(axis=(1, 3))).mean() < 0.02
    small, large = (find_keypoints(photo).cam("nose", size=size) for size in ((80, 125), None))
    assert np.abs(small - large.reshape(80, 2, 125, 2).mean(axis=(1, 3))).mean() < 0.02


def test_classes_and_layers_that_do_not_exist(classify, photo):
    answer = classify(photo)
    with pytest.raises(UserError, match="There is no class 'Dasy' in flowers102. Did you mean 'Daisy'?"):
        answer.cam("Dasy")
    with pytest.raises(UserError, match="There is no layer 'fc': choose one of layer1, layer2, layer3, layer4."):
        answer.cam(layer="fc")


@pytest.mark.parametrize("top_k", [0, -3, "many", 1.5])
def test_unusable_top_k(classify, photo, top_k):
    with pytest.raises(UserError, match="top_k"):
        classify(photo, top_k=top_k)


def test_more_classes_than_there_are(classify, photo):
    assert len(classify(photo, top_k=50).top_k) == 4


def test_answers_cannot_be_changed(classify, find_keypoints, photo):
    with pytest.raises(dataclasses.FrozenInstanceError):
        classify(photo).task = "other"
    with pytest.raises(dataclasses.FrozenInstanceError):
        find_keypoints(photo).faces[0].score = 1
    assert "array" not in repr(classify(photo)) + repr(find_keypoints(photo))


def test_keypoints_are_in_the_photos_pixels(find_keypoints, photo):
    """The coordinates that the network gives for a crop, taken back by the crop's own matrix."""
    for face in find_keypoints(photo).faces:
        assert face.keypoints.shape == (68, 2) and face.keypoints.dtype == np.float32
        crop = alignment.crop(photo, face.matrix, 64)
        outputs = find_keypoints.engine.run(crop[None])
        inside = alignment.transform(face.matrix, face.keypoints) / 64
        np.testing.assert_allclose(inside, tasks.decode_keypoints(outputs.logits)[0], atol=0.01)


@pytest.mark.parametrize("region", tasks.REGIONS)
def test_a_faces_map_lies_on_its_crop(find_keypoints, photo, region):
    for face in find_keypoints(photo).faces:
        cam = face.cam(region)
        assert cam.shape == (160, 250) and cam.dtype == np.float32 and cam.min() >= 0 and 0.5 < cam.max() <= 1
        rows, columns = np.mgrid[:160, :250]
        inside = alignment.transform(face.matrix, np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1))
        outside = ((inside < -1) | (inside > 65)).any(axis=1).reshape(160, 250)
        assert not cam[outside].any() and face.low_resolution_cam(region).shape == (2, 2)
        for direction in ("across", "down"):
            signed = face.cam(region, direction=direction)
            assert signed.shape == (160, 250) and -1 <= signed.min() <= signed.max() <= 1 and signed.any()
            assert not signed[outside].any()


def test_regions_have_maps_of_their_own(find_keypoints, photo):
    face = find_keypoints(photo).faces[0]
    assert not np.array_equal(face.low_resolution_cam("mouth"), face.low_resolution_cam("eyes"))
    with pytest.raises(UserError, match="There is no face region 'ear'"):
        face.cam("ear")
    with pytest.raises(UserError, match="There is no direction 'sideways': choose one of any, across, down"):
        face.cam("mouth", direction="sideways")


def test_a_signed_map_says_which_way_the_points_move(find_keypoints, photo):
    """Adding to the feature map where the map is positive moves the points right, as their logits say."""
    face = find_keypoints(photo).faces[0]
    cam = face.low_resolution_cam("nose", "across")
    weights = face._engine.head_weights[[2 * point for point in tasks.REGIONS["nose"]]]
    pulled = np.einsum("kc,crs->krs", weights, face.features).mean(axis=0)
    np.testing.assert_array_equal(np.sign(cam), np.sign(pulled))


def test_the_map_of_all_faces(find_keypoints, photo):
    answer = find_keypoints(photo)
    np.testing.assert_array_equal(answer.cam("jaw"), np.maximum(*(face.cam("jaw") for face in answer.faces)))


def test_a_photo_without_a_face(weights, photo):
    checkpoint = checkpoints.load_folder(weights / "faces68" / "resnet18")
    answer = LandmarkPredictor("faces68", checkpoint=checkpoint, device="cpu", detector=NoFace())(photo)
    assert answer.faces == () and answer.to_json()["faces"] == []
    assert answer.cam().shape == (160, 250) and not answer.cam().any()


def test_keypoints_of_a_real_face_are_mapped_through_the_shipped_detector(weights):
    """A photo that ships with the project: the random network knows no faces, but their places are right."""
    answer = resnet_demo.load("faces68", 18)(ROOT / "resnet_demo" / "examples" / "two-people.jpg")
    assert len(answer.faces) == 2
    for face in answer.faces:
        x0, y0, x1, y1 = face.box
        assert 0 < face.score <= 1 and x0 < x1 and y0 < y1
        side = max(x1 - x0, y1 - y0)
        assert (np.abs(face.keypoints - [(x0 + x1) / 2, (y0 + y1) / 2]) < 1.5 * side).all()


def test_pictures_that_are_none(classify):
    with pytest.raises(UserError):
        classify(b"not a picture")


def test_threads_share_one_loaded_network(monkeypatch):
    loads = []
    original = checkpoints.load_entry

    def slow(entry, progress):
        loads.append(entry.task)
        threading.Event().wait(0.05)
        return original(entry, progress)

    monkeypatch.setattr(checkpoints, "load_entry", slow)
    monkeypatch.setattr(predictor, "_loaded", {})
    monkeypatch.setattr(devices, "may_have_cuda", lambda: False)
    monkeypatch.setattr(devices, "has_mps", lambda: False)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(resnet_demo.load, "flowers102", 18, device) for device in ["cpu", "auto"] * 4]
        loaded = {id(job.result()) for job in jobs}
    assert len(loaded) == 1 and loads == ["flowers102"]


def test_a_failed_load_is_tried_again(monkeypatch):
    monkeypatch.setattr(predictor, "_loaded", {})
    original = checkpoints.load_entry
    monkeypatch.setattr(checkpoints, "load_entry", lambda *_: (_ for _ in ()).throw(UserError("Damaged.")))
    with pytest.raises(UserError, match="Damaged"):
        resnet_demo.load("flowers102", 18)
    monkeypatch.setattr(checkpoints, "load_entry", original)
    resnet_demo.load("flowers102", 18)


def test_weights_that_were_trained_anew_are_loaded_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    folder = tmp_path / "flowers102" / "resnet18"
    loaded = []
    for seed in (0, 1):
        checkpoints.save(folder, tiny.random_state(18, 4, seed), tiny.FLOWERS, 18, "v1.5", {})
        checkpoints.register(folder)
        loaded.append(resnet_demo.load("flowers102", 18))
    assert loaded[0] is not loaded[1] and resnet_demo.load("flowers102", 18) is loaded[1]


def test_six_threads_get_the_answers_of_one(classify):
    photos = [tiny.photo(120, 100, seed=number) for number in range(12)]

    def answer(photo: Image.Image) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        result = classify(photo)
        return result.probabilities, result.cam(), result.cam(layer="layer2")

    expected = [answer(photo) for photo in photos]
    with ThreadPoolExecutor(6) as pool:
        actual = list(pool.map(answer, photos))
    for one, other in zip(actual, expected, strict=True):
        for value, wanted in zip(one, other, strict=True):
            np.testing.assert_allclose(value, wanted, atol=1e-4)


def test_what_does_not_exist_is_said_when_loading():
    with pytest.raises(UserError, match="There is no ResNet-101 for faces68 yet: choose 18."):
        resnet_demo.load("faces68", 101)
    with pytest.raises(UserError, match="There are no weights for the task 'cats': choose faces68 or flowers102."):
        resnet_demo.load("cats")
    with pytest.raises(UserError, match="There is no device 'tpu'"):
        resnet_demo.load("flowers102", 18, "tpu")


def test_available():
    assert resnet_demo.available() == {"faces68": [18], "flowers102": [18]}


def test_warming_up_changes_nothing(classify, photo):
    before = classify(photo).probabilities
    classify.warm_up()
    np.testing.assert_array_equal(classify(photo).probabilities, before)


def test_warming_up_again_runs_nothing(classify, monkeypatch):
    classify.warm_up()
    monkeypatch.setattr(classify.engine, "run", lambda _: pytest.fail("ran again"))
    classify.warm_up()


def test_importing_and_predicting_on_a_cpu_need_no_torch(photo, tmp_path):
    path = tmp_path / "photo.png"
    photo.save(path)
    code = (
        "import sys, resnet_demo;"
        "heavy = lambda: sorted({'torch', 'gradio', 'openvino', 'numpy'} & sys.modules.keys());"
        "print(heavy());"
        f"r = resnet_demo.load('flowers102', 18, 'cpu')({str(path)!r}); r.cam(); r.to_json(); print(heavy())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['numpy', 'openvino']"]


def test_visitors_who_come_at_once_find_a_package_that_was_installed_since(tmp_path, monkeypatch):
    """Without ``importlib.invalidate_caches``, which fails where two threads are in it: one of 171 answers became an
    error so, with three visitors at once (CPython 3.11.7)."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(importlib, "invalidate_caches", lambda: pytest.fail("every folder is read again"))
    os.utime(tmp_path, (0, 0))  # Of file systems with coarse times: installing takes longer than such a step.
    with ThreadPoolExecutor(4) as pool:
        assert not any(pool.map(packages.has, ["brought_later"] * 8))
        (tmp_path / "brought_later.py").touch()
        assert all(pool.map(packages.has, ["brought_later"] * 8))


def test_small_work_on_all_cpus_keeps_its_order_and_its_errors():
    assert cpu.each(lambda number: number * number, list(range(40))) == [n * n for n in range(40)]
    assert cpu.each(str, []) == []
    with pytest.raises(ZeroDivisionError):
        cpu.each(lambda number: 1 / number, [1, 0, 2])


def test_small_work_within_small_work_does_not_wait_for_itself():
    rows = cpu.each(lambda row: cpu.each(lambda number: row * number, [1, 2, 3]), list(range(20)))
    assert rows == [[row, 2 * row, 3 * row] for row in range(20)]


def test_a_predictor_of_the_other_kind_is_refused_in_one_sentence(classify, find_keypoints):
    assert classify.as_a(Classifier) is classify and find_keypoints.as_a(LandmarkPredictor) is find_keypoints
    with pytest.raises(UserError, match="flowers102 is a task of classification, not of keypoints: choose another"):
        classify.as_a(LandmarkPredictor)
    with pytest.raises(UserError, match="faces68 is a task of keypoints, not of classification: choose another"):
        Classifier("faces68", 18, "cpu")
