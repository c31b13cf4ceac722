"""The small CSV files that the experiments write and plots read."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

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
        limited: 1 where ``--pictures`` left out some of the training pictures. Their number does not say so: copies of
            test pictures are never trained on.
        precision: of feature maps and products in training, ``float32`` or ``bf16``.
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
    limited: int = 0
    precision: str = "float32"

    @property
    def is_shortened(self) -> bool:
        """Whether the run has fewer epochs, smaller pictures or fewer of them than the paper's."""
        return (self.epochs, self.size) != (EPOCHS, SIDE) or bool(self.limited)


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


@dataclass(frozen=True)
class Trap:
    """One figure of what a trap of training costs.

    Attributes:
        trap, case: its name, and what was done.
        batch: pictures at a time.
        measure: ``right``, percent of the pictures named rightly; ``dead``, percent of the channels of the worst stage;
            or ``loss``.
        pictures: how many it was measured on.
        steps: how many batches the network was trained on, or its batch norms saw, before that.
    """

    trap: str
    case: str
    batch: int
    measure: str
    value: float
    pictures: int
    steps: int


Row = TypeVar("Row", Epoch, Layer, Trap)
KINDS: Mapping[str, Callable[[str], Any]] = {"str": str, "int": int, "float": float}  # of their values


def write_rows(path: Path, rows: Iterable[Epoch] | Iterable[Layer] | Iterable[Trap]) -> None:
    """Write rows, complete or not at all; numbers keep six digits."""
    text = io.StringIO()
    writer: csv.DictWriter | None = None
    for row in rows:
        record = {key: kept(value) for key, value in asdict(row).items()}
        if writer is None:
            writer = csv.DictWriter(text, list(record), lineterminator="\n")
            writer.writeheader()
        writer.writerow(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, text.getvalue().encode())


def kept(value: float | str) -> str:
    """A value as a file has it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """The rows of a file.

    Raises:
        UserError: it is not there, or holds something else.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [kind(**{each.name: cell(record, each) for each in fields(kind)}) for record in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            "{path} holds no such results ({error!r}): make them with `resnet-demo lab`.", path=path, error=error
        ) from None


def cell(record: Mapping[str, str], column: Field) -> Any:
    """A value of a row; a column that older files do not have has its default."""
    if column.name not in record and column.default is not MISSING:
        return column.default
    return KINDS[str(column.type)](record[column.name])


def check_settings(path: Path, settings: Mapping[str, float | str]) -> None:
    """See that runs of these settings, by the names of ``Epoch``, may join those in a file; it need not be there yet.

    Raises:
        UserError: it holds runs of other settings, which no plot could show beside these, or something else.
    """
    for row in read_rows(path, Epoch) if path.is_file() else []:
        for name, here in settings.items():
            there = kept(getattr(row, name))
            if there != kept(here):
                raise UserError(
                    "{path} holds runs of other settings ({name} is {there} there and {here} here): choose the "
                    "same ones, or another --out.",
                    path=path,
                    name=name,
                    there=there,
                    here=kept(here),
                )


def put_run(path: Path, run: Sequence[Epoch]) -> None:
    """Write the epochs of one run into a file beside the other runs there, in place of those of its network and seed.

    Read anew each time: two commands may train different networks into one file.
    """
    mine = {(row.network, row.seed) for row in run}
    rows = read_rows(path, Epoch) if path.is_file() else []
    others = [row for row in rows if (row.network, row.seed) not in mine]
    write_rows(path, sorted([*others, *run], key=lambda row: (row.seed, row.network, row.epoch)))


def runs(rows: Iterable[Epoch]) -> Mapping[str, dict[int, list[Epoch]]]:
    """Network → seed → its epochs in order."""
    found: dict[str, dict[int, list[Epoch]]] = {}
    for row in sorted(rows, key=lambda row: row.epoch):
        found.setdefault(row.network, {}).setdefault(row.seed, []).append(row)
    return found
