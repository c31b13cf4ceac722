"""What a network starts from: the ImageNet ResNet-50, a checkpoint folder or a state dict, with a fresh head."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from resnet_demo import checkpoints
from resnet_demo.backends.torch_network import with_weights
from resnet_demo.errors import UserError
from resnet_demo.models import quantization
from resnet_demo.models.architecture import DEPTHS, STAGES, architecture_of
from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import TaskSpec
from resnet_demo.utils.cache import cache_folder


def imagenet_file() -> Path:
    """Where ``convert`` puts the ImageNet ResNet-50 unless told otherwise."""
    return cache_folder() / "imagenet" / "resnet50-v1.safetensors"


def read_state(init: str) -> tuple[dict[str, np.ndarray], str]:
    """Float32 state dict and variant of ``imagenet``, a checkpoint folder or a safetensors file.

    Raises:
        UserError: there is no such file, or it is none.
    """
    if init == "imagenet":
        path = imagenet_file()
        if not path.exists():
            from resnet_demo.training.networks.keras_import import convert_package

            print(f"Converting the ImageNet ResNet-50 to {path} …", flush=True)
            convert_package(path)
    else:
        path = Path(init)
    if path.is_dir():
        checkpoint = checkpoints.load_folder(path)
        return checkpoint.state, checkpoint.variant
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            stored = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            variant = (file.metadata() or {}).get("variant", "v1.5")
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{path} cannot be read ({error}): pass imagenet, a checkpoint folder or a .safetensors file."
        ) from None
    return quantization.dequantise(stored), variant


def whole_network(init: str, depth: int | None = None) -> ResNet:
    """The network of ``init`` (see ``read_state``) with its own head, float32, in evaluation mode.

    Args:
        depth: None: what the weights themselves are.
    """
    state, variant = read_state(init)
    return with_weights(state, depth or depth_of(state), len(state["fc.bias"]), variant, init, ResNet)


def depth_of(state: Mapping[str, np.ndarray]) -> int:
    """The depth of a state dict, counted from its blocks.

    Raises:
        UserError: not a ResNet's.
    """
    counts = tuple(len({key.split(".")[1] for key in state if key.startswith(f"{stage}.")}) for stage in STAGES)
    block_type = "bottleneck" if "layer1.0.conv3.weight" in state else "basic"
    for architecture in map(architecture_of, DEPTHS):
        if (architecture.block, architecture.counts) == (block_type, counts):
            return architecture.depth
    raise UserError(f"These weights are no ResNet's: {block_type} blocks in stages of {counts}.")


def label_names(init: str) -> tuple[str, ...]:
    """Class names of ``init``'s outputs."""
    if Path(init).is_dir():
        return checkpoints.load_folder(init).spec.labels
    from resnet_demo.tasks.imagenet_names import names

    return names()


def same_outputs(init: str, spec: TaskSpec) -> bool:
    """Whether the head of ``init`` means what ``spec`` asks for; a bare file of weights is trusted to."""
    if init != "imagenet" and not Path(init).is_dir():
        return True
    if init == "imagenet":
        return spec.labels == label_names(init)
    known = checkpoints.load_folder(init).spec
    return (known.kind, known.labels, known.points) == (spec.kind, spec.labels, spec.points)


def starting_network(init: str, depth: int, spec: TaskSpec, mean_points: np.ndarray | None = None) -> ResNet:
    """A ResNet with the weights of ``init`` and, unless they are of the same task, a head of zeros.

    A head of zeros makes the first steps move the head alone: nothing of what was learnt is lost to random gradients.

    Args:
        init: see ``read_state``, or ``scratch``, or ``fit`` for what ``layerwise_fit`` fills in later.
        mean_points: keypoints: the mean shape (points, 2) in 0..1 of the crop, which the untrained head then gives.
    """
    if init in ("scratch", "fit"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = ResNet(depth, spec.outputs, zero_last_norm=True)
    else:
        network = whole_network(init, depth)
        if network.fc.out_features == spec.outputs and same_outputs(init, spec):
            return network
        network.fc = nn.Linear(network.width, spec.outputs)
    nn.init.zeros_(network.fc.weight)
    nn.init.zeros_(network.fc.bias)
    if mean_points is not None:
        inside = np.clip(mean_points, 0.02, 0.98).ravel()
        with torch.no_grad():
            network.fc.bias.copy_(torch.from_numpy(np.log(inside / (1 - inside))))
    return network
