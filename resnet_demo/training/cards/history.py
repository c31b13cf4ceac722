"""How a checkpoint came about, in words, from the commands that its ``config.json`` keeps."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from resnet_demo.tasks import BUNDLED
from resnet_demo.training.data.gather_record import OTHER
from resnet_demo.training.networks.grow import inserted_blocks

IMAGENET = "ImageNet ResNet-50"


KERAS = f"{IMAGENET} of Keras Applications (`python -m resnet_demo convert`)"


TINY_IMAGENET = (
    "Tiny ImageNet's 100,000 training pictures (64 × 64 pixels, from the public repository seshuad/IMagenet; "
    "ImageNet's pictures are for non-commercial research)"
)


AS_IT_IS = ("convert", "bundle")  # commands that change how weights are stored, not what they compute


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
        return "layers fitted to the teacher's by least squares (`training/networks/layerwise_fit.py`)"
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
            if step is steps[-1]:
                sentences[-1] += shared_in_words(config.get("recipe", {}))
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
        if source in BUNDLED:
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
    if "listed" in record:
        return (
            f", with the labels too of those that `{record['listed']}` lists ({classes}), {of_gathered(source, record)}"
        )
    if source in step.options.get("--pictures", []):
        return f"; with labels those in folders that were named as the classes ({classes})"
    return f", with the labels too of those in folders named as the classes ({classes}), {of_gathered(source, record)}"


def gathering(config: dict) -> list[str]:
    """The commands that gathered further photos; older records have none."""
    return [record["command"] for record in config.get("gathered", {}).values() if "command" in record]


def shared_in_words(recipe: dict) -> str:
    """Which classes of other data sets a recipe trains on, a sentence each; nothing where there are none."""
    return "".join(
        f" It saw of {task}'s train split {', '.join(f'{theirs} as {ours}' for theirs, ours in names.items())} too. "
        f"{BUNDLED[task].data.licence}"
        for task, names in (recipe.get("shared") or {}).items()
    )


def of_gathered(source: str, record: dict) -> str:
    """Where what ``gather`` put into a folder came from."""
    names = [name.replace("+", "/", 1) for name in record["by source"]]
    return (
        f"which `python -m resnet_demo gather` put into `{source}` out of the {len(names)} public repositories "
        f"{', '.join(names)} (of {record['files']:,} files {record['near known']:,} were like a picture of "
        f"{' or '.join(record['apart'])}, in any split, and {record['near one another']:,} like one another: left out; "
        "most repositories state no licence, and the photos were only trained on)"
    )


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
