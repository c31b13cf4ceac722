"""``train --tasks a,b``: one network with a head for each task, from somebody's pictures to measured checkpoints.

Each task gets a checkpoint of its own, which all else takes like any other. Their files of weights are the same one,
with the rows of all heads; where the disk can, it is there once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from resnet_demo import checkpoints
from resnet_demo.checkpoints.checkpoint import with_rows
from resnet_demo.checkpoints.records import HeadPart
from resnet_demo.errors import UserError
from resnet_demo.inference.predictor import make_predictor
from resnet_demo.models import quantization
from resnet_demo.models.architecture import architecture_of
from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import CLASSIFICATION, KEYPOINTS, REGRESSION
from resnet_demo.tasks.bundled import check_own_name
from resnet_demo.training import heads as several
from resnet_demo.training.bundle import bundle
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.data.own_heads import OwnHeads, Source, read_heads
from resnet_demo.training.data.own_images import OwnPictures
from resnet_demo.training.data.own_keypoints import squash
from resnet_demo.training.distributed import join, leave
from resnet_demo.training.evaluation.activation_ranges import measure_ranges
from resnet_demo.training.evaluation.evaluate import evaluate
from resnet_demo.training.evaluation.run import arrays_of
from resnet_demo.training.heads import TaskHead
from resnet_demo.training.networks.init import scaling_of, starting_network
from resnet_demo.training.options import TrainOptions
from resnet_demo.training.recipe import Recipe, check_crop, load_recipe
from resnet_demo.training.run_folder import claim
from resnet_demo.training.train import record_of
from resnet_demo.training.train_own import fit_batch
from resnet_demo.training.trainer import Trainer


@dataclass(frozen=True)
class Asked:
    """What ``--tasks`` and ``--name`` say.

    Attributes:
        sources: where each task's labels are.
        prefix: what the names of the tasks begin with, or empty.
        words: as they were written.
    """

    sources: Sequence[Source]
    prefix: str
    words: Sequence[str]

    def name_of(self, source: str) -> str:
        """What a task is called in the index."""
        return f"{self.prefix}-{source}" if self.prefix else source


def heads_recipe(name: str | None, overrides: list[str], sources: Sequence[Source]) -> Recipe:
    """The recipe for several heads.

    Raises:
        UserError: no such recipe or setting, or one that several heads cannot follow.
    """
    recipe = load_recipe(name or "own-heads", overrides)
    several.check_recipe(recipe)
    known = [source.name for source in sources]
    if unknown := sorted({*(recipe.loss_weights or {})} - {*known}):
        raise UserError(f"loss_weights names {unknown[0]}, which is none of the tasks: they are {', '.join(known)}.")
    if any(not weight >= 0 for weight in (recipe.loss_weights or {}).values()):
        raise UserError("A weight in loss_weights is negative: choose 0 or more.")
    return replace(recipe, train_splits=("train",), task="+".join(known))


def heads_of(own: OwnHeads, recipe: Recipe) -> list[TaskHead]:
    """Each task's part of the network, one after the other."""
    found, first = [], 0
    for name, columns in own.columns.items():
        kind, classes = own.kinds[name], own.classes[name]
        width = len(classes) if kind == CLASSIFICATION else columns[1] - columns[0]
        centre, scale = 0.0, 1.0
        if kind == REGRESSION:
            numbers = own.tasks[name].parts["train"].labels.astype(float)
            centre, scale = float(numbers.mean()), float(numbers.std())
        weight = float((recipe.loss_weights or {}).get(name, several.WEIGHTS[kind]))
        found.append(TaskHead(name, kind, (first, first + width), columns, classes, weight, centre, scale))
        first += width
    return found


def train_heads(options: TrainOptions, asked: Asked, batch_chosen: bool) -> list[Path] | None:
    """Train one network for several tasks, measure each on its test part and bundle it.

    Args:
        batch_chosen: the user named the batch, see ``fit_batch``.

    Returns:
        The folders in ``weights/``, in the order of the tasks; None where ``stop_after`` ended the run before, or
        another process of ``torchrun`` writes them.

    Raises:
        UserError: names, pictures, start or recipe that will not do; nothing was trained then.
    """
    checkpoints.check_writable()
    for source in asked.sources:
        check_own_name(asked.name_of(source.name))
        checkpoints.check_one_network(asked.name_of(source.name), architecture_of(options.depth))
    own = read_heads(asked.sources)
    recipe = fit_batch(options.recipe, len(own.parts["train"]), batch_chosen)
    if KEYPOINTS in own.kinds.values():
        # All heads see what the trunk sees: the whole picture.
        recipe = replace(recipe, fit="squash", margin=1.0, mirror=0.0, test_resize=recipe.test_size)
    check_crop(recipe)
    mean, std = scaling_of(options.init, options.depth)
    heads = [replace(head, mean=mean, std=std) for head in heads_of(own, recipe)]
    pictures, mean_points = ready(own.parts["train"], heads)
    spec = several.all_outputs(heads, recipe)
    network = starting_network(options.init, options.depth, spec)
    several.begin(network, heads, mean_points)
    held_out = {head.name: own.tasks[head.name].parts["val"] for head in heads}

    def measure(trained: ResNet) -> dict[str, float]:
        return metrics_of(several.finish(trained, heads), heads, recipe, held_out)

    team = join()
    trainer = Trainer(
        network,
        spec,
        recipe,
        pictures,
        options.out,
        measure,
        options.evaluate_every,
        options.workers,
        team=team,
        heads=heads,
        compile=options.compile,
    )
    if team.leads:
        claim(options.out, own.tasks[heads[0].name], options.depth, options.init)
    kept = several.finish(trainer.run(options.stop_after), heads)
    leave(team)
    if not team.leads or (options.stop_after and options.stop_after < recipe.epochs):
        return None
    made = []
    for head in heads:
        record = record_of(replace(options, recipe=recipe, own=own.tasks[head.name]))
        record["head"] = HeadPart(head.name, head.outputs[0], spec.outputs, asked.words)
        folder = options.out / f"checkpoint-{head.name}"
        task = head.spec(recipe, asked.name_of(head.name))
        checkpoints.save(folder, arrays_of(kept), task, kept.architecture, None, {}, None, record)
        made.append(folder)
    same_ranges(made, options, [own.tasks[head.name] for head in heads])
    placed = [bundle(f, options.data, own.tasks[head.name]) for f, head in zip(made, heads, strict=True)]
    share_file(placed)
    return placed


def ready(pictures: Pictures, heads: Sequence[TaskHead]) -> tuple[Pictures, np.ndarray | None]:
    """Training pictures as the augmentation takes them, and the mean points of all heads of keypoints."""
    spans = [slice(*head.columns) for head in heads if head.kind == KEYPOINTS]
    if not spans:
        return pictures, None
    rows = pictures.labels.copy()
    points = np.concatenate([rows[:, span] for span in spans], axis=1).reshape(len(rows), -1, 2)
    squares, mean = squash(replace(pictures, labels=points))
    moved, first = squares.labels.reshape(len(rows), -1), 0
    for span in spans:
        rows[:, span] = moved[:, first : first + span.stop - span.start]
        first += span.stop - span.start
    return replace(squares, labels=rows), mean


def metrics_of(
    network: ResNet, heads: Sequence[TaskHead], recipe: Recipe, held_out: dict[str, Pictures]
) -> dict[str, float]:
    """Each head's figures on its val pictures as it would be stored; none where it has no such pictures."""
    state = {key: value for key, value in arrays_of(network).items() if not key.endswith("num_batches_tracked")}
    found: dict[str, float] = {}
    for head in heads:
        if not len(held_out[head.name]):
            continue
        own = with_rows(state, slice(*head.outputs))
        spec = head.spec(recipe, head.name)
        checkpoint = checkpoints.Checkpoint(spec, network.architecture, quantization.quantise(own))
        predictor = make_predictor(head.name, network.depth, "cpu", checkpoint=checkpoint, ends=False)
        metrics = evaluate(predictor, held_out[head.name]).metrics
        found |= {f"{head.name}/{key}": metric.value for key, metric in metrics.items()}
    return found


def same_ranges(folders: Sequence[Path], options: TrainOptions, own: Sequence[OwnPictures]) -> None:
    """Measure the activation ranges over the pictures of all tasks: the trunk, and so its 8-bit pass, is the same."""
    found = [
        measure_ranges(folder, [], options.data, options.step.line, pictures)
        for folder, pictures in zip(folders, own, strict=True)
    ]
    largest = {name: max(part.inputs[name] for part in found) for name in found[0].inputs}
    record = replace(found[0], inputs=largest, pictures=sum(part.pictures for part in found))
    for folder in folders:
        checkpoints.copy(folder, folder, {}, None, {"ranges": record})


def share_file(folders: Sequence[Path]) -> None:
    """Let the files of weights, which are all the same, be one on the disk, where it can do that."""
    first, *others = [folder / checkpoints.MODEL for folder in folders]
    for other in others:
        link = other.with_name(f".{other.name}.link")
        try:
            link.unlink(missing_ok=True)
            os.link(first, link)
            os.replace(link, other)
        except OSError:
            return
