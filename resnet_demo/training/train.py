"""The commands ``train`` and ``distill``, from what they are asked to a finished checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from resnet_demo import checkpoints, tasks
from resnet_demo.checkpoints import Config
from resnet_demo.checkpoints.proportion import proportion
from resnet_demo.errors import UserError
from resnet_demo.inference.base import Predictor
from resnet_demo.inference.classifier import Classifier
from resnet_demo.inference.predictor import make_predictor
from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import TaskSpec
from resnet_demo.teach.head import solve
from resnet_demo.training.data.datasets import (
    Pictures,
    labelled_pictures,
    labelled_points,
    load_pictures,
    shared_pictures,
    unlabelled_pictures,
)
from resnet_demo.training.data.face_frames import find_frames, mean_shape
from resnet_demo.training.data.gather_record import records
from resnet_demo.training.data.loader import capped
from resnet_demo.training.data.own_keypoints import squash
from resnet_demo.training.distributed import join, leave
from resnet_demo.training.evaluation.evaluate import evaluate
from resnet_demo.training.evaluation.features import all_features
from resnet_demo.training.evaluation.run import arrays_of, memory_checkpoint
from resnet_demo.training.networks.distillation import Distillation, share_stem
from resnet_demo.training.networks.head import centre_rows, keep_known_rows
from resnet_demo.training.networks.init import label_names, same_outputs, scaling_of, starting_network, whole_network
from resnet_demo.training.networks.layerwise_fit import fit
from resnet_demo.training.optim.norm_statistics import measure_norms
from resnet_demo.training.options import TrainOptions
from resnet_demo.training.recipe import Recipe, check_crop, check_mirror
from resnet_demo.training.run_folder import RESUME, claim
from resnet_demo.training.trainer import Trainer, normalised_batches

# Pictures to solve for a new head: several for each of the 512 pooled features.
LINEAR_PICTURES = 3000
NORM_PICTURES = 5000  # to measure batch norms by
# More pictures hardly change a head of some thousand weights a class, and cost as long as they would in an epoch.
HEAD_PICTURES = 10_000


def spec_for(recipe: Recipe, pictures: Pictures) -> TaskSpec:
    """The finished model's task record.

    Raises:
        UserError: see ``check_crop`` and ``check_mirror``.
    """
    check_crop(recipe)
    check_mirror(recipe)
    points = pictures.labels.shape[1] if recipe.kind == tasks.KEYPOINTS else 0
    return TaskSpec(
        name=recipe.task,
        kind=recipe.kind,
        labels=pictures.classes,
        points=points,
        size=recipe.test_size,
        resize=recipe.test_resize,
        fit=recipe.fit,
        margin=recipe.margin,
        detector="" if pictures.whole else "face",
        mirrored=recipe.test_mirror,
    )


def train(options: TrainOptions) -> Path | None:
    """Train by a recipe and write ``out``/checkpoint; goes on where an earlier, interrupted run stopped.

    Returns:
        The checkpoint's folder; None where another process of ``torchrun`` writes it.

    Raises:
        UserError: data, start or recipe that do not fit each other; nothing was trained then.
    """
    recipe, own = options.recipe, options.own
    if own:
        pictures = own.parts["train"]
    else:
        further = options.teacher, options.extra, options.labelled
        pictures = training_pictures(recipe, options.data, *further).decode_all()
    held_out = held_out_pictures(options)
    pictures, mean_points = with_mean_points(pictures, recipe)
    mean, std = scaling_of(options.init, options.depth)
    spec = replace(spec_for(recipe, pictures), mean=mean, std=std)
    network = starting_network(options.init, options.depth, spec, mean_points)
    if recipe.classes and not same_outputs(options.init, spec):
        keep_known_rows(network.fc, options.init, spec.labels)
    distillation = Distillation(whole_network(options.teacher), network, recipe) if options.teacher else None
    begun = (options.out / RESUME).exists()
    if distillation and not begun:
        start_from_teacher(distillation, network, options, pictures, spec)
    elif recipe.fit_head and options.init != "scratch" and not begun and not network.fc.weight.any():
        fit_head(network, spec, pictures)
    team = join()
    measure = partial(metrics_of, spec=spec, held_out=held_out) if held_out else None
    trainer = Trainer(
        network,
        spec,
        recipe,
        pictures,
        options.out,
        measure,
        options.evaluate_every,
        options.workers,
        distillation,
        team,
        compile=options.compile,
    )
    if own and team.leads:
        claim(options.out, own, options.depth, options.init)
    kept = trainer.run(options.stop_after)
    leave(team)
    if not team.leads:
        return None
    if recipe.kind == tasks.CLASSIFICATION:
        centre_rows(kept.fc)
    if recipe.start_share:
        # Its head is made anew where the start is of another task, and then there is nothing to go back to.
        start = starting_network(options.init, options.depth, spec, mean_points)
        blend(kept, start, recipe.start_share, head=same_outputs(options.init, spec))
        if not recipe.fold_norms:  # else both ends have the same statistics
            measure_norms(kept, tested_batches(pictures, recipe, spec))
    folder = options.out / "checkpoint"
    checkpoints.save(folder, arrays_of(kept), spec, kept.architecture, None, {}, None, record_of(options))
    return folder


def training_pictures(
    recipe: Recipe, data: Path | None, teacher: str | None, extra: Sequence[str], labelled: Sequence[Path] = ()
) -> Pictures:
    """The task's own pictures, further ones of its classes, and those that are only there to distil from.

    Raises:
        UserError: no pictures at all, or further ones without labels for keypoints.
    """
    own = load_pictures(recipe.task, recipe.train_splits, data) if recipe.train_splits else None
    if own and recipe.classes:
        own = replace(own, classes=own.classes + recipe.classes)
    if own is None and not (teacher and extra):
        raise UserError("There is nothing to train on: pass --pictures with folders or names of data sets.")
    if extra and recipe.kind == tasks.KEYPOINTS:
        raise UserError("Further pictures without labels need a classification recipe: drop --pictures.")
    others = unlabelled_pictures(extra, ("train", "val"), data) if teacher and extra else None
    if own is None:
        assert others is not None and teacher is not None
        return replace(others, task=recipe.task, classes=label_names(teacher))
    parts = [replace(own, sources=own.sources or [recipe.task] * len(own))]
    for folder in labelled:
        points = recipe.kind == tasks.KEYPOINTS
        found = labelled_points(folder, own.labels.shape[1]) if points else labelled_pictures(folder, own.classes)
        parts += [found]
    parts += [shared_pictures(name, names, own.classes, data) for name, names in (recipe.shared or {}).items()]
    parts += [others] if others else []
    labels = np.concatenate([part.labels for part in parts])
    if missing := [name for name in recipe.classes if not (labels == own.classes.index(name)).any()]:
        names = ", ".join(missing)
        raise UserError(f"There are no pictures of {names}: pass --labelled with folders that have such subfolders.")
    return replace(
        own,
        paths=[path for part in parts for path in part.paths],
        labels=labels,
        sources=[source for part in parts for source in part.sources],
    )


def held_out_pictures(options: TrainOptions) -> Pictures | None:
    """The pictures of val, unless they are trained on or there are none."""
    if options.own:
        return options.own.parts["val"]
    splits = options.recipe.train_splits
    return load_pictures(options.recipe.task, ("val",), options.data) if splits and "val" not in splits else None


def with_mean_points(pictures: Pictures, recipe: Recipe) -> tuple[Pictures, np.ndarray | None]:
    """Pictures ready to be cut out, and for keypoints the mean shape (points, 2) in 0..1 of the crop."""
    if pictures.whole:
        return squash(pictures)
    if recipe.kind != tasks.KEYPOINTS:
        return pictures, None
    pictures = find_frames(pictures)
    return pictures, mean_shape(pictures, recipe.margin)


def start_from_teacher(
    distillation: Distillation, network: ResNet, options: TrainOptions, pictures: Pictures, spec: TaskSpec
) -> None:
    """Solve for what can be solved for before the first step: stem, layers where asked, head and adaptors."""
    recipe = options.recipe
    if options.init in ("scratch", "fit"):
        share_stem(distillation.teacher, network)
    if options.init == "fit":
        # Each layer is fitted to the teacher's of the same size.
        same_size = normalised_batches(pictures, replace(recipe, teacher_size=0), spec)
        unexplained = fit(distillation.teacher, network, same_size)
        print("Variance unexplained:", ", ".join(f"{key} {value:.0%}" for key, value in unexplained.items()))
    distillation.fit_linear(network, normalised_batches(pictures, recipe, spec)(LINEAR_PICTURES))


def tested_batches(pictures: Pictures, recipe: Recipe, spec: TaskSpec) -> Iterator[Tensor]:
    """Some training pictures, normalised (b, 3, side, side): of classes as the finished network will see them, else as
    the last epoch has them."""
    batch = min(recipe.batch, len(pictures))
    count = min(NORM_PICTURES, len(pictures)) // batch * batch or batch
    if spec.kind != tasks.CLASSIFICATION:
        last = replace(recipe, batch=batch, teacher_size=0, sizes=((0, recipe.size_at(recipe.epochs - 1)),))
        yield from normalised_batches(pictures, last, spec)(count)
        return
    rows = np.random.default_rng(0).permutation(len(pictures))[:count]  # classes lie together
    for first in range(0, count, batch):
        part = [tasks.preprocess(spec, pictures.picture(int(row)))[0] for row in rows[first : first + batch]]
        yield torch.from_numpy(tasks.normalise(spec, np.stack(part)))


def fit_head(network: ResNet, spec: TaskSpec, pictures: Pictures) -> None:
    """Give new classes the head that is best on the features as they are, in closed form, and say what it is worth.

    Fine-tuning then starts where a frozen network ends, and moves its features less (Kumar et al. 2022,
    https://arxiv.org/abs/2202.10054).
    """
    predictor = predictor_of(network, spec).as_a(Classifier)
    if len(pictures) > HEAD_PICTURES:
        most, random = math.ceil(HEAD_PICTURES / len(spec.labels)), np.random.default_rng(0)
        pictures = pictures.some(capped(list(range(len(pictures))), pictures.labels, most, random))
    features = all_features(predictor, pictures, "fitting the head").pooled
    found = solve(features, pictures.labels, len(spec.labels))
    with torch.no_grad():
        network.fc.weight.copy_(torch.from_numpy(found.weights))
        network.fc.bias.copy_(torch.from_numpy(found.bias))
    right = int((found.left_out.argmax(axis=1) == pictures.labels).sum())
    share = proportion(right, len(pictures)).value
    print(f"The head alone names {share:g} % of {len(pictures):,} train pictures, each left out.")


def metrics_of(network: ResNet, spec: TaskSpec, held_out: Pictures) -> dict[str, float]:
    """A network's accuracy as it would be stored."""
    metrics = evaluate(predictor_of(network, spec), held_out).metrics
    return {key: metric.value for key, metric in metrics.items()}


def predictor_of(network: ResNet, spec: TaskSpec) -> Predictor:
    """A predictor of the network as it would be stored."""
    checkpoint = memory_checkpoint(network, spec)
    return make_predictor(spec.name, network.depth, "cpu", checkpoint=checkpoint, ends=False)


def record_of(options: TrainOptions) -> dict[str, object]:
    """How the checkpoint was made: parts of its ``config.json``."""
    init, teacher = options.init, options.teacher
    start, taught_by = earlier_config(init), earlier_config(teacher) if teacher else Config({})
    record: dict[str, object] = {"recipe": options.recipe, "init": init, "commands": [*start.steps, options.step]}
    if teacher:
        record["teacher"] = teacher
        bundled = Path(teacher).resolve().is_relative_to(checkpoints.weights_folder().resolve())
        if not bundled and taught_by.steps:
            record["teacher_commands"] = taught_by.steps  # A bundled one has a card of its own that says so.
    gathered = {**start.gathered, **taught_by.gathered}
    if gathered := gathered | records([*options.extra, *options.labelled]):
        record["gathered"] = gathered
    if options.own:
        record["own"] = options.own.record
    return record


@torch.no_grad()
def blend(network: ResNet, start: ResNet, share: float, head: bool) -> None:
    """Move the weights this share of the way back to where they started.

    Args:
        head: the head's too.
    """
    before = start.state_dict()
    for name, value in network.state_dict().items():
        if value.is_floating_point() and (head or not name.startswith("fc.")):
            value.lerp_(before[name], share)


def earlier_config(init: str) -> Config:
    """The ``config.json`` of the checkpoint ``init``, empty where it is none of ours."""
    return checkpoints.read_config(init) if (Path(init) / checkpoints.CONFIG).is_file() else Config({})
