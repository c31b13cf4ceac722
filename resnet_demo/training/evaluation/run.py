"""The command ``evaluate``: a checkpoint, its pictures and what it makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resnet_demo import checkpoints
from resnet_demo.errors import UserError
from resnet_demo.inference.base import Predictor
from resnet_demo.inference.classifier import Classifier
from resnet_demo.inference.predictor import make_predictor
from resnet_demo.models import quantization
from resnet_demo.tasks import TaskSpec
from resnet_demo.training.data import imagenet
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.evaluation.convention import evaluate_in_convention
from resnet_demo.training.evaluation.elsewhere import evaluate_elsewhere, photos_elsewhere
from resnet_demo.training.evaluation.evaluate import Evaluation, evaluate

if TYPE_CHECKING:
    from resnet_demo.models.resnet import ResNet
    from resnet_demo.training.data.own_images import OwnPictures
from resnet_demo.training.data.splits import split_pictures


def arrays_of(network: ResNet) -> dict[str, np.ndarray]:
    """A network's state as numpy arrays by name."""
    return {key: value.detach().cpu().numpy() for key, value in network.state_dict().items()}


def memory_checkpoint(network: ResNet, spec: TaskSpec) -> checkpoints.Checkpoint:
    """A checkpoint as it would be stored, 8-bit, without a file."""
    state = {key: value for key, value in arrays_of(network).items() if not key.endswith("num_batches_tracked")}
    return checkpoints.Checkpoint(spec, network.architecture, quantization.quantise(state))


def evaluate_checkpoint(
    task: str | None,
    depth: int,
    folder: Path | None,
    split: str,
    device: str,
    data: Path | None,
    own: OwnPictures | None = None,
    labelled: Path | None = None,
    right: Sequence[Path] = (),
    grey: bool = False,
    convention: str | None = None,
) -> tuple[Predictor, Evaluation]:
    """Measure a bundled checkpoint, or that of ``folder``, on a split it was not trained on.

    Args:
        own: the user's own pictures that it was trained with, where they are in memory still.
        labelled, right: photos to measure on instead, and what is right there, see ``elsewhere.photos_elsewhere``.
        grey: show the split's pictures without their colours.
        convention: measure only the faces of this source, in its own convention, see ``convention``.

    Raises:
        UserError: no such checkpoint or split, or one that it was trained on.
    """
    if folder:
        checkpoint = checkpoints.load_folder(folder)
    else:
        assert task is not None
        checkpoint = checkpoints.load(task, depth)
    if labelled:
        photos = photos_elsewhere(labelled, checkpoint.spec.labels, right)
        classifier = Classifier(checkpoint.spec.name, checkpoint.depth, device, checkpoint=checkpoint)
        return classifier, evaluate_elsewhere(classifier, photos)
    assert checkpoint.path is not None  # It was read from a file.
    config = checkpoints.read_config(checkpoint.path.parent)
    if split in config.train_splits:
        raise UserError(f"This checkpoint was trained on the split {split}: measure it on another one, such as test.")
    if checkpoint.spec.name == imagenet.TASK:
        pictures: Pictures = imagenet.read_photos(imagenet.find_photos(data))
    else:
        pictures = split_pictures(config, split, data, own)
    pictures.grey = grey
    predictor = make_predictor(checkpoint.spec.name, checkpoint.depth, device, checkpoint=checkpoint, ends=False)
    if convention:
        error = evaluate_in_convention(predictor, convention, split_pictures(config, "train", data, own), pictures)
        return predictor, Evaluation({f"nme_{convention}, its convention": error})
    return predictor, evaluate(predictor, pictures, keep=not grey)


def bundled_folder(task: str | None, depth: int) -> Path:
    """Where a bundled checkpoint lies.

    Raises:
        UserError: there is none, or it is only on the Hub.
    """
    if not task:
        raise UserError("Name a task, or pass --weights with a checkpoint folder.")
    entry = checkpoints.find(task, depth)
    if entry.is_remote:
        raise UserError(f"The ResNet-{depth} for {task} is on the Hub: only checkpoints in weights/ can be measured.")
    return entry.path.parent
