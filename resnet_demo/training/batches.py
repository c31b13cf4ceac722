"""Batches of augmented pictures, the same ones on every machine and after every interruption.

A sample is named by (epoch, index), and its augmentation is seeded by that name: nothing depends on the worker that
makes it or on what was made before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from resnet_demo.training.data import Pictures
from resnet_demo.training.recipe import Recipe
from resnet_demo.training.seeds import seed_of

Sample = tuple[Tensor, Tensor]
Make = Callable[[Pictures, int, int, int], Sample]  # (pictures, index, epoch, seed)


def epoch_order(pictures: Pictures, recipe: Recipe, epoch: int) -> list[int]:
    """Which pictures an epoch shows, in which order; ``source_weights`` repeat or thin out sources."""
    random = np.random.default_rng(seed_of(recipe.seed, "order", epoch))
    if not recipe.source_weights or not pictures.sources:
        return random.permutation(len(pictures)).tolist()
    indices: list[int] = []
    sources = np.array(pictures.sources)
    for source in sorted(set(pictures.sources)):
        own = np.flatnonzero(sources == source)
        whole, rest = divmod(recipe.source_weights.get(source, 1.0), 1.0)
        indices += own.tolist() * int(whole)
        indices += random.choice(own, round(rest * len(own)), replace=False).tolist()
    return random.permutation(indices).tolist()


class Augmented(Dataset):
    """Pictures by the key (epoch, index): uint8 (3, size, size) and label."""

    def __init__(self, pictures: Pictures, make: Make, seed: int):
        self.pictures, self.make, self.seed = pictures, make, seed

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        epoch, index = key
        return self.make(self.pictures, index, epoch, seed_of(self.seed, "picture", epoch, index))


class Keys:
    """Batch sampler over all epochs from ``first`` on; the last, smaller batch of an epoch is left out."""

    def __init__(self, pictures: Pictures, recipe: Recipe, first: int):
        self.pictures, self.recipe, self.first = pictures, recipe, first

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for epoch in range(self.first, self.recipe.epochs):
            order = epoch_order(self.pictures, self.recipe, epoch)
            for step in range(steps_per_epoch(self.pictures, self.recipe)):
                part = order[step * self.recipe.batch : (step + 1) * self.recipe.batch]
                yield [(epoch, index) for index in part]


def steps_per_epoch(pictures: Pictures, recipe: Recipe) -> int:
    return max(1, len(epoch_order(pictures, recipe, 0)) // recipe.batch)


def make_batches(pictures: Pictures, make: Make, recipe: Recipe, first: int, workers: int) -> Iterator[Sample]:
    """Batches of every epoch from ``first`` on, made ahead by ``workers`` processes (0: in this one)."""
    loader = DataLoader(
        Augmented(pictures, make, recipe.seed),
        batch_sampler=Keys(pictures, recipe, first),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_one_thread,
    )
    return iter(loader)


def _one_thread(_worker: int) -> None:
    torch.set_num_threads(1)
