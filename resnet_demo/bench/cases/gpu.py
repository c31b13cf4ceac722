"""On a CUDA device: one picture with its Grad-CAM map, and many pictures a second."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from resnet_demo import tasks
from resnet_demo.backends.factory import make_engine
from resnet_demo.bench import results
from resnet_demo.bench.comparison import RATE, Entry, compare
from resnet_demo.bench.harness import photos
from resnet_demo.bench.peers import cam_packages, networks
from resnet_demo.bench.settings import Settings
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.explain import gradcam, maps

BATCH = 256
EXPLANATION = """
ResNet-{depth} at {size} px on {device}.
- one picture: from a prepared picture in the computer's memory to probabilities and Grad-CAM map there.
- {batch} pictures: from uint8 (ours) or float32 (the others) in the computer's memory to logits there.
Turns of each way: {rounds}, {seconds:g} s or one call at least, after a call of each to warm up.
"""


def measure(settings: Settings, depth: int = 50) -> list[dict]:
    """Print a table and return its rows for JSON; without a CUDA device a sentence and no rows.

    Raises:
        UserError: there is no checkpoint of an ImageNet ResNet-50 here.
    """
    if not torch.cuda.is_available():
        print("\nThere is no CUDA device here: nothing was measured on one.", flush=True)
        return []
    checkpoint = networks.checkpoint_of("imagenet1k", depth)
    batch = settings.batch or BATCH
    print(
        EXPLANATION.format(
            depth=depth,
            size=checkpoint.spec.size,
            device=torch.cuda.get_device_name(),
            batch=batch,
            rounds=settings.rounds,
            seconds=settings.seconds,
        ),
        flush=True,
    )
    table = compare(f"one picture, ResNet-{depth}, GPU", one_picture(checkpoint), settings.rounds, settings.seconds)
    table += compare(
        f"{batch} pictures, ResNet-{depth}, GPU", throughput(checkpoint, batch), settings.rounds, settings.seconds
    )
    print(results.table(table), flush=True)
    return results.to_dicts(table)


def one_picture(checkpoint: Checkpoint) -> list[Entry]:
    """Ways to the classes and the map of one picture."""
    picture, _ = tasks.preprocess(checkpoint.spec, photos.example("dahlia"))
    x = torch.from_numpy(tasks.normalise(checkpoint.spec, picture[None]))

    def ours() -> Callable[[], object]:
        engine = make_engine(checkpoint, "cuda")

        def explain() -> tuple[np.ndarray, np.ndarray]:
            outputs = engine.run(picture[None])
            probabilities = tasks.softmax(outputs.logits[0])
            best = int(probabilities.argmax())
            heat = gradcam.last_stage(outputs.features[0], engine.head_weights[best : best + 1])[0]
            return probabilities, maps.resize_map(maps.normalise01(heat), picture.shape[:2])

        return explain

    def eager() -> Callable[[], object]:
        explain = cam_packages.pytorch_grad_cam(networks.torchvision_network(checkpoint).cuda())
        return lambda: explain(x.cuda())

    def compiled() -> Callable[[], object]:
        network = fast(checkpoint)
        return lambda: forward(network, x, torch.bfloat16)

    return [
        Entry("ours", ours, ours=True),
        Entry("pytorch-grad-cam", eager, note="eager float32"),
        Entry("torch.compile, max-autotune", compiled, note="bf16, no map"),
    ]


def throughput(checkpoint: Checkpoint, batch: int) -> list[Entry]:
    """Ways to the logits of many pictures."""
    picture, _ = tasks.preprocess(checkpoint.spec, photos.example("dahlia"))
    pictures = np.repeat(picture[None], batch, axis=0)
    x = torch.from_numpy(tasks.normalise(checkpoint.spec, pictures)).pin_memory()

    def counted(run: Callable[[], object]) -> Callable[[], int]:
        def count() -> int:
            run()
            return batch

        return count

    def ours() -> Callable[[], int]:
        engine = make_engine(checkpoint, "cuda")
        return counted(lambda: engine.run(pictures))

    def eager() -> Callable[[], int]:
        network = networks.torchvision_network(checkpoint).cuda()
        return counted(lambda: forward(network, x, torch.float32))

    def compiled() -> Callable[[], int]:
        network = fast(checkpoint)
        return counted(lambda: forward(network, x, torch.bfloat16))

    return [
        Entry("ours", ours, RATE, ours=True, note="the feature maps, which make the maps, come back too"),
        Entry("PyTorch, eager", eager, RATE, note="float32"),
        Entry("torch.compile, max-autotune", compiled, RATE, note="bf16"),
    ]


def fast(checkpoint: Checkpoint) -> Callable[[Tensor], Tensor]:
    """torchvision's network as PyTorch makes it fastest: bf16, channels_last, compiled."""
    network = networks.torchvision_network(checkpoint).cuda()
    network = network.to(torch.bfloat16).to(memory_format=torch.channels_last)
    return torch.compile(network, mode="max-autotune")


@torch.inference_mode()
def forward(network: Callable[[Tensor], Tensor], x: Tensor, precision: torch.dtype) -> np.ndarray:
    """Float32 pictures in the computer's memory → float32 logits there, which waits for the device."""
    x = x.cuda(non_blocking=True).to(precision, memory_format=torch.channels_last)
    return network(x).float().cpu().numpy()
