"""What can be chosen: tasks, depths and why a depth is not available, regions."""

from __future__ import annotations

from resnet_demo import checkpoints, tasks
from resnet_demo.checkpoints.lesions import Lesions
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import DEPTHS
from resnet_demo.page.i18n.texts import fixed, language, say
from resnet_demo.tasks import CLASSIFICATION, KEYPOINTS, REGRESSION, TaskSpec

FLOWERS, FACES = "flowers102", "faces68"
# Always on offer, so that the page says what is missing; the others appear with their first checkpoint.
ALWAYS = {FLOWERS: CLASSIFICATION, FACES: KEYPOINTS}
FAVOURITE_DEPTH = 50
REGIONS = tuple(tasks.REGIONS)


def available(task: str) -> list[int]:
    """The depths of a task that have weights; none where the index is missing or broken."""
    return _index().get(task, [])


def depths(task: str) -> list[int]:
    """The same, but it raises a UserError where the index is broken; none where there is no index at all."""
    if not checkpoints.has_index(checkpoints.weights_folder()):
        return available(task)
    return checkpoints.available().get(task, [])


def task_choices(*kinds: str) -> list[tuple[str, str]]:
    """(title, name) of the tasks of some kinds, ``classification`` and ``keypoints``; those of people come last."""
    names = sorted({*(() if has_only_own() and offers(*kinds) else ALWAYS), *_index()}, key=tasks.in_order)
    return [(title(name), name) for name in names if kind(name) in kinds]


def first_task(*kinds: str) -> str:
    """The task on which a tab of these kinds opens: the first that has weights; where none has, the project's own."""
    known = [name for _, name in task_choices(*kinds)]
    return next((name for name in known if available(name)), known[0])


def compared_task(*kinds: str) -> str:
    """The task on which depths are compared at first: the first of those that have weights of the most depths."""
    known = [name for _, name in task_choices(*kinds)]
    return max(known, key=lambda name: len(available(name))) if any(map(available, known)) else first_task(*kinds)


def first_tasks() -> list[str]:
    """The tasks that the page begins with: the first of classes, of keypoints, and of numbers where there is one."""
    return [first_task(kind) for kind in (*ALWAYS.values(), REGRESSION) if kind != REGRESSION or offers(kind)]


def has_only_own() -> bool:
    """Whether all that has weights here are tasks of somebody's own: what belongs to others is then not shown."""
    return bool(_index()) and not any(task in tasks.BUNDLED for task in _index())


def offers(*kinds: str) -> bool:
    """Whether a task of some kinds has weights."""
    return any(kind(task) in kinds for task in _index())


def shows(*kinds: str) -> bool:
    """Whether the page shows what is for tasks of some kinds: there are such networks, or none at all."""
    return offers(*kinds) or not has_only_own()


def names() -> set[str]:
    """The tasks that this page knows."""
    return {*ALWAYS, *_index()}


def title(task: str) -> str:
    """A task's name for people."""
    return fixed(lambda: tasks.BUNDLED[task].page[language()]) if task in tasks.BUNDLED else task


def spec(task: str) -> TaskSpec | None:
    """What a task is, from the configuration of a checkpoint, a bundled one first; None where none can be read."""
    try:
        return checkpoints.spec(task)
    except UserError:
        return None


def kind(task: str) -> str | None:
    """``classification`` or ``keypoints``; None where that cannot be read."""
    if task in ALWAYS:
        return ALWAYS[task]
    found = spec(task)
    return found.kind if found else None


def labels(task: str) -> tuple[str, ...]:
    """The class names of a task; none where they cannot be read."""
    found = spec(task)
    return found.labels if found else ()


def has_regions(task: str) -> bool:
    """Whether a task's points have regions such as mouth and eyes."""
    found = spec(task)
    return task == FACES if found is None else found.has_regions


def default_depth(task: str) -> int:
    """ResNet-50 where it has weights, else the shallowest that has."""
    depths = available(task)
    return depths[0] if depths and FAVOURITE_DEPTH not in depths else FAVOURITE_DEPTH


def compared_depths(task: str) -> list[int]:
    """The depths that are compared at first: all that need no download, else the default alone."""
    try:
        at_hand = [entry.depth for entry in checkpoints.entries() if entry.task == task and entry.is_cached]
    except UserError:
        at_hand = []
    return at_hand or [depth for depth in [default_depth(task)] if depth in available(task)]


def offered_depths(task: str) -> list[int]:
    """The usual depths, and any other that a task has weights of."""
    return sorted({*DEPTHS, *available(task)})


def known_depths() -> list[int]:
    """The usual depths, and any other of which some task has weights."""
    return sorted({*DEPTHS, *(depth for depths in _index().values() for depth in depths)})


def depth_choices(task: str) -> list[tuple[str, int]]:
    return [(str(depth), depth) for depth in offered_depths(task)]


def depth_info(task: str) -> str:
    """The line under the choice of depths: which are not available, and why; which are downloaded first."""
    return f"{_missing_depths(task)} {_remote_depths(task)}".strip()


def _missing_depths(task: str) -> str:
    known = available(task)
    missing = [str(depth) for depth in DEPTHS if depth not in known]
    if not missing:
        return ""
    return say("depths_missing", depths=say("separator").join(missing)) if known else say("depths_none")


def _remote_depths(task: str) -> str:
    """The depths whose weights lie on the Hub only, with their sizes; empty where there are none."""
    try:
        remote = [entry for entry in checkpoints.entries() if entry.task == task and not entry.is_cached]
    except UserError:
        return ""
    sizes = say("separator").join(f"{entry.depth} ({entry.size / 1e6:.0f} MB)" for entry in remote if entry.is_remote)
    return say("depths_download", depths=sizes) if sizes else ""


def depth_classes(task: str) -> list[str]:
    """CSS classes that grey out the depths without weights, and that let many of them take several lines."""
    offered, known = offered_depths(task), available(task)
    missing = [index for index, depth in enumerate(offered, start=1) if depth not in known]
    return ["depths", *(["many-depths"] if len(offered) > len(DEPTHS) else []), *(f"off-{index}" for index in missing)]


def no_weights(task: str, depth: int) -> str:
    """The sentence for a depth that was chosen and is not available."""
    known = available(task)
    if not known:
        return say("no_weights_at_all", task=title(task))
    choices = say("or").join(network_title(task, depth) for depth in known)
    return say("no_weights", depth=depth, task=title(task), depths=choices)


def network_title(task: str, depth: int) -> str:
    """What the network of a task is called, such as ResNeXt-50; where no configuration on this machine says so,
    ResNet-50 by its depth."""
    try:
        network = checkpoints.network_of(checkpoints.find(task, depth))
    except UserError:
        network = None
    return network.title if network else f"ResNet-{depth}"


def _index() -> dict[str, list[int]]:
    """Task → the depths that it has weights of; empty where the index is missing or broken."""
    try:
        return checkpoints.available()
    except UserError:
        return {}


def lesions(task: str, depth: int) -> Lesions | None:
    """What a checkpoint's record says of its blocks; None where there is no checkpoint, or it says nothing."""
    try:
        return checkpoints.read_config(checkpoints.find(task, depth).config.parent).lesions
    except UserError:
        return None
