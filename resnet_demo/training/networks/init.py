"""What a network starts from: the ImageNet ResNet-50, a checkpoint folder or a state dict, with a fresh head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from resnet_demo import checkpoints
from resnet_demo.backends.torch_network import with_weights
from resnet_demo.checkpoints import hub
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import Architecture, architecture_of
from resnet_demo.models.resnet import ResNet
from resnet_demo.models.state import architecture_in, check_state, depth_of
from resnet_demo.tasks import TaskSpec
from resnet_demo.tasks.spec import IMAGENET_MEAN, IMAGENET_STD
from resnet_demo.training.networks.small_stem import small_stem
from resnet_demo.utils.cache import cache_folder

Colour = tuple[float, float, float]


def imagenet_file() -> Path:
    """Where ``convert`` puts the ImageNet ResNet-50 unless told otherwise."""
    return cache_folder() / "imagenet" / "resnet50-v1.safetensors"


def read_state(init: str, network: Architecture | None = None) -> tuple[dict[str, np.ndarray], str]:
    """Float32 state dict and variant of ``imagenet``, ``hub``, a checkpoint folder or a file of weights.

    Args:
        init: ``hub`` is that network with ImageNet's classes, bundled or from the Hugging Face Hub; a file is one that
            ``checkpoints.state_file`` reads.

    Raises:
        UserError: there is no such file, or it is none.
    """
    if init == "hub":
        if network is None:
            raise UserError("hub is a network of a given depth and only to begin with: pass imagenet or a folder.")
        return hub_state(network)
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
    from resnet_demo.checkpoints.state_file import read_state_file

    found = read_state_file(path)
    if found.variant is None and found.from_transformers and depth_of(found.state) >= 50:
        raise UserError(
            f"{path} does not say where its bottlenecks have their stride: put its config.json beside it, or import it "
            "with --variant v1 or v1.5."
        )
    return found.state, found.variant or "v1.5"


def hub_state(network: Architecture) -> tuple[dict[str, np.ndarray], str]:
    """State dict and variant of a network with ImageNet's classes.

    Raises:
        UserError: there are none of such a network, or the Hub does not give them.
    """
    if is_listed(network):
        checkpoint = checkpoints.load("imagenet1k", network.depth)
        return checkpoint.state, checkpoint.variant
    from resnet_demo.checkpoints.state_file import read_state_file

    path, _ = hub.read(hub_source(network))
    return read_state_file(path).state, "v1.5"


def is_listed(network: Architecture) -> bool:
    """Whether the index says where a network's ImageNet weights lie, as it does for ResNets; else its record does."""
    return network.source is None and network.family == "ResNet"


def hub_source(network: Architecture) -> hub.HubSource:
    """Where the ImageNet weights of another network lie.

    Raises:
        UserError: there are none.
    """
    if network.source is None:
        raise UserError(
            f"There are no public ImageNet weights of a {network.title}: pass --init scratch, or a checkpoint folder."
        )
    # No commit is known here: the newest one is taken the first time, and kept.
    return hub.HubSource(network.source, "main", checkpoints.MODEL, format="timm")


def scaling_of(init: str, depth: Architecture | int) -> tuple[Colour, Colour]:
    """Mean and deviation (RGB, of values in 0..1) with which the weights of ``init`` were trained, and are trained on:
    those in the configuration of a checkpoint folder, or beside the weights on the Hub; ImageNet's of all others.

    Raises:
        UserError: there is no such configuration.
    """
    network = architecture_of(depth)
    if init == "hub" and is_listed(network):
        spec = checkpoints.spec_of(checkpoints.find("imagenet1k", network.depth))
    elif init == "hub":
        spec = checkpoints.hub_config(hub_source(network)).task
    elif init not in ("scratch", "fit", "imagenet") and Path(init).is_dir():
        spec = checkpoints.read_config(init).task
    else:
        return IMAGENET_MEAN, IMAGENET_STD
    return spec.mean, spec.std


def whole_network(init: str, network: Architecture | None = None, outputs: int | None = None) -> ResNet:
    """The network of ``init`` (see ``read_state``) with its own head, float32, in evaluation mode.

    Args:
        network: None: what the weights themselves are. One with the stem for small pictures takes that of a network
            for photos, see ``small_stem``.
        outputs: of a head of zeros where the weights have none; None refuses them.

    Raises:
        UserError: they are no such network's, with the names that do not fit.
    """
    state, variant = read_state(init, network)
    network = network or architecture_in(state) or architecture_of(depth_of(state))
    if network.stem == "cifar" and (stem := state.get("conv1.weight")) is not None and stem.shape[2:] == (7, 7):
        state = state | {"conv1.weight": small_stem(stem)}
    if outputs and not {"fc.weight", "fc.bias"} & state.keys():
        width = network.width
        state = state | {"fc.weight": np.zeros((outputs, width), np.float32), "fc.bias": np.zeros(outputs, np.float32)}
    check_state(state, network, len(state.get("fc.bias", ())), init, most=4)
    return with_weights(state, network, len(state["fc.bias"]), variant, init, ResNet)


def label_names(init: str) -> tuple[str, ...]:
    """Class names of ``init``'s outputs."""
    if Path(init).is_dir():
        return checkpoints.load_folder(init).spec.labels
    from resnet_demo.tasks.imagenet_names import names

    return names()


def same_outputs(init: str, spec: TaskSpec) -> bool:
    """Whether the head of ``init`` means what ``spec`` asks for; a bare file of weights is trusted to."""
    if init not in ("imagenet", "hub") and not Path(init).is_dir():
        return True
    if init in ("imagenet", "hub"):
        return spec.labels == label_names(init)
    known = checkpoints.load_folder(init).spec
    return (known.kind, known.labels, known.points) == (spec.kind, spec.labels, spec.points)


def starting_network(
    init: str, depth: Architecture | int, spec: TaskSpec, mean_points: np.ndarray | None = None
) -> ResNet:
    """A network with the weights of ``init`` and, unless they are of the same task, a head of zeros.

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
        network = whole_network(init, architecture_of(depth), spec.outputs)
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
