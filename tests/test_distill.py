"""Distilling: the student comes nearer to its teacher, which stays as it is; stopping and going on changes nothing."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from safetensors.torch import load_file

from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import TaskSpec
from resnet_demo.training.data.datasets import NO_LABEL, Pictures, unlabelled_pictures
from resnet_demo.training.networks.distillation import Distillation
from resnet_demo.training.optim import folded_norms
from resnet_demo.training.recipe import Recipe
from resnet_demo.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("narrow")

SPEC = TaskSpec("flowers102", "classification", tuple("abcd"), size=32, resize=32)
HINTS = {"layer2": 1.0, "pooled": 1.0}


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in one order, so that two runs can be compared bit by bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def drawn_pictures(count: int = 16) -> Pictures:
    sources = ["few"] * (count // 2) + ["many"] * (count // 2)
    pictures = Pictures("flowers102", [None] * count, np.zeros(count, np.int64), SPEC.labels, sources)
    pictures.cache = dict(enumerate(tiny.pictures(count, 40)))
    return pictures


def trainer_of(folder, recipe: Recipe, resumes: bool = False) -> Trainer:
    """ResNet-18, ready to follow a ResNet-50 that knows nothing; with all that a later run needs to go on, or without,
    as that is a quarter of the time."""
    student = tiny.network(18)
    torch.manual_seed(0)  # for the adaptors
    distillation = Distillation(tiny.network(50, seed=1), student, recipe)
    trainer = Trainer(student, SPEC, recipe, drawn_pictures(), folder, workers=0, distillation=distillation)
    if not resumes:
        trainer.save = lambda: None
    return trainer


def recipe_of(epochs: int, **changes) -> Recipe:
    return Recipe(
        "flowers102",
        epochs=epochs,
        batch=8,
        sizes=((0, 32),),
        learning_rate=1e-3,
        warmup=0.5,
        fold_norms=False,
        hints=HINTS,
        **changes,
    )


def test_the_student_comes_nearer_and_the_teacher_stays_as_it_is(tmp_path):
    trainer = trainer_of(tmp_path, recipe_of(12))
    teacher = trainer.distillation.teacher
    before = {key: value.clone() for key, value in teacher.state_dict().items()}
    trainer.run()
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.8 * losses[0]
    assert not teacher.training
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    for key, value in teacher.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_a_resumed_distillation_ends_exactly_as_an_uninterrupted_one(tmp_path):
    recipe = recipe_of(3, ema=0.9, mixup=0.2, jitter=0.2)
    whole = trainer_of(tmp_path / "whole", recipe, resumes=True).run()
    for stop in (1, 3):
        parts = trainer_of(tmp_path / "parts", recipe, resumes=True).run(stop)
    found = parts.state_dict()
    for key, value in whole.state_dict().items():
        assert torch.equal(value, found[key]), key
    assert not torch.equal(
        found["layer4.1.bn2.running_mean"], tiny.network(18).state_dict()["layer4.1.bn2.running_mean"]
    )
    # The adaptors and the optimizer's state too.
    one, other = (load_file(tmp_path / name / "resume.safetensors") for name in ("whole", "parts"))
    assert one.keys() == other.keys()
    assert any(key.startswith("adaptors/") for key in one)
    for key, value in one.items():
        assert torch.equal(value, other[key]), key


def test_views_that_come_again_are_asked_of_the_teacher_once_and_change_nothing(tmp_path, monkeypatch):
    recipe = recipe_of(4, views=2, jitter=0.2, source_weights={"many": 0.5})
    asked = []
    stages = folded_norms.stages
    monkeypatch.setattr(
        folded_norms, "stages", lambda network, x, *more: asked.append(len(x)) or stages(network, x, *more)
    )
    trainer = trainer_of(tmp_path / "kept", recipe)
    kept = trainer.run().state_dict()
    # Two epochs' crops of 12 pictures (a source is thinned out) in four epochs.
    assert sum(asked) == len(trainer.distillation.kept) <= 2 * 12
    assert sum(asked) > 12
    # The same with a memory that is lost at each step, and with a run that is stopped on the way.
    answers = Distillation.answers
    monkeypatch.setattr(Distillation, "answers", lambda self, *args: self.kept.clear() or answers(self, *args))
    forgetful = trainer_of(tmp_path / "forgetful", recipe).run().state_dict()
    monkeypatch.undo()
    for stop in (3, 4):
        resumed = trainer_of(tmp_path / "resumed", recipe, resumes=True).run(stop).state_dict()
    for key, value in kept.items():
        assert torch.equal(value, forgetful[key]), key
        assert torch.equal(value, resumed[key]), key


def test_views_of_another_size_take_the_place_of_the_former(tmp_path):
    recipe = replace(recipe_of(4, views=2), sizes=((0, 32), (2, 48)))
    trainer = trainer_of(tmp_path, recipe)
    trainer.run()
    assert {size for _, _, size in trainer.distillation.kept} == {48}


def test_a_teacher_sees_the_same_crop_at_its_own_size(tmp_path, monkeypatch):
    recipe = replace(recipe_of(3, jitter=0.2), teacher_size=64)
    seen = {18: [], 50: []}
    stages = folded_norms.stages

    def watched(network, x, *more):
        seen[network.depth].append(x)
        return stages(network, x, *more)

    monkeypatch.setattr(folded_norms, "stages", watched)
    trainer = trainer_of(tmp_path, replace(recipe, fold_norms=True))
    trainer.run()
    assert len(seen[18]) == len(seen[50]) == 3 * 2
    for small, large in zip(seen[18], seen[50], strict=True):
        assert small.shape[2:] == (32, 32)
        assert large.shape[2:] == (64, 64)
        # Halved, both show the same. (A box stands in for the antialiasing filter.)
        assert torch.nn.functional.avg_pool2d(large, 2).sub(small).abs().mean() < 0.02
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]


def test_views_keep_what_a_teacher_says_of_its_own_size_and_change_nothing(tmp_path, monkeypatch):
    recipe = replace(recipe_of(3, views=2), teacher_size=64)
    kept = trainer_of(tmp_path / "kept", recipe).run().state_dict()
    answers = Distillation.answers
    monkeypatch.setattr(Distillation, "answers", lambda self, *args: self.kept.clear() or answers(self, *args))
    forgetful = trainer_of(tmp_path / "forgetful", recipe).run().state_dict()
    for key, value in kept.items():
        assert torch.equal(value, forgetful[key]), key


def test_labels_count_only_where_there_are_some(tmp_path):
    """Without a word from the teacher, unlabelled pictures teach nothing, alone or beside labelled ones."""

    def trained(name: str, labels: list[int]):
        recipe = replace(recipe_of(2), hints=None, soft_weight=0.0, label_weight=1.0, weight_decay=0.0, fold_norms=True)
        trainer = trainer_of(tmp_path / name, recipe)
        trainer.pictures.labels[:] = labels
        return trainer.run().state_dict()

    before = tiny.network(18).state_dict()
    for key, value in trained("none", [NO_LABEL] * 16).items():
        assert torch.equal(value, before[key]), key
    some = trained("some", [0, 1, 2, 3] * 2 + [NO_LABEL] * 8)
    assert not torch.equal(some["fc.weight"], before["fc.weight"])


def test_views_cannot_be_mixed():
    with pytest.raises(UserError, match="kept only for whole pictures: set mix_probability = 0"):
        Distillation(ResNet(18, 4), ResNet(18, 4), Recipe("x", views=3, mixup=0.2))


def test_a_teacher_of_another_task_and_unknown_hints_are_refused():
    with pytest.raises(UserError, match="The teacher has 5 outputs and the student 4: choose a teacher of the same"):
        Distillation(ResNet(18, 5), ResNet(18, 4), Recipe("x"))
    with pytest.raises(
        UserError, match="There are no hints at layer5: choose from layer1, layer2, layer3, layer4, poo"
    ):
        Distillation(ResNet(18, 4), ResNet(18, 4), Recipe("x", hints={"layer5": 1.0}))


def write_data(root) -> None:
    """A data set with a picture in each split."""
    (root / "colours").mkdir(parents=True)
    for index in range(3):
        tiny.photo(seed=index).save(root / "colours" / f"{index}.png")
    rows = [("image", "label", "split"), ("0.png", 0, "train"), ("1.png", 0, "val"), ("2.png", 0, "test")]
    with (root / "colours" / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    (root / "colours" / "classes.csv").write_text("label,name\n0,any\n")


def test_pictures_without_labels_come_from_folders_and_data_sets_but_never_from_a_test_part(tmp_path):
    write_data(tmp_path / "data")
    folder = tmp_path / "general"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.JPG", "a.png", "deep/c.webp"):
        tiny.photo().save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    found = unlabelled_pictures([str(folder), "colours"], ("train", "val"), tmp_path / "data")
    names = [path.name for path in found.paths]
    assert sorted(names[:3]) == ["a.png", "b.JPG", "c.webp"]
    assert names[3:] == ["0.png", "1.png"]
    assert found.sources == ["general"] * 3 + ["colours"] * 2
    assert found.picture(0).size == (120, 80)

    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="There are no pictures in"):
        unlabelled_pictures([str(tmp_path / "empty")], ("train",), tmp_path / "data")


@pytest.mark.parametrize(
    ("recipe", "more", "sentence"),
    [
        ("distill-general", [], "There is nothing to train on: pass --pictures with folders or names of data sets."),
        (
            "points.toml",
            ["--pictures", "colours"],
            "Further pictures without labels need a classification recipe: drop",
        ),
    ],
)
def test_a_recipe_and_pictures_that_do_not_fit_are_refused_before_any_training(
    tmp_path, monkeypatch, capsys, recipe, more, sentence
):
    write_data(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "points.toml").write_text('task = "colours"\nkind = "keypoints"\n')
    command = ["distill", recipe, "--depth", "18", "--teacher", "imagenet", "--out", "run", "--data", "data", *more]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(sentence)
    assert not (tmp_path / "run").exists()
