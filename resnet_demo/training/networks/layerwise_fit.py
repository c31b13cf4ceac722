"""A start for a small network without any training: every convolution is a least-squares fit to the teacher.

A basic block has two 3×3 convolutions, a bottleneck 1×1, 3×3 and 1×1; but their hidden feature maps have the same
shape, and so has the feature map between stages once a quarter of the teacher's channels is picked. So the student's
layers are fitted one after the other, each on what the student itself has computed so far: the first convolution of a
block to the hidden feature map of one of the teacher's blocks, the second (with the projection shortcut) to the picked
channels after these blocks, the head to the logits. Each fit is a ridge regression over the positions of some thousand
pictures, solved exactly; what is left to the gradient is what a linear fit cannot reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from resnet_demo.errors import UserError
from resnet_demo.models.architecture import STAGES, Architecture
from resnet_demo.models.resnet import ResidualBlock, ResNet
from resnet_demo.training.networks.small_stem import SCALE, is_small_of
from resnet_demo.training.optim import folded_norms
from resnet_demo.training.optim.amp import autocast

# Pictures for each stage's fits: later stages have fewer positions a picture and more weights.
PICTURES = {"layer1": 200, "layer2": 800, "layer3": 2400, "layer4": 8000}
RIDGE = 3e-3
BATCH = 50

Batches = Callable[[int], Iterable[Tensor]]


class Regression:
    """Ridge regression of targets (n, k) on inputs (n, d), accumulated batch by batch."""

    def __init__(self):
        self.n = 0
        self.xx = self.xy = self.x = self.y = self.yy = torch.zeros(())

    def add(self, x: Tensor, y: Tensor) -> None:
        self.n += len(x)
        self.xx, self.xy = self.xx + x.T @ x, self.xy + x.T @ y
        self.x, self.y, self.yy = self.x + x.sum(0), self.y + y.sum(0), self.yy + (y * y).sum(0)

    def solve(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Weights (k, d), bias (k,), covariance of the inputs (d, d) and the variance left unexplained (k,)."""
        mean_x, mean_y = (self.x / self.n).double(), (self.y / self.n).double()
        # In place, as these matrices have a side of several thousand.
        covariance = self.xx.double().div_(self.n).sub_(torch.outer(mean_x, mean_x))
        cross = self.xy.double() / self.n - torch.outer(mean_x, mean_y)
        ridged = covariance.clone()
        ridged.diagonal().add_(RIDGE * covariance.diagonal().mean())
        weights = torch.cholesky_solve(cross, torch.linalg.cholesky(ridged)).T
        variance = self.yy.double() / self.n - mean_y**2
        explained = 2 * (weights * cross.T).sum(1) - ((weights @ covariance) * weights).sum(1)
        return weights.float(), (mean_y - weights @ mean_x).float(), covariance, (variance - explained).float()


def pick_channels(covariance: Tensor, readers: Tensor, count: int) -> list[int]:
    """The channels that best stand for all: greedily, what explains most of what ``readers`` (k, C) take from them."""
    covariance, readers = covariance.double(), readers.double()
    scale = torch.sqrt(((readers @ covariance) * readers).sum(1)).clamp_min(1e-9)
    readers = readers / scale[:, None]
    read = readers @ covariance
    # What is left of the covariance and of ``read`` is not written out, which would take most of the time: it is the
    # whole less the products of these columns, one for each channel that was picked.
    columns = torch.zeros(len(covariance), count, dtype=torch.float64)
    told = torch.zeros(len(readers), count, dtype=torch.float64)
    variance, gain = covariance.diagonal().clone(), (read**2).sum(0)
    least = 1e-9 * variance  # What is left of less is rounding.
    picked: list[int] = []
    for step in range(count):
        share_of_variance = torch.where(variance > least, gain / variance.clamp_min(1e-9), 0.0)
        share_of_variance[picked] = -1
        best = int(share_of_variance.argmax())
        picked.append(best)
        column = covariance[:, best] - columns[:, :step] @ columns[best, :step]
        column /= variance[best].clamp_min(1e-9).sqrt()
        tell = readers @ column
        left = tell @ read - columns[:, :step] @ (tell @ told[:, :step])
        gain += column**2 * (tell @ tell) - 2 * column * left
        variance -= column**2
        columns[:, step], told[:, step] = column, tell
    return picked


def pair_up(stem: Tensor, channels: Tensor) -> list[int]:
    """An order of ``channels`` (n, k) in which each is near the ``stem`` channel (n, k) that its shortcut brings."""
    distance = torch.stack([((channels - stem[:, [i]]) ** 2).mean(0) for i in range(stem.shape[1])])
    distance = distance / channels.var(0)
    order = [-1] * stem.shape[1]
    for _ in order:
        flat = int(distance.argmin())
        row, column = divmod(flat, distance.shape[1])
        order[row] = column
        distance[row], distance[:, column] = torch.inf, torch.inf
    return order


def patches(x: Tensor, size: int, stride: int) -> Tensor:
    """What a convolution sees at each position: (b, c, r, c') → (b · positions, c · size²)."""
    return F.unfold(x, size, padding=size // 2, stride=stride).transpose(1, 2).flatten(0, 1)


def rows(x: Tensor) -> Tensor:
    """Feature maps (b, c, r, c') → (b · positions, c)."""
    return x.flatten(2).transpose(1, 2).flatten(0, 1)


@torch.no_grad()
def set_layer(
    convolution: nn.Conv2d, norm: nn.BatchNorm2d | None, weights: Tensor, bias: Tensor, covariance, mean
) -> None:
    """Weights (k, d) and bias (k,) into a convolution and its batch norm, with the statistics that these inputs give.

    The weights get the size that initialisation gives them, as learning rates expect; the batch norm undoes it.
    """
    variance = ((weights.double() @ covariance) * weights.double()).sum(1).float().clamp_min(1e-6)
    means = weights @ mean.float()
    size = (2 * convolution.in_channels / convolution.out_channels) ** 0.5
    factor = size / weights.norm(dim=1).clamp_min(1e-6)
    convolution.weight.copy_((weights * factor[:, None]).view_as(convolution.weight))
    assert norm and norm.running_mean is not None and norm.running_var is not None  # Our batch norms keep statistics.
    norm.running_mean.copy_(means * factor)
    norm.running_var.copy_(variance * factor**2)
    norm.weight.copy_(torch.sqrt(variance * factor**2 + norm.eps) / factor)
    norm.bias.copy_(means + bias)


def teacher_block(block: ResidualBlock, x: Tensor) -> tuple[Tensor, Tensor]:
    """A bottleneck's hidden feature map and output, both before their ReLU."""
    first, second, third = block.layers()
    shortcut = block.shortcut(x, folded_norms.convolve)
    hidden = folded_norms.convolve(F.relu(folded_norms.convolve(x, *first)), *second)
    return hidden, folded_norms.convolve(F.relu(hidden), *third) + shortcut


def chunks(*maps: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The same pictures' parts of several feature maps, as float32."""
    for parts in zip(*(part.split(BATCH) for part in maps), strict=True):
        yield tuple(part.float() for part in parts)


@torch.no_grad()
def fit(teacher: ResNet, student: ResNet, batches: Batches) -> dict[str, float]:
    """Fit ``student`` (basic blocks) to ``teacher`` (bottlenecks); both share the stem.

    Args:
        student: where its stem is the one for small pictures, the teacher sees them enlarged, so that its feature maps
            are as large as the student's.
        batches: n → batches of normalised pictures (b, 3, r, c), n in all or as many as there are.

    Returns:
        Share of the variance left unexplained, by layer.

    Raises:
        UserError: not a pair of such networks.
    """
    if not can_fit(teacher.architecture, student.architecture):
        raise UserError("A fit needs a ResNet-18 or 34 and a deeper teacher: choose another --init.")
    student.eval()
    unexplained: dict[str, float] = {}
    progress = tqdm(total=sum(len(getattr(student, stage)) for stage in STAGES), desc="fitting", unit="block")
    for index, stage in enumerate(STAGES):
        ours, theirs = getattr(student, stage), getattr(teacher, stage)
        width = ours[0].conv2.out_channels
        ends = [round((j + 1) * len(theirs) / len(ours)) - 1 for j in range(len(ours))]
        inputs, hidden, outputs = stage_maps(teacher, student, index, batches(PICTURES[stage]))
        order = pick(teacher, stage, width, outputs[-1], inputs if stage == "layer1" else None)
        x = inputs
        for j, block in enumerate(ours):
            target = outputs[ends[j]][:, order]
            solved = fit_block(block, x, hidden[ends[j - 1] + 1 if j else 0], target)
            store_block(block, solved)
            unexplained[f"{stage}.{j}.conv1"], unexplained[f"{stage}.{j}"] = solved[0][-1], solved[-1]
            with autocast("cpu"):
                x = torch.cat([folded_norms.block(part, block) for part in x.split(BATCH)])
            progress.update()
            progress.set_postfix(left=f"{solved[-1]:.2f}")
    unexplained["head"] = fit_head(teacher, student, x, F.relu(outputs[-1]))
    progress.close()
    return unexplained


def can_fit(teacher: Architecture, student: Architecture) -> bool:
    """Whether a basic block's hidden feature map has the shape of a bottleneck's."""
    pair = teacher, replace(student, stem=teacher.stem) if is_small_of(student, teacher) else student
    if (teacher.block, student.block) != ("bottleneck", "basic") or not all(one.has_usual_blocks for one in pair):
        return False
    hidden = [[record.stages[stage][0].convolutions[-2].outputs for stage in STAGES] for record in pair]
    return hidden[0] == hidden[1]


def stage_maps(teacher: ResNet, student: ResNet, index: int, pictures: Iterable[Tensor]):
    """The student's input of a stage, and hidden maps and outputs (before the ReLU) of each teacher block in it."""
    inputs, hidden, outputs = [], [], []
    for x in pictures:
        with autocast("cpu"):
            ours = theirs = student.stem(x, folded_norms.convolve)
            if is_small_of(student.architecture, teacher.architecture):
                large = F.interpolate(x, scale_factor=SCALE, mode="bilinear")
                theirs = teacher.stem(large.contiguous(memory_format=torch.channels_last), folded_norms.convolve)
            for stage in STAGES[:index]:
                for block in getattr(student, stage):
                    ours = folded_norms.block(ours, block)
                for block in getattr(teacher, stage):
                    theirs = folded_norms.block(theirs, block)
            inputs.append(ours)
            found = []
            for block in getattr(teacher, STAGES[index]):
                found.append(teacher_block(block, theirs))
                theirs = F.relu(found[-1][1])
        hidden.append([pair[0].bfloat16() for pair in found])
        outputs.append([pair[1].bfloat16() for pair in found])
    return (
        torch.cat(inputs),
        [torch.cat(maps) for maps in zip(*hidden, strict=True)],
        [torch.cat(maps) for maps in zip(*outputs, strict=True)],
    )


def pick(teacher: ResNet, stage: str, width: int, outputs: Tensor, stem: Tensor | None) -> list[int]:
    """Which of the teacher's channels the student's stage stands for, in the student's order."""
    sample = F.relu(torch.cat([rows(part) for (part,) in chunks(outputs)]))
    covariance = torch.cov(sample.T)
    if stage == STAGES[-1]:
        readers = torch.cat([teacher.fc.weight, torch.diag(covariance.diagonal().clamp_min(1e-9).rsqrt())])
    else:
        following = getattr(teacher, STAGES[STAGES.index(stage) + 1])[0]
        pairs = (following.layers()[0], following.projection())
        readers = torch.cat([folded_norms.fold(*pair)[0].flatten(1) for pair in pairs])
    picked = pick_channels(covariance, readers, width)
    if stem is not None:
        part = next(chunks(stem))[0]
        picked = [picked[i] for i in pair_up(rows(part), sample[: len(rows(part)), picked])]
    return picked


def fit_block(block: ResidualBlock, x: Tensor, hidden: Tensor, target: Tensor) -> tuple:
    """Regressions of a block's two convolutions; the last item is what the block leaves unexplained."""
    stride = block.conv1.stride[0]
    first = Regression()
    for part, wanted in chunks(x, hidden):
        first.add(patches(part, 3, stride), rows(wanted))
    weights, bias, covariance, missed = first.solve()
    mean = first.x / first.n
    kernel = weights.view_as(block.conv1.weight)
    second = Regression()
    for part, wanted in chunks(x, target):
        inner = patches(F.relu(F.conv2d(part, kernel, bias, stride, 1)), 3, 1)
        if block.downsample is None:
            second.add(inner, rows(wanted - part))
        else:
            second.add(torch.cat([inner, patches(part, 1, stride)], 1), rows(wanted))
    solution = second.solve()
    return (
        (weights, bias, covariance, mean, share(missed, hidden)),
        (*solution[:3], second.x / second.n),
        share(solution[3], target),
    )


def share(missed: Tensor, wanted: Tensor) -> float:
    """Unexplained variance (k,) relative to that of the wanted maps (b, k, r, c), mean over the channels."""
    return float((missed / wanted.float().var((0, 2, 3)).clamp_min(1e-9)).mean())


def store_block(block: ResidualBlock, solved: tuple) -> None:
    (weights, bias, covariance, mean, _), (more, shift, joint, means), _ = solved
    set_layer(block.conv1, block.bn1, weights, bias, covariance, mean)
    own = block.conv2.weight[0].numel()
    set_layer(block.conv2, block.bn2, more[:, :own], shift, joint[:own, :own], means[:own])
    if (projection := block.projection()) is not None:
        rest = (more[:, own:], torch.zeros_like(shift), joint[own:, own:], means[own:])
        set_layer(*projection, *rest)


def fit_head(teacher: ResNet, student: ResNet, x: Tensor, wanted: Tensor) -> float:
    """The head that gives the teacher's logits from the student's pooled features."""
    regression = Regression()
    regression.add(x.float().mean((2, 3)), teacher.head(wanted.float()))
    missed = set_linear(student.fc, regression)
    return float((missed / teacher.head(wanted.float()).var(0)).mean())


@torch.no_grad()
def set_linear(layer: nn.Linear | nn.Conv2d, regression: Regression) -> Tensor:
    """A linear layer or 1×1 convolution out of a regression; returns the variance left unexplained (k,)."""
    weights, bias, _, missed = regression.solve()
    assert layer.bias is not None
    layer.weight.copy_(weights.view_as(layer.weight))
    layer.bias.copy_(bias)
    return missed
