"""Grad-CAM of the earlier stages on a CPU: autograd's maps, without PyTorch."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from conftest import EXAMPLES
from PIL import Image

from resnet_demo import checkpoints, tasks
from resnet_demo.backends import base, factory
from resnet_demo.backends.openvino_gradient import EARLIER, build_gradient_model
from resnet_demo.backends.openvino_runtime import core, hints
from resnet_demo.backends.recently_used import RecentlyUsed
from resnet_demo.backends.torch_network import with_weights
from resnet_demo.explain import autograd, maps, targets
from resnet_demo.inference.classifier import Classifier
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.models.architecture import ARCHITECTURES, architecture_of
from resnet_demo.models.resnet import ResNet

ODD = replace(tiny.FLOWERS, size=72, resize=72)  # feature maps of 18, 9, 5 and 3 cells a side


def by_autograd(engine: base.Engine, picture: np.ndarray, outputs: list[int], layer: str) -> np.ndarray:
    x = torch.from_numpy(tasks.normalise(engine.checkpoint.spec, picture[None]))
    return autograd.stage_maps(engine.network(), x, outputs, layer)


def assert_same(actual: np.ndarray, expected: np.ndarray) -> None:
    """But for rounding, which lets a few ReLUs at zero decide otherwise."""
    assert actual.shape == expected.shape and actual.dtype == np.float32
    assert expected.any() and np.corrcoef(actual.ravel(), expected.ravel())[0, 1] > 0.9999
    np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize("depth", [18, 50])
def test_maps_of_real_photos_equal_autograd(depth, real_flowers):
    predict = Classifier("flowers102", depth, "cpu")
    for picture in real_flowers(1):
        answer = predict(picture.photo)
        top = int(answer.probabilities.argmax())
        for layer in EARLIER:
            expected = by_autograd(predict.engine, answer._picture, [top, 3], layer)
            assert_same(predict.engine.stage_maps(answer._picture, [top, 3], layer), expected)
            cam = answer.low_resolution_cam(layer=layer)
            np.testing.assert_allclose(cam, maps.normalise01(expected[0]), atol=5e-3)


def test_maps_of_face_regions_equal_autograd(real_faces):
    predict = LandmarkPredictor("faces68", 18, "cpu")
    face = predict(real_faces(1)[0].photo).faces[0]
    outputs = targets.named(predict.spec, "nose", "any").outputs  # Those of the others are among them.
    each = dict(zip(outputs, by_autograd(predict.engine, face._picture, outputs, "layer3"), strict=True))
    for direction in targets.DIRECTIONS:
        target = targets.named(predict.spec, "nose", direction)
        expected = target.combined(np.stack([each[output] for output in target.outputs]))
        cam = face.low_resolution_cam("nose", direction, layer="layer3")
        assert_same(cam, expected)
        assert (cam.min() < 0) == (direction != "any")
    assert face.cam("nose", layer="layer2").any()
    # Of many outputs the strongest directions go backwards, which is as good.
    mouth = targets.named(predict.spec, "mouth")
    assert len(mouth.outputs) > targets.STRONGEST
    each = np.maximum(mouth.combined(predict.engine.stage_maps(face._picture, mouth.outputs, "layer2")), 0)
    assert np.corrcoef(face.low_resolution_cam("mouth", layer="layer2").ravel(), each.ravel())[0, 1] > 0.999


def test_more_outputs_than_go_backwards_at_a_time_equal_those_one_by_one(monkeypatch):
    tiny.narrow(monkeypatch)
    engine = factory.make_engine(tiny.random_checkpoint(tiny.FACES), "cpu")
    picture = tiny.pictures(1, 64)[0]
    together = engine.stage_maps(picture, list(range(35)), "layer2")
    assert together.shape == (35, 8, 8)
    for output in (0, 15, 16, 34):
        np.testing.assert_allclose(engine.stage_maps(picture, [output], "layer2")[0], together[output], atol=1e-6)


@pytest.mark.parametrize(
    "architecture",
    [
        replace(architecture, counts=(1, 2, 1, 1), channels=32)
        for architecture in (
            *(architecture_of(depth, variant) for depth, variant in ((18, "v1.5"), (50, "v1"), (50, "v1.5"))),
            *(ARCHITECTURES[name] for name in ("resnext50_32x4d", "wide_resnet50_2")),
        )
    ],
    ids=lambda architecture: f"{architecture.name}-{architecture.variant}",
)
def test_every_block_goes_backwards(architecture):
    """At an odd size, where a stride leaves cells over."""
    state = tiny.random_state(architecture, ODD.outputs)
    picture = tiny.pictures(1, ODD.size)
    model = build_gradient_model(state, ODD, architecture)
    found = core.compile_model(model, "CPU", hints("f32"))([picture, state["fc.weight"]])
    network = with_weights(state, architecture, ODD.outputs, None, "random", ResNet).requires_grad_(False)
    x = torch.from_numpy(tasks.normalise(ODD, picture))
    for index, layer in enumerate(EARLIER):
        assert_same(found[index], autograd.stage_maps(network, x, list(range(ODD.outputs)), layer))


def test_threads_get_the_maps_of_one(monkeypatch):
    tiny.narrow(monkeypatch)
    pictures = tiny.pictures(4, 64)
    work = [(number, layer) for number in range(4) for layer in EARLIER]

    def make() -> base.Engine:
        return factory.make_engine(tiny.random_checkpoint(), "cpu")

    def cam(engine: base.Engine, job: tuple[int, str]) -> np.ndarray:
        return engine.stage_maps(pictures[job[0]], [job[0], 1], job[1])

    alone, shared = make(), make()
    expected = [cam(alone, job) for job in work]
    with ThreadPoolExecutor(6) as pool:
        actual = list(pool.map(lambda job: cam(shared, job), work))
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


def test_a_network_that_was_unloaded_gives_the_same_maps(monkeypatch):
    tiny.narrow(monkeypatch)
    classify = Classifier("flowers102", 18, "cpu", checkpoint=tiny.random_checkpoint())
    answer = classify(EXAMPLES / "dahlia.jpg")
    before = answer.cam(layer="layer2")
    assert before.any()
    classify.engine.unload()
    np.testing.assert_allclose(answer.cam(layer="layer2"), before, atol=1e-6)


def test_the_reference_differentiates_in_pytorch():
    reference = factory.make_engine(checkpoints.load("flowers102", 18), "reference")
    with Image.open(EXAMPLES / "dahlia.jpg") as photo:
        picture, _ = tasks.preprocess(reference.checkpoint.spec, photo.convert("RGB"))
    actual = reference.stage_maps(picture, [7], "layer3")
    np.testing.assert_array_equal(actual, by_autograd(reference, picture, [7], "layer3"))


class Owner:
    """Something that can be referred to weakly."""


def test_what_was_used_last_is_kept_and_goes_with_its_owner():
    parts: RecentlyUsed[Owner, object] = RecentlyUsed(most=2)
    owners = [Owner(), Owner(), Owner()]
    first, second = (parts.get(owner, object) for owner in owners[:2])
    assert parts.get(owners[0], object) is first
    parts.get(owners[2], object)
    assert parts.get(owners[0], object) is first and parts.get(owners[1], object) is not second
    parts.forget(owners[0])
    parts.forget(Owner())
    assert parts.get(owners[0], object) is not first
    assert parts.unload(3600) == 0
    del owners[1]
    gc.collect()
    assert parts.unload(0) == 1 == len(owners) - 1
    assert parts.unload(0) == 0
