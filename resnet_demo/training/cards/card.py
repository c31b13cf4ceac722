"""The model card of a checkpoint (https://huggingface.co/docs/hub/model-cards), all out of its ``config.json``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from resnet_demo.checkpoints import lesions
from resnet_demo.tasks import BUNDLED, TITLES, TaskSpec
from resnet_demo.tasks.bundled import OWN_DATA, DataSet
from resnet_demo.training.cards.calibration import calibration_part
from resnet_demo.training.cards.history import bundle_command, first_weights, gathering, history, read_command
from resnet_demo.training.cards.metadata import front_matter, metadata

METRIC_NAMES = {"top1": "top-1 accuracy", "top5": "top-5 accuracy", "flagged": "flagged as unknown", "nme": "NME"}
NAMED_CLASSES = 20


def metric_name(key: str) -> str:
    """``nme_afw`` → ``NME, afw``."""
    return METRIC_NAMES.get(key) or f"NME, {key.removeprefix('nme_')}"


TABLE_HEAD = """\
| task | depth | metric | value | 95 % interval | pictures | missed |
| --- | --- | --- | --- | --- | --- | --- |"""


def table_rows(task: str, depth: int, metrics: dict[str, dict[str, float]]) -> str:
    """Markdown rows, under ``TABLE_HEAD``, of metrics with sample sizes and 95 % intervals."""
    lines = []
    for key, record in metrics.items():
        missed = f"{record['missed']:.0f}" if "missed" in record else "–"
        interval = f"{record['low']:.2f} to {record['high']:.2f} %" if "low" in record else "–"
        value = f"{record['value']:.2f} % | {interval} | {record['n']:,.0f} | {missed}"
        lines.append(f"| {task} | {depth} | {metric_name(key)} | {value} |")
    return "\n".join(lines)


def measured_by(config: dict) -> str:
    """The command that measures a bundled checkpoint; pictures of one's own are where they were in training."""
    words = ["evaluate", config["task"]["name"], "--depth", str(config["depth"])]
    if "measured" in config:
        return f"python -m resnet_demo {shlex.join([*words, '--data', config['measured']['data']])}"
    words += ["--split", "test"]
    if "own" in config:
        words += ["--data", read_command(config["commands"][-1]).option("--data")]
    return f"python -m resnet_demo {shlex.join(words)}"


def accuracy(config: dict) -> list[str]:
    """Paragraphs with the metrics, the command that gives them, and which classes are mistaken for which."""
    task, depth, metrics = config["task"]["name"], config["depth"], config["metrics"]
    pictures = config.get("measured", {}).get("on", "pictures that it was not trained on (split `test`)")
    parts = [
        f"## Accuracy\nOf the stored 8-bit file, on {pictures}, by\n\n"
        f"```sh\n{measured_by(config)}\n```\n\n{TABLE_HEAD}\n{table_rows(task, depth, metrics)}"
    ]
    if "measured" in config:
        parts.append(config["measured"]["caution"])
    if config.get("confusions"):
        rows = "\n".join(f"| {true} | {found} | {count} |" for true, found, count in config["confusions"])
        parts.append(f"Most frequent mistakes:\n\n| is | taken for | times |\n| --- | --- | --- |\n{rows}")
    if config.get("worst"):
        parts.append(f"Least accurate classes:\n\n{worst_table(config['worst'])}")
    if "own" in config and any(key.startswith("nme") for key in metrics):
        parts.append(own_measure(config["task"]["points"]))
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


def data_of(config: dict) -> DataSet:
    """What is said of a checkpoint's data."""
    task = BUNDLED.get(config["task"]["name"])
    return task.data if task else own_data(config)


def own_data(config: dict) -> DataSet:
    """The same for the user's own pictures: how many, how split, and what that means."""
    own, spec = config.get("own"), TaskSpec.from_json(config["task"])
    if not own:
        return OWN_DATA
    counts = own["counts"]
    about = f"the user's own pictures, {counts['train']} / {counts['val']} / {counts['test']} for train, val and test, "
    about += f"split {own['split']}; scaled down to a short side of 256 pixels where they were larger"
    if own["skipped"]:
        about += f"; {own['skipped']} more could not be read or used"
    if classes := own["classes"]:
        named = [f"{name} {' / '.join(map(str, parts))}" for name, parts in list(classes.items())[:NAMED_CLASSES]]
        rest = f" and {len(classes) - len(named)} more" if len(classes) > len(named) else ""
        about += f". Of each class: {', '.join(named)}{rest}"
        limits = f"It knows these {len(classes)} classes and nothing else: every photo gets one of their names, also "
        limits += "one that shows none of them."
    else:
        limits = f"It marks {spec.points} points in every picture, also where it shows nothing of the kind. They are "
        limits += "looked for in the whole upright picture, which should show one thing of about the same size."
    limits += " Pictures that are nearly alike, such as frames of one film, may lie on both sides of the split; the "
    limits += "accuracy is then too good."
    return DataSet(about, limits=limits)


def worst_table(worst: Sequence[Sequence]) -> str:
    """Rows (class, right, shown[, [(taken for, times), …]]) → a table; older records have no last part."""
    if any(len(row) == 3 for row in worst):
        rows = "\n".join(f"| {row[0]} | {row[1]} of {row[2]} |" for row in worst)
        return f"| class | right |\n| --- | --- |\n{rows}"
    lines = ["| class | right | taken for (times) |", "| --- | --- | --- |"]
    for name, right, shown, mistaken in worst:
        words = ", ".join(f"{found} ({times})" for found, times in mistaken)
        lines.append(f"| {name} | {right} of {shown} | {words or '–'} |")
    return "\n".join(lines)


def ranges_part(config: dict) -> list[str]:
    """How CPUs compute it in 8 bits; nothing where its ranges were not measured."""
    record = config.get("ranges")
    if not record:
        return []
    return [
        "## 8-bit arithmetic\n"
        "On CPUs with instructions for it (AVX-512 VNNI, AVX-VNNI, AMX) the stored integers are used as they are, and "
        "the inputs of the convolutions are rounded to 256 steps, up to the largest value that each took on "
        f"{record['pictures']:,} {'other' if '--pictures' in record['command'] else 'training'} pictures:\n\n"
        f"```sh\n{record['command']}\n```"
    ]


def blocks_part(config: dict) -> list[str]:
    """How many of its blocks do anything; nothing where that was not measured."""
    found = lesions.changes(config)
    if not found:
        return []
    idle, record = lesions.idle(found), config["lesions"]
    said = (
        f"Leaving out one block changes the outputs by at least 1 % of their spread for {len(found) - len(idle)} of "
        f"{len(found)} blocks, measured on {record['pictures']:,} pictures."
    )
    if idle:
        said += (
            f" Without any one of the others ({', '.join(f'`{block}`' for block in idle)}) it gives practically the "
            "same answers: they were inserted as identities and have hardly learned. **So this network is deeper in "
            "name than in what it computes.**"
        )
    return [f"## Blocks that work\n{said}\n\n```sh\n{record['command']}\n```"]


def card_metadata(config: dict) -> dict:
    """The head of a checkpoint's card as a record, see ``metadata``.

    ``base_model`` names weights that are on the Hub; the ImageNet ResNet-50 of Keras Applications is not.
    """
    steps = [read_command(command) for command in config.get("commands", [])]
    inits = [step.option("--init", "imagenet") for step in steps if step.verb in ("train", "distill")]
    bases = [first_weights(step) for step in steps if step.option("--init") == "hub"]
    bases = [base.removesuffix(" of the Hub") for base in dict.fromkeys(bases)]
    datasets = [data_of(config).hub]
    if {"imagenet", "hub"} & set(inits) or any(step.option("--teacher") == "imagenet" for step in steps):
        datasets.append(BUNDLED["imagenet1k"].data.hub)
    known = list(dict.fromkeys(filter(None, datasets)))
    return metadata(config, known, bases)


def model_card(config: dict) -> str:
    """The whole card: metadata, start, data, commands, metrics, confusions and limits.

    Args:
        config: a checkpoint's ``config.json``, with ``commands`` and ``metrics``; where it has them, ``recipe``, and
            ``confusions`` and ``worst`` as in ``evaluation.Evaluation``; ``measured`` says ``on`` which pictures, with
            which ``data`` folder and ``caution``, where that is no split of ours.
    """
    spec, depth = TaskSpec.from_json(config["task"]), config["depth"]
    data = data_of(config)
    commands = "\n".join([*config["commands"], *bundle_command(config["commands"])])
    if config.get("teacher_commands"):
        teacher = "\n".join(config["teacher_commands"])
        commands = f"# the teacher, {config['teacher']}\n{teacher}\n# the student\n{commands}"
    if photos := "\n".join(gathering(config)):
        commands = f"# further photos\n{photos}\n# the network\n{commands}"
    settings = "\n".join(f"| `{key}` | `{value}` |" for key, value in config.get("recipe", {}).items())
    if settings:
        settings = f"\n\nSettings of the last command:\n\n| setting | value |\n| --- | --- |\n{settings}"
    steps = "\n".join(f"{number}. {sentence}" for number, sentence in enumerate(history(config), 1))
    parts = [
        front_matter(card_metadata(config)),
        f"# ResNet-{depth}: {TITLES.get(spec.name, spec.name)}",
        f"Task `{spec.name}`, input {spec.size} × {spec.size} pixels, stored as 8-bit integers per output channel.",
        f"**Data**: {data.about}. {data.licence}".rstrip(),
        f"## Start\n{steps}",
        *accuracy(config),
        *calibration_part(config),
        *ranges_part(config),
        *blocks_part(config),
        f"## {'Training' if settings else 'Commands'}\n\n```sh\n{commands}\n```{settings}",
    ]
    if data.limits:
        parts.append(f"## Limits\n{data.limits}")
    return "\n\n".join(parts) + "\n"
