"""From a trained checkpoint to a measured and described one in ``weights/``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resnet_demo.training.evaluation.activation_ranges import measure_ranges
from resnet_demo.training.evaluation.run import evaluate_checkpoint
from resnet_demo.training.networks.init import read_state

if TYPE_CHECKING:
    from resnet_demo.training.data.own_images import OwnPictures


from resnet_demo import checkpoints
from resnet_demo.checkpoints import Config
from resnet_demo.checkpoints.records import Measured
from resnet_demo.checkpoints.steps import Step
from resnet_demo.inference.classifier import Classifier
from resnet_demo.models import quantization
from resnet_demo.models.architecture import architecture_of
from resnet_demo.models.state import depth_of
from resnet_demo.training.cards.card import model_card
from resnet_demo.training.data.imagenet import SAMPLES, TASK, Photos, find_photos, imagenet_spec, read_photos
from resnet_demo.training.evaluation.evaluate import evaluate_classes
from resnet_demo.training.shared_trunks import leave_to, share, share_again, trunk_owner, users_of

ONE_A_CLASS = "the sample photos of the public repository EliSchwartz/imagenet-sample-images, one of each class"


MANY_A_CLASS = "the photos of an ImageNet folder with a subfolder a synset, such as its validation set"


CAUTION = {
    ONE_A_CLASS: "**This is not the validation accuracy**, which is 74.9 % top-1 as published for these weights. The "
    "sample photos probably come from ImageNet's training set, so the figures are most likely too good; they show "
    "that the stored file computes what it should.",
    MANY_A_CLASS: "The figures are the validation accuracy only if the folder holds the validation set.",
}


def bundle(folder: Path, data: Path | None, own: OwnPictures | None = None) -> Path:
    """Measure a trained checkpoint on the test split, describe it in a card and put it into ``weights/``.

    Returns:
        The folder in ``weights/``.

    Raises:
        UserError: the task has another network of this depth there, see ``check_one_network``, or what
            ``evaluate_checkpoint`` says.
    """
    checkpoints.check_writable()
    trained = checkpoints.read_config(folder)
    checkpoints.check_one_network(trained.task.name, trained.architecture)
    owner = trunk_owner(folder)
    if owner and (ranges := checkpoints.read_config(owner.config.parent).ranges):
        # One network computes alike for all its tasks.
        checkpoints.copy(folder, folder, {}, None, {"ranges": ranges})
    elif not trained.ranges:
        measure_ranges(folder, [], data, f"python -m resnet_demo bundle {shlex.quote(folder.as_posix())}", own)
    _, evaluation = evaluate_checkpoint(None, 0, folder, "test", "auto", data, own)
    measured: dict[str, object] = {"confusions": evaluation.confusions, "worst": evaluation.worst}
    if evaluation.classes:
        measured["classes"] = evaluation.classes
    config = checkpoints.read_config(folder).changed(**measured, metrics=evaluation.metrics)
    target = checkpoints.weights_folder() / config.task.name / f"resnet{config.depth}"
    measured |= kept_calibration(target, config, folder)
    users = users_of(target)
    leave_to(users)
    checkpoints.copy(folder, target, evaluation.metrics, model_card(config.changed(**measured)), measured)
    checkpoints.register(target)
    if owner:
        share(target, owner.path)
    share_again(users, target)
    return target


def kept_calibration(target: Path, config: Config, folder: Path) -> dict[str, object]:
    """The calibration of what lies in ``target``, where its weights are those in ``folder``; else none."""
    if "calibration" in config.record or not (target / checkpoints.CONFIG).is_file():
        return {}
    before = checkpoints.read_config(target)
    if "calibration" not in before.record:
        return {}
    same = before.weights == config.weights
    if before.trunk:  # Then its file has the head alone.
        stored, there = (checkpoints.load_folder(place).stored for place in (folder, target))
        same = stored.keys() == there.keys() and all(np.array_equal(stored[key], there[key]) for key in stored)
    return {"calibration": before.record["calibration"]} if same else {}


def what_it_is(photos: Photos) -> str:
    """The photos in words, for a model card."""
    one_each = len(photos) == len(np.unique(photos.labels))
    return ONE_A_CLASS if one_each else MANY_A_CLASS


def bundle_imagenet(data: Path | None) -> Path:
    """Store ``convert``'s ResNet-50 as 8-bit integers in ``weights/``, measured and described.

    Returns:
        The folder in ``weights/``.

    Raises:
        UserError: no photos to measure on, or no weights and no npm to fetch them.
    """
    checkpoints.check_writable()
    photos = read_photos(find_photos(data))
    state, variant = read_state("imagenet")
    spec, depth = imagenet_spec(), depth_of(state)
    made = checkpoints.Checkpoint(spec, architecture_of(depth, variant), quantization.quantise(state))
    metrics = evaluate_classes(Classifier(TASK, depth, checkpoint=made, ends=False), photos).metrics
    on = what_it_is(photos)
    folder = SAMPLES if on == ONE_A_CLASS else (data or Path(TASK)).name
    record = {
        "init": "imagenet",
        "commands": [Step("convert"), Step("bundle", ("imagenet",), {"--data": [folder]})],
        "measured": Measured(on, CAUTION[on], folder),
    }
    config = Config({"depth": depth, "variant": variant}).changed(metrics=metrics, task=spec, **record)
    target = checkpoints.weights_folder() / TASK / f"resnet{depth}"
    checkpoints.save(target, state, spec, depth, variant, metrics, model_card(config), record)
    checkpoints.register(target)
    return target
