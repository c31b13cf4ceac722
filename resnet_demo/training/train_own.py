"""``train --data FOLDER --name NAME``: from pictures of one's own to a bundled, measured checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from resnet_demo import checkpoints
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import Architecture, architecture_of
from resnet_demo.tasks import KEYPOINTS
from resnet_demo.training.data.own_images import read_own
from resnet_demo.training.data.own_layout import find_layout
from resnet_demo.training.options import TrainOptions
from resnet_demo.training.recipe import Recipe, load_recipe

START = "flowers102"  # the bundled task whose networks have seen most kinds of pictures
LEAST_BATCH, STEPS = 4, 8


def own_recipe(recipe: str | None, overrides: list[str], data: Path, name: str) -> Recipe:
    """The recipe for ``data``: the one that is named, else the bundled one for its kind.

    Raises:
        UserError: no such recipe or setting, or one for another kind of task.
    """
    kind = find_layout(data).kind
    points = kind == KEYPOINTS
    found = load_recipe(recipe or ("own-points" if points else "own"), overrides)
    if found.kind != kind:
        have = "a CSV of keypoints" if points else "a folder of classes"
        raise UserError(f"The recipe {recipe} is for {found.kind}, but {data} is {have}: leave the recipe out.")
    if points:
        # The whole picture is what the finished model sees.
        found = replace(found, fit="squash", margin=1.0, test_resize=found.test_size)
    return replace(found, task=name, train_splits=("train",), source_weights=None)


def fit_batch(recipe: Recipe, pictures: int, chosen: bool) -> Recipe:
    """The recipe with a batch for so few pictures: some eight steps an epoch, or all in one step where one ``chosen``
    by the user is larger than that."""
    most = pictures if chosen else max(LEAST_BATCH, pictures // STEPS)
    return replace(recipe, batch=max(1, min(recipe.batch, most, pictures)))


def from_scratch(recipe: Recipe, overrides: list[str]) -> Recipe:
    """The recipe for random weights, whose batch norms have no statistics yet that could be kept."""
    said = any(override.startswith("fold_norms=") for override in overrides)
    return recipe if said else replace(recipe, fold_norms=False)


def start_of(network: Architecture) -> str:
    """What another network than a ResNet starts from: its ImageNet weights on the Hub, where there are any."""
    return "hub" if network.source else "scratch"


def default_start(depth: Architecture | int) -> str:
    """What to start from where the user does not say: the bundled flowers network, or the ImageNet ResNet-50.

    Raises:
        UserError: there is nothing for this depth.
    """
    network = architecture_of(depth)
    if network.family != "ResNet":
        return start_of(network)
    depth = network.depth
    try:
        folder = checkpoints.find(START, depth).path.parent
    except UserError:
        if depth == 50:
            return "imagenet"
        depths = sorted({*checkpoints.available().get(START, []), 50}) if has_index() else [50]
        raise UserError(
            f"There are no weights to start a ResNet-{depth} from: choose --depth {' or '.join(map(str, depths))}, or "
            "pass --init with a checkpoint folder (or scratch, for many pictures)."
        ) from None
    here = Path.cwd()
    return (folder.relative_to(here) if folder.is_relative_to(here) else folder).as_posix()


def has_index() -> bool:
    return checkpoints.has_index(checkpoints.weights_folder())


def train_own(options: TrainOptions, name: str, batch_chosen: bool = False) -> Path | None:
    """Train on the pictures in ``options.data``, measure the stored file on their test part and bundle it.

    Args:
        name: of the task.
        batch_chosen: the user named the batch, see ``fit_batch``.

    Returns:
        The folder in ``weights/``, or None where ``stop_after`` ended the run before the recipe's end, or where
        another process of ``torchrun`` writes it.

    Raises:
        UserError: names, pictures, start or recipe that will not do; nothing was trained then.
    """
    from resnet_demo.training.bundle import bundle
    from resnet_demo.training.train import train

    assert options.data is not None
    checkpoints.check_writable()
    checkpoints.check_one_network(name, architecture_of(options.depth))
    own = read_own(options.data, name)
    recipe = fit_batch(options.recipe, own.record.counts["train"], batch_chosen)
    folder = train(replace(options, recipe=recipe, own=own))
    if folder is None or (options.stop_after and options.stop_after < recipe.epochs):
        return None
    return bundle(folder, options.data, own)
