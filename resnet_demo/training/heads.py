"""Several tasks on one trunk: what each of them asks of the outputs and of the labels, and its loss.

The network has one linear layer as ever; each task has some of its rows. The labels of a picture are one row of
numbers, in which what is not known is NaN, so that each picture only counts for the heads it has labels for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from resnet_demo.errors import UserError
from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import CLASSIFICATION, KEYPOINTS, REGRESSION, TaskSpec
from resnet_demo.tasks.spec import IMAGENET_MEAN, IMAGENET_STD
from resnet_demo.training.data.augment import ClassificationAugmentation
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.distributed import ALONE, Team
from resnet_demo.training.networks.head import centre_rows
from resnet_demo.training.optim.losses import keypoint_loss
from resnet_demo.training.recipe import Recipe

HEADS = "heads"  # the kind of such a recipe
# The losses' weights where nobody says others. Wing loss counts in pixels and is some ten times as large as the others.
WEIGHTS = {CLASSIFICATION: 1.0, REGRESSION: 1.0, KEYPOINTS: 0.1}


@dataclass(frozen=True)
class TaskHead:
    """One task's part of the network and of the labels.

    Attributes:
        name: what ``--tasks`` calls it.
        kind: of the task.
        outputs: its rows of the head, from the first on, and behind the last.
        columns: its numbers among the labels, likewise: a class's index, a number, or x and y of each point.
        classes: names of the classes.
        weight: of its loss.
        centre, scale: of a number: mean and deviation of the training labels, in which the head learns.
        mean, std: with which pictures are normalised, see ``tasks.TaskSpec``; the same of all tasks on a trunk.
    """

    name: str
    kind: str
    outputs: tuple[int, int]
    columns: tuple[int, int]
    classes: tuple[str, ...] = ()
    weight: float = 1.0
    centre: float = 0.0
    scale: float = 1.0
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    @property
    def points(self) -> int:
        return (self.outputs[1] - self.outputs[0]) // 2 if self.kind == KEYPOINTS else 0

    def spec(self, recipe: Recipe, name: str) -> TaskSpec:
        """The finished task's record."""
        return TaskSpec(
            name=name,
            kind=self.kind,
            labels=self.classes,
            points=self.points,
            size=recipe.test_size,
            resize=recipe.test_resize,
            fit=recipe.fit,
            margin=recipe.margin,
            detector="",
            mean=self.mean,
            std=self.std,
        )

    def counted(self, labels: Tensor) -> int:
        """How many pictures of a batch ``loss`` is the mean over, or coordinates of keypoints."""
        known = ~labels[:, slice(*self.columns)].isnan()
        return int(known.sum() if self.kind == KEYPOINTS else known.any(dim=1).sum())

    def loss(self, recipe: Recipe, logits: Tensor, labels: Tensor) -> Tensor | None:
        """The mean loss of the pictures of a batch that have a label of this task; None where none has.

        Args:
            logits: (b, outputs of all tasks).
            labels: (b, columns of all tasks).
        """
        out, truth = logits[:, slice(*self.outputs)].float(), labels[:, slice(*self.columns)]
        known = ~truth.isnan().all(dim=1)
        if not known.any():
            return None
        out, truth = out[known], truth[known]
        if self.kind == CLASSIFICATION:
            return F.cross_entropy(out, truth[:, 0].long(), label_smoothing=recipe.label_smoothing)
        if self.kind == REGRESSION:
            return F.smooth_l1_loss(out, (truth - self.centre) / self.scale)
        return keypoint_loss(recipe.loss, out, truth.unflatten(1, (-1, 2)))


def losses_of(
    heads: Sequence[TaskHead], recipe: Recipe, logits: Tensor, labels: Tensor, team: Team = ALONE
) -> dict[str, Tensor]:
    """Each task's weighted loss by its name, see ``TaskHead.loss``.

    Args:
        team: the processes that have the other shares of the batch. Their mean loss is that of the whole batch.
    """
    # A process without labels of a task says so too.
    weights = {head.name: head.weight * team.weight(head.counted(labels)) for head in heads}
    found = {head.name: head.loss(recipe, logits, labels) for head in heads}
    return {name: weights[name] * loss for name, loss in found.items() if loss is not None}


def all_outputs(heads: Sequence[TaskHead], recipe: Recipe) -> TaskSpec:
    """A record with the outputs of all tasks, for whom it is one network."""
    names = [f"{head.name} {row}" for head in heads for row in range(*head.outputs)]
    return TaskSpec(
        "+".join(head.name for head in heads),
        CLASSIFICATION,
        tuple(names),
        size=recipe.test_size,
        mean=heads[0].mean,
        std=heads[0].std,
    )


def check_recipe(recipe: Recipe) -> None:
    """Raise a UserError for a setting that several heads cannot follow."""
    for name in ("mixup", "cutmix", "class_cap", "views", "start_share", "test_mirror"):
        if getattr(recipe, name):
            raise UserError(f"Several heads cannot be trained with {name}: leave it out.")
    if recipe.kind != HEADS:
        raise UserError(f"The recipe {recipe.task} is for {recipe.kind} alone, not for --tasks: leave it out.")


class HeadAugmentation:
    """Pictures with a row of labels: (pictures, index, seed) → (uint8 (3, size, size), row of labels).

    Keypoints move with the picture, and are given in 0..1 of the crop.
    """

    def __init__(self, recipe: Recipe, size: int, heads: Sequence[TaskHead]):
        self.spans = [slice(*head.columns) for head in heads if head.kind == KEYPOINTS]
        self.augment: Callable[[Pictures, int, int], tuple[Tensor, Tensor]] = ClassificationAugmentation(recipe, size)
        if self.spans:
            from resnet_demo.training.data.augment_faces import FaceAugmentation

            self.augment = FaceAugmentation(recipe, size)

    def __call__(self, pictures: Pictures, index: int, seed: int) -> tuple[Tensor, Tensor]:
        if not self.spans:
            return self.augment(pictures, index, seed)
        row = pictures.labels[index]
        points = np.concatenate([row[span] for span in self.spans]).reshape(-1, 2)
        every = np.broadcast_to(points, (len(pictures), *points.shape))  # no copies
        picture, moved = self.augment(replace(pictures, labels=every), index, seed)
        labels, first = torch.from_numpy(row.copy()), 0
        for span in self.spans:
            count = span.stop - span.start
            labels[span] = moved.flatten()[first : first + count]
            first += count
        return picture, labels


@torch.no_grad()
def begin(network: ResNet, heads: Sequence[TaskHead], mean_points: np.ndarray | None) -> None:
    """Let an untrained head of keypoints give their mean shape.

    Args:
        mean_points: (points of all such heads, 2) in 0..1 of the crop.
    """
    first = 0
    for head in heads:
        if head.kind == KEYPOINTS:
            assert mean_points is not None
            inside = np.clip(mean_points[first : first + head.points], 0.02, 0.98).ravel()
            network.fc.bias[slice(*head.outputs)] = torch.from_numpy(np.log(inside / (1 - inside))).float()
            first += head.points


@torch.no_grad()
def finish(network: ResNet, heads: Sequence[TaskHead]) -> ResNet:
    """The network in which numbers come out in their own unit, and classes without what all have in common."""
    for head in heads:
        rows = slice(*head.outputs)
        if head.kind == CLASSIFICATION:
            centre_rows(network.fc, rows)
        elif head.kind == REGRESSION:
            network.fc.weight[rows] *= head.scale
            network.fc.bias[rows] = network.fc.bias[rows] * head.scale + head.centre
    return network
