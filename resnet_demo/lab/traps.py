"""``lab traps``: what five traps of training cost, each walked into on purpose.

With the bundled ResNet-18 of flowers, on its test photos, and a fresh plain network on training photos of 32 pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_demo import checkpoints, tasks
from resnet_demo.backends.torch_network import build_network
from resnet_demo.lab.results import Trap
from resnet_demo.models.architecture import ARCHITECTURES
from resnet_demo.models.resnet import ResidualBlock, ResNet, one_after_the_other
from resnet_demo.training.data.datasets import load_pictures
from resnet_demo.training.data.seeds import sampled_rows
from resnet_demo.training.optim.traps import DeadChannels

TASK, DEPTH = "flowers102", 18
STEPS, BATCH = 30, 32
RATES = (0.01, 0.1, 1.0, 10.0)
WHOLE = 50  # photos at a time where that changes nothing
BATCHES = (50, 8, 1)  # in training mode, where it does
FEW = 4
CSV = "traps.csv"


def measure(data: Path | None, count: int = 200) -> list[Trap]:
    """The figures, of at most ``count`` photos where no network is trained.

    Args:
        data: folder of the data sets; None: the usual one.

    Raises:
        UserError: no such photos, or no weights.
    """
    checkpoint = checkpoints.load(TASK, DEPTH)
    x, labels = photos(checkpoint.spec, "test", data, count)
    rows = forgotten_eval(checkpoint, x, labels) + broadcast(checkpoint, x, labels)
    small, small_labels = photos(checkpoint.spec, "train", data, 10 * BATCH)
    small = F.interpolate(small, (32, 32), mode="area")
    rows += dead_relus(small, small_labels) + late_head(small, small_labels)
    return rows + frozen_norms(checkpoint, x, labels)


def sentences(rows: Sequence[Trap]) -> list[str]:
    """The figures in words."""
    value = {(row.trap, row.case, row.batch, row.measure): row.value for row in rows}
    right = value["eval", "evaluation", WHOLE, "right"]
    in_training = "; ".join(
        f"batches of {batch}: {value['eval', 'training', batch, 'right']:.1f} %, and "
        f"{value['eval', 'afterwards', batch, 'right']:.1f} % in evaluation mode afterwards"
        for batch in BATCHES
    )
    by_rate = ", ".join(
        f"{rate:g}: {value['relu', f'rate {rate:g}', BATCH, 'dead']:.0f} % "
        f"(loss {value['relu', f'rate {rate:g}', BATCH, 'loss']:.3g})"
        for rate in RATES
    )
    return [
        f"{rows[0].pictures} test photos of {TASK}, the bundled ResNet-{DEPTH}, PyTorch float32 on the CPU.",
        f"eval() forgotten. Right in evaluation mode: {right:.1f} %. In training mode, {in_training}.",
        f"A shortcut of 1 x 1, which broadcasts (layer2.0): {value['shortcut', '1x1', WHOLE, 'right']:.1f} % "
        f"instead of {value['shortcut', 'whole', WHOLE, 'right']:.1f} %.",
        f"Dead channels of a Plain-20's worst stage after {STEPS} steps, by learning rate: {by_rate}.",
        f"A head of zeros made after the optimizer: loss {value['head', 'late', BATCH, 'loss']:.2f} after {STEPS} "
        f"steps, as at the start; made before it: {value['head', 'in time', BATCH, 'loss']:.2f}.",
        f"Frozen, in training mode: after {STEPS} batches of {FEW}, with no weight moved, "
        f"{value['norms', 'training', FEW, 'right']:.1f} % instead of "
        f"{value['norms', 'evaluation', WHOLE, 'right']:.1f} %.",
    ]


def photos(spec: tasks.TaskSpec, split: str, data: Path | None, count: int) -> tuple[Tensor, Tensor]:
    """Normalised photos (n, 3, S, S) and their labels (n,)."""
    pictures = load_pictures(spec.name, (split,), data)
    rows = sampled_rows("traps", len(pictures), count)
    prepared = np.stack([tasks.preprocess(spec, pictures.picture(row))[0] for row in rows])
    return torch.from_numpy(tasks.normalise(spec, prepared)), torch.from_numpy(pictures.labels[rows])


@torch.no_grad()
def accuracy(network: ResNet, x: Tensor, labels: Tensor, batch: int) -> float:
    """Share named right, in percent, as the network stands: in training mode its statistics move."""
    found = [network.head(network.stages(part)["layer4"]).argmax(1) for part in x.split(batch)]
    return 100 * float((torch.cat(found) == labels).float().mean())


def forgotten_eval(checkpoint: checkpoints.Checkpoint, x: Tensor, labels: Tensor) -> list[Trap]:
    whole = accuracy(build_network(checkpoint), x, labels, WHOLE)
    rows = [Trap("eval", "evaluation", WHOLE, "right", whole, len(x), 0)]
    for batch in BATCHES:
        network = build_network(checkpoint)
        nn.Module.train(network)
        training = accuracy(network, x, labels, batch)
        afterwards = accuracy(network.eval(), x, labels, WHOLE)
        rows.append(Trap("eval", "training", batch, "right", training, len(x), 0))
        rows.append(Trap("eval", "afterwards", batch, "right", afterwards, len(x), 0))
    return rows


def broadcast(checkpoint: checkpoints.Checkpoint, x: Tensor, labels: Tensor) -> list[Trap]:
    network = build_network(checkpoint)
    right, block = accuracy(network, x, labels, WHOLE), network.layer2[0]
    assert isinstance(block, ResidualBlock)
    shortcut = block.shortcut

    def one_cell(given: Tensor, apply=one_after_the_other) -> Tensor:
        """What is added where the shortcut's stride is as large as its map: the same number everywhere."""
        whole = shortcut(given, apply)
        return whole[:, :, :1, :1].expand_as(whole)

    setattr(block, "shortcut", one_cell)  # noqa: B010 - a method, which mypy lets nobody assign to
    wrong = accuracy(network, x, labels, WHOLE)
    return [
        Trap("shortcut", "whole", WHOLE, "right", right, len(x), 0),
        Trap("shortcut", "1x1", WHOLE, "right", wrong, len(x), 0),
    ]


def frozen_norms(checkpoint: checkpoints.Checkpoint, x: Tensor, labels: Tensor) -> list[Trap]:
    network = build_network(checkpoint)  # nothing of it requires a gradient
    right = accuracy(network, x, labels, WHOLE)
    nn.Module.train(network)
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _ in range(STEPS):
            rows = torch.randint(len(x), (FEW,), generator=random)
            network.stages(x[rows])
    wrong = accuracy(network.eval(), x, labels, WHOLE)
    return [
        Trap("norms", "evaluation", WHOLE, "right", right, len(x), 0),
        Trap("norms", "training", FEW, "right", wrong, len(x), STEPS),
    ]


def train(network: ResNet, optimizer: torch.optim.Optimizer, x: Tensor, labels: Tensor) -> tuple[float, float]:
    """The last loss and the largest share of dead channels in a stage, over the last ten of ``STEPS``."""
    dead, loss = DeadChannels(), torch.zeros(())
    for step in range(STEPS):
        rows = slice(step % 10 * BATCH, (step % 10 + 1) * BATCH)
        maps = network.train().stages(x[rows])
        loss = F.cross_entropy(network.head(maps["layer4"]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step >= STEPS - 10:
            dead.see(maps)
    return float(loss.detach()), max(dead.shares().values())


def fresh(name: str, outputs: int) -> ResNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResNet(ARCHITECTURES[name], outputs)


def dead_relus(x: Tensor, labels: Tensor) -> list[Trap]:
    rows = []
    for rate in RATES:
        network = fresh("plain20", 102)
        loss, dead = train(network, torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9), x, labels)
        rows.append(Trap("relu", f"rate {rate:g}", BATCH, "dead", 100 * dead, len(x), STEPS))
        rows.append(Trap("relu", f"rate {rate:g}", BATCH, "loss", loss, len(x), STEPS))
    return rows


def late_head(x: Tensor, labels: Tensor) -> list[Trap]:
    rows = []
    for late in (False, True):
        network = fresh("resnet20", 1000)
        head = nn.Linear(network.width, 102)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        network.fc = network.fc if late else head
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
        network.fc = head
        loss, _ = train(network, optimizer, x, labels)
        rows.append(Trap("head", "late" if late else "in time", BATCH, "loss", loss, len(x), STEPS))
    return rows
