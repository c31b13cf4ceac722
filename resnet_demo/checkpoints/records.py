"""The parts of ``config.json`` and ``index.json``, which training and measuring write."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from resnet_demo.utils.json_record import JsonRecord


@dataclass(frozen=True)
class Metric(JsonRecord):
    """What was measured on test pictures.

    Attributes:
        value: in percent; of a negative log-likelihood in nats; of a number's mean error in its own unit.
        low, high: its 95 % interval; None where nothing is known of that.
        n: pictures.
        missed: keypoints: pictures in which the annotated face was not found; None where none is looked for.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: float | None = None
    missed: float | None = None


@dataclass(frozen=True)
class MeanError(Metric):
    """The NME of keypoints, whose keys stand in another order in files."""

    def to_json(self) -> dict[str, object]:
        values = super().to_json()
        return {key: values[key] for key in ("value", "n", "low", "high", "missed") if key in values}


Metrics = Mapping[str, Metric]  # by name: top1, top5, nme, nme_SOURCE, mae, r2


def read_metrics(record: object) -> dict[str, Metric]:
    """The metrics of a file: records, or bare numbers, as people write them; what is neither is left out."""
    found: dict[str, Metric] = {}
    for name, measured in record.items() if isinstance(record, Mapping) else ():
        values = measured if isinstance(measured, Mapping) else {"value": measured}
        if isinstance(values.get("value"), int | float):
            found[name] = (MeanError if name.startswith("nme") else Metric).from_json(values)
    return found


@dataclass(frozen=True)
class WeightsFile(JsonRecord):
    """What the file of the weights must be; None where that is not known."""

    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Trunk(JsonRecord):
    """The file of another checkpoint that has all of a network but its head, and what that file must be.

    Attributes:
        file: from the checkpoint's folder on, such as ``../../flowers102/resnet50/model.safetensors``.
    """

    file: str
    bytes: int
    sha256: str

    @classmethod
    def from_json(cls, record: Mapping[str, object]) -> Trunk:
        """
        Raises:
            ValueError: it is no such record, or names no file by a relative path.
        """
        try:
            trunk = super().from_json(record)
            sound = (
                not PurePosixPath(trunk.file).is_absolute()
                and "\\" not in trunk.file
                and isinstance(trunk.bytes, int)
                and re.fullmatch(r"[0-9a-f]{64}", trunk.sha256)
            )
        except (AttributeError, TypeError) as error:
            raise ValueError(f"it says of no trunk where it is ({error})") from error
        if not sound:
            raise ValueError("it says of no trunk where it is")
        return trunk

    def path_from(self, folder: str) -> str:
        """Where the file lies, seen from where ``folder`` is, both with forward slashes."""
        return posixpath.normpath(posixpath.join(folder, self.file))


@dataclass(frozen=True)
class Ranges(JsonRecord):
    """The largest inputs of the convolutions, see ``backends.openvino_int8``.

    Attributes:
        command: what measured them.
        pictures: how many were looked at.
        inputs: name of each of ``models.state.rounded_convolutions`` → its largest input.
    """

    command: str = ""
    pictures: int = 0
    inputs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured(JsonRecord):
    """Other pictures than a split of ours, on which the metrics were measured.

    Attributes:
        on: what they are, in words.
        caution: what is to be said of the figures.
        data: their folder.
    """

    on: str
    caution: str
    data: str


@dataclass(frozen=True)
class HeadPart(JsonRecord):
    """Which of the outputs in the file of weights are the task's, where several tasks share it, trunk and all.

    Attributes:
        name: what its training called the task.
        first: the first row of the head that is its.
        of: rows in the file.
        tasks: those that were trained together, as ``train --tasks`` was told.
    """

    name: str
    first: int
    of: int
    tasks: Sequence[str] = ()


@dataclass(frozen=True)
class OwnData(JsonRecord):
    """The pictures of somebody's own that a checkpoint was trained with.

    Attributes:
        counts: train, val and test → pictures.
        classes: class → pictures in train, val and test; none for keypoints and numbers.
        split: how they were split, in words.
        skipped: files that could not be read or used.
        fingerprint: stands for exactly these pictures, labels and this split.
        copies: pictures that copy one of test and were left out of train and val; None for none.
    """

    counts: Mapping[str, int]
    classes: Mapping[str, Sequence[int]]
    split: str
    skipped: int
    fingerprint: str = ""
    copies: int | None = None


@dataclass(frozen=True)
class MeshRecord(JsonRecord):
    """Whose face mesh says where the landmarks of gathered faces lie.

    Attributes:
        package: with its version.
        nme, n: its error, in percent, on labelled faces that were left out of its fit, and of how many.
        shifts: source → how far to the right its people put landmarks, as a share of the face's side.
        unsure: faces that were left out as the mesh is not sure of them.
        network, share: the checkpoint whose landmarks are in the mean with the mesh's, and their share of it; None: the
            mesh's alone.
        apart: how far both lie from one another, in percent of the face's side.
    """

    package: str
    nme: float
    n: int
    shifts: Mapping[str, float]
    unsure: int = 0
    network: str | None = None
    share: float | None = None
    apart: float | None = None


@dataclass(frozen=True)
class Gathered:
    """What ``gather``, or ``faces``, put into a folder.

    Attributes:
        pictures: how many.
        files: those that it looked at.
        near_known, near_one_another: left out as they were like a known picture, or like another one (None: faces are
            not compared with one another).
        apart: the data sets and folders that it kept them apart from.
        by_source, by_class: pictures of each.
        unusable: files that cannot be read or are too small.
        copies: of altered copies of known pictures, the share that is found, in percent, and of how many.
        listed: the names of the files that list the photos and their classes, where some do.
        command: what makes the folder again; older records have none.
        mesh: where its landmarks are from, of a folder of faces.
        stored: the record of a file, which is written as it was read.
    """

    pictures: int
    files: int
    near_known: int
    near_one_another: int | None
    apart: Sequence[str]
    by_source: Mapping[str, int]
    by_class: Mapping[str, int]
    unusable: int = 0
    copies: Mapping[str, Mapping[str, float]] | None = None
    listed: Sequence[str] = ()
    command: str | None = None
    mesh: MeshRecord | None = None
    stored: Mapping[str, object] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_json(cls, record: Mapping) -> Gathered:
        listed = record.get("listed", ())
        return cls(
            pictures=record["pictures"],
            files=record["files"],
            near_known=record["near known"],
            near_one_another=record.get("near one another"),
            apart=record["apart"],
            by_source=record["by source"],
            by_class=record["by class"],
            unusable=record.get("unusable", 0),
            copies=record.get("copies"),
            listed=(listed,) if isinstance(listed, str) else listed,
            command=record.get("command"),
            mesh=MeshRecord.from_json(record["mesh"]) if "mesh" in record else None,
            stored=record,
        )

    def to_json(self) -> Mapping[str, object]:
        return self.stored or {
            "pictures": self.pictures,
            "files": self.files,
            "unusable": self.unusable,
            "near known": self.near_known,
            **({"near one another": self.near_one_another} if self.near_one_another is not None else {}),
            "apart": self.apart,
            **({"listed": self.listed[0] if len(self.listed) == 1 else [*self.listed]} if self.listed else {}),
            **({"command": self.command} if self.command is not None else {}),
            **({"copies": self.copies} if self.copies is not None else {}),
            **({"mesh": self.mesh.to_json()} if self.mesh is not None else {}),
            "by source": self.by_source,
            "by class": self.by_class,
        }


class Confusion(NamedTuple):
    """How often pictures of a class were taken for another one; a list in files."""

    label: str
    taken_for: str
    times: int


class WorstClass(NamedTuple):
    """One of the least accurate classes; a list in files.

    Attributes:
        right: how many of its ``shown`` pictures were named right.
        mistaken: (taken for, times), the most frequent first; older records have none.
    """

    label: str
    right: int
    shown: int
    mistaken: Sequence[tuple[str, int]] | None = None


class ClassCounts(NamedTuple):
    """A class on the test split; a list in files.

    Attributes:
        right: how many of its ``shown`` pictures were named right.
        taken_for: the number of the class that it is most often mistaken for, or None; ``times`` is how often.
    """

    right: int
    shown: int
    taken_for: int | None
    times: int
