"""Augmentation of classification pictures, and mixing of batches."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms import v2

from resnet_demo.training.data.datasets import NO_LABEL, Pictures
from resnet_demo.training.recipe import Recipe


class ClassificationAugmentation:
    """RandomResizedCrop, mirroring and colour jitter: (pictures, index, seed) → (uint8 (3, size, size), label)."""

    def __init__(self, recipe: Recipe, size: int):
        steps = [
            v2.RandomResizedCrop(size, scale=(recipe.crop_scale, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
        ]
        if recipe.jitter:
            steps.append(v2.ColorJitter(recipe.jitter, recipe.jitter, recipe.jitter))
        self.transform = v2.Compose([*steps, v2.PILToTensor()])

    def __call__(self, pictures: Pictures, index: int, seed: int) -> tuple[Tensor, Tensor]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.transform(pictures.picture(index)), torch.tensor(pictures.labels[index])


def mix(pictures: Tensor, targets: Tensor, recipe: Recipe, seed: int) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang et al. 2017) or cutmix (Yun et al. 2019) of a batch with one-hot ``targets`` (b, classes)."""
    methods = [name for name in ("mixup", "cutmix") if getattr(recipe, name)]
    generator = torch.Generator().manual_seed(seed)
    if not methods or torch.rand((), generator=generator) >= recipe.mix_probability:
        return pictures, targets
    method = methods[int(torch.randint(len(methods), (), generator=generator))]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        alpha = getattr(recipe, method)
        share = torch.distributions.Beta(alpha, alpha).sample().item()
    order = torch.randperm(len(pictures), generator=generator)
    if method == "mixup":
        mixed = pictures * share + pictures[order] * (1 - share)
    else:
        rows, columns = pictures.shape[2:]
        height, width = int(rows * (1 - share) ** 0.5), int(columns * (1 - share) ** 0.5)
        top = int(torch.randint(rows - height + 1, (), generator=generator))
        left = int(torch.randint(columns - width + 1, (), generator=generator))
        mixed = pictures.clone()
        mixed[:, :, top : top + height, left : left + width] = pictures[
            order, :, top : top + height, left : left + width
        ]
        share = 1 - height * width / (rows * columns)
    return mixed, targets * share + targets[order] * (1 - share)


def one_hot(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Labels (b,) → smoothed targets (b, classes) (Szegedy et al. 2015, section 7); zeros for ``NO_LABEL``."""
    targets = F.one_hot(labels.clamp_min(0), classes).float() * (1 - smoothing) + smoothing / classes
    return targets * (labels != NO_LABEL)[:, None]
