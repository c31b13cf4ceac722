"""Training: the same mathematics as the plain way, exact resuming, honest measuring."""

from __future__ import annotations

import csv
import json
import pickle
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from conftest import EXAMPLES
from PIL import Image
from torch import nn
from torch.nn import functional as F

from resnet_demo import checkpoints
from resnet_demo.backends.torch_network import with_weights
from resnet_demo.checkpoints import keras_names
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.faces.alignment import Frame
from resnet_demo.faces.detector import Detector
from resnet_demo.models import quantization
from resnet_demo.models.architecture import architecture_of
from resnet_demo.models.resnet import ResNet, load_strictly
from resnet_demo.tasks import IMAGENET_MEAN, IMAGENET_STD, TaskSpec
from resnet_demo.tasks.landmarks import MIRROR
from resnet_demo.training.data import loader
from resnet_demo.training.data.augment import ClassificationAugmentation, mix, one_hot, tinted, zoomed_out
from resnet_demo.training.data.augment_faces import FaceAugmentation, turn
from resnet_demo.training.data.datasets import NO_LABEL, Pictures
from resnet_demo.training.data.face_frames import find_frames
from resnet_demo.training.data.loader import epoch_order, make_batches
from resnet_demo.training.evaluation.evaluate import nme, proportion
from resnet_demo.training.evaluation.run import arrays_of
from resnet_demo.training.heads import TaskHead
from resnet_demo.training.networks.head import centre_rows
from resnet_demo.training.optim import folded_norms
from resnet_demo.training.optim.losses import wing
from resnet_demo.training.optim.schedule import PARTS, freeze, make_optimizer, part_of, rate_at, set_rates
from resnet_demo.training.recipe import FOLDER, Recipe, check_crop, check_mirror, load_recipe
from resnet_demo.training.train import blend
from resnet_demo.training.trainer import SampleMaker, Trainer
from resnet_demo.utils.json_record import as_json

pytestmark = pytest.mark.usefixtures("narrow")


def tiny_pictures(count: int = 24, classes: int = 4) -> Pictures:
    pictures = Pictures("flowers102", [None] * count, np.arange(count) % classes, tuple("abcd"[:classes]))
    pictures.cache = dict(enumerate(tiny.pictures(count, 40)))
    return pictures


# --- Frozen batch norms, folded ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [18, 50])
def test_folded_norms_give_the_same_features_and_gradients(depth):
    network = tiny.network(depth).double().eval()  # In float32 a rounding error may flip a ReLU and its gradient.
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def gradients(features):
        network.zero_grad()
        network.head(features).square().sum().backward()
        return {name: parameter.grad.clone() for name, parameter in network.named_parameters()}

    plain, folded = network.features(x), folded_norms.features(network, x)
    torch.testing.assert_close(folded, plain, rtol=1e-9, atol=1e-9)
    expected, found = gradients(plain), gradients(folded)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-6, atol=1e-9, msg=name)


def test_frozen_parts_get_no_gradient_and_the_others_do():
    network = tiny.network().eval()
    freeze(network, 2)
    network.head(folded_norms.features(network, torch.randn(1, 3, 64, 64), frozen=2)).sum().backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == (part_of(name) >= 2), name


def test_where_only_the_norms_learn_the_stored_integers_stay(tmp_path):
    spec = TaskSpec("flowers102", "classification", tuple("abcd"), size=32, resize=32)
    recipe = Recipe(
        "flowers102",
        epochs=2,
        batch=8,
        sizes=((0, 32),),
        learning_rate=1e-2,
        norms_only=True,
        frozen=((0, 2),),
        ema=0.9,
    )
    before = quantization.quantise(arrays_of(tiny.network()))
    network = with_weights(quantization.dequantise(before), 18, 4, "v1.5", "tiny", ResNet)
    kept = Trainer(network, spec, recipe, tiny_pictures(), tmp_path, workers=0).run()
    after = quantization.quantise(arrays_of(kept))
    changed = {key for key, value in after.items() if not np.array_equal(value, before[key])}
    assert {key.split(".")[-1] for key in changed - {"fc.weight", "fc.weight.scale", "fc.bias"}} == {"weight", "bias"}
    assert all(before[key].ndim == 1 for key in changed - {"fc.weight"})
    assert {"fc.bias", "layer2.0.bn1.weight", "layer4.1.bn2.bias"} <= changed
    assert not any(key.startswith(("bn1", "layer1")) for key in changed)


# --- Schedule, recipe, losses -----------------------------------------------------------------------------------------


def test_rates_warm_up_fall_to_zero_and_differ_by_stage():
    recipe = Recipe("x", epochs=10, warmup=2.0, learning_rate=1.0, layer_decay=0.5, head_factor=8.0)
    assert rate_at(recipe, 1) == 0.5
    assert rate_at(recipe, 2) == 1.0
    assert rate_at(recipe, 10) == pytest.approx(0)
    optimizer = make_optimizer(tiny.network(), recipe)
    set_rates(optimizer, recipe, 2)
    rates = {PARTS[group["part"]]: group["lr"] for group in optimizer.param_groups}
    assert rates == {"stem": 1 / 16, "layer1": 1 / 8, "layer2": 1 / 4, "layer3": 1 / 2, "layer4": 1.0, "head": 8.0}
    assert {group["weight_decay"] for group in optimizer.param_groups if group["params"][0].ndim == 1} == {0.0}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_bundled_recipes_load(path):
    recipe = load_recipe(path.stem, ["epochs=3", "learning_rate=1"])
    assert (recipe.epochs, recipe.learning_rate) == (3, 1.0)


@pytest.mark.parametrize(
    ("name", "overrides", "sentence"),
    [
        ("roses", [], "There is no recipe 'roses': choose one of"),
        ("flowers102", ["epoch=3"], "unknown settings: epoch."),
        ("flowers102", ["epochs=many"], "The setting epochs takes a value like 10, not 'many'."),
        ("flowers102", ["epochs"], "'epochs' is no setting: write KEY=VALUE"),
    ],
)
def test_a_bad_recipe_gives_one_sentence(name, overrides, sentence):
    with pytest.raises(UserError, match=sentence.replace("(", r"\(")):
        load_recipe(name, overrides)


def test_wing_is_logarithmic_near_zero_linear_beyond_and_continuous():
    at = wing(torch.tensor([0.0, 5.0, 10.0, 10.0001, 30.0]))
    assert at[0] == 0
    assert at[1] == pytest.approx(10 * np.log(1 + 5 / 2), rel=1e-5)
    assert at[3] == pytest.approx(float(at[2]), abs=1e-3)
    assert float(at[4] - at[2]) == pytest.approx(20, rel=1e-4)


def test_mixing_keeps_targets_a_distribution_that_fits_the_pixels():
    recipe = Recipe("x", cutmix=1.0, mix_probability=1.0)
    pictures = torch.arange(4.0).reshape(4, 1, 1, 1).expand(4, 3, 20, 20).clone()
    targets = one_hot(torch.arange(4), 4, smoothing=0.0)
    mixed, soft = mix(pictures, targets, recipe, seed=3)
    for row, picture in zip(soft, mixed, strict=True):
        shares = torch.stack([(picture[0] == value).float().mean() for value in range(4)])
        torch.testing.assert_close(row, shares)


def test_thinned_and_capped_pictures_fill_the_same_steps_in_every_epoch():
    labels = np.repeat(np.arange(40), 40)
    pictures = Pictures("x", [None] * len(labels), labels, sources=["s"] * len(labels))
    recipe = Recipe("x", source_weights={"s": 0.5}, class_cap=20, batch=8)
    counts = [[len(batch) for batch in loader.epoch_batches(pictures, recipe, epoch)] for epoch in range(8)]
    assert all(count == [8] * len(counts[0]) for count in counts)
    assert len({len(epoch_order(pictures, recipe, epoch)) for epoch in range(8)}) > 1  # which is why


def test_a_network_is_not_asked_to_cut_out_more_than_there_is(tmp_path, capsys):
    with pytest.raises(UserError, match="test_size, 300, is larger than test_resize, 256, out of which it is cut"):
        check_crop(Recipe("x", test_size=300))
    check_crop(Recipe("x", test_size=300, fit="squash"))


def test_only_classes_are_the_same_in_a_mirror():
    with pytest.raises(UserError, match="The setting test_mirror is for classes, not for keypoints: leave it out"):
        check_mirror(Recipe("x", kind="keypoints", test_mirror=True))
    with pytest.raises(UserError, match="With mirror=0 the network learns no mirror images.*add test_mirror=false"):
        check_mirror(Recipe("x", test_mirror=True, mirror=0.0))
    check_mirror(Recipe("x", test_mirror=True))


def test_random_weights_learn_their_batch_norms_by_a_recipe_too(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("resnet_demo.training.train.train", lambda options: asked.append(options) or tmp_path)
    for words in (["--init", "scratch"], ["--arch", "resnet20"], ["--init", "scratch", "--set", "fold_norms=true"], []):
        assert main(["train", "flowers102", "--out", str(tmp_path / "run"), *words]) == 0
    assert [options.recipe.fold_norms for options in asked] == [False, False, True, True]


# --- Faces ------------------------------------------------------------------------------------------------------------


def test_mirroring_landmarks_twice_changes_nothing_and_swaps_left_and_right():
    assert sorted(MIRROR) == list(range(68))
    assert (MIRROR[MIRROR] == np.arange(68)).all()
    for left, right in [(0, 16), (36, 45), (39, 42), (41, 46), (31, 35), (48, 54), (17, 26), (60, 64), (59, 55)]:
        assert MIRROR[left] == right
    assert (MIRROR[[8, 27, 30, 33, 51, 57, 62, 66]] == [8, 27, 30, 33, 51, 57, 62, 66]).all()


@pytest.mark.parametrize("seed", range(12))
def test_landmarks_follow_the_pixels_through_every_augmentation(seed):
    rng = np.random.default_rng(seed)
    spot = np.array([rng.uniform(120, 180), rng.uniform(110, 190)])
    y, x = np.mgrid[0:300, 0:300]
    disc = np.exp(-(((x + 0.5 - spot[0]) ** 2 + (y + 0.5 - spot[1]) ** 2) / 32.0))
    pictures = Pictures("faces68", [None], np.array([[spot, spot]], np.float32))
    pictures.cache = {0: np.repeat((disc * 255).astype(np.uint8)[..., None], 3, axis=2)}
    pictures.frames = [Frame((150.0, 150.0), 120.0, 0.1)]
    recipe = Recipe(
        "faces68", kind="keypoints", margin=1.3, rotation=25, zoom=0.15, shift=0.1, perspective=0.05, yaw=35
    )
    picture, points = FaceAugmentation(recipe, 160)(pictures, 0, seed)
    light = picture[0].numpy().astype(float)
    light[light > 110] -= 114 * (light[light > 110] == 114)  # the grey beyond the picture
    rows, columns = np.mgrid[0:160, 0:160] + 0.5
    found = np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()
    assert np.abs(found - points[0].numpy() * 160).max() < 2.0


def test_a_mirrored_face_has_its_points_as_far_to_the_right_as_people_put_them():
    random = np.random.default_rng(0)
    points = random.uniform(100, 200, (1, 68, 2)).astype(np.float32)
    pictures = Pictures("faces68", [None], points, sources=["lfpw"])
    pictures.cache = {0: random.integers(0, 256, (300, 300, 3), np.uint8)}
    pictures.frames = [Frame((150.0, 150.0), 120.0, 0.0)]
    plain = Recipe("faces68", kind="keypoints", margin=1.3, mirror=0.0)
    _, there = FaceAugmentation(plain, 64)(pictures, 0, 0)

    def mirrored(shift: dict[str, float] | None) -> np.ndarray:
        _, found = FaceAugmentation(replace(plain, mirror=1.0, mirror_shift=shift), 64)(pictures, 0, 0)
        back = np.stack([1 - found[MIRROR, 0], found[MIRROR, 1]], axis=1)
        return (back - there.numpy()) * 1.3  # in sides of the face

    np.testing.assert_allclose(mirrored(None), 0, atol=1e-6)
    np.testing.assert_allclose(mirrored({"helen": 0.01}), 0, atol=1e-6)
    np.testing.assert_allclose(mirrored({"lfpw": 0.01}), [(-0.02, 0)] * 68, atol=1e-6)
    np.testing.assert_allclose(mirrored({"helen": 0.03, "others": 0.01}), [(-0.02, 0)] * 68, atol=1e-6)
    np.testing.assert_allclose(mirrored({"lfpw": 0.01, "others": 0.03}), [(-0.02, 0)] * 68, atol=1e-6)


def test_turning_moves_the_nose_more_than_the_ears():
    nose, ear = np.array([0.5, 0.52]), np.array([0.85, 0.5])
    moved = turn(np.stack([nose, ear]), 0.4) - [nose, ear]
    assert moved[0, 0] > 0.03
    assert moved[1, 0] < 0


# --- The loop ---------------------------------------------------------------------------------------------------------


def run(folder, epochs_at_once: list[int], **changes) -> dict[str, torch.Tensor]:
    """Train 3 epochs in as many sittings as ``epochs_at_once`` has; returns the kept weights."""
    recipe = Recipe(
        "flowers102", epochs=3, batch=8, sizes=((0, 32), (2, 40)), ema=0.9, mixup=0.2, cutmix=1.0, jitter=0.2, **changes
    )
    spec = TaskSpec("flowers102", "classification", tuple("abcd"), size=32, resize=32)
    for stop in epochs_at_once:
        trainer = Trainer(tiny.network(), spec, recipe, tiny_pictures(16), folder, workers=0)
        save = trainer.save

        def save_and_stop(trainer=trainer, save=save, stop=stop):
            save()
            if trainer.epoch == stop < 3:
                raise KeyboardInterrupt

        trainer.save = save_and_stop
        try:
            kept = trainer.run()
        except KeyboardInterrupt:
            continue
    return kept.state_dict()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A function: the folder and the kept weights of an uninterrupted run with this optimizer."""

    @cache
    def of(optimizer: str) -> tuple[Path, dict[str, torch.Tensor]]:
        folder = tmp_path_factory.mktemp(optimizer)
        return folder, run(folder, [3], optimizer=optimizer)

    return of


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "muon"])
def test_a_resumed_run_ends_exactly_as_an_uninterrupted_one(tmp_path, finished, optimizer):
    _, whole = finished(optimizer)
    parts = run(tmp_path / "parts", [1, 2, 3], optimizer=optimizer)
    for key, value in whole.items():
        assert torch.equal(value, parts[key]), key
    start = tiny.network().state_dict()
    assert not torch.equal(whole["layer4.1.conv2.weight"], start["layer4.1.conv2.weight"])


def sampled(kind: str) -> tuple[Pictures, Recipe, tuple[TaskHead, ...]]:
    """Pictures, a recipe that augments in every way, and heads."""
    pictures, heads = tiny_pictures(), ()
    every = {"zoom_out": 0.5, "jitter": 0.3, "tint": 0.3, "grey": 0.3, "blur": 0.5, "jpeg": 0.5, "cutout": 0.3}
    if kind == "keypoints":
        points = np.random.default_rng(0).uniform(5, 35, (len(pictures), 68, 2)).astype(np.float32)
        frames = [Frame((20.0, 20.0), 30.0, 0.1)] * len(pictures)
        pictures, every = replace(pictures, task="faces68", labels=points, frames=frames), {"kind": kind}
    elif kind == "heads":
        heads = (TaskHead("a", "classification", (0, 4), (0, 1), tuple("abcd")),)
        pictures = replace(pictures, labels=pictures.labels[:, None].astype(np.float32))
    return pictures, Recipe(pictures.task, epochs=1, batch=8, sizes=((0, 32),), **every), heads


@pytest.mark.parametrize("kind", ["classification", "keypoints", "heads"])
def test_workers_that_get_everything_sent_make_the_same_samples(kind, monkeypatch):
    """As on macOS and Windows, whose workers are started and not forked: what PyTorch gets of us for them is sent."""
    pictures, recipe, heads = sampled(kind)
    given = {}
    monkeypatch.setattr(loader, "DataLoader", lambda made, **more: given.update(more, made=made) or [])
    make_batches(pictures, SampleMaker(recipe, heads), recipe, 0, workers=2)
    sent, begin = pickle.loads(pickle.dumps((given["made"], given["worker_init_fn"])))
    assert begin is given["worker_init_fn"]
    for key in next(iter(given["batch_sampler"])):
        assert all(torch.equal(*pair) for pair in zip(given["made"][key], sent[key], strict=True))


def test_a_run_of_another_recipe_is_not_continued(finished):
    folder, _ = finished("adamw")
    with pytest.raises(UserError, match="holds a run of another recipe"):
        run(folder, [3], weight_decay=0.3)


def test_training_lowers_the_loss(tmp_path):
    recipe = Recipe("flowers102", epochs=12, batch=8, sizes=((0, 32),), learning_rate=4e-3, warmup=0.5)
    spec = TaskSpec("flowers102", "classification", tuple("abcd"), size=32, resize=32)
    trainer = Trainer(tiny.network(), spec, recipe, tiny_pictures(), tmp_path, workers=0)
    trainer.save = lambda: None  # Half of the time; nobody goes on with it.
    trainer.run()
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.5 * losses[0]


def test_sources_are_weighted():
    pictures = Pictures("faces68", [None] * 30, np.zeros((30, 68, 2)), sources=["helen"] * 10 + ["udacity"] * 20)
    order = epoch_order(pictures, Recipe("x", source_weights={"helen": 2.0, "udacity": 0.5}), epoch=0)
    assert sum(index < 10 for index in order) == 20
    assert sum(index >= 10 for index in order) == 10
    assert all(order.count(index) == 2 for index in range(10))


# --- Measuring --------------------------------------------------------------------------------------------------------


def test_nme_is_in_percent_of_the_eye_distance():
    truth = np.zeros((68, 2))
    truth[45] = (50, 0)
    assert nme(truth + np.array([3, 4]), truth) == pytest.approx(10.0)


def test_wilson_interval():
    expected = {"value": 95.0, "low": 88.825, "high": 97.846, "n": 100}
    assert as_json(proportion(95, 100)) == pytest.approx(expected, abs=2e-3)


def write_data(root, pictures: int = 16) -> None:
    """A data set of two colours, in the layout of the real ones."""
    (root / "colours" / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for index in range(pictures):
        label = index % 2
        noise = rng.integers(0, 80, (48, 48, 3), dtype=np.uint8)
        noise[..., 0 if label == 0 else 2] += 150
        Image.fromarray(noise).save(root / "colours" / "images" / f"{index}.png")
        rows.append((f"images/{index}.png", label, ("train", "train", "val", "test")[index // 2 % 4]))
    with (root / "colours" / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "label", "split"), *rows])
    (root / "colours" / "classes.csv").write_text("label,name\n0,red\n1,blue\n")


def test_train_evaluate_and_bundle_from_the_command_line(tmp_path, monkeypatch, capsys):
    write_data(tmp_path)
    weights = tmp_path / "weights"
    weights.mkdir()
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(weights))
    recipe = tmp_path / "colours.toml"
    recipe.write_text(
        'task = "colours"\nepochs = 8\nbatch = 4\nsizes = [[0, 32]]\ntest_size = 32\ntest_resize = 32\n'
        "learning_rate = 1e-3\nfold_norms = false\n"
    )
    data, out = ["--data", str(tmp_path)], tmp_path / "run"
    start = ["--depth", "18", "--init", "scratch", "--workers", "0", "--evaluate-every", "4", "--out", str(out)]
    assert main(["train", str(recipe), *start, *data]) == 0
    assert main(["bundle", str(out / "checkpoint"), *data]) == 0
    capsys.readouterr()
    assert main(["evaluate", "colours", "--depth", "18", "--json", *data]) == 0
    measured = json.loads(capsys.readouterr().out)["metrics"]
    assert measured["top1"]["value"] == 100.0
    assert measured["top1"]["n"] == 4
    assert main(["evaluate", "colours", "--depth", "18", "--json", "--grey", *data]) == 0
    without = json.loads(capsys.readouterr().out)
    assert without["split"] == "test, grey" and without["metrics"]["top1"]["value"] <= 75  # Colours are all they are.
    assert as_json(checkpoints.find("colours", 18).metrics) == measured
    card = (weights / "colours" / "resnet18" / "README.md").read_text()
    assert "| top-1 accuracy | 100.00 % |" in card
    assert f"python -m resnet_demo train {recipe} --depth 18 --init scratch" in card

    assert main(["evaluate", "colours", "--depth", "18", "--split", "train", *data]) == 2
    assert "trained on the split train" in capsys.readouterr().err


def test_missing_data_gives_one_sentence_before_any_training(tmp_path, capsys):
    assert main(["train", "flowers102", "--out", str(tmp_path / "run"), "--data", str(tmp_path)]) == 2
    assert "set RESNET_DEMO_DATA" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


# --- The ImageNet weights ---------------------------------------------------------------------------------------------


def keras_arrays(rng) -> dict[str, np.ndarray]:
    """Random weights of a Keras ResNet-50 by the package's names, as narrow as the shapes allow."""
    arrays = {}

    def layer(suffix, inputs, outputs, kernel, convolution="res", norm="bn"):
        weight = rng.normal(0, (2 / (kernel * kernel * inputs)) ** 0.5, (kernel, kernel, inputs, outputs))
        arrays[f"{convolution}{suffix}/kernel"] = weight
        arrays[f"{convolution}{suffix}/bias"] = rng.normal(0, 0.1, outputs)
        arrays[f"{norm}{suffix}/gamma"] = rng.uniform(0.3, 0.6, outputs)
        arrays[f"{norm}{suffix}/beta"] = rng.normal(0, 0.1, outputs)
        arrays[f"{norm}{suffix}/moving_mean"] = rng.normal(0, 0.1, outputs)
        arrays[f"{norm}{suffix}/moving_variance"] = rng.uniform(0.001, 1.5, outputs)

    layer("conv1", 3, 64, 7, "", "bn_")
    arrays["conv1/kernel"] /= 60  # Its input is in 0..255.
    inputs = 64
    for stage, count in enumerate(architecture_of(50).counts):
        width = 64 * 2**stage
        for block in range(count):
            name = f"{stage + 2}{'abcdef'[block]}_branch"
            layer(f"{name}2a", inputs, width, 1)
            layer(f"{name}2b", width, width, 3)
            layer(f"{name}2c", width, 4 * width, 1)
            if block == 0:
                layer(f"{name}1", inputs, 4 * width, 1)
            inputs = 4 * width
    arrays["fc1000/kernel"], arrays["fc1000/bias"] = rng.normal(0, 0.02, (2048, 1000)), rng.normal(0, 0.1, 1000)
    return arrays


def keras_forward(arrays, rgb: torch.Tensor, mean_rgb) -> tuple[torch.Tensor, torch.Tensor]:
    """The Keras network by its own conventions: BGR in 0..255 less the mean, biased convolutions, epsilon 1e-3.

    Returns what follows the first batch norm, and the logits."""
    tensors = {key: torch.from_numpy(value).double() for key, value in arrays.items()}

    def layer(x, convolution, norm, stride=1):
        weight = tensors[f"{convolution}/kernel"].permute(3, 2, 0, 1)
        x = F.conv2d(x, weight, tensors[f"{convolution}/bias"], stride, weight.shape[2] // 2)
        mean, variance = tensors[f"{norm}/moving_mean"], tensors[f"{norm}/moving_variance"]
        return F.batch_norm(
            x, mean, variance, tensors[f"{norm}/gamma"], tensors[f"{norm}/beta"], eps=keras_names.EARLIER_EPSILON
        )

    x = (rgb - torch.tensor(mean_rgb).double().view(1, 3, 1, 1)).flip(1)
    stem = layer(x, "conv1", "bn_conv1", 2)
    x = F.max_pool2d(F.relu(stem), 3, 2, 1)
    for stage, count in enumerate(architecture_of(50).counts):
        for block in range(count):
            name, stride = f"{stage + 2}{'abcdef'[block]}_branch", 2 if block == 0 and stage else 1
            shortcut = layer(x, f"res{name}1", f"bn{name}1", stride) if block == 0 else x
            y = F.relu(layer(x, f"res{name}2a", f"bn{name}2a", stride))
            y = F.relu(layer(y, f"res{name}2b", f"bn{name}2b"))
            x = F.relu(layer(y, f"res{name}2c", f"bn{name}2c") + shortcut)
    return stem, x.mean((2, 3)) @ tensors["fc1000/kernel"] + tensors["fc1000/bias"]


@pytest.mark.usefixtures("whole")  # Their sizes are the file's.
def test_converted_keras_weights_compute_the_same():
    rng = np.random.default_rng(0)
    arrays = keras_arrays(rng)
    rgb = torch.from_numpy(rng.uniform(0, 255, (1, 3, 64, 64)))
    mean, std = (torch.tensor(values).double().view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    x = (rgb / 255 - mean) / std

    def converted(mean: tuple[float, ...]) -> ResNet:
        network = ResNet(50, 1000, "v1").double().eval()
        state = keras_names.convert(arrays, keras_names.EARLIER_EPSILON, mean)
        load_strictly(network, {key: torch.from_numpy(value) for key, value in state.items()})
        return network

    with torch.inference_mode():
        # The zeros that pad the first convolution stand for two slightly different greys: compare away from the edge.
        network = converted(IMAGENET_MEAN)
        stem, logits = keras_forward(arrays, rgb, keras_names.MEAN_RGB)
        inside = (..., slice(3, -3), slice(3, -3))
        torch.testing.assert_close(network.bn1(network.conv1(x))[inside], stem[inside], rtol=1e-4, atol=1e-4)
        # With one and the same grey the whole network must agree.
        grey = tuple(keras_names.MEAN_RGB / 255)
        x = (rgb / 255 - torch.tensor(grey).double().view(1, 3, 1, 1)) / std
        torch.testing.assert_close(converted(grey)(x), logits, rtol=1e-4, atol=1e-4)


def test_a_head_of_another_width_starts_at_zero_and_the_rest_is_kept(tmp_path):
    from resnet_demo.training.networks.init import starting_network

    source = tiny.random_state(18, 7)
    checkpoints.save(tmp_path, source, TaskSpec("seven", "classification", tuple("abcdefg")), 18, "v1.5", {})
    network = starting_network(str(tmp_path), 18, TaskSpec("four", "classification", tuple("abcd")))
    assert isinstance(network.fc, nn.Linear)
    assert network.fc.weight.shape == (4, network.width)
    assert not network.fc.weight.any()
    kept = network.state_dict()["layer3.0.conv1.weight"].numpy()
    assert np.abs(kept - source["layer3.0.conv1.weight"]).max() < 0.02 * np.abs(kept).max()


def test_centring_a_head_changes_no_probability_and_takes_out_the_common_part():
    network = tiny.network().eval()
    with torch.no_grad():
        network.fc.weight += torch.linspace(-1, 1, network.width)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    before = network(x).softmax(dim=1)
    centre_rows(network.fc)
    torch.testing.assert_close(network(x).softmax(dim=1), before)
    assert network.fc.weight.mean(dim=0).abs().max() < 1e-6


def test_faces_are_searched_once_for_the_same_pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = EXAMPLES / "astronaut.jpg"
    labels = np.array([[(190, 70), (260, 165)]], np.float32)

    class Counting(Detector):
        searched = 0

        def detect(self, photo):
            self.searched += 1
            return super().detect(photo)

    detector = Counting()
    first = find_frames(Pictures("faces", [path], labels), detector)
    again = find_frames(Pictures("faces", [path], labels), detector)
    assert detector.searched == 1
    assert again.frames == first.frames
    assert np.hypot(first.frames[0].centre[0] - 226, first.frames[0].centre[1] - 125) < 15
    find_frames(Pictures("faces", [path], labels + 1), detector)
    assert detector.searched == 2


def test_what_phones_do_to_photos_is_seeded_and_keeps_the_size():
    pictures = tiny_pictures()
    recipe = Recipe("tiny", crop_scale=0.08, jitter=0.3, zoom_out=1.0, tint=0.1, blur=1.0, jpeg=1.0, grey=0.1)
    augment = ClassificationAugmentation(recipe, 32)
    first, label = augment(pictures, 3, seed=7)
    again, _ = augment(pictures, 3, seed=7)
    other, _ = augment(pictures, 3, seed=8)
    assert first.shape == (3, 32, 32) and first.dtype == torch.uint8 and label == pictures.labels[3]
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_zooming_out_keeps_the_photo_and_fills_the_rest_with_its_reflections():
    photo = Image.fromarray(np.full((40, 60, 3), (200, 30, 90), np.uint8))
    torch.manual_seed(0)
    assert np.array_equal(np.asarray(zoomed_out(photo)), np.asarray(photo))


def test_a_tint_moves_each_channel_by_a_factor_of_its_own():
    photo = Image.fromarray(np.full((4, 4, 3), 100, np.uint8))
    assert np.array_equal(np.asarray(tinted(photo, 0.0)), np.asarray(photo))
    torch.manual_seed(1)
    channels = np.asarray(tinted(photo, 0.2))[0, 0].tolist()
    assert len(set(channels)) == 3 and all(
        100 * np.exp(-0.4) - 1 <= value <= 100 * np.exp(0.4) + 1 for value in channels
    )


def test_an_epoch_shows_at_most_so_many_of_a_class_and_others_in_the_next():
    labels = np.array([0] * 10 + [1] * 3 + [NO_LABEL] * 5)
    pictures = Pictures("tiny", [None] * len(labels), labels)
    recipe = Recipe("tiny", class_cap=4)
    first, second = (epoch_order(pictures, recipe, epoch) for epoch in (0, 1))
    assert sorted(labels[first].tolist()) == sorted(labels[second].tolist()) == [NO_LABEL] * 5 + [0] * 4 + [1] * 3
    assert set(first) != set(second) and epoch_order(pictures, recipe, 0) == first


def test_going_back_towards_the_start_mixes_the_weights_and_spares_a_new_head():
    start, end = tiny.network(), tiny.network()
    with torch.no_grad():
        for parameter in end.parameters():
            parameter.add_(1)
    expected = {
        name: value.lerp(start.state_dict()[name], 0.25) if value.is_floating_point() else value
        for name, value in end.state_dict().items()
    }
    head = end.fc.weight.clone()
    blend(end, start, 0.25, head=False)
    assert torch.equal(end.fc.weight, head)
    assert all(torch.equal(value, expected[name]) for name, value in end.state_dict().items() if name[:3] != "fc.")
