"""The model card of a checkpoint (https://huggingface.co/docs/hub/model-cards), all out of its ``config.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from resnet_demo.checkpoints import Config, Metric
from resnet_demo.checkpoints.records import OwnData, WorstClass
from resnet_demo.checkpoints.steps import Step
from resnet_demo.tasks import BUNDLED, REGRESSION, TITLES, TaskSpec
from resnet_demo.tasks.bundled import OWN_DATA, DataSet
from resnet_demo.training.cards.calibration import calibration_part
from resnet_demo.training.cards.history import bundle_step, first_weights, gathering, history
from resnet_demo.training.cards.metadata import Head, front_matter, metadata

METRIC_NAMES = {
    "top1": "top-1 accuracy",
    "top5": "top-5 accuracy",
    "flagged": "flagged as unknown",
    "nme": "NME",
    "mae": "mean absolute error",
    "r2": "R²",
}
NUMBERS = ("mae", "r2")  # metrics that are no percentages
NAMED_CLASSES = 20
MIRRORED = (
    " Here an answer is the mean of the logits of a picture and of its mirror image; an exported network sees the "
    "picture alone."
)


def metric_name(key: str) -> str:
    """``nme_afw`` → ``NME, afw``."""
    return METRIC_NAMES.get(key) or f"NME, {key.removeprefix('nme_')}"


def form_of(key: str) -> tuple[str, str]:
    """How a metric's value is written, and its unit: percent, but for those of numbers."""
    return ("g", "") if key in NUMBERS else (".2f", " %")


TABLE_HEAD = """\
| task | depth | metric | value | 95 % interval | pictures | missed |
| --- | --- | --- | --- | --- | --- | --- |"""


def table_rows(task: str, depth: int, metrics: Mapping[str, Metric]) -> str:
    """Markdown rows, under ``TABLE_HEAD``, of metrics with sample sizes and 95 % intervals."""
    lines = []
    for key, metric in metrics.items():
        missed = "–" if metric.missed is None else f"{metric.missed:.0f}"
        form, unit = form_of(key)
        interval = "–" if metric.low is None else f"{metric.low:{form}} to {metric.high:{form}}{unit}"
        value = f"{metric.value:{form}}{unit} | {interval} | {metric.n or 0:,.0f} | {missed}"
        lines.append(f"| {task} | {depth} | {metric_name(key)} | {value} |")
    return "\n".join(lines)


def measured_by(config: Config) -> Step:
    """The command that measures a bundled checkpoint; pictures of one's own are where they were in training."""
    options = {"--depth": [str(config.depth)]}
    if config.measured:
        options["--data"] = [config.measured.data]
    else:
        options["--split"] = ["test"]
        if config.is_own and config.steps and (data := config.steps[-1].option("--data")):
            options["--data"] = [data]
    return Step("evaluate", (config.task.name,), options)


def accuracy(config: Config) -> list[str]:
    """Paragraphs with the metrics, the command that gives them, and which classes are mistaken for which."""
    metrics, measured = config.metrics, config.measured
    pictures = measured.on if measured else "pictures that it was not trained on (split `test`)"
    parts = [
        f"## Accuracy\nOf the stored 8-bit file, on {pictures}, by\n\n```sh\n{measured_by(config).line}\n```\n\n"
        f"{TABLE_HEAD}\n{table_rows(config.task.name, config.depth, metrics)}"
    ]
    if measured:
        parts.append(measured.caution)
    if config.confusions:
        rows = "\n".join(f"| {row.label} | {row.taken_for} | {row.times} |" for row in config.confusions)
        parts.append(f"Most frequent mistakes:\n\n| is | taken for | times |\n| --- | --- | --- |\n{rows}")
    if config.worst:
        parts.append(f"Least accurate classes:\n\n{worst_table(config.worst)}")
    if config.is_own and any(key.startswith("nme") for key in metrics):
        parts.append(own_measure(config.task.points))
    elif any(key.startswith("nme") for key in metrics):
        parts.append(
            "NME: mean distance of the 68 points to the truth over the distance of the outer eye corners, end to end "
            "with the shipped face detector; `missed` counts pictures in which the annotated face was not found."
        )
    return parts


def own_measure(points: int) -> str:
    """What NME means for keypoints of one's own."""
    over = "the distance of points 36 and 45" if points == 68 else "the larger side of the box round the true points"
    over = "the longer side of the picture" if points == 1 else over
    return f"NME: mean distance of the points to the truth over {over}. Points whose truth is unknown do not count."


def data_of(config: Config) -> DataSet:
    """What is said of a checkpoint's data."""
    if task := BUNDLED.get(config.task.name):
        return task.data
    return own_data(config.own, config.task) if config.own else OWN_DATA


def own_data(own: OwnData, spec: TaskSpec) -> DataSet:
    """The same for the user's own pictures: how many, how split, and what that means."""
    counts = own.counts
    about = f"the user's own pictures, {counts['train']} / {counts['val']} / {counts['test']} for train, val and test, "
    about += f"split {own.split}; scaled down to a short side of 256 pixels where they were larger"
    if own.skipped:
        about += f"; {own.skipped} more could not be read or used"
    if own.copies:
        about += f"; {own.copies} that copy one of the test pictures were left out of train and val"
    if classes := own.classes:
        named = [f"{name} {' / '.join(map(str, parts))}" for name, parts in list(classes.items())[:NAMED_CLASSES]]
        rest = f" and {len(classes) - len(named)} more" if len(classes) > len(named) else ""
        about += f". Of each class: {', '.join(named)}{rest}"
        limits = f"It knows these {len(classes)} classes and nothing else: every photo gets one of their names, also "
        limits += "one that shows none of them."
    elif spec.kind == REGRESSION:
        limits = "It gives a number for every picture, also for one that shows nothing of the kind, and numbers beyond "
        limits += "those that it learnt from are guesses."
    else:
        limits = f"It marks {spec.points} points in every picture, also where it shows nothing of the kind. They are "
        limits += "looked for in the whole upright picture, which should show one thing of about the same size."
    limits += " Pictures that are nearly alike, such as frames of one film, may lie on both sides of the split; the "
    limits += "accuracy is then too good."
    return DataSet(about, limits=limits)


def worst_table(worst: Sequence[WorstClass]) -> str:
    """A table; older records do not say what the classes were taken for."""
    if any(row.mistaken is None for row in worst):
        rows = "\n".join(f"| {row.label} | {row.right} of {row.shown} |" for row in worst)
        return f"| class | right |\n| --- | --- |\n{rows}"
    lines = ["| class | right | taken for (times) |", "| --- | --- | --- |"]
    for row in worst:
        words = ", ".join(f"{found} ({times})" for found, times in row.mistaken or ())
        lines.append(f"| {row.label} | {row.right} of {row.shown} | {words or '–'} |")
    return "\n".join(lines)


def ranges_part(config: Config) -> list[str]:
    """How CPUs compute it in 8 bits; nothing where its ranges were not measured."""
    record = config.ranges
    if not record:
        return []
    other = bool(Step.from_json(record.command).values("--pictures"))
    return [
        "## 8-bit arithmetic\n"
        "On CPUs with instructions for it (AVX-512 VNNI, AVX-VNNI, AMX, AVX2) the stored integers are used as they "
        "are, and the inputs of the convolutions are rounded to 255 steps, up to the largest value that each took on "
        f"{record.pictures:,} {'other' if other else 'training'} pictures:\n\n```sh\n{record.command}\n```"
    ]


def blocks_part(config: Config) -> list[str]:
    """How many of its blocks do anything; nothing where that was not measured."""
    found = config.lesions
    if not found or not found.changes:
        return []
    said = (
        f"Leaving out one block changes the outputs by at least 1 % of their spread for {found.working} of "
        f"{len(found.changes)} blocks, measured on {found.pictures:,} pictures."
    )
    if found.idle:
        said += (
            f" Without any one of the others ({', '.join(f'`{block}`' for block in found.idle)}) it gives practically "
            "the same answers: they were inserted as identities and have hardly learned. **So this network is deeper "
            "in name than in what it computes.**"
        )
    return [f"## Blocks that work\n{said}\n\n```sh\n{found.command}\n```"]


def trunk_in_words(config: Config) -> str:
    """That the file has the head alone, as a sentence after others; empty where it has the whole network."""
    if not config.trunk:
        return ""
    task, depth = PurePosixPath(config.trunk.file).parts[-3:-1]
    return (
        f" Its file has the head alone ({config.weights.bytes:,} bytes): up to there the network is that of `{task}`, "
        f"whose file (`{task}/{depth}`) it needs beside it."
    )


def hub_datasets(config: Config) -> list[str]:
    """Names on the Hub of the data sets that it was trained on, ImageNet among them where its start was."""
    inits = [step.option("--init", "imagenet") for step in config.steps if step.verb in ("train", "distill")]
    datasets = [data_of(config).hub]
    if {"imagenet", "hub"} & set(inits) or any(step.option("--teacher") == "imagenet" for step in config.steps):
        datasets.append(BUNDLED["imagenet1k"].data.hub)
    return list(dict.fromkeys(filter(None, datasets)))


def card_metadata(config: Config) -> Head:
    """The head of a checkpoint's card as a record, see ``metadata``.

    ``base_model`` names weights that are on the Hub; the ImageNet ResNet-50 of Keras Applications is not.
    """
    bases = [first_weights(step) for step in config.steps if step.option("--init") == "hub"]
    bases = [base.removesuffix(" of the Hub") for base in dict.fromkeys(bases)]
    datasets = hub_datasets(config)
    # Whatever the start was trained on, the test pictures are the task's own.
    return metadata(config, datasets, bases, data_of(config).hub or config.task.name)


def commands_of(config: Config) -> str:
    """All commands that make the checkpoint again, a line each, with what goes before them."""
    steps = [*config.steps, *bundle_step(config.steps[-1])]
    commands = "\n".join(step.line for step in steps)
    if config.teacher_steps:
        teacher = "\n".join(step.line for step in config.teacher_steps)
        commands = f"# the teacher, {config.teacher}\n{teacher}\n# the student\n{commands}"
    if photos := "\n".join(gathering(config)):
        commands = f"# further photos\n{photos}\n# the network\n{commands}"
    return commands


def model_card(config: Config) -> str:
    """The whole card: metadata, start, data, commands, metrics, confusions and limits.

    Args:
        config: of a checkpoint whose ``steps`` and ``metrics`` are known.
    """
    spec, data = config.task, data_of(config)
    settings = "\n".join(f"| `{key}` | `{value}` |" for key, value in config.recipe.items())
    if settings:
        settings = f"\n\nSettings of the last command:\n\n| setting | value |\n| --- | --- |\n{settings}"
    steps = "\n".join(f"{number}. {sentence}" for number, sentence in enumerate(history(config), 1))
    parts = [
        front_matter(card_metadata(config)),
        f"# {config.architecture.title}: {TITLES.get(spec.name, spec.name)}",
        f"Task `{spec.name}`, input {spec.size} × {spec.size} pixels, stored as 8-bit integers per output channel."
        + MIRRORED * spec.mirrored
        + trunk_in_words(config),
        f"**Data**: {data.about}. {data.licence}".rstrip(),
        f"## Start\n{steps}",
        *accuracy(config),
        *calibration_part(config),
        *ranges_part(config),
        *blocks_part(config),
        f"## {'Training' if settings else 'Commands'}\n\n```sh\n{commands_of(config)}\n```{settings}",
    ]
    if data.limits:
        parts.append(f"## Limits\n{data.limits}")
    return "\n\n".join(parts) + "\n"
