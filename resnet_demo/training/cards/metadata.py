"""The head of a model card, by which the Hub finds and shows a model
(https://huggingface.co/docs/hub/model-cards#model-card-metadata)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from resnet_demo.tasks import TITLES, TaskSpec

LIBRARY = "resnet-demo"
ACCURACY, NME = "accuracy", "nme"
LISTS = ("tags", "datasets", "base_model", "metrics", "model-index")


def metadata(config: dict, datasets: Sequence[str], bases: Sequence[str]) -> dict:
    """What the Hub reads of one checkpoint.

    Args:
        config: its ``config.json``; metrics are in percent.
        datasets, bases: names on the Hub, of the data it was trained on and of the models it began with.
    """
    spec, depth, metrics = TaskSpec.from_json(config["task"]), config["depth"], config.get("metrics") or {}
    record: dict[str, Any] = {
        "license": "other",
        "license_name": "research-only" if spec.name in TITLES else None,
        "library_name": LIBRARY,
        "pipeline_tag": spec.pipeline,
        "tags": ["resnet", f"resnet{depth}", "grad-cam"],
        "datasets": list(datasets),
        "base_model": list(bases),
        "metrics": list(dict.fromkeys(metric_type(key) for key in metrics)),
    }
    if metrics:
        measured = results(spec, metrics, datasets)
        if "measured" in config:
            # On other pictures than the data set's test split.
            for result in measured:
                result["dataset"] = {
                    "name": config["measured"]["on"],
                    "type": PurePath(config["measured"]["data"]).name,
                }
        record["model-index"] = [{"name": f"{spec.name}-resnet{depth}", "results": measured}]
    return {key: value for key, value in record.items() if value}


def merged(records: Sequence[dict]) -> dict:
    """The head for a repository of several checkpoints; lists are joined, of all else the first counts."""
    whole: dict = {}
    for record in records:
        for key, value in record.items():
            if key in LISTS:
                known = whole.setdefault(key, [])
                known += [item for item in value if item not in known]
            else:
                whole.setdefault(key, value)
    return whole


def front_matter(record: dict) -> str:
    """The record as YAML between two lines of dashes."""
    from huggingface_hub.utils import yaml_dump

    return f"---\n{yaml_dump(record, sort_keys=False)}---"


def metric_type(key: str) -> str:
    return ACCURACY if key.startswith("top") else NME


def results(spec: TaskSpec, metrics: dict[str, dict[str, float]], datasets: Sequence[str]) -> list[dict]:
    """The metrics as entries of ``model-index``, one for each set of test pictures."""
    sets: dict[str, list[dict]] = {}
    for key, metric in metrics.items():
        name = f"top-{key.removeprefix('top')} accuracy, %" if key.startswith("top") else "NME, %"
        tested_on = "" if key.startswith("top") else key.removeprefix("nme").removeprefix("_")
        sets.setdefault(tested_on, []).append({"type": metric_type(key), "value": metric["value"], "name": name})
    title = TITLES.get(spec.name, spec.name)
    return [
        {
            "task": {"type": spec.pipeline},
            "dataset": {
                "name": f"{title}, {tested_on}" if tested_on else title,
                "type": tested_on or next(iter(datasets), spec.name),
                "split": "test",
            },
            "metrics": measured,
        }
        for tested_on, measured in sets.items()
    ]
