"""The head of a model card, by which the Hub finds and shows a model
(https://huggingface.co/docs/hub/model-cards#model-card-metadata)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from resnet_demo.checkpoints import Config, Metric
from resnet_demo.tasks import TITLES, TaskSpec

LIBRARY = "resnet-demo"
ACCURACY, NME = "accuracy", "nme"
Head = dict[str, object]  # key → a word, or a list that heads of several checkpoints share


def metadata(config: Config, datasets: Sequence[str], bases: Sequence[str], tested: str) -> Head:
    """What the Hub reads of one checkpoint.

    Args:
        config: its ``config.json``.
        datasets, bases: names on the Hub, of the data it was trained on and of the models it began with.
        tested: the data set whose test split it was measured on.
    """
    spec, metrics, name = config.task, config.metrics, f"resnet{config.depth}"
    record: Head = {
        "license": "other",
        "license_name": "research-only" if spec.name in TITLES else None,
        "library_name": LIBRARY,
        "pipeline_tag": spec.pipeline,
        "tags": ["resnet", name, "grad-cam"],
        "datasets": list(datasets),
        "base_model": list(bases),
        "metrics": list(dict.fromkeys(metric_type(key) for key in metrics)),
    }
    if metrics:
        measured = results(spec, metrics, tested)
        if other := config.measured:
            # On other pictures than the data set's test split.
            for result in measured:
                result["dataset"] = {"name": other.on, "type": PurePath(other.data).name}
        record["model-index"] = [{"name": f"{spec.name}-{name}", "results": measured}]
    return {key: value for key, value in record.items() if value}


def merged(records: Sequence[Head]) -> Head:
    """The head for a repository of several checkpoints; lists are joined, of all else the first counts."""
    whole: Head = {}
    for record in records:
        for key, value in record.items():
            known = whole.setdefault(key, value)
            if isinstance(known, list) and isinstance(value, list):
                whole[key] = [*known, *(item for item in value if item not in known)]
    return whole


def front_matter(record: Head) -> str:
    """The record as YAML between two lines of dashes."""
    from huggingface_hub.utils import yaml_dump

    return f"---\n{yaml_dump(record, sort_keys=False)}---"


def metric_type(key: str) -> str:
    return {"mae": "mae", "r2": "r_squared"}.get(key) or (ACCURACY if key.startswith("top") else NME)


def results(spec: TaskSpec, metrics: Mapping[str, Metric], tested: str) -> list[dict[str, object]]:
    """The metrics as entries of ``model-index``, one for each set of test pictures."""
    sets: dict[str, list[dict[str, object]]] = {}
    for key, metric in metrics.items():
        name = f"top-{key.removeprefix('top')} accuracy, %" if key.startswith("top") else "NME, %"
        name = {"mae": "mean absolute error", "r2": "R²"}.get(key, name)
        tested_on = key.removeprefix("nme").removeprefix("_") if key.startswith("nme") else ""
        sets.setdefault(tested_on, []).append({"type": metric_type(key), "value": metric.value, "name": name})
    title = TITLES.get(spec.name, spec.name)
    return [
        {
            "task": {"type": spec.pipeline},
            "dataset": {
                "name": f"{title}, {tested_on}" if tested_on else title,
                "type": tested_on or tested,
                "split": "test",
            },
            "metrics": measured,
        }
        for tested_on, measured in sets.items()
    ]
