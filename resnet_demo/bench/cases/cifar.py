"""Pictures a second of training ResNet-56 on CIFAR-10: ``lab degradation --compile`` beside code written with
torchvision, in turns."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from resnet_demo.bench import results
from resnet_demo.bench.harness.training_clock import Clock, Training
from resnet_demo.bench.peers.torchvision_cifar import CifarPictures, network
from resnet_demo.bench.peers.torchvision_training import endless, training_step
from resnet_demo.bench.settings import Settings
from resnet_demo.bench.turns import take_turns
from resnet_demo.lab import degradation

NETWORK, DEPTH, CLASSES, SIDE, BATCH, PICTURES = "resnet56", 56, 10, 32, 128, 1280
OURS, PLAIN, PEER = "ours, compiled", "ours, not compiled", "torchvision's blocks and transforms"
PEER_BF16 = "the same with autocast"
REACH = 1.5
EXPLANATION = """
{pictures} pictures of {side} × {side} of random colours, {batch} a step: speed does not depend on what they show.
Ours in {precision}, as `lab degradation` chooses by itself on this machine, the peer in float32, PyTorch's default, and
by autocast too where ours is in bf16.
What prepares them (padded, cut out, mirrored, normalised) counts; compiling does not. Worker processes of the peer:
{workers}. Turns of each: {rounds}, {seconds:g} s or one step at least, after a step to warm up.
"""


def measure(settings: Settings) -> list[dict]:
    """Print a table and return its rows for JSON."""
    batch, precision = settings.batch or BATCH, degradation.quickest("cpu")
    print(
        EXPLANATION.format(
            pictures=PICTURES,
            side=SIDE,
            batch=batch,
            precision=precision,
            workers=settings.workers,
            rounds=settings.rounds,
            seconds=settings.seconds,
        ),
        flush=True,
    )
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (PICTURES, SIDE, SIDE, 3), np.uint8)
    labels = random.integers(0, CLASSES, PICTURES)
    with tempfile.TemporaryDirectory(prefix="resnet-demo-bench-") as folder:
        ways = [
            ours(OURS, pictures, labels, batch, Path(folder), compile=True),
            peer(PEER, pictures, labels, batch, settings.workers),
        ]
        if precision == "bf16":
            ways += [peer(PEER_BF16, pictures, labels, batch, settings.workers, torch.bfloat16)]
        ways += [ours(PLAIN, pictures, labels, batch, Path(folder), compile=False)]
        with tqdm(total=len(ways) * (settings.rounds + 1), unit="turn", mininterval=1) as progress:
            rates = take_turns(ways, settings.rounds, settings.seconds, progress)
    shared = {"what": "training, ResNet-56 on CIFAR-10", "unit": "pictures a second", "lower_is_better": False}
    rows: dict[str, dict] = {
        OURS: {"ours": True, "note": precision},
        PEER: {"target_ratio": REACH, "note": "float32"},
        PEER_BF16: {"note": "bf16"},
        PLAIN: {},
    }
    table = [results.measured(rates[way.name], way=way.name, **rows[way.name], **shared) for way in ways]
    print(results.table(table), flush=True)
    return results.to_dicts(table)


def peer(
    name: str, pictures: np.ndarray, labels: np.ndarray, batch: int, workers: int, autocast: torch.dtype | None = None
) -> Training:
    """What one writes with torchvision."""
    clock = Clock()
    batches = endless(CifarPictures(pictures, labels, clock), batch, workers)
    return Training(name, batches, training_step(network(DEPTH, CLASSES), torch.device("cpu"), autocast), clock)


def ours(name: str, pictures: np.ndarray, labels: np.ndarray, batch: int, folder: Path, compile: bool) -> Training:
    """``lab degradation``'s step, and what makes its batches."""
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
    part = x, torch.from_numpy(labels)
    mean, std = torch.full((1, 3, 1, 1), 125.0), torch.full((1, 3, 1, 1), 63.0)
    data = degradation.Data(part, part, mean, std, CLASSES)
    settings = degradation.Settings(batch=batch, precision=degradation.quickest("cpu"))
    run = degradation.Run(NETWORK, 0, settings, data, folder, compile)
    random, clock = torch.Generator().manual_seed(0), Clock()
    run.network.train()

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            for chosen in torch.randperm(len(x), generator=random).split(batch):
                yield x[chosen], part[1][chosen]

    def step(seen: Tensor, wanted: Tensor) -> float:
        _, loss = run.step(seen, wanted, random)
        return loss.item()

    return Training(name, batches(), step, clock)
