"""What can be chosen: tasks, depths and why a depth is not available, regions."""

from __future__ import annotations

from resnet_demo import checkpoints, tasks
from resnet_demo.errors import UserError
from resnet_demo.layouts import DEPTHS
from resnet_demo.page.strings import say

FLOWERS, FACES = "flowers102", "faces68"
# Always on offer, so that the page says what is missing; the others appear with their first checkpoint.
ALWAYS = (FLOWERS, FACES)
FAVOURITE_DEPTH = 50
REGIONS = tuple(tasks.REGIONS)


def available(task: str) -> list[int]:
    """The depths of a task that have weights; none where the index is missing or broken."""
    try:
        return checkpoints.available().get(task, [])
    except UserError:
        return []


def task_choices(*, faces: bool) -> list[tuple[str, str]]:
    """(title, name) of the tasks to choose from."""
    try:
        known = list(checkpoints.available())
    except UserError:
        known = []
    order = [*tasks.TITLES, *known]
    names = sorted({*ALWAYS, *known}, key=order.index)
    return [(title(name), name) for name in names if faces or name not in (FACES,)]


def title(task: str) -> str:
    """A task's name for people."""
    return say(f"task_{task}") if task in tasks.TITLES else task


def default_depth(task: str) -> int:
    """ResNet-50 where it has weights, else the shallowest that has."""
    depths = available(task)
    return depths[0] if depths and FAVOURITE_DEPTH not in depths else FAVOURITE_DEPTH


def depth_choices() -> list[tuple[str, int]]:
    return [(str(depth), depth) for depth in DEPTHS]


def depth_info(task: str) -> str:
    """The line under the choice of depths: which are not available, and why."""
    missing = [str(depth) for depth in DEPTHS if depth not in available(task)]
    if not missing:
        return say("depths_all")
    return say("depths_missing", depths=", ".join(missing)) if len(missing) < len(DEPTHS) else say("depths_none")


def depth_classes(task: str) -> list[str]:
    """CSS classes that grey out the depths without weights."""
    missing = [index for index, depth in enumerate(DEPTHS, start=1) if depth not in available(task)]
    return ["depths", *(f"off-{index}" for index in missing)]


def no_weights(task: str, depth: int) -> str:
    """The sentence for a depth that was chosen and is not available."""
    depths = available(task)
    if not depths:
        return say("no_weights_at_all", task=title(task))
    return say("no_weights", depth=depth, task=title(task), depths=" or ".join(f"ResNet-{depth}" for depth in depths))


def labels(task: str, depth: int) -> list[str]:
    """The class names of a task, from the checkpoint's configuration; none where it cannot be read."""
    import json

    try:
        config = json.loads(checkpoints.find(task, depth).config.read_text(encoding="utf-8"))
        return list(config["task"]["labels"])
    except (UserError, OSError, ValueError, KeyError, TypeError):
        return []
