"""``weights/README.md``: one table over all bundled checkpoints, and plots of accuracy against cost.

Everything is computed from ``index.json``, the ``config.json`` files and the networks themselves. Milliseconds are
measured here, and kept in ``report.json`` with the name of the CPU, so that the text can be made again without them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from resnet_demo import checkpoints
from resnet_demo.checkpoints import Config, Entry, Metric
from resnet_demo.tasks import BUNDLED, CLASSIFICATION, KEYPOINTS, REGRESSION, TITLES, TaskSpec
from resnet_demo.tasks.bundled import OWN_DATA
from resnet_demo.training.cards.card import form_of, measured_by, metric_name, model_card
from resnet_demo.training.cards.history import history_line
from resnet_demo.training.cards.plot import Panel, Point, Series, draw
from resnet_demo.training.cards.timings import REPORT, Timing, Timings, count, measure_all, stored_timings
from resnet_demo.utils import markdown
from resnet_demo.utils.json_record import as_json

ROUNDS = 40
BUSY = 0.8  # load average from which on something else must have been running
LIMIT_ALL, LIMIT_FILE = 400, 95  # MB
GFLOPS_PLOT, TIME_PLOT = "accuracy-gflops.svg", "accuracy-milliseconds.svg"


@dataclass(frozen=True)
class Line:
    """What the report says of a checkpoint.

    Attributes:
        entry, config: its line of the index and its ``config.json``.
        parameters: in millions.
        gflops: 10⁹ multiply-adds of one picture of the task's own input size.
        timing: milliseconds of one picture, or None where they were not measured.
    """

    entry: Entry
    config: Config
    parameters: float
    gflops: float
    timing: Timing | None

    @property
    def spec(self) -> TaskSpec:
        return self.config.task

    @property
    def key(self) -> str:
        return f"{self.entry.task}/resnet{self.entry.depth}"


def write_report(measure: bool) -> list[Path]:
    """Write the table, the plots, the timings and, from what is stored, every checkpoint's card.

    Args:
        measure: measure the milliseconds on this machine; False keeps those of ``report.json``.

    Returns:
        The files written.

    Raises:
        UserError: the index or a checkpoint is missing or broken.
    """
    root = checkpoints.weights_folder()
    if measure:
        measured = measure_all(checkpoints.bundled(), ROUNDS)
        (root / REPORT).write_text(json.dumps(as_json(measured), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    files = {root / name: text for name, text in render(root).items()}
    for entry in checkpoints.bundled():
        config = checkpoints.read_config(entry.config.parent)
        if config.steps:
            files[entry.path.parent / checkpoints.CARD] = model_card(config)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return list(files)


def render(root: Path) -> dict[str, str]:
    """Name → text of the README and its plots, from what lies in ``root``."""
    stored = stored_timings(root)
    lines = [describe(entry, stored) for entry in checkpoints.bundled()]
    files = {}
    for name, label, values in (
        (GFLOPS_PLOT, "GFLOPs (10⁹ multiply-adds) an answer, logarithmic", {line.key: line.gflops for line in lines}),
        (
            TIME_PLOT,
            "milliseconds of the network a picture, logarithmic",
            {line.key: line.timing.network for line in lines if line.timing},
        ),
    ):
        if panels := panels_of(lines, values):
            files[name] = draw(panels, label, f"Test accuracy against {label}")
    return {checkpoints.CARD: readme(lines, stored, set(files))} | files


def describe(entry: Entry, timings: Timings) -> Line:
    """Count what a checkpoint costs, and find its timing, if that was of a network of the same cost."""
    config = checkpoints.read_config(entry.config.parent)
    parameters, gflops = count(config)
    timing = timings.checkpoints.get(f"{entry.task}/resnet{entry.depth}")
    if timing and timing.gflops != round(gflops, 3):
        timing = None  # It was trained anew, for pictures of another size.
    return Line(entry, config, parameters, gflops, timing)


AXES = {
    CLASSIFICATION: "top-1 accuracy, %",
    KEYPOINTS: "NME, % (lower is better)",
    REGRESSION: "mean absolute error (lower is better)",
}


def panels_of(lines: list[Line], values: dict[str, float]) -> list[Panel]:
    """A panel for each task with two or more depths; a single point is no curve, and stands in the table."""
    panels = []
    for task in dict.fromkeys(line.entry.task for line in lines):
        own = [line for line in lines if line.entry.task == task and line.key in values and line.entry.metrics]
        if len(own) < 2:
            continue
        kind = own[0].spec.kind
        # Top-5 lies so near to 100 % that a shared axis would flatten top-1; R² has no unit to share.
        one = {CLASSIFICATION: ["top1"], REGRESSION: ["mae"]}
        names = one.get(kind) or list(own[0].entry.metrics)
        series = [
            Series(metric_name(name), tuple(point(line, name, values) for line in own if name in line.entry.metrics))
            for name in names
        ]
        panels.append(Panel(TITLES.get(task, task), AXES[kind], tuple(series)))
    return panels


def point(line: Line, name: str, values: dict[str, float]) -> Point:
    metric = line.entry.metrics[name]
    low, high = (metric.value if end is None else end for end in (metric.low, metric.high))
    return Point(values[line.key], metric.value, low, high, str(line.entry.depth))


COLUMNS = (
    "task",
    "depth",
    "test accuracy (95 % interval)",
    "measured by",
    "parameters, M",
    "GFLOPs (input)",
    "ms network",
    "ms whole",
    "MB",
    "trained",
)


def table_row(line: Line) -> str:
    """A checkpoint's row under ``COLUMNS``."""
    entry = line.entry
    metrics = "<br>".join(metric_in_words(name, metric) for name, metric in entry.metrics.items())
    network, whole = (f"{line.timing.network:.1f}", f"{line.timing.whole:.1f}") if line.timing else ("–", "–")
    card = (entry.path.parent / checkpoints.CARD).relative_to(checkpoints.weights_folder()).as_posix()
    cells = [
        entry.task,
        str(entry.depth),
        metrics,
        f"`{measured_by(line.config).line}`",
        f"{line.parameters:.2f}",
        f"{line.gflops:.2f} ({line.spec.size}²)",
        network,
        whole,
        f"{(entry.bytes or 0) / 1e6:.1f}",
        f"[{history_line(line.config).replace('`', '') or 'card'}]({card})",
    ]
    return markdown.row(cells)


def metric_in_words(name: str, metric: Metric) -> str:
    form, unit = form_of(name)
    interval = "" if metric.low is None else f" ({metric.low:{form}} to {metric.high:{form}})"
    missed = f", {metric.missed:.0f} missed" if metric.missed else ""
    return f"{metric_name(name)} {metric.value:{form}}{unit}{interval}, n = {metric.n or 0:,.0f}{missed}"


def readme(lines: list[Line], stored: Timings, plots: set[str]) -> str:
    """The text of ``weights/README.md``."""
    sizes = [line.entry.bytes or 0 for line in lines]  # without the trunks, which are others' files
    total, largest = sum(sizes) / 1e6, max(sizes, default=0) / 1e6
    parts = [
        "# The bundled weights",
        "Made by `python -m resnet_demo report`, which measures the milliseconds and counts everything else anew "
        "(`--no-timing` keeps the milliseconds).",
        "\n".join([markdown.head(COLUMNS), *map(table_row, lines)]),
        f"The weights files have {total:.1f} MB together (limit {LIMIT_ALL} MB), the largest one {largest:.1f} MB "
        f"(limit {LIMIT_FILE} MB): 8-bit integers with a scale for each output channel. Accuracy is that of these "
        f"files, on test pictures that training never saw{exceptions(lines)}. GFLOPs are 10⁹ multiply-adds of an "
        "answer, for pictures of the size in brackets; where it looks at the mirror image too, of both.",
    ]
    if stored.checkpoints:
        parts.append(
            f"Milliseconds of one picture at a time on {stored.cpu} with {stored.threads} threads "
            f"({stored.backend}), medians of {stored.rounds} rounds in which the checkpoints took turns: "
            "`network` is the forward pass of an answer or a face, `whole` is file in, answer out (with decoding and, "
            "for faces, the detector)."
        )
        if stored.load >= BUSY:
            parts.append(
                f"**The machine was busy with other work meanwhile (load average {stored.load:.1f}), so all "
                "milliseconds are too long**: run the command again when it is idle."
            )
    about = {
        GFLOPS_PLOT: "Test accuracy against GFLOPs, a point for each depth, with 95 % intervals",
        TIME_PLOT: "Test accuracy against milliseconds, a point for each depth, with 95 % intervals",
    }
    shown = [f"![{words}]({name})" for name, words in about.items() if name in plots]
    if shown:
        parts.append("## Accuracy and cost\nBars are 95 % intervals; curves of one panel are set a little apart.")
        parts += shown
    parts.append("## Licences of the data\n" + "\n".join(data_licences([line.config for line in lines])))
    return "\n\n".join(parts) + "\n"


def exceptions(lines: list[Line]) -> str:
    """Which checkpoints were measured on other pictures, as the end of a sentence."""
    others = list(dict.fromkeys(f"`{line.entry.task}`" for line in lines if line.config.measured))
    return f" (but for {' and '.join(others)}: see the card)" if others else ""


def data_licences(configs: Sequence[Config]) -> list[str]:
    """A line for each task's pictures, and one for what the ImageNet weights come from."""
    rows = []
    for task in dict.fromkeys(config.task.name for config in configs):
        data = BUNDLED[task].data if task in BUNDLED else OWN_DATA
        rows.append(f"- `{task}`: {data.about}. {data.licence}".rstrip())
    if any("imagenet" in step.line for config in configs for step in config.steps):
        rows.append(
            "- The ImageNet ResNet-50 that training began with or was distilled from is that of Keras Applications, "
            "out of an npm package (ISC); ImageNet's pictures are for non-commercial research."
        )
    return rows
