"""The bundled weights: whole, described, small enough, and as right on real photographs as their cards say."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import EXAMPLES, ROOT, data_folder
from PIL import Image

import resnet_demo
from resnet_demo import checkpoints, tasks
from resnet_demo.inference import predictor
from resnet_demo.models.architecture import DEPTHS
from resnet_demo.page.widgets.inputs import DRAFT_SIDE
from resnet_demo.training.data.face_frames import matching
from resnet_demo.training.evaluation.evaluate import nme

WEIGHTS = ROOT / "weights"


@pytest.fixture(autouse=True)
def bundled(monkeypatch):
    monkeypatch.delenv("RESNET_DEMO_WEIGHTS", raising=False)


def test_resnet50_is_bundled_for_both_tasks():
    depths = resnet_demo.available()
    assert 50 in depths["flowers102"]
    assert 50 in depths["faces68"]


@pytest.mark.parametrize("entry", checkpoints.bundled(), ids=lambda entry: f"{entry.task}-{entry.depth}")
def test_each_checkpoint_loads_verified_and_its_card_states_its_metrics(entry):
    checkpoint = checkpoints.load_entry(entry)
    assert checkpoint.spec.name == entry.task
    card = (entry.path.parent / "README.md").read_text(encoding="utf-8")
    assert entry.metrics
    for metric in entry.metrics.values():
        assert f"| {metric.value:.2f} % |" in card
    assert f"python -m resnet_demo evaluate {entry.task} --depth {entry.depth}" in card
    assert entry.bytes < 95_000_000


def test_the_weights_folder_stays_small():
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) < 400_000_000


def test_flowers_are_named_as_often_as_the_card_says(real_flowers):
    """On 80 test pictures, within four standard errors; without the data sets the shipped ones must stay stable."""
    predict = resnet_demo.load("flowers102", depth=50)
    pictures = real_flowers(80)
    answers = predict.many([picture.photo for picture in pictures], top_k=5)
    if data_folder():
        right = np.mean([answer.top_k[0].label == p.label for answer, p in zip(answers, pictures, strict=True)])
        stated = predict.checkpoint.metrics["top1"].value / 100
        assert right == pytest.approx(stated, abs=4 * (stated * (1 - stated) / len(pictures)) ** 0.5)
    else:
        for first in range(3):  # One name is among the likely ones of nearly all views of a photograph.
            views = [{score.label for score in answer.top_k} for answer in answers[first::3]]
            assert max(sum(label in view for view in views) for label in predict.spec.labels) > 0.8 * len(views)


def test_a_flower_at_the_end_of_a_long_photo_is_named(real_flowers):
    """Beside lawn, two widths of it, at its left or right end: the middle alone shows none of the flower."""
    predict = resnet_demo.load("flowers102", depth=50)
    flowers = [picture.photo for picture in real_flowers(24)]
    alone = predict.many(flowers, top_k=1)
    sure = [number for number, answer in enumerate(alone) if answer.top_k[0].probability > 0.6]
    assert len(sure) >= 5
    flowers, alone = [flowers[number] for number in sure], [alone[number] for number in sure]
    photos = []
    for number, flower in enumerate(flowers):
        side = min(flower.size)
        photo = Image.new("RGB", (3 * side, side), (86, 112, 60))
        photo.paste(flower, (photo.width - flower.width, 0) if number % 2 else (0, 0))
        photos.append(photo)
    found = predict.many(photos, top_k=1)
    same = [one.top_k[0].label == other.top_k[0].label for one, other in zip(alone, found, strict=True)]
    assert np.mean(same) > 0.8
    at_left = [answer.window.right < photo.width / 2 for answer, photo in zip(found, photos, strict=True)]
    assert np.mean([is_left != bool(number % 2) for number, is_left in enumerate(at_left)]) > 0.8


def test_keypoints_are_as_near_as_the_card_says(real_faces):
    predict = resnet_demo.load("faces68", depth=50)
    pictures = real_faces(25)
    found, errors = 0, []
    for picture in pictures:
        faces = predict(picture.photo).faces
        found += bool(faces)
        if picture.points is not None and (face := matching(list(faces), picture.points)):
            errors.append(nme(face.keypoints, picture.points))
    assert found >= 0.99 * len(pictures) if data_folder() else found >= 0.9 * len(pictures)
    if data_folder():
        stated = [metric.value for key, metric in predict.checkpoint.metrics.items() if key.startswith("nme_")]
        assert len(errors) >= 0.99 * len(pictures)
        assert np.mean(errors) < 1.15 * max(stated)


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_depth_names_the_first_example(depth):
    with Image.open(EXAMPLES / "daffodil.jpg") as photo:
        assert resnet_demo.load("flowers102", depth)(photo.convert("RGB")).top_k[0].label == "Daffodil"


def test_heat_lies_on_the_flower():
    """The dahlia fills the middle of its photo, the rest is leaves."""
    with Image.open(EXAMPLES / "dahlia.jpg") as photo:
        cam = resnet_demo.load("flowers102", depth=50)(photo.convert("RGB")).cam()
    rows, columns = cam.shape
    middle = cam[rows // 4 : -rows // 4, columns // 4 : -columns // 4].mean()
    border = np.concatenate([cam[: rows // 8].ravel(), cam[-rows // 8 :].ravel()]).mean()
    assert middle > 2 * border


def test_a_large_photo_gets_the_same_answer_from_a_draft(tmp_path):
    """A photo of 12 megapixels, decoded in full and at half its size as the page does it."""
    large = tmp_path / "large.jpg"
    with Image.open(EXAMPLES / "dahlia.jpg") as image:
        image.convert("RGB").resize((4000, 2668), Image.Resampling.BICUBIC).save(large, quality=92)
    network = predictor.load("flowers102", 50, "cpu")
    full, draft = network(large), network(large, draft_side=DRAFT_SIDE)
    assert (full.photo.size, draft.photo.size) == ((4000, 2668), (2000, 1334))
    assert [score.label for score in draft.top_k[:3]] == [score.label for score in full.top_k[:3]]
    np.testing.assert_allclose(draft.probabilities, full.probabilities, atol=0.02)
    size = (300, 450)
    assert np.corrcoef(draft.cam(size=size).ravel(), full.cam(size=size).ravel())[0, 1] > 0.99


def test_the_network_for_small_pictures_names_the_cat_of_a_large_photo():
    found = predictor.load("cifar10", 18)(EXAMPLES / "cat.jpg")
    assert found.top_k[0].label == "cat" and found.top_k[0].probability > 0.5


def test_small_pictures_are_looked_at_in_a_mirror_too():
    network = predictor.load("cifar10", 18)
    with Image.open(EXAMPLES / "cat.jpg") as image:
        small = image.convert("RGB").resize((32, 32))
    turned = small.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    one, other = network.many([small, turned])
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)
    alone = network.engine.run(np.stack([small, turned])).logits
    expected = tasks.softmax(network.checkpoint.calibration.scaled(alone.mean(axis=0)))
    np.testing.assert_allclose(one.probabilities, expected, atol=1e-6)
    assert np.abs(alone[0] - alone[1]).max() > 0.1
    # So is whatever else is asked of the same photo.
    blocks = "layer1.1", "layer4.1"
    np.testing.assert_allclose(one.hidden(np.zeros((8, 8), bool)), one.probabilities, atol=1e-4)
    np.testing.assert_allclose(one.without().probabilities, one.probabilities, atol=0.02)
    np.testing.assert_allclose(
        one.without(*blocks).probabilities, network.without(*blocks)(small).probabilities, atol=1e-5
    )
    # The heat is that of the picture as it is.
    assert not np.allclose(one.cam(), other.cam(), atol=0.05)
