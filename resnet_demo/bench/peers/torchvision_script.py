"""One prediction of torchvision's ResNet, as a plain script does it: ``python torch_once.py DEPTH WEIGHTS PHOTO``.

A program of its own that ``starting`` runs as a file: imports, network, weights, one photo, the five best classes.
"""

import sys

import torch
from PIL import Image
from torchvision import models, transforms

depth, weights, photo = sys.argv[1:]
state = torch.load(weights, weights_only=True)
network = models.get_model(f"resnet{depth}", num_classes=len(state["fc.bias"]))
network.load_state_dict(state)
network.eval()
transform = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
)
with torch.inference_mode():
    scores = network(transform(Image.open(photo).convert("RGB"))[None]).softmax(1)[0]
for probability, index in zip(*scores.topk(5), strict=True):
    print(int(index), float(probability))
