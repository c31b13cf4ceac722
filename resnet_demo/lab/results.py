"""The small CSV files that the experiments write and plots read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeVar

from resnet_demo.checkpoints.files import write_file
from resnet_demo.errors import UserError

EPOCHS, PICTURES, SIDE = 164, 50_000, 32  # of the paper's runs on CIFAR-10 (He et al. 2015, section 4.2)


@dataclass(frozen=True)
class Epoch:
    """One epoch of one run, with the settings that it depends on.

    Attributes:
        network: a name of ``ARCHITECTURES``.
        epoch: 1 after the first one; ``epochs`` of them are the whole run.
        size: side of the pictures in pixels.
        pictures, tests: how many were trained on and measured on.
        rate: peak learning rate; it rises to it over the first ``warmup`` steps.
        train_error: share of the pictures named wrongly while they were trained on, in percent: cropped, mirrored, and
            with the weights of that step.
        test_error: of the test pictures after the epoch, in percent.
        loss: mean over the epoch.
    """

    network: str
    seed: int
    epoch: int
    epochs: int
    size: int
    pictures: int
    tests: int
    batch: int
    rate: float
    warmup: int
    train_error: float
    test_error: float
    loss: float


@dataclass(frozen=True)
class Layer:
    """One layer of a fresh network, on one batch of pictures.

    Attributes:
        network: a name of ``ARCHITECTURES``.
        batch_norm: 1 with, 0 without.
        number, layer: its place from the input on, and its name.
        gradient: norm of its weights' gradient.
        activation: standard deviation of what it puts out.
    """

    network: str
    batch_norm: int
    number: int
    layer: str
    gradient: float
    activation: float


Row = TypeVar("Row", Epoch, Layer)


def write_rows(path: Path, rows: Iterable[Epoch] | Iterable[Layer]) -> None:
    """Write rows, complete or not at all; numbers keep six digits."""
    text = io.StringIO()
    writer: csv.DictWriter | None = None
    for row in rows:
        record = {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in asdict(row).items()}
        if writer is None:
            writer = csv.DictWriter(text, list(record), lineterminator="\n")
            writer.writeheader()
        writer.writerow(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, text.getvalue().encode())


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """The rows of a file.

    Raises:
        UserError: it is not there, or holds something else.
    """
    kinds = {"str": str, "int": int, "float": float}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                kind(**{each.name: kinds[str(each.type)](record[each.name]) for each in fields(kind)})
                for record in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            "{path} holds no such results ({error!r}): make them with `resnet-demo lab`.", path=path, error=error
        ) from None


def runs(rows: Iterable[Epoch]) -> Mapping[str, dict[int, list[Epoch]]]:
    """Network → seed → its epochs in order."""
    found: dict[str, dict[int, list[Epoch]]] = {}
    for row in sorted(rows, key=lambda row: row.epoch):
        found.setdefault(row.network, {}).setdefault(row.seed, []).append(row)
    return found
