"""torchvision's reference training, as its ``references/classification`` does it with the default settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision import models, transforms

from resnet_demo.bench.harness.training_clock import Clock
from resnet_demo.tasks import IMAGENET_MEAN, IMAGENET_STD
from resnet_demo.training.data.datasets import Pictures

ENDLESS = 10**9


class ReferenceDataset(Dataset):
    """Pictures by index: float32 (3, size, size), normalised, and label.

    Args:
        decoded: take the decoded pictures from memory; else each one is read from its file each time.
    """

    def __init__(self, pictures: Pictures, size: int, decoded: bool, clock: Clock):
        self.pictures, self.decoded, self.clock = pictures, decoded, clock
        self.transform = transforms.Compose(
            [
                transforms.RandomResizedCrop(size, antialias=True),
                transforms.RandomHorizontalFlip(),
                transforms.PILToTensor(),
                transforms.ConvertImageDtype(torch.float),
                transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = self.pictures.picture(index) if self.decoded else self.read(index)
        sample = self.transform(picture), int(self.pictures.labels[index])
        self.clock.stamp()
        return sample

    def read(self, index: int) -> Image.Image:
        with Image.open(self.pictures.paths[index]) as image:
            return image.convert("RGB")


def reference_batches(pictures: Pictures, size: int, batch: int, workers: int, decoded: bool, clock: Clock) -> Iterator:
    dataset = ReferenceDataset(pictures, size, decoded, clock)
    return endless(dataset, batch, workers)


def endless(dataset: Dataset, batch: int, workers: int) -> Iterator:
    """Batches in a random order, without end, prepared by ``workers`` processes."""
    return iter(
        DataLoader(
            dataset,
            batch_size=batch,
            sampler=RandomSampler(dataset, num_samples=ENDLESS),  # type: ignore[arg-type]
            num_workers=workers,
            pin_memory=torch.cuda.is_available(),
        )
    )


def reference_step(depth: int, classes: int, device: torch.device) -> Callable[[Tensor, Tensor], float]:
    """``training_step`` of torchvision's ResNet."""
    return training_step(models.get_model(f"resnet{depth}", weights=None, num_classes=classes), device)


def training_step(
    network: nn.Module, device: torch.device, autocast: torch.dtype | None = None
) -> Callable[[Tensor, Tensor], float]:
    """A function that trains a network on a batch (b, 3, size, size), labels (b,), and returns the loss.

    Args:
        autocast: compute in this type where PyTorch's autocast does (None: in float32, its default).
    """
    network = network.to(device).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss()

    def step(pictures: Tensor, labels: Tensor) -> float:
        pictures, labels = pictures.to(device, non_blocking=True), labels.to(device, non_blocking=True)
        with torch.autocast(device.type, autocast, enabled=autocast is not None):
            loss = criterion(network(pictures), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
