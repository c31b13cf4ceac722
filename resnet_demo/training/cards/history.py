"""How a checkpoint came about, in words, from the commands that its ``config.json`` keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from resnet_demo.checkpoints import Config
from resnet_demo.checkpoints.records import Gathered, MeshRecord
from resnet_demo.checkpoints.steps import Step
from resnet_demo.models.architecture import ARCHITECTURES, architecture_of
from resnet_demo.tasks import BUNDLED
from resnet_demo.training.data.gather_record import OTHER
from resnet_demo.training.networks.grow import inserted_blocks, shares
from resnet_demo.training.networks.small_stem import is_small_of

IMAGENET = "ImageNet ResNet-50"


KERAS = f"{IMAGENET} of Keras Applications (`python -m resnet_demo convert`)"


TINY_IMAGENET = (
    "Tiny ImageNet's 100,000 training pictures (64 × 64 pixels, from the public repository seshuad/IMagenet; "
    "ImageNet's pictures are for non-commercial research)"
)


AS_IT_IS = ("convert", "bundle")  # commands that change how weights are stored, not what they compute


def first_weights(step: Step) -> str:
    """What the first command of a history started from, in a few words."""
    init = step.option("--init", "imagenet")
    if init == "fit":
        return "layers fitted to the teacher's by least squares (`training/networks/layerwise_fit.py`)"
    if init == "scratch":
        return "random weights and the teacher's stem" if step.verb == "distill" else "random weights"
    known = ARCHITECTURES.get(step.option("--arch"))
    source = known.source if known else f"timm/resnet{step.depth}.tv_in1k"
    return {"imagenet": IMAGENET, "hub": f"{source} of the Hub"}.get(init, f"`{init}`")


def teacher_name(step: Step) -> str:
    teacher = step.option("--teacher")
    return IMAGENET if teacher == "imagenet" else f"`{teacher}`"


def history_line(config: Config) -> str:
    """How a checkpoint was made, in one line: what came first → each command's part."""
    steps = config.steps
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


def history(config: Config) -> list[str]:
    """How a checkpoint was made, a sentence for what it began with and one for each command."""
    steps, gathered = config.steps, dict(config.gathered)
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
            sentences.append(f"Trained with {recipe}{stem_in_words(before, step)}{labelled_in_words(step, gathered)}.")
            if step is steps[-1]:
                sentences[-1] += shared_in_words(config.shared)
        # Where they are from is said once.
        for source in (*step.values("--pictures"), *step.values("--labelled")):
            gathered.pop(source, None)
    return sentences


def stem_in_words(before: Step | None, step: Step) -> str:
    """That a network for small pictures began with the stem of one for photos, as the end of a sentence."""
    if before is None or step.option("--init") == "scratch":
        return ""
    old, new = (ARCHITECTURES.get(one.option("--arch")) or architecture_of(one.depth) for one in (before, step))
    if not is_small_of(new, old):
        return ""
    return ", with a stem for small pictures made of that one's (`training/networks/small_stem.py`)"


def grown(before: Step | None, step: Step) -> str:
    """Where growing inserted blocks, as the end of a sentence; the depth before is the last command's."""
    if before is None:
        return ""
    if "--divided" in step.options:
        return divided(before.depth, step.depth)
    places = [
        f"{stage} {positions_in_words(positions)}"
        for stage, positions in inserted_blocks(before.depth, step.depth).items()
        if positions
    ]
    return (
        f", a ResNet-{before.depth}, as the same function: inserted are the blocks {'; '.join(places)} (counted from "
        "0), each an identity because the scale of its last batch norm starts at zero"
    )


def divided(old_depth: int, depth: int) -> str:
    """How growing divided blocks, as the end of a sentence."""
    parts = []
    for stage, blocks in architecture_of(depth).stages.items():
        counts = shares(len(architecture_of(old_depth).stages[stage]), len(blocks))
        if len(blocks) > len(counts):
            parts.append(f"{stage} from {len(counts)} to {len(blocks)} as {', '.join(map(str, counts))}")
    return (
        f", a ResNet-{old_depth}, whose blocks are divided ({'; '.join(parts)}): each of n blocks adds the n-th part "
        "of what the one block added"
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


def pictures_in_words(step: Step, gathered: Mapping[str, Gathered]) -> str:
    """Which further pictures a distillation saw, as the end of a sentence.

    Args:
        gathered: folder → what ``gather`` put there.
    """
    words = []
    for source in step.values("--pictures"):
        if source in BUNDLED:
            words.append(f"the train and val parts of {source}")
        elif re.search("imagenet", source, re.IGNORECASE):
            words.append(TINY_IMAGENET)
        elif source in gathered:
            record = gathered[source]
            words.append(f"{record.pictures:,} photos, {of_gathered(source, record)}")
        else:
            words.append(f"those in `{source}`")
    return f", on further pictures without labels: {'; '.join(words)}" if words else ""


def labelled_in_words(step: Step, gathered: Mapping[str, Gathered]) -> str:
    """Which further pictures with labels a training saw, as the end of a sentence; see ``pictures_in_words``."""
    return "".join(one_in_words(source, step, gathered) for source in step.values("--labelled"))


def one_in_words(source: str, step: Step, gathered: Mapping[str, Gathered]) -> str:
    """The same of one folder."""
    if source not in gathered:
        return f", with the labels too of the pictures in `{source}`"
    record = gathered[source]
    if record.mesh:
        return f", {faces_in_words(source, record, record.mesh)}"
    classes = ", ".join(f"{name} {count:,}" for name, count in record.by_class.items() if name != OTHER)
    if record.listed:
        files = f"{' and '.join(f'`{name}`' for name in record.listed)} list{'s' if len(record.listed) == 1 else ''}"
        return f", with the labels too of those that {files} ({classes}), {of_gathered(source, record)}"
    if source in step.values("--pictures"):
        return f"; with labels those in folders that were named as the classes ({classes})"
    return f", with the labels too of those in folders named as the classes ({classes}), {of_gathered(source, record)}"


def faces_in_words(source: str, record: Gathered, mesh: MeshRecord) -> str:
    """Which faces with landmarks by a face mesh a training saw."""
    names = [name.replace("+", "/", 1) for name in record.by_source]
    return (
        f"with {record.pictures:,} faces too that `python -m resnet_demo faces` put into `{source}` out of the "
        f"{len(names)} public repositories {', '.join(names)} (of {record.files:,} photos {record.unusable:,} have no "
        f"face that is large enough; {record.near_known:,} faces were like one of {' or '.join(record.apart)}, in any "
        f"split, and {mesh.unsure:,} uncertain: left out; they were only trained on), their landmarks by the face mesh "
        f"of {mesh.package}, which misses people's by {mesh.nme:g} % on the {mesh.n:,} labelled faces that it was "
        f"fitted to, each left out{in_the_mean(mesh)}"
    )


def in_the_mean(mesh: MeshRecord) -> str:
    """Which network's landmarks are in the mean with the face mesh's, as the end of a sentence."""
    if mesh.network is None:
        return ""
    return (
        f", in the mean with the landmarks that `{mesh.network}` found (a share of {mesh.share:g}; both lie "
        f"{mesh.apart:g} % of the face's side apart)"
    )


def gathering(config: Config) -> list[str]:
    """The commands that gathered further photos; older records have none."""
    return [record.command for record in config.gathered.values() if record.command]


def shared_in_words(shared: Mapping[str, Mapping[str, str]]) -> str:
    """Which classes of other data sets were trained on, a sentence each; nothing where there are none."""
    return "".join(
        f" It saw of {task}'s train split {', '.join(f'{theirs} as {ours}' for theirs, ours in names.items())} too. "
        f"{BUNDLED[task].data.licence}"
        for task, names in shared.items()
    )


def of_gathered(source: str, record: Gathered) -> str:
    """Where what ``gather`` put into a folder came from."""
    names = [name.replace("+", "/", 1) for name in record.by_source]
    return (
        f"which `python -m resnet_demo gather` put into `{source}` out of the {len(names)} public repositories "
        f"{', '.join(names)} (of {record.files:,} files {record.near_known:,} were like a picture of "
        f"{' or '.join(record.apart)}, in any split, and {record.near_one_another:,} like one another: left out; "
        "most repositories state no licence, and the photos were only trained on)"
    )


def bundle_step(last: Step) -> list[Step]:
    """The command that bundled what the last one made; none where that names no folder."""
    out = last.option("--out")
    if not out:
        return []
    # Pictures of one's own are measured and bundled by ``train`` itself.
    if last.option("--name") or last.option("--tasks"):
        return []
    folder = out if last.verb == "grow" else f"{out}/checkpoint"
    return [Step("bundle", (folder,))]
