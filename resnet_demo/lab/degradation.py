"""``lab degradation``: plain and residual networks of 20 and 56 layers on CIFAR-10, by one recipe (section 4.2).

The recipe is the paper's: SGD with momentum 0.9 and weight decay 1e-4, 128 pictures a step, a learning rate of 0.1 that
is divided by 10 after half and after three quarters of the epochs (164 of them there), pictures padded by an eighth,
cropped and mirrored. The shortcuts have no weights (option A), so that a plain and a residual network have the same.
Short runs need a start at lower rates, as the paper's own ResNet-110 did: at 0.1 some of the deep ones do not begin.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from resnet_demo.errors import UserError
from resnet_demo.lab.results import EPOCHS, PICTURES, SIDE, Epoch, check_settings, put_run
from resnet_demo.models.architecture import ARCHITECTURES
from resnet_demo.models.resnet import ResNet
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.data.own_images import read_own
from resnet_demo.training.data.seeds import sampled_rows
from resnet_demo.training.distributed import ALONE
from resnet_demo.training.optim.amp import autocast, training_type
from resnet_demo.training.optim.compiled import compiled
from resnet_demo.utils.memory import keep_freed_memory

NETWORKS = ("plain20", "plain56", "resnet20", "resnet56")
BATCH, RATE = 128, 0.1
MOMENTUM, WEIGHT_DECAY = 0.9, 1e-4
CSV = "degradation.csv"
DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Settings:
    """What a run depends on beside its network and seed.

    Attributes:
        epochs: of the whole run; the learning rate falls after half and three quarters of them.
        size: side of the pictures in pixels.
        pictures: at most so many to train on, and as many to measure on.
        warmup: over so many steps the learning rate rises evenly to ``rate``.
        precision: of feature maps and products in training, ``float32`` or ``bf16``; weights are float32 either way.
    """

    epochs: int = EPOCHS
    size: int = SIDE
    pictures: int = PICTURES
    batch: int = BATCH
    rate: float = RATE
    warmup: int = 0
    precision: str = "float32"


@dataclass(frozen=True)
class Data:
    """CIFAR-10 in memory: pictures uint8 (n, 3, size, size), labels int64 (n,), mean and deviation of the pictures.

    Attributes:
        limited: whether ``Settings.pictures`` left out some of those to train on.
    """

    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    mean: Tensor
    std: Tensor
    classes: int
    limited: bool = False

    def normalised(self, pictures: Tensor) -> Tensor:
        return ((pictures.float() - self.mean) / self.std).contiguous(memory_format=torch.channels_last)


def read_data(folder: Path, settings: Settings, device: torch.device) -> Data:
    """The set in ``folder``, in any layout that ``train --data`` takes; all but its test part is trained on.

    Raises:
        UserError: no such pictures.
    """
    parts = read_own(folder, "cifar10").parts
    train = tensors([parts["train"], parts["val"]], settings, "train")
    test = tensors([parts["test"]], settings, "test")
    values = train[0].float()
    mean, std = (value.view(1, 3, 1, 1).to(device) for value in (values.mean((0, 2, 3)), values.std((0, 2, 3))))
    to = [tuple(tensor.to(device) for tensor in part) for part in (train, test)]
    limited = settings.pictures < len(parts["train"]) + len(parts["val"])
    return Data(to[0], to[1], mean, std, len(parts["train"].classes), limited)  # type: ignore[arg-type]


def tensors(parts: Sequence[Pictures], settings: Settings, name: str) -> tuple[Tensor, Tensor]:
    """Pictures and labels of some parts; where only some are wanted, the same ones every time."""
    places = [(part, index) for part in parts for index in range(len(part))]
    chosen = [places[row] for row in sampled_rows(f"lab-{name}", len(places), settings.pictures)]
    side = (settings.size, settings.size)
    arrays = [torch.from_numpy(part_picture(part, index, side)) for part, index in chosen]
    labels = torch.tensor([int(part.labels[index]) for part, index in chosen])
    return torch.stack(arrays).permute(0, 3, 1, 2).contiguous(), labels


def part_picture(part: Pictures, index: int, side: tuple[int, int]):
    import numpy as np
    from PIL import Image

    picture = part.picture(index)
    return np.array(picture if picture.size == side else picture.resize(side, Image.Resampling.BOX))


def augmented(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Each picture (b, 3, s, s) padded by an eighth of its side with zeros, cropped anywhere, half of them mirrored."""
    count, _, side, _ = pictures.shape
    room = side // 8
    padded = F.pad(pictures, [room] * 4)
    top, left = torch.randint(0, 2 * room + 1, (2, count, 1), generator=random).to(pictures.device)
    steps = torch.arange(side, device=pictures.device)
    mirrored = (torch.rand(count, 1, generator=random) < 0.5).to(pictures.device)
    columns = torch.where(mirrored, steps.flip(0), steps) + left  # (b, s)
    rows = steps + top
    each = torch.arange(count, device=pictures.device)[:, None, None]
    # Advanced indices on both sides of a slice come first: (b, s, s, 3)
    return padded[each, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class Run:
    """One network by one seed; goes on where an earlier run in ``folder`` stopped.

    Attributes:
        rows: what was measured after each epoch so far.

    Args:
        compile: see ``training.optim.compiled``.

    Raises:
        UserError: the folder holds a run of other settings.
    """

    def __init__(self, name: str, seed: int, settings: Settings, data: Data, folder: Path, compile: bool = False):
        keep_freed_memory()
        self.name, self.seed, self.settings, self.data = name, seed, settings, data
        self.file = folder / f"{name}-{seed}.pt"
        self.rows: list[Epoch] = []
        device = data.mean.device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = ResNet(ARCHITECTURES[name], data.classes)
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self.forward = compiled(self.network, device.type) if compile else self.network
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), lr=settings.rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
        )
        # What a stopped run must have in common with this one.
        self._mark = {**asdict(settings), "data": fingerprint(data)}
        if self.file.exists():
            self._restore(device)

    @property
    def done(self) -> bool:
        return len(self.rows) >= self.settings.epochs

    def epoch(self) -> Epoch:
        """Train for an epoch, measure, and keep both on the disk."""
        settings, epoch = self.settings, len(self.rows)
        random = torch.Generator().manual_seed(1000 * self.seed + epoch)
        pictures, labels = self.data.train
        order = torch.randperm(len(pictures), generator=random).to(pictures.device)
        wrong = torch.zeros((), device=pictures.device)
        loss_sum = torch.zeros((), device=pictures.device)
        self.network.train()
        steps = tqdm(order.split(settings.batch), f"{self.name} seed {self.seed} epoch {epoch + 1}/{settings.epochs}")
        for number, part in enumerate(steps, epoch * len(steps)):
            for group in self.optimizer.param_groups:
                group["lr"] = rate_at(number, epoch, settings)
            named, loss = self.step(pictures[part], labels[part], random)
            wrong += (named != labels[part]).sum()
            loss_sum += loss * len(part)
        if not torch.isfinite(loss_sum):
            raise UserError(
                "The loss of {name} is not finite in epoch {epoch}: pass a lower --rate.",
                name=self.name,
                epoch=epoch + 1,
            )
        count = len(pictures)
        row = Epoch(
            network=self.name,
            seed=self.seed,
            epoch=epoch + 1,
            **columns(settings, self.data),
            train_error=100 * float(wrong) / count,
            test_error=self.test_error(),
            loss=float(loss_sum) / count,
            limited=int(self.data.limited),
        )
        self.rows.append(row)
        self._save()
        return row

    def step(self, pictures: Tensor, labels: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Learn from pictures uint8 (b, 3, s, s) and labels (b,); what they were named before (b,), and the loss."""
        x = self.data.normalised(augmented(pictures, random))
        with self.autocast():
            logits = self.forward(x).float()
        loss = F.cross_entropy(logits, labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return logits.detach().argmax(1), loss.detach()

    @torch.no_grad()
    def test_error(self) -> float:
        """Share of the test pictures that are named wrongly, in percent."""
        pictures, labels = self.data.test
        self.network.eval()
        wrong = sum(
            int((self.network(self.data.normalised(part)).argmax(1) != wanted).sum())
            for part, wanted in zip(pictures.split(500), labels.split(500), strict=True)
        )
        return 100 * wrong / len(pictures)

    def autocast(self) -> torch.autocast:
        dtype, record = DTYPES[self.settings.precision], self.network.architecture
        return autocast(self.data.mean.device.type, dtype, record.halves_cells(self.settings.size))

    def _save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_suffix(".part")
        record = {"mark": self._mark, "rows": [asdict(row) for row in self.rows]}
        torch.save(
            record | {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()},
            part,
        )
        part.replace(self.file)

    def _restore(self, device: torch.device) -> None:
        record = torch.load(self.file, map_location=device, weights_only=True)
        if {"precision": "float32", **record["mark"]} != self._mark:  # which older runs do not name
            raise UserError(
                "{file} is a run of other settings or pictures: choose another --out, or remove it.", file=self.file
            )
        self.rows = [Epoch(**row) for row in record["rows"]]
        self.network.load_state_dict(record["network"])
        self.optimizer.load_state_dict(record["optimizer"])


def quickest(device_type: str) -> str:
    """The precision that a device of this kind trains quickest in, see ``amp``."""
    return next(name for name, dtype in DTYPES.items() if dtype == training_type(device_type))


def rate_at(step: int, epoch: int, settings: Settings) -> float:
    """The learning rate of a step (counted from the first of the run on) in an epoch (0 is the first)."""
    drops = (epoch >= settings.epochs / 2) + (epoch >= settings.epochs * 3 / 4)
    return settings.rate / 10**drops * min(1.0, (step + 1) / (settings.warmup + 1))


def columns(settings: Settings, data: Data) -> dict[str, Any]:
    """What each row of a run says of its settings, by the names of ``Epoch``."""
    return {
        "epochs": settings.epochs,
        "size": settings.size,
        "pictures": len(data.train[0]),
        "tests": len(data.test[0]),
        "batch": settings.batch,
        "rate": settings.rate,
        "warmup": settings.warmup,
        "precision": settings.precision,
    }


def fingerprint(data: Data) -> str:
    """Of the pictures and labels."""
    parts = [tensor.cpu().numpy().tobytes() for tensor in (*data.train, *data.test)]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def degradation(
    folder: Path,
    out: Path,
    settings: Settings,
    networks: Sequence[str] = NETWORKS,
    seeds: Sequence[int] = (0, 1, 2),
    compile: bool = False,
) -> Path:
    """Run all networks by all seeds, seed by seed, and write ``out``/degradation.csv anew after each epoch.

    What that file has of other networks and seeds stays there.

    Returns:
        The CSV file.

    Raises:
        UserError: no pictures, or runs of other settings in ``out``; then nothing there has changed.
    """
    data, path = read_data(folder, settings, ALONE.device), out / CSV
    check_settings(path, columns(settings, data))
    for seed in seeds:
        for name in networks:
            run = Run(name, seed, settings, data, out, compile)
            while not run.done:
                row = run.epoch()
                put_run(path, run.rows)
                tqdm.write(f"{name} {seed} {row.epoch}: train {row.train_error:.2f} %, test {row.test_error:.2f} %")
            put_run(path, run.rows)
    return path
