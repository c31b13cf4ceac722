"""A prepared picture → its classes and its Grad-CAM map, one picture at a time, on the CPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image

from resnet_demo import tasks
from resnet_demo.backends import factory
from resnet_demo.bench import results
from resnet_demo.bench.comparison import Entry, compare
from resnet_demo.bench.harness import photos
from resnet_demo.bench.peers import cam_packages, networks
from resnet_demo.bench.settings import Settings
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.explain import gradcam, maps
from resnet_demo.utils.cpu import cpu_count

WHAT = "classify, ResNet-{depth}"
EXPLANATION = """
From a prepared picture to the probabilities of {classes:,} classes and the most probable one's map by Grad-CAM,
ResNet-{depth} at {size} px, one picture at a time on the CPU. All ways have the same network with the same weights,
but transformers' pipeline, whose weights are random and which makes no map.
Turns of each way: {rounds}, {seconds:g} s or one call at least, after a call of each to warm up.
Threads: PyTorch {threads}, OpenVINO {cpus}.
"""


def measure(settings: Settings, depth: int = 50) -> list[dict]:
    """Print a table and return its rows for JSON.

    Raises:
        UserError: there is no checkpoint of an ImageNet ResNet-50 here.
    """
    checkpoint = networks.checkpoint_of("imagenet1k", depth)
    photo = photos.example("dahlia")
    print(
        EXPLANATION.format(
            size=checkpoint.spec.size,
            classes=checkpoint.spec.outputs,
            depth=depth,
            rounds=settings.rounds,
            seconds=settings.seconds,
            threads=torch.get_num_threads(),
            cpus=cpu_count(),
        ),
        flush=True,
    )
    table = compare(WHAT.format(depth=depth), entries(checkpoint, photo), settings.rounds, settings.seconds)
    print(results.table(table), flush=True)
    return results.to_dicts(table)


def entries(checkpoint: Checkpoint, photo: Image.Image) -> list[Entry]:
    """Ours and its peers."""

    def explained(way: Callable[..., cam_packages.Explain]) -> Callable[[], Callable[[], object]]:
        def make() -> Callable[[], object]:
            explain, picture = way(networks.torchvision_network(checkpoint)), networks.normalised(checkpoint, photo)
            return lambda: explain(picture)

        return make

    return [
        Entry("ours", lambda: ours(checkpoint, photo), ours=True),
        Entry("pytorch-grad-cam", explained(cam_packages.pytorch_grad_cam), target_ratio=15, note="eager float32"),
        Entry(
            "captum LayerGradCam",
            explained(cam_packages.captum),
            target_ratio=5,
            note="eager float32, two forward passes",
        ),
        Entry("torchcam GradCAM", explained(cam_packages.torchcam), target_ratio=5, note="eager float32"),
        Entry(
            "transformers' pipeline",
            lambda: piped(checkpoint, photo),
            target_ratio=5,
            note="eager float32, no map; prepares the picture itself",
        ),
        Entry("OpenVINO, the forward pass alone", lambda: bare(checkpoint, photo), limit_ratio=1.15, note="no map"),
    ]


def ours(checkpoint: Checkpoint, photo: Image.Image) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    """What the app does with a prepared picture."""
    network = factory.make_engine(checkpoint, "cpu")
    picture, _ = tasks.preprocess(checkpoint.spec, photo)
    batch = np.ascontiguousarray(picture[None])

    def classify() -> tuple[np.ndarray, np.ndarray]:
        outputs = network.run(batch)
        probabilities = tasks.softmax(outputs.logits[0])
        best = int(probabilities.argmax())
        heat = gradcam.last_stage(outputs.features[0], network.head_weights[best : best + 1])[0]
        return probabilities, maps.resize_map(maps.normalise01(heat), picture.shape[:2])

    return classify


def piped(checkpoint: Checkpoint, photo: Image.Image) -> Callable[[], object]:
    """The pipeline on a picture that has the network's size already."""
    classify = networks.pipeline(checkpoint)
    small = Image.fromarray(tasks.preprocess(checkpoint.spec, photo)[0])
    return lambda: classify(small)


def bare(checkpoint: Checkpoint, photo: Image.Image) -> Callable[[], np.ndarray]:
    forward, picture = networks.bare_pass(checkpoint), networks.normalised(checkpoint, photo).numpy()
    return lambda: forward(picture)
