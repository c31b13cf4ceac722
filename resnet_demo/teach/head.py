"""From pooled features of photos and their classes to a checkpoint, and how well it names each photo unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from resnet_demo import checkpoints
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.checkpoints.proportion import proportion
from resnet_demo.checkpoints.records import Metric
from resnet_demo.errors import UserError
from resnet_demo.inference.base import Predictor
from resnet_demo.inference.classifier import Classifier
from resnet_demo.models.quantization import SCALE, quantise
from resnet_demo.tasks import CLASSIFICATION, softmax
from resnet_demo.tasks.bundled import check_own_name
from resnet_demo.tasks.calibration import Calibration
from resnet_demo.teach import confidence, ridge

LEAST = 2  # photos of a class, of which one can be left out
# In this order, of those that are on this machine: docs/training.md has what each was worth by leave-one-out.
TRUNKS = ("imagenet1k", "flowers102")


@dataclass(frozen=True, eq=False)
class Taught:
    """Classes of one's own on a network that was there before.

    Attributes:
        checkpoint: the whole network, in memory.
        trunk: the task that the network was trained for.
        labels: (n,) the photos' classes, indices of ``checkpoint.spec.labels``.
        left_out: float32 (n, classes), probabilities of each photo by a head that was taught by all the others.
        penalty: of the ridge regression, as a share of the photos' number.
    """

    checkpoint: Checkpoint
    trunk: str
    labels: np.ndarray
    left_out: np.ndarray
    penalty: float

    @property
    def found(self) -> np.ndarray:
        """(n,) the class that each photo is given when it is left out."""
        return self.left_out.argmax(axis=1)

    @property
    def accuracy(self) -> Metric:
        """Percentage of photos named right when left out, with Wilson's 95 % interval."""
        return proportion(int((self.found == self.labels).sum()), len(self.labels))

    @property
    def confusion(self) -> np.ndarray:
        """int (classes, classes): photos by their class and by the one they are given when left out."""
        classes = len(self.checkpoint.spec.labels)
        return np.bincount(self.labels * classes + self.found, minlength=classes**2).reshape(classes, classes)

    def predictor(self, network: Classifier) -> Classifier:
        """Answers photos with the new classes.

        Args:
            network: the one that made the features; its engine is shared.
        """
        return network.with_head(self.checkpoint)


def default_trunk(depth: int) -> str:
    """The task whose network of this depth is taught where the user does not say: the first of ``TRUNKS`` that is here,
    else the first that can be fetched.

    Raises:
        UserError: there is none of this depth.
    """
    known = [entry for entry in checkpoints.entries() if entry.depth == depth and entry.task in TRUNKS]
    known.sort(key=lambda entry: (not entry.is_cached, TRUNKS.index(entry.task)))
    if not known:
        depths = sorted({entry.depth for entry in checkpoints.entries() if entry.task in TRUNKS})
        if not depths:
            raise UserError("There are no weights to teach: fetch the repository's weights first.")
        raise UserError("There is no ResNet-{depth} to teach: choose {depths}.", depth=depth, depths=depths)
    return known[0].task


def check_trunk(network: Predictor) -> None:
    """Raise a UserError where a network marks points and has no classes."""
    if network.spec.kind != CLASSIFICATION:
        raise UserError("{task} has no classes: choose a task with classes to start from.", task=network.task)


def check_counts(names: Sequence[str], labels: np.ndarray) -> None:
    """Raise a UserError where there are too few classes or photos to be taught by."""
    if len(names) < 2:
        raise UserError("At least two classes are needed: add another one.")
    counts = np.bincount(labels, minlength=len(names))
    if poor := [f"{name} ({count})" for name, count in zip(names, counts, strict=True) if count < LEAST]:
        raise UserError(
            "Each class needs at least {least} photos that can be read, fewer has {poor}: add some, or remove it.",
            least=LEAST,
            poor=poor,
        )


def teach(network: Predictor, name: str, names: Sequence[str], features: np.ndarray, labels: np.ndarray) -> Taught:
    """Solve the head.

    Args:
        network: the one that made the features.
        name: of the new task.
        names: of its classes.
        features: float32 (n, C), pooled, see ``features.look``.
        labels: int (n,), the photos' classes.

    Raises:
        UserError: a name that will not do, or too few classes or photos.
    """
    check_own_name(name)
    check_trunk(network)
    check_counts(names, labels)
    solved = solve(features, labels, len(names))
    head = {"fc.weight": solved.weights, "fc.bias": solved.bias}
    trunk = network.checkpoint
    found = Taught(
        replace(
            trunk,
            # Its head is solved for pictures as they are, whose mirror images may be of another class.
            spec=replace(trunk.spec, name=name, labels=tuple(names), mirrored=False),
            stored={**below_head(trunk), **quantise(head)},
            calibration=Calibration(1.0, confidence.means(features, labels, len(names))),
            metrics={},
            path=None,
        ),
        network.task,
        labels,
        softmax(solved.left_out).astype(np.float32),
        solved.penalty,
    )
    return replace(found, checkpoint=replace(found.checkpoint, metrics={"top1": found.accuracy}))


def solve(features: np.ndarray, labels: np.ndarray, classes: int) -> ridge.Fit:
    """``ridge.fit``, divided by the temperature at which it comes true: then the bare network's outputs do too."""
    found = ridge.fit(features, labels, classes)
    temperature = confidence.temperature(found.left_out, labels)
    return replace(
        found,
        weights=found.weights / temperature,
        bias=found.bias / temperature,
        left_out=found.left_out / temperature,
    )


def below_head(trunk: Checkpoint) -> dict[str, np.ndarray]:
    """A checkpoint's arrays without those of its head: as they are stored, or rounded to 8 bits where they were not."""
    stored = {key: value for key, value in trunk.stored.items() if not key.startswith("fc.")}
    if any(key.endswith(SCALE) for key in stored):
        return stored
    return quantise(stored)
