"""Batches of augmented pictures, the same ones on every machine and after every interruption.

A sample is named by (epoch, index), and its augmentation is seeded by that name: nothing depends on the worker that
makes it or on what was made before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from resnet_demo.training.data.datasets import NO_LABEL, Pictures
from resnet_demo.training.data.face_frames import turned
from resnet_demo.training.data.seeds import seed_of
from resnet_demo.training.recipe import Recipe

Sample = tuple[Tensor, Tensor]
Make = Callable[[Pictures, int, int, int], Sample]  # (pictures, index, epoch, seed)
T = TypeVar("T")
Share = Callable[[list[int]], list[int]]  # a batch's pictures → those that are made
# How workers begin; None: as Python does it. Forked ones share the decoded pictures. Others are sent a copy of all of
# them: those of macOS and Windows, and Python 3.14's default on Linux.
START = "fork" if sys.platform == "linux" else None
View = tuple[int, int, int]  # (number of the view or of the epoch, index of the picture, side)


def epoch_order(pictures: Pictures, recipe: Recipe, epoch: int) -> list[int]:
    """Which pictures an epoch shows, in which order; ``source_weights`` repeat or thin out sources, ``turned_factor``
    faces that look to the side.

    With ``recipe.views`` the same pictures come again when their views do.
    """
    random = np.random.default_rng(seed_of(recipe.seed, "order", epoch))
    choice = random
    if recipe.views:
        choice = np.random.default_rng(seed_of(recipe.seed, "choice", epoch % recipe.views))
    indices: list[int] = list(range(len(pictures)))
    if (recipe.source_weights and pictures.sources) or recipe.turned_factor != 1:
        indices = []
        for rows, weight in groups(pictures, recipe):
            whole, rest = divmod(weight, 1.0)
            indices += rows.tolist() * int(whole)
            indices += choice.choice(rows, round(rest * len(rows)), replace=False).tolist()
    if recipe.class_cap:
        indices = capped(indices, pictures.labels, recipe.class_cap, choice)
    return random.permutation(indices).tolist()


def groups(pictures: Pictures, recipe: Recipe) -> Iterator[tuple[np.ndarray, float]]:
    """Pictures of a source, and faces of it that look to the side, each with the passes over them in an epoch."""
    sources = np.array(pictures.sources or [""] * len(pictures))
    aside = turned(pictures) if recipe.turned_factor != 1 else np.zeros(len(pictures), bool)
    for source in sorted(set(sources.tolist())):
        weight = (recipe.source_weights or {}).get(source, 1.0)
        own = sources == source
        yield np.flatnonzero(own & ~aside), weight
        if (own & aside).any():
            yield np.flatnonzero(own & aside), weight * recipe.turned_factor


def capped(indices: list[int], labels: np.ndarray, most: int, random: np.random.Generator) -> list[int]:
    """Of each class at most so many pictures, drawn by ``random``; those without a label all stay."""
    mixed = random.permutation(indices)
    kept: list[int] = []
    for label in np.unique(labels[mixed]):
        own = mixed[labels[mixed] == label]
        kept += own[: None if label == NO_LABEL else most].tolist()
    return kept


class Kept(dict[View, T]):
    """What was made for views of one size: with the first of another size the former ones are forgotten."""

    def put(self, view: View, value: T) -> None:
        if self and next(iter(self))[2] != view[2]:
            self.clear()
        self[view] = value


class Augmented(Dataset):
    """Pictures by the key (epoch, index): uint8 (3, size, size) and label.

    With ``recipe.views`` an epoch shows the crops of the one that many epochs before, out of this worker's memory.
    """

    def __init__(self, pictures: Pictures, make: Make, recipe: Recipe):
        self.pictures, self.make, self.recipe = pictures, make, recipe
        self.kept: Kept[Sample] = Kept()

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        epoch, index = key
        view = view_of(self.recipe, epoch, index)
        if view in self.kept:
            return self.kept[view]
        sample = self.make(self.pictures, index, epoch, seed_of(self.recipe.seed, "picture", view[0], index))
        if self.recipe.views:
            self.kept.put(view, sample)
        return sample


def view_of(recipe: Recipe, epoch: int, index: int) -> View:
    """What names a picture's crop in ``epoch``: the same name, the same crop."""
    return epoch % recipe.views if recipe.views else epoch, index, recipe.size_at(epoch)


class Keys:
    """Batch sampler over all epochs from ``first`` on; the last, smaller batch of an epoch is left out."""

    def __init__(self, pictures: Pictures, recipe: Recipe, first: int, share: Share):
        self.pictures, self.recipe, self.first, self.share = pictures, recipe, first, share

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for epoch in range(self.first, self.recipe.epochs):
            for part in epoch_batches(self.pictures, self.recipe, epoch):
                yield [(epoch, index) for index in self.share(part)]


def epoch_batches(pictures: Pictures, recipe: Recipe, epoch: int) -> Iterator[list[int]]:
    """The pictures of each step of an epoch."""
    order, steps = epoch_order(pictures, recipe, epoch), steps_per_epoch(pictures, recipe)
    # Thinned sources leave other numbers to the cap of classes in each epoch; steps, and so the rates, stay the same.
    wanted = min(steps * recipe.batch, len(epoch_order(pictures, recipe, 0)))
    order += order[: max(0, wanted - len(order))]
    for step in range(steps):
        yield order[step * recipe.batch : (step + 1) * recipe.batch]


def steps_per_epoch(pictures: Pictures, recipe: Recipe) -> int:
    return max(1, len(epoch_order(pictures, recipe, 0)) // recipe.batch)


def make_batches(
    pictures: Pictures, make: Make, recipe: Recipe, first: int, workers: int, share: Share = list
) -> Iterator[Sample]:
    """Batches of every epoch from ``first`` on, or the ``share`` of each, made ahead by ``workers`` processes (0: in
    this one)."""
    loader = DataLoader(
        Augmented(pictures, make, recipe),
        batch_sampler=Keys(pictures, recipe, first, share),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_one_thread,
        multiprocessing_context=START if workers else None,
    )
    return iter(loader)


def _one_thread(_worker: int) -> None:
    torch.set_num_threads(1)
