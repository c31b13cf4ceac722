"""What ``calibrate`` writes into ``config.json``: the calibration itself, how it was fitted and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resnet_demo.checkpoints.records import Metric, Metrics
from resnet_demo.utils.json_record import JsonRecord, as_json

Bins = Sequence[tuple[float, int, int]]
"""(mean confidence, right, pictures) of each bin of a reliability diagram that has any."""


@dataclass(frozen=True)
class Fitted(JsonRecord):
    """What a calibration was fitted on.

    Attributes:
        means, val: training and further known pictures of the class means; val pictures of the temperature and the
            threshold.
        seen: it was trained on val too, so that hard views stood in.
        kept: the share of them that passes as known, 0..1.
    """

    means: int
    val: int
    seen: bool
    kept: float


@dataclass(frozen=True)
class ComparedScore:
    """What another score would flag, at a threshold found in the same way.

    Attributes:
        score: its name.
        flagged: pictures, such as ``test`` → share of them in percent.
    """

    score: str
    flagged: Mapping[str, float]

    @classmethod
    def from_json(cls, record: Mapping) -> ComparedScore:
        return cls(record["score"], {name: share for name, share in record.items() if name != "score"})

    def to_json(self) -> dict[str, object]:
        return {"score": self.score, **self.flagged}


@dataclass(frozen=True)
class CalibrationRecord:
    """A calibration with its history; the numbers that a prediction needs are ``tasks.calibration.Calibration``'s.

    Attributes:
        temperature, threshold: see there.
        means: the class means as they are stored.
        command: what fitted it.
        measured: ``ece``, ``nll`` (each also ``_before``) and ``flagged_`` with the name of the pictures.
        compared: what other scores would flag.
        reliability: ``before`` and ``after`` → the diagram's bins.
    """

    temperature: float
    means: Mapping[str, object]
    command: str
    fitted: Fitted
    measured: Metrics
    compared: Sequence[ComparedScore]
    reliability: Mapping[str, Bins]

    @property
    def threshold(self) -> float:
        return float(str(self.means["threshold"]))

    @classmethod
    def from_json(cls, record: Mapping) -> CalibrationRecord:
        return cls(
            temperature=record["temperature"],
            means=record["means"],
            command=record["command"],
            fitted=Fitted.from_json(record["fitted"]),
            measured={name: Metric.from_json(measured) for name, measured in record["measured"].items()},
            compared=[ComparedScore.from_json(row) for row in record["compared"]],
            reliability=record.get("reliability", {}),
        )

    def to_json(self) -> dict[str, object]:
        return as_json(vars(self))
