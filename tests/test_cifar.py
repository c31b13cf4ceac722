"""Networks for small pictures: CIFAR-10 as it is published, its augmentation, a stem from that of a photo network."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from PIL import Image
from torch.nn import functional as F

from resnet_demo import checkpoints
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import ARCHITECTURES, Architecture
from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import TaskSpec, preprocess
from resnet_demo.training import train as training
from resnet_demo.training.data.augment import GREY, ClassificationAugmentation
from resnet_demo.training.data.datasets import Pictures, load_pictures
from resnet_demo.training.data.formats.cifar10 import CLASSES
from resnet_demo.training.data.loader import capped
from resnet_demo.training.networks.distillation import Distillation
from resnet_demo.training.networks.init import starting_network
from resnet_demo.training.networks.small_stem import small_stem
from resnet_demo.training.optim.compiled import compiled
from resnet_demo.training.optim.norm_statistics import measure_norms
from resnet_demo.training.recipe import Recipe, load_recipe
from resnet_demo.training.trainer import Trainer

SPEC = TaskSpec("cifar10", "classification", CLASSES, size=32, resize=32)


@pytest.fixture
def cifar_folder(tmp_path):
    """20 pictures a class to learn from and 2 to test on, as files in train/ and test/."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 20), ("test", 2)):
        for name in CLASSES:
            folder = tmp_path / "set" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(folder / f"{number:02}.png")
    return tmp_path / "set"


def test_the_recipes_set_may_lie_in_class_folders_and_a_tenth_of_train_is_val(cifar_folder):
    parts = {part: load_pictures("cifar10", (part,), cifar_folder) for part in ("train", "val", "test")}
    assert {part: len(pictures) for part, pictures in parts.items()} == {"train": 180, "val": 20, "test": 20}
    assert parts["val"].classes == CLASSES and np.bincount(parts["val"].labels).tolist() == [2] * 10
    assert not {*parts["train"].paths} & {*parts["val"].paths}
    cifar_folder.rename(cifar_folder.with_name("cifar10"))
    again = load_pictures("cifar10", ("val",), cifar_folder.parent)
    assert [path.name for path in again.paths] == [path.name for path in parts["val"].paths]


def test_pictures_are_moved_by_an_eighth_at_most_and_partly_covered():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (32, 32, 3), np.uint8)
    pictures = Pictures("cifar10", [None], np.array([3]), CLASSES, cache={0: pixels})
    moved = ClassificationAugmentation(Recipe("cifar10", pad=0.125, mirror=0.0), 32)
    padded = torch.from_numpy(np.pad(pixels, ((4, 4), (4, 4), (0, 0)), mode="reflect")).permute(2, 0, 1)
    for seed in range(5):
        found, label = moved(pictures, 0, seed)
        places = [
            (top, left)
            for top in range(9)
            for left in range(9)
            if torch.equal(padded[:, top : top + 32, left : left + 32], found)
        ]
        assert len(places) == 1 and label == 3
    covering = ClassificationAugmentation(Recipe("cifar10", pad=0.125, mirror=0.0, cutout=0.5), 32)
    plain = ClassificationAugmentation(Recipe("cifar10", pad=0.125, mirror=0.0), 32)
    shares = []
    for seed in range(20):
        covered = (covering(pictures, 0, seed)[0] != plain(pictures, 0, seed)[0]).any(0)
        grey = covering(pictures, 0, seed)[0].permute(1, 2, 0)[covered]
        assert (grey == torch.tensor(GREY, dtype=torch.uint8)).all()
        shares.append(covered.float().mean().item())
    assert max(shares) == pytest.approx(0.25, abs=0.02) and min(shares) > 0.05


def test_smaller_training_pictures_show_the_whole_picture():
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, 16:] = 200
    pictures = Pictures("cifar10", [None], np.array([0]), CLASSES, cache={0: pixels})
    small, _ = ClassificationAugmentation(Recipe("cifar10", pad=0.01, mirror=0.0), 16)(pictures, 0, 0)
    assert small.shape == (3, 16, 16) and small[0, 8].tolist() == [0] * 8 + [200] * 8


def test_enlarged_training_pictures_are_what_a_network_for_photos_will_be_shown():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    pictures = Pictures("cifar10", [None], np.array([0]), CLASSES, cache={0: pixels})
    large, _ = ClassificationAugmentation(Recipe("cifar10", pad=0.01, mirror=0.0), 96)(pictures, 0, 0)
    shown = preprocess(replace(SPEC, size=96, resize=96), Image.fromarray(pixels))[0]
    np.testing.assert_array_equal(large.permute(1, 2, 0).numpy(), shown)


def test_a_teacher_for_photos_sees_small_pictures_enlarged_and_the_student_their_own_pixels(
    tmp_path, monkeypatch, cifar_folder, capsys
):
    """From the command line: the fit to the teacher (``test_fit.py`` has what it does), then an epoch."""
    monkeypatch.setattr(training, "fit", lambda teacher, student, batches: {"layer1.0": 0.25})
    monkeypatch.setattr(training, "LINEAR_PICTURES", 60)
    folder = (
        tiny.weights_folder(tmp_path, (replace(SPEC, size=64, resize=64), 50), channels=64) / "cifar10" / "resnet50"
    )
    seen = []
    sees = Distillation.answers

    def answers(self, x, *others):
        seen.append(tuple(x.shape[2:]))
        return sees(self, x, *others)

    monkeypatch.setattr(Distillation, "answers", answers)
    settings = ["epochs=1", "batch=60", "sizes=[[0,16]]", "teacher_size=64", "ema=0", "hints={pooled=1.0}"]
    asked = ["--arch", "resnet18_cifar", "--teacher", str(folder), "--init", "fit", "--data", str(cifar_folder)]
    assert main(["distill", "cifar10", *asked, "--out", str(tmp_path / "run"), "--set", *settings]) == 0
    assert "Variance unexplained: layer1.0 25%" in capsys.readouterr().out
    assert set(seen) == {(16, 16)}
    found = checkpoints.load_folder(tmp_path / "run" / "checkpoint")
    assert found.architecture.name == "resnet18_cifar" and found.state["conv1.weight"].shape == (64, 3, 3, 3)


def test_a_head_is_solved_for_on_some_of_many_pictures(tmp_path, monkeypatch, cifar_folder, capsys):
    tiny.narrow(monkeypatch)
    monkeypatch.setattr(training, "HEAD_PICTURES", 50)
    folder = tiny.weights_folder(tmp_path, (tiny.FLOWERS, 18)) / "flowers102" / "resnet18"
    settings = ["epochs=1", "batch=60", "sizes=[[0,16]]", "fit_head=true"]
    asked = ["--depth", "18", "--init", str(folder), "--data", str(cifar_folder), "--out", str(tmp_path / "run")]
    assert main(["train", "cifar10", *asked, "--set", *settings]) == 0
    assert re.search(r"The head alone names [\d.]+ % of 50 train pictures, each left out", capsys.readouterr().out)
    rare = np.array([0] * 90 + [1] * 2)
    chosen = capped(list(range(92)), rare, 5, np.random.default_rng(0))
    assert np.bincount(rare[chosen]).tolist() == [5, 2] and len({*chosen}) == 7


def test_the_stem_for_small_pictures_sees_what_the_photo_networks_stem_sees():
    """Of a real network, on a photo of 32 pixels and the same enlarged four times: the maps look alike."""
    stem = ResNet(18, 1)
    state = checkpoints.load("flowers102", 18).state
    stem.load_state_dict({key: torch.from_numpy(value) for key, value in state.items() if key[:3] != "fc."}, False)
    stem.eval()
    with Image.open("resnet_demo/examples/dahlia.jpg") as photo:
        pixels = np.asarray(photo.resize((32, 32), Image.Resampling.BOX), np.float32)
    small = torch.from_numpy((pixels - (124, 116, 104)) / 58).permute(2, 0, 1)[None].float()
    large = small.repeat_interleave(4, 2).repeat_interleave(4, 3)
    with torch.no_grad():
        wanted = stem.stem(large)
        found = F.relu(stem.bn1(F.conv2d(small, torch.from_numpy(small_stem(state["conv1.weight"])), padding=1)))
    assert found.shape == wanted.shape
    assert np.corrcoef(found.numpy().ravel(), wanted.numpy().ravel())[0, 1] > 0.9


def test_a_network_for_small_pictures_starts_from_one_for_photos(tmp_path):
    folder = tiny.weights_folder(tmp_path, (tiny.FLOWERS, 18), channels=64) / "flowers102" / "resnet18"
    start = checkpoints.load_folder(folder).state
    network = starting_network(str(folder), ARCHITECTURES["resnet18_cifar"], SPEC)
    state = network.state_dict()
    assert state["conv1.weight"].shape == (64, 3, 3, 3) and state["fc.weight"].shape == (10, 512)
    for key in ("bn1.weight", "layer1.0.conv1.weight", "layer4.1.bn2.running_var"):
        np.testing.assert_array_equal(state[key].numpy(), start[key])


SMALL = Architecture("small", "CIFAR ResNet", "basic", (1, 1, 0, 0), channels=4, stem="cifar", shortcut="zeros")


def test_a_compiled_network_learns_the_same(tmp_path, monkeypatch):
    tiny.in_float32(monkeypatch)
    recipe = Recipe("cifar10", epochs=1, batch=8, sizes=((0, 16),), optimizer="sgd", fold_norms=False, warmup=0)
    random = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (8, 3, 16, 16), generator=random, dtype=torch.uint8)
    labels = torch.arange(8)
    losses = []
    for compile in (False, True):
        torch.manual_seed(0)
        network = ResNet(SMALL, 10)
        shown = Pictures("cifar10", [None] * 8, labels.numpy(), CLASSES)
        trainer = Trainer(network, SPEC, recipe, shown, tmp_path / str(compile), compile=compile)
        losses.append([trainer.step(pictures, labels, 0, 0) for _ in range(3)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4) and losses[0][0] > losses[0][2]


@pytest.mark.parametrize("fold_norms", [False, True])
def test_maps_of_a_single_cell_have_the_same_gradient_each_time(tmp_path, monkeypatch, fold_norms):
    """Of 16 pixels a ResNet's last stage gets one cell; what lay in memory before must not matter."""
    tiny.narrow(monkeypatch)
    recipe = Recipe("cifar10", epochs=1, batch=8, sizes=((0, 16),), optimizer="sgd", fold_norms=fold_norms, warmup=0)
    pictures = torch.from_numpy(tiny.pictures(8, 16)).permute(0, 3, 1, 2).contiguous()
    shown, found = Pictures("cifar10", [None] * 8, np.arange(8), CLASSES), []
    for run in range(6):
        network = tiny.network(18, 10)
        trainer = Trainer(network, SPEC, recipe, shown, tmp_path / str(run))
        for count in range(1000, 60_000, 3000):
            torch.full((count,), torch.nan)  # Freed at once: what is not written then holds it.
        trainer.step(pictures, torch.arange(8), 0, 0)
        found.append(network.layer4[0].conv1.weight.grad.clone())
    assert all(torch.isfinite(one).all() and torch.equal(one, found[0]) for one in found)


def test_batch_norms_of_averaged_weights_are_measured_anew(recwarn):
    network = tiny.network(18, 10)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if "running" in name:
                value.fill_(3.0)
    pictures = torch.from_numpy(tiny.pictures(64, 32)).permute(0, 3, 1, 2).float() / 255
    momenta = {module.momentum for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)}
    measure_norms(network, pictures.split(16))
    assert {module.momentum for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)} == momenta
    assert not any(module.training for module in network.modules()) and not recwarn
    with torch.no_grad():
        seen = network.conv1(pictures).double()
    torch.testing.assert_close(network.bn1.running_mean.double(), seen.mean((0, 2, 3)), atol=0.01, rtol=0.02)
    within = torch.stack([part.var((0, 2, 3)) for part in seen.split(16)]).mean(0)
    torch.testing.assert_close(network.bn1.running_var.double(), within, atol=0.01, rtol=0.03)


def test_a_finished_run_is_ended_once_more_with_the_mean_of_its_start_and_mirror_images(
    tmp_path, monkeypatch, cifar_folder, capsys
):
    tiny.narrow(monkeypatch)
    folder = tiny.weights_folder(tmp_path, (replace(SPEC, size=16, resize=16), 18)) / "cifar10" / "resnet18"
    asked = ["--depth", "18", "--init", str(folder), "--data", str(cifar_folder), "--out", str(tmp_path / "run")]
    settings = ["epochs=1", "batch=60", "sizes=[[0,16]]", "test_size=16", "test_resize=16", "test_mirror=false"]

    def ended(*more: str) -> checkpoints.Checkpoint:
        assert main(["train", "cifar10", *asked, "--set", *settings, *more]) == 0
        return checkpoints.load_folder(tmp_path / "run" / "checkpoint")

    end, mean = ended(), ended("start_share=0.5", "test_mirror=true")
    assert "Going on after epoch 1 of 1" in capsys.readouterr().out
    assert (end.spec.mirrored, mean.spec.mirrored) == (False, True)
    begin, end, mean = checkpoints.load_folder(folder).state, end.state, mean.state
    for key in ("layer1.0.bn1.weight", "layer4.1.bn2.bias"):
        np.testing.assert_allclose(mean[key], (begin[key] + end[key]) / 2, atol=1e-6)
    # Its batch norms have the statistics of its own maps.
    assert not np.allclose(mean["bn1.running_var"], (begin["bn1.running_var"] + end["bn1.running_var"]) / 2, rtol=0.01)
    network = ResNet(18, 10)
    network.load_state_dict({key: torch.from_numpy(value) for key, value in mean.items()}, strict=False)
    pictures = load_pictures("cifar10", ("train",), cifar_folder)
    seen = np.stack([preprocess(replace(SPEC, size=16, resize=16), pictures.picture(row))[0] for row in range(180)])
    colours = (torch.tensor(value).view(1, 3, 1, 1) for value in (SPEC.mean, SPEC.std))
    shift, scale = colours
    with torch.no_grad():
        maps = network.conv1((torch.from_numpy(seen).permute(0, 3, 1, 2).float() / 255 - shift) / scale)
    np.testing.assert_allclose(mean["bn1.running_mean"], maps.mean((0, 2, 3)), atol=0.02)


def test_compiling_says_what_it_needs(tmp_path, monkeypatch):
    recipe = load_recipe("own", [])
    pictures = Pictures("cifar10", [None] * 40, np.zeros(40, np.int64), CLASSES)
    with pytest.raises(UserError, match="fold_norms=false"):
        Trainer(ResNet(SMALL, 10), SPEC, recipe, pictures, tmp_path, compile=True)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="needs a C\\+\\+ compiler"):
        compiled(torch.relu)


def test_measuring_all_leaves_out_what_is_not_here(tmp_path, monkeypatch, capsys, cifar_folder):
    tiny.weights_folder(tmp_path / "weights", (replace(SPEC, size=16, resize=16), 18), (tiny.FLOWERS, 18))
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    assert main(["evaluate", "--all", "--data", str(cifar_folder)]) == 0
    printed = capsys.readouterr()
    assert "Left out flowers102: its data set is not here; measure it by name, with --data." in printed.err
    assert "| cifar10 | 18 | top-1 accuracy |" in printed.out and "flowers102 | 18" not in printed.out
