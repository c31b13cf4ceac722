"""A record of ``index.json``: which file a checkpoint is, and where else it can be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from resnet_demo.checkpoints.hub import HubSource
from resnet_demo.checkpoints.records import Metric, Trunk, read_metrics
from resnet_demo.utils.json_record import as_json

FILE = {"file": str, "config": str, "bytes": int, "sha256": str}  # all of them, or none


@dataclass(frozen=True)
class IndexRecord:
    """A record of ``index.json``. What this version does not know stays in the file, in its place.

    Attributes:
        record: the JSON object, in the file's order, which ``from_json`` has checked.
        hub: the source on the Hugging Face Hub, or None.
    """

    record: Mapping[str, Any]
    hub: HubSource | None

    @classmethod
    def from_json(cls, record: object) -> IndexRecord:
        """A record without a file must have a source on the Hub.

        Raises:
            ValueError: it is no such record.
        """
        if not isinstance(record, Mapping):
            raise ValueError("it is no record")
        hub = None if record.get("hub") is None else HubSource.from_json(record["hub"])
        whole = all(isinstance(record.get(key), kind) for key, kind in FILE.items())
        elsewhere = all(record.get(key) is None for key in FILE) and hub is not None
        named = isinstance(record.get("task"), str) and isinstance(record.get("depth"), int)
        if not (named and (whole or elsewhere)):
            raise ValueError("it is no record of a checkpoint")
        made = cls(record, hub)
        _ = made.trunk  # It can be read.
        return made

    def changed(self, **parts: object) -> IndexRecord:
        """The same with other parts, by their keys in the file."""
        return IndexRecord.from_json({**self.record, **as_json(parts)})

    def to_json(self) -> dict[str, object]:
        return dict(self.record)

    @property
    def task(self) -> str:
        return self.record["task"]

    @property
    def depth(self) -> int:
        return self.record["depth"]

    @property
    def key(self) -> tuple[str, int]:
        """Task and depth, by which checkpoints are called."""
        return self.task, self.depth

    @property
    def file(self) -> str | None:
        """The weights file, from the index's folder on; None where it is only on the Hub."""
        return self.record.get("file")

    @property
    def config(self) -> str | None:
        """Its ``config.json``, likewise."""
        return self.record.get("config")

    @property
    def bytes(self) -> int | None:
        """The size of the file."""
        return self.record.get("bytes")

    @property
    def sha256(self) -> str | None:
        return self.record.get("sha256")

    @cached_property
    def trunk(self) -> Trunk | None:
        """The file with all but the head, where ``file`` has the head alone."""
        return Trunk.from_json(self.record["trunk"]) if self.record.get("trunk") else None

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """Measured accuracy."""
        return read_metrics(self.record.get("metrics"))
