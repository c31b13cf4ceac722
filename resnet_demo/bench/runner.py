"""The command ``bench``: every measurement is a module with ``measure(settings) -> list[dict]``, named here."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from resnet_demo.bench.settings import Settings
from resnet_demo.errors import UserError

# In this order where none is named: what takes long comes last.
MEASUREMENTS = {
    "classify": "resnet_demo.bench.cases.classify",
    "photo": "resnet_demo.bench.cases.photo",
    "stages": "resnet_demo.bench.cases.stages",
    "stem": "resnet_demo.bench.cases.stem",
    "depths": "resnet_demo.bench.cases.depths",
    "faces": "resnet_demo.bench.cases.faces",
    "precision": "resnet_demo.bench.cases.precision",
    "gpu": "resnet_demo.bench.cases.gpu",
    "http": "resnet_demo.bench.cases.http",
    "load": "resnet_demo.bench.cases.load",
    "crowd": "resnet_demo.bench.cases.crowd",
    "limits": "resnet_demo.bench.cases.limits",
    "visible": "resnet_demo.bench.cases.visible",
    "first_visit": "resnet_demo.bench.cases.first_visit",
    "slow_line": "resnet_demo.bench.cases.slow_line",
    "live": "resnet_demo.bench.cases.live",
    "memory": "resnet_demo.bench.cases.memory",
    "starting": "resnet_demo.bench.cases.starting",
    "bulk": "resnet_demo.bench.cases.bulk",
    "batch": "resnet_demo.bench.cases.batch",
    "training": "resnet_demo.bench.cases.training",
    "own": "resnet_demo.bench.cases.own",
    "cifar": "resnet_demo.bench.cases.cifar",
}


def run(names: list[str], settings: Settings, file: Path | None = None) -> None:
    """Run measurements (none named: all), print their tables and write ``file``.

    Raises:
        UserError: no such measurement, a setting out of its range or a file that cannot be written; nothing was
            measured then.
    """
    check(names, settings, file)
    from resnet_demo.bench.machine import as_line, describe

    machine = describe()
    print(as_line(machine), flush=True)
    asked = {key: value for key, value in asdict(settings).items() if key not in ("data", "photos")}
    record = {"machine": machine, "settings": asked, "measurements": {}}
    for name in names or MEASUREMENTS:
        record["measurements"][name] = import_module(MEASUREMENTS[name]).measure(settings)
        # After each one, so that a stop in an hour's run loses no more than the last.
        if file:
            file.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def check(names: list[str], settings: Settings, file: Path | None) -> None:
    for name in names:
        if name not in MEASUREMENTS:
            raise UserError(f"There is no measurement {name!r}: choose {' or '.join(MEASUREMENTS)}.")
    least = {"rounds": 1, "seconds": 0, "batch": 2, "size": 32, "workers": 0, "pictures": 1}
    for key, value in least.items():
        given = getattr(settings, key)
        if given is not None and not given >= value:
            raise UserError(f"--{key} must be {value} or more, not {given}.")
    if file and (file.is_dir() or not file.absolute().parent.is_dir()):
        raise UserError(f"{file} cannot be written: name a file in a folder that exists.")
