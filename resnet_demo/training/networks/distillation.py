"""Distilling: a small network learns what a larger one computes, from any pictures, labelled or not.

The student sees the very crop that the teacher sees, mixed or not, and follows its soft predictions ("a good teacher
is patient and consistent", Beyer et al. 2021, https://arxiv.org/abs/2106.05237, section 3; Hinton et al. 2015,
https://arxiv.org/abs/1503.02531) and its feature maps through a 1×1 convolution each (hints: Romero et al. 2014,
https://arxiv.org/abs/1412.6550, section 2.2). Hints at every stage make each position of each map a training example,
which is what a network without pre-training lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_demo.errors import UserError
from resnet_demo.models.architecture import STAGES
from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import CLASSIFICATION
from resnet_demo.training.data.loader import Kept, View
from resnet_demo.training.networks.layerwise_fit import Regression, rows, set_linear
from resnet_demo.training.networks.small_stem import is_small_of, small_stem
from resnet_demo.training.optim import folded_norms
from resnet_demo.training.optim.amp import autocast
from resnet_demo.training.optim.losses import keypoint_loss
from resnet_demo.training.recipe import Recipe

POOLED = "pooled"


def stage_width(network: ResNet, stage: str) -> int:
    """Channels of a stage's feature map."""
    return network.architecture.stages[stage][-1].outputs


class Distillation(nn.Module):
    """The teacher, fixed, and the adaptors from the student's feature maps to the teacher's, which learn.

    Args:
        teacher: its outputs are what the student's shall become.
        student: gives the adaptors' widths only.
        recipe: ``hints``, ``soft_weight``, ``temperature``, ``loss``, ``teacher_size``.

    Raises:
        UserError: outputs that differ in number, or a hint at a stage that does not exist.
    """

    teacher: ResNet

    def __init__(self, teacher: ResNet, student: ResNet, recipe: Recipe):
        super().__init__()
        if teacher.fc.out_features != student.fc.out_features:
            raise UserError(
                f"The teacher has {teacher.fc.out_features} outputs and the student {student.fc.out_features}: "
                "choose a teacher of the same task."
            )
        hints = recipe.hints or {}
        if unknown := sorted(hints.keys() - {*STAGES, POOLED}):
            raise UserError(f"There are no hints at {', '.join(unknown)}: choose from {', '.join((*STAGES, POOLED))}.")
        self.recipe = recipe
        if recipe.views and recipe.mix_probability and (recipe.mixup or recipe.cutmix):
            raise UserError("What the teacher says of a view is kept only for whole pictures: set mix_probability = 0.")
        self.kept: Kept[tuple[dict[str, Tensor], Tensor]] = Kept()
        self.weights = {name: weight for name, weight in hints.items() if weight}
        # Not a submodule: the teacher is neither saved nor trained.
        self.__dict__["teacher"] = teacher.eval().requires_grad_(False)
        adaptors = {
            stage: nn.Conv2d(stage_width(student, stage), stage_width(teacher, stage), 1)
            for stage in STAGES
            if stage in self.weights or (stage == "layer4" and POOLED in self.weights)
        }
        self.adaptors = nn.ModuleDict(adaptors)

    def to(self, *arguments, **settings) -> Distillation:
        self.teacher.to(*arguments, **settings)
        return super().to(*arguments, **settings)

    @torch.no_grad()
    def fit_linear(self, student: ResNet, batches: Iterable[Tensor]) -> None:
        """Start the adaptors, and a student's head that knows nothing yet, as the best linear ones by least squares.

        So the first steps teach the student's feature maps, and none of them is spent on what can be solved for.
        """
        if not self.adaptors and student.fc.weight.any():
            return  # Nothing is left to solve for, and the pictures would take minutes.
        regressions = {stage: Regression() for stage in self.adaptors}
        head = Regression()
        for x in batches:
            small, large = resized(x, self.recipe.size_at(0)), resized(x, self.recipe.teacher_size)
            with autocast(x.device.type):
                ours, theirs = folded_norms.stages(student.eval(), small), folded_norms.stages(self.teacher, large)
            for stage, regression in regressions.items():
                wanted = resized(theirs[stage], ours[stage].shape[-1])
                regression.add(rows(ours[stage].float()), rows(wanted.float()))
            head.add(ours["layer4"].float().mean((2, 3)), self.teacher.head(theirs["layer4"].float()))
        for stage, regression in regressions.items():
            adaptor = self.adaptors[stage]
            assert isinstance(adaptor, nn.Conv2d)
            set_linear(adaptor, regression)
        if not student.fc.weight.any():
            set_linear(student.fc, head)

    @torch.no_grad()
    def answers(self, x: Tensor, sides: Mapping[str, int], views: Sequence[View]) -> tuple[dict[str, Tensor], Tensor]:
        """The teacher's feature maps where there are hints, scaled to ``sides``, and its logits (b, outputs); out of
        memory where kept."""
        new = [index for index, view in enumerate(views) if view not in self.kept]
        if new or not views:
            seen = resized(x[new] if views else x, self.recipe.teacher_size)
            found = folded_norms.stages(self.teacher, seen.contiguous(memory_format=torch.channels_last))
            logits = self.teacher.head(found["layer4"]).float()
            maps = {stage: resized(found[stage], sides[stage]) for stage in self.adaptors}
            if not views:
                return maps, logits
            for at, index in enumerate(new):
                answer = {stage: maps[stage][at].to("cpu", copy=True) for stage in self.adaptors}
                self.kept.put(views[index], (answer, logits[at].to("cpu", copy=True)))
        kept = [self.kept[view] for view in views]
        stacked = {
            stage: torch.stack([maps[stage] for maps, _ in kept]).to(x.device, memory_format=torch.channels_last)
            for stage in self.adaptors
        }
        return stacked, torch.stack([logits for _, logits in kept]).to(x.device)

    def losses(
        self, x: Tensor, maps: Mapping[str, Tensor], logits: Tensor, views: Sequence[View] = ()
    ) -> dict[str, Tensor]:
        """What the student's feature maps and logits (b, outputs) on pictures x (b, 3, r, c) lack, weighted.

        A hint's loss is the share of the teacher's variance that is not explained: 0 perfect, 1 nothing learnt.

        Args:
            x: the crops as they were cut out; the teacher sees them at ``teacher_size``.
            views: the pictures' names, where they come again and the teacher need not see them twice.
        """
        sides = {stage: maps[stage].shape[-1] for stage in self.adaptors}
        wanted, wanted_logits = self.answers(x, sides, views)
        parts = {}
        for name, weight in self.weights.items():
            stage = "layer4" if name == POOLED else name
            found, target = self.adaptors[stage](maps[stage]), wanted[stage]
            if name == POOLED:
                found, target = found.mean((2, 3), keepdim=True), target.mean((2, 3), keepdim=True)
            parts[name] = weight * unexplained(found.float(), target.float())
        if self.recipe.soft_weight:
            if self.recipe.kind == CLASSIFICATION:
                soft = soft_loss(logits, wanted_logits, self.recipe.temperature)
            else:
                points = torch.sigmoid(wanted_logits).unflatten(1, (-1, 2))
                soft = keypoint_loss(self.recipe.loss, logits, points)
            parts["soft"] = self.recipe.soft_weight * soft
        return parts


def resized(x: Tensor, side: int) -> Tensor:
    """Pictures or feature maps (b, channels, r, c) at ``side``; as they are where that is theirs, or 0."""
    if side in (0, x.shape[-1]):
        return x
    return F.interpolate(x.float(), (side, side), mode="bilinear", antialias=True).to(x.dtype)


def unexplained(found: Tensor, target: Tensor) -> Tensor:
    """Share of the variance of ``target`` (b, channels, r, c) that ``found`` misses, mean over the channels."""
    variance, mean = torch.var_mean(target, dim=(0, 2, 3), keepdim=True)
    # A channel that is silent in this batch has nothing to be explained and must not be blown up.
    scale = torch.rsqrt(variance + 0.01 * variance.mean() + 1e-12)
    return F.mse_loss((found - mean) * scale, (target - mean) * scale)


def soft_loss(logits: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """Kullback-Leibler divergence from the teacher's softened predictions, times T² (Hinton et al. 2015, section 2)."""
    found = F.log_softmax(logits.float() / temperature, dim=1)
    target = F.log_softmax(wanted / temperature, dim=1)
    return F.kl_div(found, target, reduction="batchmean", log_target=True) * temperature**2


def share_stem(teacher: ResNet, student: ResNet) -> None:
    """Give the student the teacher's stem: all depths have the same one (He et al. 2015, Table 1). One for small
    pictures gets the ``small_stem`` of it."""
    small = is_small_of(student.architecture, teacher.architecture)
    if not small and student.architecture.first_convolutions != teacher.architecture.first_convolutions:
        raise UserError(f"A {teacher.architecture.title} has another stem than the student: choose another --teacher.")
    for name in ("conv1", "bn1"):
        ours, theirs = getattr(student, name), getattr(teacher, name)
        if ours is not None and theirs is not None:
            state = theirs.state_dict()
            if small and name == "conv1":
                state = {"weight": torch.from_numpy(small_stem(state["weight"].numpy()))}
            ours.load_state_dict(state)
