"""Augmentation of classification pictures, and mixing of batches."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms import v2

from resnet_demo.training.data.datasets import NO_LABEL, Pictures
from resnet_demo.training.recipe import Recipe

GREY = (124, 116, 104)  # the mean colour of ImageNet, which is zero for a network


class ClassificationAugmentation:
    """RandomResizedCrop, mirroring, colour jitter and what phones do to photos, as far as the recipe asks for it:
    (pictures, index, seed) → (uint8 (3, size, size), label).
    """

    def __init__(self, recipe: Recipe, size: int):
        steps = [
            Shifted(size, recipe.pad)
            if recipe.pad
            else v2.RandomResizedCrop(size, scale=(recipe.crop_scale, 1.0), antialias=True),
            v2.RandomHorizontalFlip(recipe.mirror),
        ]
        if recipe.zoom_out:
            steps.insert(0, sometimes(recipe.zoom_out, zoomed_out))
        if recipe.jitter:
            steps.append(v2.ColorJitter(recipe.jitter, recipe.jitter, recipe.jitter))
        if recipe.tint:
            steps.append(lambda photo: tinted(photo, recipe.tint))
        if recipe.grey:
            steps.append(v2.RandomGrayscale(recipe.grey))
        if recipe.blur:
            steps.append(sometimes(recipe.blur, blurred))
        if recipe.jpeg:
            steps.append(sometimes(recipe.jpeg, compressed))
        steps.append(v2.PILToTensor())
        if recipe.cutout:
            steps.append(lambda picture: cut_out(picture, recipe.cutout))
        self.transform = v2.Compose(steps)

    def __call__(self, pictures: Pictures, index: int, seed: int) -> tuple[Tensor, Tensor]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.transform(pictures.picture(index)), torch.tensor(pictures.labels[index])


class Shifted:
    """A picture as large as before, moved by up to ``pad`` of its side and filled with its reflections, at ``size``."""

    def __init__(self, size: int, pad: float):
        self.size, self.pad = size, pad

    def __call__(self, photo: Image.Image) -> Image.Image:
        rows, columns = (round(self.pad * side) for side in (photo.height, photo.width))
        padded = np.pad(np.asarray(photo), ((rows, rows), (columns, columns), (0, 0)), mode="reflect")
        top, left = (int(torch.randint(2 * room + 1, ())) for room in (rows, columns))
        moved = Image.fromarray(padded[top : top + photo.height, left : left + photo.width])
        if moved.size == (self.size, self.size):
            return moved
        enlarges = self.size > min(moved.size)  # as ``preprocess`` does
        return moved.resize((self.size, self.size), Image.Resampling.BILINEAR if enlarges else Image.Resampling.BOX)


def cut_out(picture: Tensor, share: float) -> Tensor:
    """A picture uint8 (3, r, c) with a grey square of ``share`` of its side, its centre anywhere in the picture."""
    rows, columns = picture.shape[1:]
    half = share * rows / 2
    top, left = (int(torch.randint(side, ())) for side in (rows, columns))
    area = (slice(max(round(top - half), 0), round(top + half)), slice(max(round(left - half), 0), round(left + half)))
    picture[:, area[0], area[1]] = torch.tensor(GREY, dtype=torch.uint8)[:, None, None]
    return picture


def sometimes(share: float, change: Callable[[Image.Image], Image.Image]) -> Callable[[Image.Image], Image.Image]:
    """``change`` for this share of the photos, the others as they are."""
    return lambda photo: change(photo) if torch.rand(()) < share else photo


def between(low: float, high: float) -> float:
    return low + (high - low) * torch.rand(()).item()


def zoomed_out(photo: Image.Image) -> Image.Image:
    """A photo of the same size in which all is smaller, its reflections around it: a bed with several flowers."""
    scale = between(0.4, 0.9)
    small = np.asarray(photo.resize([max(1, round(scale * side)) for side in photo.size], Image.Resampling.BILINEAR))
    rows, columns = photo.height - small.shape[0], photo.width - small.shape[1]
    top, left = (int(torch.randint(count + 1, ())) for count in (rows, columns))
    around = ((top, rows - top), (left, columns - left), (0, 0))
    return Image.fromarray(np.pad(small, around, mode="symmetric"))


def tinted(photo: Image.Image, strength: float) -> Image.Image:
    """Another white balance: each channel times e to the power of a normal value of this deviation."""
    gains = np.exp(strength * torch.randn(3).clamp(-2, 2).numpy())
    table = np.clip(np.arange(256) * gains[:, None], 0, 255).round().astype(int)
    return photo.point(table.ravel().tolist())


def blurred(photo: Image.Image) -> Image.Image:
    """Out of focus: Gaussian blur, at most a hundredth of the side."""
    return photo.filter(ImageFilter.GaussianBlur(between(0.2, 1) * max(photo.size) / 100))


def compressed(photo: Image.Image) -> Image.Image:
    """As a JPEG of quality 30 to 85 has it."""
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=round(between(30, 85)))
    return Image.open(buffer).convert("RGB")


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
