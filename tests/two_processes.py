"""What both processes of ``test_distributed`` do; run as a program it is the second one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch

from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import TaskSpec
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.distributed import ALONE, Team, join, leave, shared
from resnet_demo.training.heads import TaskHead
from resnet_demo.training.optim.traps import DeadChannels
from resnet_demo.training.recipe import Recipe
from resnet_demo.training.trainer import Trainer

FLOWERS = TaskSpec("flowers102", "classification", tuple("abcd"), size=32, resize=32)
POINTS = TaskSpec("faces68", "keypoints", points=3, size=32, fit="squash")
# A batch that two cannot halve, pictures that are mixed, and stages that begin to learn later.
RECIPE = Recipe(
    "flowers102",
    epochs=2,
    batch=7,
    sizes=((0, 32),),
    learning_rate=3e-3,
    ema=0.9,
    mixup=0.4,
    cutmix=0.4,
    mix_probability=0.7,
    frozen=((0, 2), (1, 0)),
    clip=1.0,
)
DEAD = 80  # of the last map's 128 channels


def flowers(folder: Path, team: Team = ALONE) -> ResNet:
    """A run that is stopped after an epoch and gone on with."""
    pictures = Pictures("flowers102", [None] * 14, np.arange(14) % 4, tuple("abcd"))
    pictures.cache = dict(enumerate(tiny.pictures(14, 40)))
    for stop in (1, None):
        start = tiny.network()
        with torch.no_grad():
            start.layer4[-1].bn2.bias[:DEAD] = -1e4  # what a far too large learning rate leaves behind
        network = Trainer(start, FLOWERS, RECIPE, pictures, folder, workers=0, team=team).run(stop)
        team.wait()
    return network


def dead(team: Team = ALONE) -> float:
    """The share of dead channels in a batch of two pictures: of four, one lives for the first and one for the other."""
    maps = torch.zeros(2, 4, 3, 3)
    maps[0, 0] = maps[1, 1] = 1
    channels = DeadChannels()
    channels.see({"layer4": maps[team.rank :: team.size]})
    return channels.shares(team.largest)["layer4"]


def points(folder: Path, team: Team = ALONE) -> list[float]:
    """Losses of three steps on points, of which some are not known."""
    recipe = Recipe("faces68", "keypoints", batch=5, sizes=((0, 32),), learning_rate=1e-3, loss="wing", fold_norms=True)
    random = torch.Generator().manual_seed(0)
    pictures = torch.randint(256, (5, 3, 32, 32), generator=random, dtype=torch.uint8)
    labels = torch.rand(5, 3, 2, generator=random)
    labels[0, 1] = labels[2] = torch.nan
    trainer = Trainer(tiny.network(18, 6), POINTS, recipe, [None] * 5, folder, workers=0, team=team)
    if team.size > 1:
        trainer.shared = shared(trainer.network, 0, True)
    own = slice(team.rank, None, team.size)
    return [trainer.step(pictures[own], labels[own], 0, 0) for _ in range(3)]


def heads(folder: Path, team: Team = ALONE) -> list[float]:
    """Losses of three steps of three heads, each of which knows other pictures: one of them a single picture, and in
    the last step none."""
    nan = float("nan")
    tasks = [
        TaskHead("kind", "classification", (0, 2), (0, 1), ("a", "b")),
        TaskHead("size", "regression", (2, 3), (1, 2), weight=2.0, scale=4.0),
        TaskHead("centre", "keypoints", (3, 7), (2, 6), weight=0.1),
    ]
    labels = torch.tensor(
        [
            [0.0, nan, 0.5, 0.5, 0.2, 0.7],
            [1.0, nan, nan, nan, 0.3, 0.4],
            [nan, nan, 0.4, 0.6, 0.1, 0.1],
            [1.0, 7.0, nan, nan, nan, nan],
            [nan, nan, 0.6, 0.2, nan, nan],
        ]
    )
    recipe = Recipe(
        "kind+size+centre",
        "heads",
        batch=5,
        sizes=((0, 32),),
        learning_rate=1e-3,
        loss="wing",
        fold_norms=True,
        label_smoothing=0.1,
    )
    spec = TaskSpec("kind+size+centre", "classification", tuple("abcdefg"), size=32)
    random = torch.Generator().manual_seed(1)
    pictures = torch.randint(256, (5, 3, 32, 32), generator=random, dtype=torch.uint8)
    network = tiny.network(18, 7)
    trainer = Trainer(network, spec, recipe, [None] * 5, folder, workers=0, team=team, heads=tasks)
    if team.size > 1:
        trainer.shared = shared(trainer.network, 0, True)
    own, none = slice(team.rank, None, team.size), labels.clone()
    none[:, 1] = nan
    return [trainer.step(pictures[own], known[own], 0, 0) for known in (labels, labels, none)]


def all_runs(folder: Path) -> tuple[ResNet, list[float], list[float], float]:
    """A run with classes, the losses of points and those of several heads, and the share of dead channels, in as many
    processes as there are."""
    team = join()
    try:
        return flowers(folder, team), points(folder, team), heads(folder, team), dead(team)
    finally:
        leave(team)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        tiny.narrow(patch)
        tiny.in_float32(patch)
        all_runs(Path(sys.argv[1]))
