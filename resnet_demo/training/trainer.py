"""The training loop: transfer learning of a ``ResNet`` by a recipe, with averaging, freezing and exact resuming."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from resnet_demo.backends.torch_network import scaling
from resnet_demo.errors import UserError
from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import CLASSIFICATION, TaskSpec
from resnet_demo.training.data.augment import ClassificationAugmentation, mix, one_hot
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.data.loader import (
    Sample,
    View,
    epoch_batches,
    epoch_order,
    make_batches,
    steps_per_epoch,
    view_of,
)
from resnet_demo.training.data.seeds import seed_of
from resnet_demo.training.distributed import ALONE, Team, shared
from resnet_demo.training.heads import HeadAugmentation, TaskHead, losses_of
from resnet_demo.training.networks.distillation import Distillation, resized
from resnet_demo.training.optim import folded_norms, traps
from resnet_demo.training.optim.amp import autocast
from resnet_demo.training.optim.compiled import compiled
from resnet_demo.training.optim.ema import ModelEma
from resnet_demo.training.optim.losses import check_loss, classification_loss, keypoint_loss
from resnet_demo.training.optim.schedule import freeze, make_optimizer, set_rates
from resnet_demo.training.recipe import Recipe
from resnet_demo.training.run_folder import RESUME
from resnet_demo.utils.memory import keep_freed_memory

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class SampleMaker:
    """(pictures, index, epoch, seed) → (uint8 (3, size, size), label, or keypoints in 0..1 of the crop, or a row of
    both for several ``heads``)."""

    def __init__(self, recipe: Recipe, heads: Sequence[TaskHead] = ()):
        self.recipe, self.heads = recipe, heads
        augmentation: Callable[[Recipe, int], Callable[[Pictures, int, int], Sample]]
        if heads:
            augmentation = partial(HeadAugmentation, heads=heads)
        elif recipe.kind == CLASSIFICATION:
            augmentation = ClassificationAugmentation
        else:
            from resnet_demo.training.data.augment_faces import FaceAugmentation

            augmentation = FaceAugmentation
        sides = {recipe.crop_at(start) for start, _ in recipe.sizes}
        self.by_size = {side: augmentation(recipe, side) for side in sides}

    def __call__(self, pictures: Pictures, index: int, epoch: int, seed: int) -> Sample:
        return self.by_size[self.recipe.crop_at(epoch)](pictures, index, seed)

    def __reduce__(self) -> tuple[type[SampleMaker], tuple[Recipe, Sequence[TaskHead]]]:
        """A worker that is started and not forked makes its own: augmentations hold functions that cannot be sent."""
        return SampleMaker, (self.recipe, self.heads)


def normalised_batches(pictures: Pictures, recipe: Recipe, spec: TaskSpec) -> Callable[[int], Iterator[Tensor]]:
    """n → batches of the first n training pictures as the first epochs cut them out, normalised (b, 3, side, side)."""
    make = SampleMaker(recipe)
    mean, std = scaling(spec)

    def batches(count: int) -> Iterator[Tensor]:
        order: list[int] = []
        while len(order) < count:
            order += epoch_order(pictures, recipe, len(order))
        for first in range(0, count, recipe.batch):
            part = range(first, min(first + recipe.batch, count))
            samples = [make(pictures, order[k], 0, seed_of(recipe.seed, "fit", k))[0] for k in part]
            x = (torch.stack(samples).float() - mean) / std
            yield x.contiguous(memory_format=torch.channels_last)

    return batches


class Trainer:
    """One run: ``run()`` trains from the last finished epoch in ``folder`` to the recipe's end.

    Args:
        network: with its starting weights and a head of ``spec.outputs``.
        pictures: decoded training pictures.
        folder: where ``resume.safetensors``, ``log.jsonl`` and TensorBoard events go.
        evaluate: called with the kept (averaged) weights' network, returns metrics; None: no evaluation.
        evaluate_every: epochs between evaluations (the last one is always evaluated).
        distillation: the teacher to follow; without ``label_weight`` the labels do not count then.
        team: the processes that train together; only the first one evaluates and writes.
        heads: several tasks on one trunk, see ``heads``; ``spec`` then has the outputs of all.
        compile: see ``optim.compiled``; of networks whose batch norms learn, by one process.
    """

    def __init__(
        self,
        network: ResNet,
        spec: TaskSpec,
        recipe: Recipe,
        pictures: Pictures,
        folder: Path,
        evaluate: Callable[[ResNet], dict[str, float]] | None = None,
        evaluate_every: int = 1,
        workers: int = 1,
        distillation: Distillation | None = None,
        team: Team = ALONE,
        heads: Sequence[TaskHead] = (),
        compile: bool = False,
    ):
        check_loss(recipe.kind, recipe.loss)
        keep_freed_memory()
        if distillation and team.size > 1:
            raise UserError("A teacher is followed by one process alone: run this without torchrun.")
        team.check(min(recipe.batch, len(pictures)))
        self.team, self.device = team, team.device
        self.network = network.to(self.device).to(memory_format=torch.channels_last)
        self.spec, self.recipe, self.pictures, self.folder = spec, recipe, pictures, folder
        self.evaluate, self.evaluate_every, self.workers = evaluate, evaluate_every, workers
        self.distillation, self.heads = distillation, heads
        if compile and (recipe.fold_norms or team.size > 1):
            raise UserError("--compile is for one process and fold_norms=false: leave it out.")
        self.stages = compiled(self.network.stages, self.device.type) if compile else self.network.stages
        if distillation:
            distillation.to(self.device).to(memory_format=torch.channels_last)
            folded_norms.fold_once(distillation.teacher)
        self.optimizer = make_optimizer(self.network, recipe, distillation)
        self.average = ModelEma(self.network, recipe.ema)
        self.epoch = 0
        self.dead, self.watched = traps.DeadChannels(), False
        self.mean, self.std = (values.to(self.device) for values in scaling(spec))
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, stop_after: int | None = None) -> ResNet:
        """Train to the end, or until ``stop_after`` epochs are done, and return a network with the kept weights."""
        from torch.utils.tensorboard import SummaryWriter

        self.restore()
        self.team.wait()  # The first one will write where the others read.
        recipe = self.recipe
        steps = steps_per_epoch(self.pictures, recipe)
        last = recipe.epochs if stop_after is None else min(recipe.epochs, stop_after)
        if (warning := traps.late_thaw(recipe)) and self.team.leads:
            tqdm.write(warning, file=sys.stderr)
        board = SummaryWriter(str(self.folder / "tensorboard")) if self.team.leads else None
        make = SampleMaker(recipe, self.heads)
        batches = make_batches(self.pictures, make, recipe, self.epoch, self.workers, self.team.share)
        while self.epoch < last:
            frozen = recipe.frozen_parts(self.epoch)
            freeze(self.network, frozen, recipe.norms_only)
            if self.team.size > 1:
                self.shared = shared(self.network, frozen, recipe.fold_norms)
            losses = []
            parts = epoch_batches(self.pictures, recipe, self.epoch)
            title = f"epoch {self.epoch + 1}/{recipe.epochs}"
            quiet = {} if self.team.leads else {"disable": True}
            progress = tqdm(parts, title, steps, unit="step", mininterval=2, **quiet)
            started = time.perf_counter()  # A bar that is switched off (TQDM_DISABLE) knows no time.
            for step, part in enumerate(progress):
                set_rates(self.optimizer, recipe, self.epoch + (step + 1) / steps)
                views = [view_of(recipe, self.epoch, index) for index in part] if recipe.views else ()
                self.watched = step >= steps - traps.WATCHED
                losses.append(self.step(*next(batches), frozen, seed_of(recipe.seed, "mix", self.epoch, step), views))
                if step == 0:
                    traps.check_learns(self.network, self.optimizer, gradients=not self.distillation)
                progress.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}", **self.parts)
                if not math.isfinite(losses[-1]):
                    raise UserError(f"The loss became {losses[-1]} in epoch {self.epoch + 1}: lower learning_rate.")
            self.epoch += 1
            dead = self.dead.shares(self.team.largest)
            if (warning := traps.dead_sentence(dead, recipe.learning_rate)) and self.team.leads:
                tqdm.write(warning, file=sys.stderr)
            record = {
                "epoch": self.epoch,
                "loss": float(np.mean(losses)),
                "dead": max(dead.values(), default=0.0),
                "pictures_per_second": steps * recipe.batch / (time.perf_counter() - started),
            }
            if board:
                if self.evaluate and (self.epoch % self.evaluate_every == 0 or self.epoch == last):
                    record |= self.evaluate(self.ema_model())
                self.log(board, record)
                self.save()
        if board:
            board.close()
        return self.ema_model()

    def log(self, board: SummaryWriter, record: dict[str, float]) -> None:
        """An epoch's figures to TensorBoard, ``log.jsonl`` and the terminal."""
        for key, value in record.items():
            if isinstance(value, float):
                board.add_scalar(key, value, self.epoch)
        board.flush()
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(record) + "\n")
        tqdm.write(json.dumps(record))

    def step(self, pictures: Tensor, labels: Tensor, frozen: int, seed: int, views: Sequence[View] = ()) -> float:
        """One step on uint8 pictures (b, 3, side, side), this process's share of a batch; returns the batch's loss."""
        recipe, network, team = self.recipe, self.network, self.team
        mixes = team.size > 1 and recipe.kind == CLASSIFICATION and bool(recipe.mixup or recipe.cutmix)
        if mixes:  # Pictures are mixed with any of the batch.
            pictures, labels = (team.whole(part.to(self.device)) for part in (pictures, labels))
        x = (pictures.to(self.device, non_blocking=True).float() - self.mean) / self.std
        labels = labels.to(self.device, non_blocking=True)
        if recipe.kind == CLASSIFICATION:
            labels = one_hot(labels, self.spec.outputs, recipe.label_smoothing)
            x, labels = mix(x, labels, recipe, seed)
        if mixes:
            x, labels = x[team.rank :: team.size], labels[team.rank :: team.size]
        seen = x.contiguous(memory_format=torch.channels_last)
        # Cut out as large as the teacher wants them.
        x = resized(seen, recipe.size_at(self.epoch)) if recipe.teacher_size else seen
        with autocast(self.device.type, halves_cells=network.architecture.halves_cells(x.shape[2])):
            maps: Mapping[str, Tensor]
            if team.size > 1:
                maps, logits = self.shared(x)
            elif recipe.fold_norms:
                maps = folded_norms.stages(network.eval(), x, frozen)
                logits = network.head(maps["layer4"])
            else:
                traps.train_mode(network, frozen)
                maps = self.stages(x)
                logits = network.head(maps["layer4"])
            if self.watched:
                self.dead.see(maps)
            parts = self.distillation.losses(seen, maps, logits, views) if self.distillation else {}
        if self.heads:
            parts = losses_of(self.heads, recipe, logits, labels, team)
        loss = sum(parts.values(), torch.zeros((), device=self.device))
        if self.heads:
            loss = loss + 0 * logits.sum()  # a batch may have no label at all
        elif weight := recipe.label_weight if self.distillation else 1.0:
            if recipe.kind == CLASSIFICATION:
                loss = loss + weight * classification_loss(logits, labels)
            else:
                loss = loss + weight * keypoint_loss(recipe.loss, logits, labels)
        if team.size > 1 and not self.heads:
            loss = loss * team.weight(len(labels) if recipe.kind == CLASSIFICATION else int((~labels.isnan()).sum()))
        self.parts = {name: round(part.item(), 3) for name, part in parts.items()}
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if recipe.clip:
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        self.optimizer.step()
        self.average.update(network)
        return team.sum(loss.item()) / team.size

    def ema_model(self) -> ResNet:
        """A copy of the network on the CPU with the averaged weights (the last ones where ``ema`` is 0)."""
        twin = ResNet(self.network.architecture, self.spec.outputs)
        twin.load_state_dict(self.network.state_dict())
        if self.recipe.ema:
            twin.load_state_dict(self.average.state, strict=False)
        return twin.eval()

    def save(self) -> None:
        """Everything that a later run needs to go on exactly as this one would have, in safetensors and JSON."""
        from safetensors.torch import save_file

        tensors = {f"network/{key}": value for key, value in self.network.state_dict().items()}
        tensors |= {f"average/{key}": value for key, value in self.average.state.items()}
        if self.distillation:
            tensors |= {f"adaptors/{key}": value for key, value in self.distillation.state_dict().items()}
        for index, values in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{key}": value for key, value in values.items() if value is not None}
        record = {"epoch": self.epoch, "average_steps": self.average.steps, "recipe": self.recipe.to_json()}
        path = self.folder / RESUME
        part = path.with_suffix(".part")
        tensors = {key: value.contiguous() for key, value in tensors.items()}
        save_file(tensors, part, metadata={"resume": json.dumps(record)})
        os.replace(part, path)

    def restore(self) -> None:
        """Go back to the last finished epoch, if there is one.

        Raises:
            UserError: the folder holds a run of another recipe.
        """
        from safetensors import safe_open

        path = self.folder / RESUME
        if not path.exists():
            return
        with safe_open(path, "pt", device=str(self.device)) as file:
            record = json.loads(file.metadata()["resume"])
            # A setting that came with a later version had its default then.
            before = Recipe(task="").to_json() | record["recipe"]
            # Come after the last epoch: a finished run can be ended once more with others.
            now = self.recipe.to_json() | {name: before[name] for name in ("start_share", "test_mirror")}
            if json.loads(json.dumps(before)) != json.loads(json.dumps(now)):
                raise UserError(f"{self.folder} holds a run of another recipe: choose another --out, or empty it.")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118

        def part(name: str) -> dict[str, Tensor]:
            return {key[len(name) :]: value for key, value in tensors.items() if key.startswith(name)}

        self.network.load_state_dict(part("network/"))
        if self.distillation:
            self.distillation.load_state_dict(part("adaptors/"))
        self.average.state = part("average/")
        self.average.steps, self.epoch = record["average_steps"], record["epoch"]
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        states: dict[int, dict[str, Tensor]] = {}
        for key, value in part("optimizer/").items():
            index, name = key.split("/")
            parameter = parameters[int(index)]
            if value.shape == parameter.shape:
                # Fused optimizers go through memory in order, so a state must lie as its channels_last weights do.
                value = torch.empty_like(parameter).copy_(value)
            states.setdefault(int(index), {})[name] = value
        whole = self.optimizer.state_dict()
        self.optimizer.load_state_dict({"state": states, "param_groups": whole["param_groups"]})
        tqdm.write(f"Going on after epoch {self.epoch} of {self.recipe.epochs}.")
