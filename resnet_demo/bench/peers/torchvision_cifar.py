"""ResNet-56 on CIFAR-10 as one writes it with torchvision: its blocks, its transforms, its defaults."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision import transforms
from torchvision.models.resnet import BasicBlock, conv1x1, conv3x3

from resnet_demo.bench.harness.training_clock import Clock

CHANNELS = (16, 32, 64)
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)  # of CIFAR-10


class CifarPictures(Dataset):
    """Pictures by index: float32 (3, 32, 32), moved, mirrored and normalised, and label."""

    def __init__(self, pictures: np.ndarray, labels: np.ndarray, clock: Clock):
        self.pictures, self.labels, self.clock = pictures, labels, clock
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        sample = self.transform(self.pictures[index]), int(self.labels[index])
        self.clock.stamp()
        return sample


def network(depth: int, classes: int) -> nn.Sequential:
    """The paper's network of ``depth`` layers for CIFAR-10 (section 4.2) out of torchvision's blocks."""
    layers: list[nn.Module] = [conv3x3(3, CHANNELS[0]), nn.BatchNorm2d(CHANNELS[0]), nn.ReLU(inplace=True)]
    inputs = CHANNELS[0]
    for channels in CHANNELS:
        for _ in range((depth - 2) // 6):
            stride = 1 if channels == inputs else 2
            shortcut = nn.Sequential(conv1x1(inputs, channels, stride), nn.BatchNorm2d(channels))
            layers.append(BasicBlock(inputs, channels, stride, None if stride == 1 else shortcut))
            inputs = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))
