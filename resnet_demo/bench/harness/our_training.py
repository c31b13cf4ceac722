"""The recipe's way to train: what ``training.loop.Trainer.run`` does, batch by batch."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from resnet_demo.bench.harness.training_clock import Clock
from resnet_demo.models.resnet import ResidualBlock, ResNet
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.data.loader import Make, Sample, make_batches, steps_per_epoch
from resnet_demo.training.data.seeds import seed_of
from resnet_demo.training.optim.schedule import freeze, set_rates
from resnet_demo.training.recipe import Recipe
from resnet_demo.training.train import spec_for
from resnet_demo.training.trainer import SampleMaker, Trainer

Phase = tuple[int, int]  # side of the pictures, frozen parts
ENDLESS = 10**6  # epochs


def phases(recipe: Recipe) -> Counter[Phase]:
    """(side, frozen parts) → number of epochs that the recipe spends so."""
    return Counter((recipe.size_at(epoch), recipe.frozen_parts(epoch)) for epoch in range(recipe.epochs))


def averaged(rates: dict[Phase, float], epochs: Counter[Phase]) -> float:
    """Pictures a second of the whole recipe out of those of its phases, as all epochs have as many pictures."""
    return epochs.total() / sum(count / rates[phase] for phase, count in epochs.items())


def our_trainer(depth: int, recipe: Recipe, pictures: Pictures, folder: Path) -> Trainer:
    """A trainer with random weights: their values do not change the speed."""
    network = ResNet(depth, len(pictures.classes))
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            nn.init.constant_(module.last_norm.weight, 0.2)  # Sums of 50 whole blocks would grow beyond all bounds.
    return Trainer(network, spec_for(recipe, pictures), recipe, pictures, folder)


def our_batches(trainer: Trainer, phase: Phase, workers: int, clock: Clock) -> Iterator[Sample]:
    recipe = replace(trainer.recipe, sizes=((0, phase[0]),), epochs=ENDLESS)
    return make_batches(trainer.pictures, stamped(SampleMaker(recipe), clock), recipe, 0, workers)


def stamped(make: Make, clock: Clock) -> Make:
    def make_and_stamp(pictures: Pictures, index: int, epoch: int, seed: int) -> Sample:
        sample = make(pictures, index, epoch, seed)
        clock.stamp()
        return sample

    return make_and_stamp


def our_step(trainer: Trainer, phase: Phase) -> Callable[[Tensor, Tensor], float]:
    """A function that trains on a batch of uint8 pictures (b, 3, size, size), labels (b,), and returns the loss."""
    steps, count = steps_per_epoch(trainer.pictures, trainer.recipe), itertools.count()

    def step(pictures: Tensor, labels: Tensor) -> float:
        number = next(count)
        freeze(trainer.network, phase[1])
        set_rates(trainer.optimizer, trainer.recipe, (number + 1) / steps)
        return trainer.step(pictures, labels, phase[1], seed_of(trainer.recipe.seed, "mix", 0, number))

    return step
