"""The model card of a checkpoint (https://huggingface.co/docs/hub/model-cards), all out of its ``config.json``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from resnet_demo.tasks import TITLES, TaskSpec
from resnet_demo.training.card_calibration import calibration_part
from resnet_demo.training.gathered import OTHER
from resnet_demo.training.grow import inserted_blocks
from resnet_demo.training.metadata import front_matter, metadata

DATA = {
    "flowers102": {
        "about": "Oxford 102 Flowers (Nilsback and Zisserman 2008), the official split: 1,020 / 1,020 / 6,149 pictures",
        "licence": "The pictures are for research; the weights are given for the same use.",
        "limits": "It knows 102 flowers common in Britain and nothing else: every photo gets one of these names, also "
        "one that shows no flower. Tulips and many other garden flowers are not among them.",
        "metadata": "nelorth/oxford-flowers",
    },
    "flowers5": {
        "about": "daisy, dandelion, rose, sunflower, tulip (the Kaggle set of photos from Flickr, Google and Yandex), "
        "near-duplicates removed: 2,561 / 427 / 640 pictures",
        "licence": "The pictures have no stated licence and belong to their photographers; the weights are given for "
        "research.",
        "limits": "It knows five flowers and nothing else: every photo gets one of these names, also one that shows "
        "another flower or none. The photos were found by search words, so the test split is as easy or hard as such "
        "photos are.",
        "metadata": None,
    },
    "faces68": {
        "about": "68 iBUG landmarks: 300-W's LFPW and HELEN training pictures (1,675) and frames of the YouTube Faces "
        "set from Udacity's facial keypoints project, split by person (2,714 / 353 / 673); 300-W's AFW (337) is only "
        "tested on",
        "licence": "300-W and YouTube Faces are for research; the weights are given for the same use.",
        "limits": "Profiles, small faces and covered faces are less exact than the figures say. The "
        "jaw line of Udacity's frames follows another convention than 300-W's, which the error on them contains. The "
        "training faces are mostly of adult celebrities; no figure by age, sex or skin tone was measured. Not for "
        "telling who somebody is.",
        "metadata": None,
    },
    "imagenet1k": {
        "about": "ImageNet-1k (ILSVRC 2012, Russakovsky et al. 2015): 1,281,167 training pictures of 1,000 classes",
        "licence": "ImageNet's pictures are for non-commercial research; the weights are given for the same use.",
        "limits": "It knows 1,000 classes, 118 of them breeds of dogs, and nothing else: every photo gets one of their "
        "names, also one that shows none of them. Few classes are for people (ballplayer, groom, scuba diver) or "
        "flowers (daisy, rapeseed, yellow lady's slipper). ImageNet's photos were found by search words, mostly show "
        "one thing in the middle, and lean towards what North America and Europe put online; some of its labels are "
        "wrong, and some classes (sunglass and sunglasses, the two kinds of maillot) can hardly be told apart.",
        "metadata": "imagenet-1k",
    },
}
OWN_DATA = {"about": "the user's own pictures", "licence": "", "limits": "", "metadata": None}
IMAGENET = "ImageNet ResNet-50"
KERAS = f"{IMAGENET} of Keras Applications (`python -m resnet_demo convert`)"
TINY_IMAGENET = (
    "Tiny ImageNet's 100,000 training pictures (64 × 64 pixels, from the public repository seshuad/IMagenet; "
    "ImageNet's pictures are for non-commercial research)"
)
AS_IT_IS = ("convert", "bundle")  # commands that change how weights are stored, not what they compute
METRIC_NAMES = {"top1": "top-1 accuracy", "top5": "top-5 accuracy", "nme": "NME"}
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


@dataclass(frozen=True)
class Step:
    """One command of a checkpoint's history.

    Attributes:
        verb: train, distill, grow …
        recipe: the recipe's name, or an empty string.
        options: option → its values, such as ``{"--depth": ["50"]}``.
    """

    verb: str
    recipe: str
    options: dict[str, list[str]]

    def option(self, name: str, default: str = "") -> str:
        return (self.options.get(name) or [default])[0]

    @property
    def depth(self) -> int:
        return int(self.option("--depth", "50"))


def read_command(command: str) -> Step:
    """A line of ``config.json``'s ``commands`` → its parts."""
    words = shlex.split(command)
    words = words[words.index("resnet_demo") + 1 :]
    options: dict[str, list[str]] = {"": []}
    last = ""
    for word in words[1:]:
        if word.startswith("--"):
            last, equals, value = word.partition("=")
            options[last] = [value] if equals else []
        else:
            options[last].append(word)
    recipe = PurePosixPath(options.pop("")[0]).stem if options[""] else ""
    return Step(words[0], recipe, options)


def first_weights(step: Step) -> str:
    """What the first command of a history started from, in a few words."""
    init = step.option("--init", "imagenet")
    if init == "fit":
        return "layers fitted to the teacher's by least squares (`training/fit.py`)"
    if init == "scratch":
        return "random weights and the teacher's stem" if step.verb == "distill" else "random weights"
    return {"imagenet": IMAGENET, "hub": f"timm/resnet{step.depth}.tv_in1k of the Hub"}.get(init, f"`{init}`")


def teacher_name(step: Step) -> str:
    teacher = step.option("--teacher")
    return IMAGENET if teacher == "imagenet" else f"`{teacher}`"


def history_line(config: dict) -> str:
    """How a checkpoint was made, in one line: what came first → each command's part."""
    steps = [read_command(command) for command in config.get("commands", [])]
    parts = [first_weights(steps[0])] if steps else []
    for step in steps:
        if step.verb in AS_IT_IS:
            continue
        if step.verb == "grow":
            parts.append(f"grown to {step.depth}")
        elif step.verb == "distill":
            parts.append(f"{step.recipe} (teacher: {teacher_name(step)})")
        else:
            parts.append(step.recipe or step.verb)
    return " → ".join(parts)


def history(config: dict) -> list[str]:
    """How a checkpoint was made, a sentence for what it began with and one for each command."""
    steps = [read_command(command) for command in config.get("commands", [])]
    gathered = dict(config.get("gathered", {}))
    if not steps:
        return []
    start = first_weights(steps[0]).replace(IMAGENET, f"the {KERAS}")
    sentences = [f"It began with {start}."]
    for before, step in zip([None, *steps], steps, strict=False):
        recipe = f"the recipe `{step.recipe}`" if step.recipe else "its settings below"
        if step.verb == "bundle":
            sentences.append("Stored as 8-bit integers, not trained further.")
        elif step.verb in AS_IT_IS:
            continue
        elif step.verb == "grow":
            source = step.option("--from")
            sentences.append(f"Grown to ResNet-{step.depth} from the checkpoint `{source}`{grown(before, step)}.")
        elif step.verb == "distill":
            teacher = teacher_name(step).replace(IMAGENET, f"the {KERAS}")
            further = pictures_in_words(step, gathered) + labelled_in_words(step, gathered)
            sentences.append(f"Distilled with {recipe} from {teacher}{further}.")
        else:
            sentences.append(f"Trained with {recipe}{labelled_in_words(step, gathered)}.")
        # Where they are from is said once.
        for source in step.options.get("--pictures", []) + step.options.get("--labelled", []):
            gathered.pop(source, None)
    return sentences


def grown(before: Step | None, step: Step) -> str:
    """Where growing inserted blocks, as the end of a sentence; the depth before is the last command's."""
    if before is None:
        return ""
    places = [
        f"{stage} {positions_in_words(positions)}"
        for stage, positions in inserted_blocks(before.depth, step.depth).items()
        if positions
    ]
    return (
        f", a ResNet-{before.depth}, as the same function: inserted are the blocks {'; '.join(places)} (counted from "
        "0), each an identity because the scale of its last batch norm starts at zero"
    )


def positions_in_words(positions: Sequence[int]) -> str:
    """[1, 2, 4] → ``1–2, 4``."""
    runs = [[positions[0]]]
    for last, position in pairwise(positions):
        if position == last + 1:
            runs[-1].append(position)
        else:
            runs.append([position])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def pictures_in_words(step: Step, gathered: dict[str, dict]) -> str:
    """Which further pictures a distillation saw, as the end of a sentence.

    Args:
        gathered: folder → record of what ``gather`` put there.
    """
    words = []
    for source in step.options.get("--pictures", []):
        if source in DATA:
            words.append(f"the train and val parts of {source}")
        elif re.search("imagenet", source, re.IGNORECASE):
            words.append(TINY_IMAGENET)
        elif source in gathered:
            record = gathered[source]
            words.append(f"{record['pictures']:,} photos, {of_gathered(source, record)}")
        else:
            words.append(f"those in `{source}`")
    return f", on further pictures without labels: {'; '.join(words)}" if words else ""


def labelled_in_words(step: Step, gathered: dict[str, dict]) -> str:
    """Which further pictures with labels a training saw, as the end of a sentence; see ``pictures_in_words``."""
    source = step.option("--labelled")
    if not source:
        return ""
    if source not in gathered:
        return f", with the labels too of the pictures in `{source}`"
    record = gathered[source]
    classes = ", ".join(f"{name} {count:,}" for name, count in record["by class"].items() if name != OTHER)
    if source in step.options.get("--pictures", []):
        return f"; with labels those in folders that were named as the classes ({classes})"
    return f", with the labels too of those in folders named as the classes ({classes}), {of_gathered(source, record)}"


def of_gathered(source: str, record: dict) -> str:
    """Where what ``gather`` put into a folder came from."""
    names = [name.replace("+", "/", 1) for name in record["by source"]]
    return (
        f"which `python -m resnet_demo gather` put into `{source}` out of the {len(names)} public repositories "
        f"{', '.join(names)} (of {record['files']:,} files {record['near known']:,} were like a picture of "
        f"{' or '.join(record['apart'])}, in any split, and {record['near one another']:,} like one another: left out; "
        "most repositories state no licence, and the photos were only trained on)"
    )


def measured_by(config: dict) -> str:
    """The command that measures a bundled checkpoint; pictures of one's own are where they were in training."""
    words = ["evaluate", config["task"]["name"], "--depth", str(config["depth"])]
    if "measured" in config:
        return f"python -m resnet_demo {shlex.join([*words, '--data', config['measured']['data']])}"
    words += ["--split", "test"]
    if "own" in config:
        words += ["--data", read_command(config["commands"][-1]).option("--data")]
    return f"python -m resnet_demo {shlex.join(words)}"


def bundle_command(commands: Sequence[str]) -> list[str]:
    """The command that bundled what ``commands`` made; none where they name no folder."""
    last = read_command(commands[-1])
    out = last.option("--out")
    if not out:
        return []
    # Pictures of one's own are measured and bundled by ``train`` itself.
    if last.option("--name"):
        return []
    folder = out if last.verb == "grow" else f"{out}/checkpoint"
    return [shlex.join(["python", "-m", "resnet_demo", "bundle", folder])]


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


def own_data(config: dict) -> dict:
    """What ``DATA`` says of the others, for the user's own pictures: how many, how split, and what that means."""
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
    return {"about": about, "licence": "", "limits": limits, "metadata": None}


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


def card_metadata(config: dict) -> dict:
    """The head of a checkpoint's card as a record, see ``metadata``.

    ``base_model`` names weights that are on the Hub; the ImageNet ResNet-50 of Keras Applications is not.
    """
    spec = TaskSpec.from_json(config["task"])
    steps = [read_command(command) for command in config.get("commands", [])]
    inits = [step.option("--init", "imagenet") for step in steps if step.verb in ("train", "distill")]
    bases = [first_weights(step) for step in steps if step.option("--init") == "hub"]
    bases = [base.removesuffix(" of the Hub") for base in dict.fromkeys(bases)]
    datasets = [(DATA.get(spec.name) or OWN_DATA)["metadata"]]
    if {"imagenet", "hub"} & set(inits) or any(step.option("--teacher") == "imagenet" for step in steps):
        datasets.append(DATA["imagenet1k"]["metadata"])
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
    data = DATA.get(spec.name) or own_data(config)
    commands = "\n".join([*config["commands"], *bundle_command(config["commands"])])
    if config.get("teacher_commands"):
        teacher = "\n".join(config["teacher_commands"])
        commands = f"# the teacher, {config['teacher']}\n{teacher}\n# the student\n{commands}"
    settings = "\n".join(f"| `{key}` | `{value}` |" for key, value in config.get("recipe", {}).items())
    if settings:
        settings = f"\n\nSettings of the last command:\n\n| setting | value |\n| --- | --- |\n{settings}"
    steps = "\n".join(f"{number}. {sentence}" for number, sentence in enumerate(history(config), 1))
    parts = [
        front_matter(card_metadata(config)),
        f"# ResNet-{depth}: {TITLES.get(spec.name, spec.name)}",
        f"Task `{spec.name}`, input {spec.size} × {spec.size} pixels, stored as 8-bit integers per output channel.",
        f"**Data**: {data['about']}. {data['licence']}".rstrip(),
        f"## Start\n{steps}",
        *accuracy(config),
        *calibration_part(config),
        *ranges_part(config),
        f"## {'Training' if settings else 'Commands'}\n\n```sh\n{commands}\n```{settings}",
    ]
    if data["limits"]:
        parts.append(f"## Limits\n{data['limits']}")
    return "\n\n".join(parts) + "\n"
