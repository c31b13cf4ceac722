"""Explanations on real photos: what they say holds, the command line draws them, and one more is one more file."""

from __future__ import annotations

import inspect
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from conftest import EXAMPLES
from PIL import Image
from torch.nn import functional as F

import resnet_demo
from resnet_demo import checkpoints, tasks
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.explain import registry
from resnet_demo.inference.classifier import Classifier
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.inference.results import FacesPrediction, Prediction
from resnet_demo.tasks import KEYPOINTS, TaskSpec

OWN = Path(__file__).with_name("own_explanation.py")


@pytest.fixture(scope="module")
def classify() -> Classifier:
    return Classifier("flowers102", 18, "cpu")


@pytest.fixture(scope="module")
def quick() -> Classifier:
    """The same network on pictures of fewer pixels, for methods that run it hundreds of times."""
    checkpoint = checkpoints.load("flowers102", 18)
    small = replace(checkpoint, spec=replace(checkpoint.spec, size=128, resize=144))
    return Classifier("flowers102", 18, "cpu", checkpoint=small)


@pytest.fixture(scope="module")
def find_keypoints() -> LandmarkPredictor:
    return LandmarkPredictor("faces68", 18, "cpu")


@pytest.fixture(scope="module")
def dahlia(classify) -> Prediction:
    return classify(EXAMPLES / "dahlia.jpg")


@pytest.fixture(scope="module")
def faces(find_keypoints) -> FacesPrediction:
    return find_keypoints(EXAMPLES / "two-people.jpg")


@pytest.fixture
def own(monkeypatch) -> None:
    """The explanation of ``own_explanation.py`` is imported, for one test."""
    monkeypatch.setattr(registry, "_explanations", dict(registry.explanations()))
    runpy.run_path(str(OWN))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def hottest(cam: np.ndarray) -> np.ndarray:
    """(x, y) of a map's largest value."""
    row, column = np.unravel_index(cam.argmax(), cam.shape)
    return np.array([column, row])


# --- Contrast ---------------------------------------------------------------------------------------------------------


def test_contrast_of_a_class_with_itself_is_zero_and_of_two_antisymmetric(classify, real_flowers):
    for picture in real_flowers(3):
        answer = classify(picture.photo)
        first, second = (score.label for score in answer.top_k[:2])
        assert not answer.cam(first, method="contrast", against=first).any()
        cam = answer.cam(method="contrast", against=second)
        assert cam.shape == picture.photo.size[::-1] and cam.dtype == np.float32
        assert np.abs(cam).max() == pytest.approx(1, abs=0.02) and -1 <= cam.min() <= cam.max() <= 1
        np.testing.assert_array_equal(cam, -answer.cam(second, method="contrast", against=first))


def test_contrast_adds_up_to_the_difference_of_the_logits(classify, dahlia):
    """So the more probable class has more of the map, as far as the head's biases leave it."""
    outputs = classify.engine.run(dahlia._picture[None])
    head, bias = classify.engine.head_weights, classify.checkpoint.state["fc.bias"]
    first, second = (dahlia.spec.labels.index(score.label) for score in dahlia.top_k[:2])
    scale = np.einsum("c,crk->rk", head[first] - head[second], dahlia.features).mean()
    logits = (outputs.logits[0] - bias)[[first, second]]
    assert scale == pytest.approx(logits[0] - logits[1], rel=1e-3)
    cam = dahlia.low_resolution_cam(first, method="contrast", against=second)
    assert np.sign(cam.mean()) == np.sign(scale)


def test_contrast_of_two_regions_is_hot_on_the_one_and_cold_on_the_other(real_faces):
    find_keypoints = LandmarkPredictor("faces68", 50, "cpu")
    found = [face for picture in real_faces(3) for face in find_keypoints(picture.photo).faces]
    there: dict[str, list[float]] = {"mouth": [], "eyes": []}
    for face in found:
        cam = face.cam("mouth", method="contrast", against="eyes")
        rows, columns = cam.shape
        x, y = face.keypoints.astype(int).T.clip(0, [[columns - 1], [rows - 1]])
        for region, values in there.items():
            points = list(tasks.REGIONS[region])
            values.append(cam[y[points], x[points]].mean())
        np.testing.assert_array_equal(cam, -face.cam("eyes", method="contrast", against="mouth"))
        assert not face.cam("nose", method="contrast", against="nose").any()
    assert np.mean(there["mouth"]) > 0 > np.mean(there["eyes"])


# --- Occlusion --------------------------------------------------------------------------------------------------------


def test_what_occlusion_names_hottest_is_what_the_class_needs(quick, real_flowers):
    """Hidden by hand in the photo itself, the class loses more there than at the coldest place."""
    grey = tuple(round(255 * value) for value in quick.spec.mean)
    lost: dict[str, list[float]] = {"hot": [], "cold": []}
    for picture in real_flowers(4):
        answer = quick(picture.photo)
        index = int(answer.probabilities.argmax())
        cam = answer.cam(method="occlusion")
        side = (answer.window.right - answer.window.left) / 4
        for name, (x, y) in (("hot", hottest(cam)), ("cold", hottest(-cam))):
            photo = picture.photo.copy()
            photo.paste(grey, tuple(round(edge) for edge in (x - side / 2, y - side / 2, x + side / 2, y + side / 2)))
            lost[name].append(answer.probabilities[index] - quick(photo).probabilities[index])
    assert np.mean(lost["hot"]) > 0 and np.mean(lost["hot"]) > np.mean(lost["cold"])


def test_occlusion_is_hot_on_the_flower_where_grad_cam_is(quick, real_flowers):
    cam = quick(EXAMPLES / "dahlia.jpg").cam(method="occlusion")
    # The dahlia's middle and radius in its photo of 640 × 427.
    assert np.linalg.norm(hottest(cam) - (307, 220)) < 140
    found = [quick(picture.photo) for picture in real_flowers(4)]
    size = (64, 64)
    alike = [correlation(answer.cam(size=size), answer.cam(size=size, method="occlusion")) for answer in found]
    assert np.mean(alike) > 0.2


def test_hiding_nothing_changes_nothing(classify):
    """In a photo of the patch's own colour there is nothing to hide, nor beside what else is in it."""
    grey = tuple(round(255 * value) for value in classify.spec.mean)
    plain = Image.new("RGB", (160, 160), grey)
    assert not classify(plain).cam(method="occlusion").any()
    with Image.open(EXAMPLES / "dahlia.jpg") as photo:
        plain.paste(photo.convert("RGB").crop((167, 80, 447, 360)).resize((60, 60)), (100, 100))
    cam = classify(plain).low_resolution_cam(method="occlusion")
    assert cam.any() and not cam[:4, :4].any()


def test_hiding_nothing_moves_no_keypoints():
    spec = TaskSpec("hands", KEYPOINTS, points=3, size=64, resize=64, fit="squash", detector="")
    predict = LandmarkPredictor("hands", 18, "cpu", checkpoint=tiny.random_checkpoint(spec))
    (marked,) = predict(Image.new("RGB", (96, 96), tuple(round(255 * value) for value in spec.mean))).faces
    assert not marked.cam(method="occlusion").any()


def test_keypoints_move_most_when_they_themselves_are_hidden(find_keypoints, real_faces):
    for picture in real_faces(1):
        for face in find_keypoints(picture.photo).faces:
            side = max(face.box[2] - face.box[0], face.box[3] - face.box[1])
            for region in ("mouth", "eyes"):
                cam = face.cam(region, method="occlusion")
                assert cam.min() >= 0
                points = face.keypoints[list(tasks.REGIONS[region])]
                assert np.linalg.norm(points - hottest(cam), axis=1).min() < 0.35 * side


def test_occlusion_says_which_way_keypoints_are_pulled(faces):
    face = faces.faces[0]
    across = face.low_resolution_cam("mouth", "across", "occlusion")
    down = face.low_resolution_cam("mouth", "down", "occlusion")
    assert across.min() < 0 < across.max() and not np.array_equal(across, down)


# --- Score-CAM --------------------------------------------------------------------------------------------------------


def reference(network: torch.nn.Module, x: torch.Tensor, index: int) -> np.ndarray:
    """Score-CAM as pytorch-grad-cam computes it, in plain PyTorch (its package gives the same)."""
    with torch.inference_mode():
        (activations,) = network.features(x)
        activations = activations[activations.sum(dim=(1, 2)) > 0]  # The others add zero to the sum.
        masks = F.interpolate(activations[None], x.shape[2:], mode="bilinear", align_corners=True)[0]
        low, high = masks.amin((1, 2), keepdim=True), masks.amax((1, 2), keepdim=True)
        masks = (masks - low) / (high - low + 1e-8)
        scores = [network.head(network.features(x * part[:, None]))[:, index] for part in masks.split(32)]
        weights = torch.cat(scores).softmax(dim=0)
        return torch.einsum("c,crk->rk", weights, activations).relu().numpy()


def test_score_cam_equals_the_reference(real_flowers):
    """A real network on smaller pictures than its own, which takes a third of the time."""
    checkpoint = checkpoints.load("flowers102", 18)
    small = replace(checkpoint, spec=replace(checkpoint.spec, size=96, resize=96))
    classify = Classifier("flowers102", 18, "cpu", checkpoint=small)
    answer = classify(real_flowers(1)[0].photo)
    said: list[tuple[int, ...]] = []
    cam = answer.low_resolution_cam(method="score-cam", progress=lambda *count: said.append(count))
    x = torch.from_numpy(tasks.normalise(small.spec, answer._picture[None]))
    expected = reference(classify.engine.network(), x, int(answer.probabilities.argmax()))
    assert cam.shape == (3, 3) and cam.min() >= 0 and cam.max() == 1
    assert correlation(cam, expected) > 0.99
    done, counts = zip(*said, strict=True)
    assert list(done) == sorted(done) and set(counts) == {done[-1]} and 0 < done[-1] <= 512


# --- What does not go -------------------------------------------------------------------------------------------------


def test_what_a_method_cannot_do_is_said_in_one_sentence(dahlia, faces):
    face = faces.faces[0]
    for ask, sentence in [
        (
            lambda: dahlia.cam(method="magic"),
            "There is no explanation 'magic': choose one of contrast, grad-cam, occlusion, score-cam.",
        ),
        (
            lambda: face.cam("mouth", method="score-cam"),
            "score-cam does not work for keypoints: choose one of contrast, grad-cam, occlusion.",
        ),
        (lambda: dahlia.cam(method="occlusion", layer="layer2"), "occlusion does not explain layer2: choose layer4."),
        (lambda: dahlia.cam(method="contrast", layer="fc"), "There is no layer 'fc': choose one of layer1,"),
        (
            lambda: dahlia.cam(against="Marigold"),
            "grad-cam compares with nothing: leave against out, or choose contrast.",
        ),
        (
            lambda: dahlia.cam(method="contrast"),
            "contrast needs something to compare with: name a class or region in against.",
        ),
        (lambda: dahlia.cam(method="contrast", against="Marygold"), "Did you mean 'Marigold'?"),
        (lambda: face.cam("mouth", method="contrast", against="ear"), "There is no face region 'ear'"),
    ]:
        with pytest.raises(UserError) as caught:
            ask()
        assert sentence in str(caught.value)


# --- The command line -------------------------------------------------------------------------------------------------


@pytest.fixture
def weights(tmp_path, monkeypatch) -> Path:
    """A weights folder of tiny random networks."""
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    return tiny.weights_folder(tmp_path / "weights", (tiny.FLOWERS, 18), (tiny.FACES, 18))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--method", "magic"], "There is no explanation 'magic': choose one of contrast, grad-cam, occlusion"),
        (
            ["--method", "contrast", "--against", "Dasy"],
            "There is no class 'Dasy' in flowers102. Did you mean 'Daisy'?",
        ),
        (["--against", "Daisy"], "grad-cam compares with nothing: leave against out, or choose contrast."),
        (["--method", "occlusion", "--against", "Daisy"], "occlusion compares with nothing"),
        (["--method", "contrast"], "contrast needs something to compare with"),
        (["--target", "Dasy"], "There is no class 'Dasy'"),
        (["--task", "faces68", "--method", "score-cam"], "score-cam does not work for keypoints: choose one of"),
        (["--task", "faces68", "--method", "contrast", "--against", "ear"], "There is no face region 'ear'"),
    ],
)
def test_a_bad_question_gives_one_sentence_and_status_2(weights, tmp_path, capsys, arguments, sentence):
    overlays = tmp_path / "overlays"
    photo = str(EXAMPLES / "dahlia.jpg")
    assert main(["predict", photo, "--depth", "18", "--overlays", str(overlays), *arguments]) == 2
    output = capsys.readouterr()
    assert not output.out and not overlays.exists()
    assert sentence in output.err and len(output.err.splitlines()) == 1


def drawn(folder: Path, name: str, *arguments: str) -> np.ndarray:
    """The overlay of a shipped photo, as signed differences from the photo (rows, columns, 3)."""
    main(["predict", str(EXAMPLES / f"{name}.jpg"), "--depth", "18", "--overlays", str(folder), *arguments])
    with Image.open(folder / f"{name}.jpg") as overlay, Image.open(EXAMPLES / f"{name}.jpg") as photo:
        return np.asarray(overlay, np.int16) - np.asarray(photo.convert("RGB"), np.int16)


def test_signed_maps_are_drawn_in_two_colours(weights, tmp_path, capsys):
    tiny.weights_folder(weights, (tiny.FLOWERS, 18), channels=64)  # Of few, all speak for the same class.
    question = ("--method", "contrast", "--target", "Rose", "--against", "Daisy")
    difference = drawn(tmp_path, "dahlia", *question)
    cam = resnet_demo.load("flowers102", 18)(EXAMPLES / "dahlia.jpg").cam("Rose", method="contrast", against="Daisy")
    redder = difference[..., 0] - difference[..., 2]
    assert (cam < -0.3).any() and (cam > 0.3).any()
    assert redder[cam > 0.3].mean() > 0 > redder[cam < -0.3].mean()
    assert not capsys.readouterr().err
    difference = drawn(tmp_path, "dahlia", "--method", "contrast", "--target", "Rose", "--against", "Rose")
    assert np.abs(difference).mean() < 3
    assert "The heatmap of Rose by contrast is empty: it is zero everywhere." in capsys.readouterr().err


def test_heat_of_faces_is_drawn_when_it_is_asked_for(weights, tmp_path, capsys):
    faces = ("--task", "faces68")
    points = drawn(tmp_path, "astronaut", *faces)
    heat = drawn(tmp_path, "astronaut", *faces, "--method", "occlusion", "--target", "mouth")
    assert np.abs(points).any() and np.abs(heat).any() and not np.array_equal(points, heat)


def test_a_map_that_goes_nowhere_is_said(weights, capsys):
    assert main(["predict", str(EXAMPLES / "dahlia.jpg"), "--depth", "18", "--method", "occlusion"]) == 0
    output = capsys.readouterr()
    assert "%" in output.out and output.err == "No heatmap is drawn: name a folder for it with --overlays.\n"


# --- One more ---------------------------------------------------------------------------------------------------------


def test_an_explanation_of_ones_own_is_one_file(own, weights, tmp_path, capsys):
    answer = resnet_demo.load("flowers102", 18)(EXAMPLES / "dahlia.jpg")
    cam = answer.low_resolution_cam(method="activity")
    seen = answer.features.mean(axis=0)
    np.testing.assert_allclose(cam, seen / seen.max(), rtol=1e-6)
    assert np.abs(drawn(tmp_path, "dahlia", "--method", "activity")).any()
    capsys.readouterr()
    assert main(["predict", str(EXAMPLES / "dahlia.jpg"), "--depth", "18", "--method", "magic"]) == 2
    assert "choose one of activity, contrast, grad-cam, occlusion, score-cam." in capsys.readouterr().err


def test_without_its_file_it_is_not_there(dahlia):
    with pytest.raises(UserError, match="There is no explanation 'activity'"):
        dahlia.cam(method="activity")


@pytest.mark.parametrize("name", ["contrast", "grad-cam", "occlusion", "score-cam"])
def test_each_explanation_is_one_file_of_at_most_40_lines(name):
    file = Path(inspect.getfile(registry.explanations()[name].make))
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 40
    assert len(OWN.read_text(encoding="utf-8").splitlines()) <= 40
