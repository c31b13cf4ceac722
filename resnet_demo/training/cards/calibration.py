"""The part of a model card that says what its probabilities are worth and what it does with unknown pictures."""

from __future__ import annotations

from collections.abc import Sequence

from resnet_demo.checkpoints import Config, Metric
from resnet_demo.checkpoints.calibration_record import ComparedScore

FEW = 100  # pictures below which the prior of a temperature says something, see ``evaluation.temperature``
NAMES = {"ece": "expected calibration error, %", "nll": "negative log-likelihood, nats"}


def calibration_part(config: Config) -> list[str]:
    """The paragraphs for a ``config.json`` with a ``calibration``; none for one without."""
    record = config.calibration
    if not record:
        return []
    fitted, measured = record.fitted, record.measured
    views = "hard views (small, enlarged and oddly coloured crops) of val pictures, as it was trained on val too"
    on = f"{fitted.val:,} {views if fitted.seen else 'val pictures, which it was not trained on'}"
    known = measured["flagged_known"]
    lines = ["| | before | after | pictures |", "| --- | --- | --- | --- |"]
    for key, name in NAMES.items():
        before, after = (with_interval(measured[key + suffix], 3 if key == "nll" else 2) for suffix in ("_before", ""))
        lines.append(f"| {name} | {before} | {after} | {measured[key].n or 0:,.0f} |")
    flags = ["| pictures | flagged | 95 % interval | n |", "| --- | --- | --- | --- |"]
    rows = {"test split": known} | {
        f"none of the classes: {key.removeprefix('flagged_')}": value
        for key, value in measured.items()
        if key.startswith("flagged_") and key != "flagged_known"
    }
    for name, value in rows.items():
        flags.append(f"| {name} | {value.value:.1f} % | {value.low:.1f} to {value.high:.1f} % | {value.n or 0:,.0f} |")
    several = int(str(record.means["classes"])) > len(config.task.labels)
    mean = "mean of a class, two of one with many pictures" if several else "class mean"
    few = f" ({fitted.val:,} are few, so that it is drawn towards 1)" if fitted.val < FEW else ""
    parts = [
        f"## Calibration\nBy\n\n```sh\n{record.command}\n```",
        f"Probabilities are the softmax of the logits divided by {record.temperature:.3f}, fitted on {on}{few}. On the "
        f"test split (15 bins of equal width):\n\n" + "\n".join(lines),
        f"A picture is flagged as probably none of the classes where the cosine of its pooled features to the nearest "
        f"{mean} (of {fitted.means:,} training pictures) is below {record.threshold:.3f}, which "
        f"{fitted.kept * 100:.0f} % of the same {fitted.val:,} pictures reach. Means and threshold use "
        f"neither the test split nor pictures of other things:\n\n" + "\n".join(flags),
    ]
    if table := compared(record.compared):
        parts.append(table)
    return parts


def compared(rows: Sequence[ComparedScore]) -> str:
    """What other scores would have flagged, at thresholds found in the same way."""
    names = list(rows[0].flagged) if rows else []
    if len(names) < 2:
        return ""
    head = f"| score | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}"
    body = "\n".join(f"| {row.score} | {' | '.join(f'{row.flagged[name]:.1f} %' for name in names)} |" for row in rows)
    return f"Flagged by other scores, with thresholds found in the same way:\n\n{head}\n{body}"


def with_interval(metric: Metric, places: int) -> str:
    return f"{metric.value:.{places}f} ({metric.low:.{places}f} to {metric.high:.{places}f})"
