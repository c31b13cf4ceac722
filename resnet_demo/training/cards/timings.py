"""``report.json``: milliseconds of every bundled checkpoint, measured on one machine, and what that was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from statistics import median
from time import perf_counter

from resnet_demo.checkpoints import Config, Entry, read_config
from resnet_demo.models.architecture import Architecture
from resnet_demo.models.cost import count_gflops, count_parameters
from resnet_demo.tasks import CLASSIFICATION
from resnet_demo.utils import cpu
from resnet_demo.utils.json_record import JsonRecord

REPORT = "report.json"
WARM_UP = 3
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True)
class Timing(JsonRecord):
    """A checkpoint's milliseconds a picture.

    Attributes:
        gflops: what the network cost then.
        network: one forward pass.
        whole: file in, answer out.
    """

    gflops: float
    network: float
    whole: float


@dataclass(frozen=True)
class Timings(JsonRecord):
    """All of them.

    Attributes:
        cpu, threads, backend: what computed.
        load: the load average before.
        rounds: turns of each checkpoint, of which these are the medians.
        checkpoints: such as ``faces68/resnet50`` → its timing.
    """

    cpu: str = ""
    threads: int = 0
    load: float = 0.0
    backend: str = ""
    rounds: int = 0
    checkpoints: Mapping[str, Timing] = field(default_factory=dict)

    @classmethod
    def from_json(cls, record: Mapping) -> Timings:
        timings = {name: Timing.from_json(timing) for name, timing in record.get("checkpoints", {}).items()}
        return replace(super().from_json(record), checkpoints=timings)


def stored_timings(root: Path) -> Timings:
    """Those of ``report.json``, empty where there is none."""
    path = root / REPORT
    return Timings.from_json(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else Timings()


def count(config: Config) -> tuple[float, float]:
    """Millions of parameters, and GFLOPs of an answer at the task's input size, of a checkpoint's network."""
    parameters, gflops = count_network(config.architecture, config.task.outputs, config.task.size)
    return parameters, gflops * config.task.passes


@cache
def count_network(architecture: Architecture, outputs: int, size: int) -> tuple[float, float]:
    return count_parameters(architecture, outputs) / 1e6, count_gflops(architecture, outputs, None, size)


def measure_all(entries: Sequence[Entry], rounds: int) -> Timings:
    """Milliseconds of one picture on this CPU, as a user has it: file in, answer out; the medians of ``rounds``.

    The checkpoints take turns, so that whatever else the machine does falls on all alike.
    """
    from resnet_demo.inference.predictor import make_predictor

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    predictors = [make_predictor(entry.task, entry.depth, "cpu") for entry in entries]
    photos = [
        EXAMPLES / ("dahlia.jpg" if predictor.spec.kind == CLASSIFICATION else "astronaut.jpg")
        for predictor in predictors
    ]
    network: list[list[float]] = [[] for _ in entries]
    whole: list[list[float]] = [[] for _ in entries]
    for number in range(rounds + WARM_UP):
        for index, predictor in enumerate(predictors):
            start = perf_counter()
            answer = predictor(photos[index])
            took = (perf_counter() - start) * 1000
            if number >= WARM_UP:
                network[index].append(answer.milliseconds["network"])
                whole[index].append(took)
    return Timings(
        cpu=cpu.processor_name(),
        threads=cpu.cpu_count(),
        load=round(load, 1),
        backend=", ".join(sorted({predictor.backend for predictor in predictors})),
        rounds=rounds,
        checkpoints={
            f"{entry.task}/resnet{entry.depth}": Timing(
                gflops=round(count(read_config(entry.config.parent))[1], 3),
                network=round(median(network[index]), 2),
                whole=round(median(whole[index]), 2),
            )
            for index, entry in enumerate(entries)
        },
    )
