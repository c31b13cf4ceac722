"""``config.json``: what a checkpoint is, how it came about and what was measured of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from resnet_demo.checkpoints.architecture_record import architecture_from_json
from resnet_demo.checkpoints.calibration_record import CalibrationRecord
from resnet_demo.checkpoints.files import CONFIG, read_json_file
from resnet_demo.checkpoints.lesions import Lesions
from resnet_demo.checkpoints.records import (
    ClassCounts,
    Confusion,
    Gathered,
    HeadPart,
    Measured,
    Metric,
    OwnData,
    Ranges,
    Trunk,
    WeightsFile,
    WorstClass,
    read_metrics,
)
from resnet_demo.checkpoints.steps import Step
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import Architecture
from resnet_demo.tasks import TaskSpec
from resnet_demo.utils.json_record import as_json

Part = TypeVar("Part")


@dataclass(frozen=True, eq=False)
class Config:
    """A checkpoint's ``config.json``.

    Its parts are read when they are asked for, so that what a prediction does not need cannot spoil it. All of them
    raise a UserError where they cannot be read. What this version does not know stays in the file, in its place.

    Attributes:
        record: the JSON object, in the file's order.
        where: what errors call it.
    """

    record: Mapping[str, Any]
    where: Path | str = CONFIG

    def changed(self, **parts: object) -> Config:
        """The same with other parts, by their keys in the file: records or plain JSON."""
        return Config({**self.record, **as_json(parts)}, self.where)

    def _read(self, key: str, read: Callable[[Any], Part]) -> Part:
        """A part that must be there."""
        try:
            return read(self.record[key])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UserError(
                "{where} is incomplete ({error}): fetch it again.", where=self.where, error=error
            ) from error

    def _part(self, key: str, read: Callable[[Any], Part]) -> Part | None:
        """A part, or None where there is none."""
        return self._read(key, read) if self.record.get(key) else None

    # What it is.

    @cached_property
    def task(self) -> TaskSpec:
        return self._read("task", TaskSpec.from_json)

    @cached_property
    def architecture(self) -> Architecture:
        try:
            return architecture_from_json(self.record)
        except ValueError as error:
            raise UserError(
                "{where} describes no ResNet that exists here: fetch it again.", where=self.where
            ) from error

    @property
    def depth(self) -> int:
        return self.architecture.depth

    @property
    def weights(self) -> WeightsFile:
        known = self.record.get("weights")
        return WeightsFile.from_json(known) if isinstance(known, Mapping) else WeightsFile()

    @cached_property
    def head(self) -> HeadPart | None:
        """Which outputs of its file are the task's, where several tasks share it."""
        return self._part("head", HeadPart.from_json)

    @cached_property
    def trunk(self) -> Trunk | None:
        """The file with all but the head, where its own has the head alone."""
        return self._part("trunk", Trunk.from_json)

    # How it came about.

    @property
    def init(self) -> str:
        """What its last training started from, or an empty string."""
        return self.record.get("init") or ""

    @property
    def recipe(self) -> Mapping[str, object]:
        """The settings of its last training, by name."""
        return self.record.get("recipe") or {}

    @property
    def train_splits(self) -> Sequence[str]:
        """What its last training saw of the data set."""
        return (self.record.get("recipe") or {}).get("train_splits", ())

    @property
    def shared(self) -> Mapping[str, Mapping[str, str]]:
        """Other data set → its class → ours, of which training saw pictures too."""
        return (self.record.get("recipe") or {}).get("shared") or {}

    @cached_property
    def steps(self) -> Sequence[Step]:
        """The commands that made it, in order."""
        return self._part("commands", _steps) or ()

    @property
    def teacher(self) -> str:
        """What it was distilled from, as ``init``."""
        return self.record.get("teacher") or ""

    @cached_property
    def teacher_steps(self) -> Sequence[Step]:
        """The commands that made the teacher, where it has no card of its own that says so."""
        return self._part("teacher_commands", _steps) or ()

    @cached_property
    def gathered(self) -> Mapping[str, Gathered]:
        """Folder → what ``gather`` put there."""
        return self._part("gathered", _gathered) or {}

    @property
    def is_own(self) -> bool:
        """Whether it was trained on pictures of somebody's own."""
        return "own" in self.record

    @cached_property
    def own(self) -> OwnData | None:
        """These pictures."""
        return self._part("own", OwnData.from_json)

    # What was measured.

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        return read_metrics(self.record.get("metrics"))

    @cached_property
    def measured(self) -> Measured | None:
        """The pictures on which the metrics were measured, where they are no split of ours."""
        return self._part("measured", Measured.from_json)

    @cached_property
    def confusions(self) -> Sequence[Confusion]:
        """The most frequent mistakes."""
        return self._part("confusions", lambda rows: [Confusion(*row) for row in rows]) or ()

    @cached_property
    def worst(self) -> Sequence[WorstClass]:
        """The least accurate classes."""
        return self._part("worst", lambda rows: [WorstClass(*row) for row in rows]) or ()

    @cached_property
    def classes(self) -> Sequence[ClassCounts]:
        """Every class, in the order of the labels."""
        return self._part("classes", lambda rows: [ClassCounts(*row) for row in rows]) or ()

    @cached_property
    def calibration(self) -> CalibrationRecord | None:
        return self._part("calibration", CalibrationRecord.from_json)

    @cached_property
    def ranges(self) -> Ranges | None:
        return self._part("ranges", Ranges.from_json)

    @cached_property
    def lesions(self) -> Lesions | None:
        return self._part("lesions", Lesions.from_json)


def _steps(lines: Sequence[str]) -> list[Step]:
    return [Step.from_json(line) for line in lines]


def _gathered(record: Mapping[str, Any]) -> dict[str, Gathered]:
    return {folder: Gathered.from_json(part) for folder, part in record.items()}


def read_config(folder: str | Path) -> Config:
    """The ``config.json`` of a checkpoint folder.

    Raises:
        UserError: it is missing or broken.
    """
    return read_config_file(Path(folder) / CONFIG)


def read_config_file(path: Path) -> Config:
    """Read once until the file changes: the page asks for it at every photo, and a calibration makes it large."""
    try:
        seen = path.stat()
    except OSError:
        return Config(read_json_file(path), path)
    return _read_version(path, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=64)
def _read_version(path: Path, _modified: int, _size: int) -> Config:
    return Config(read_json_file(path), path)
