"""Transfer learning as a short script does it: ``python torchvision_own.py FOLDER WEIGHTS``.

A program of its own that ``own`` runs as a file: torchvision's ResNet-18 with given weights, its body frozen, a new
head for the classes of FOLDER/train, ten epochs, the accuracy on FOLDER/test.
"""

import sys

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

folder, weights = sys.argv[1:]
torch.manual_seed(0)
scale = [transforms.ToTensor(), transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
crops = transforms.Compose([transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), *scale])
middle = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), *scale])
train, test = datasets.ImageFolder(f"{folder}/train", crops), datasets.ImageFolder(f"{folder}/test", middle)
network = models.resnet18()
network.load_state_dict(torch.load(weights, weights_only=True), strict=False)
network.requires_grad_(False).fc = torch.nn.Linear(512, len(train.classes))
optimizer = torch.optim.Adam(network.fc.parameters(), lr=1e-3)
for _epoch in range(10):
    network.train()
    for pictures, labels in DataLoader(train, 32, shuffle=True, num_workers=1):
        loss = torch.nn.functional.cross_entropy(network(pictures), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
network.eval()
with torch.inference_mode():
    right = sum(int((network(x).argmax(1) == y).sum()) for x, y in DataLoader(test, 32, num_workers=1))
print(right / len(test))
