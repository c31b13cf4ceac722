"""The same network in the ways of others: torchvision's in PyTorch, transformers', OpenVINO's bare forward pass."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torchvision import models

from resnet_demo import checkpoints, tasks
from resnet_demo.models import state as model_state
from resnet_demo.models.architecture import STAGES, architecture_of
from resnet_demo.models.resnet import load_strictly

if TYPE_CHECKING:
    from resnet_demo.backends.openvino_runtime import ov
    from resnet_demo.checkpoints import Checkpoint


def checkpoint_of(task: str, depth: int) -> Checkpoint:
    """The bundled checkpoint of a task and depth; where there is none, one with random weights, whose path is None.

    Raises:
        UserError: the task has no checkpoint of any depth, or a damaged one.
    """
    local = {entry.depth: entry for entry in checkpoints.entries() if entry.task == task and entry.is_cached}
    if depth in local:
        return checkpoints.load_entry(local[depth])
    nearest = min(local, key=lambda other: abs(other - depth), default=None)
    spec = (checkpoints.load(task, depth) if nearest is None else checkpoints.load_entry(local[nearest])).spec
    return checkpoints.Checkpoint(spec, architecture_of(depth, "v1"), random_state(depth, spec.outputs))


def random_state(depth: int, outputs: int) -> dict[str, np.ndarray]:
    """Random weights by torchvision's names, whose activations stay bounded: the speed is that of trained ones."""
    random = np.random.default_rng(0)
    last_norms = {f"{block.convolutions[-1].norm}.weight" for block in architecture_of(depth).blocks}
    state = {}
    for key, shape in model_state.expected_shapes(depth, outputs).items():
        if len(shape) >= 2:
            state[key] = random.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[1:])))
        elif key.endswith(("weight", "running_var")):
            # Sums of 50 whole blocks would grow beyond all bounds.
            scale = 0.2 if key in last_norms else 1.0
            state[key] = np.full(shape, scale, np.float32)
        else:
            state[key] = np.zeros(shape, np.float32)
    return state


def torchvision_network(checkpoint: Checkpoint) -> nn.Module:
    """torchvision's ResNet with a checkpoint's weights, float32 on the CPU, in evaluation mode."""
    network = models.get_model(checkpoint.architecture.name, weights=None, num_classes=checkpoint.spec.outputs)
    state = {key: torch.from_numpy(value) for key, value in checkpoint.state.items()}
    load_strictly(network, state, "the checkpoint")
    if checkpoint.variant == "v1" and checkpoint.architecture.block == "bottleneck":
        # torchvision has a stage's stride in the 3×3 convolution; where the checkpoint has it first, so must this one.
        for stage in STAGES[1:]:
            first = getattr(network, stage)[0]
            first.conv1.stride, first.conv2.stride = (2, 2), (1, 1)
    return network.eval()


def normalised(checkpoint: Checkpoint, photo: Image.Image) -> torch.Tensor:
    """The network's input as the checkpoint's task prepares it, float32 (1, 3, S, S)."""
    picture, _ = tasks.preprocess(checkpoint.spec, photo)
    return torch.from_numpy(tasks.normalise(checkpoint.spec, picture[None]))


def bare_pass(checkpoint: Checkpoint) -> Callable[[np.ndarray], np.ndarray]:
    """OpenVINO's forward pass and nothing else, in the precision of the app's engine and compiled as that is.

    It is torchvision's network as OpenVINO converts it, or where the engine computes in 8 bits, which torchvision's
    does not, the engine's graph behind the first convolution, which is in float32 here, as the picture is.

    The function takes a float32 picture (1, 3, S, S) and returns its logits (1, outputs), valid until its next call.
    """
    import openvino

    from resnet_demo.backends.openvino import best_precision
    from resnet_demo.backends.openvino_runtime import core, hints

    shape, precision = [1, 3, checkpoint.spec.size, checkpoint.spec.size], best_precision(checkpoint)
    if precision == "int8":
        model = rounded_network(checkpoint)
    else:
        with warnings.catch_warnings():
            # OpenVINO's converter uses parts of PyTorch that PyTorch wants to give up.
            warnings.simplefilter("ignore")
            model = openvino.convert_model(torchvision_network(checkpoint), example_input=torch.zeros(shape))
    model.reshape(shape)
    request = core.compile_model(model, "CPU", hints(precision)).create_infer_request()

    def run(picture: np.ndarray) -> np.ndarray:
        return request.infer([picture], share_inputs=True, share_outputs=True)[0]

    return run


def rounded_network(checkpoint: Checkpoint) -> ov.Model:
    """The 8-bit network from a normalised picture to its logits."""
    from resnet_demo.backends import openvino_int8
    from resnet_demo.backends.openvino_graph import build_model, takes_planes, with_head
    from resnet_demo.backends.openvino_runtime import ov

    state, spec = checkpoint.state, checkpoint.spec
    layer = openvino_int8.rounding(checkpoint.ranges, openvino_int8.steps_here())
    graph = build_model(state, spec, checkpoint.architecture, layer)
    picture = takes_planes(graph, spec)
    return ov.Model([with_head(graph, state)[0]], [picture], "logits")


def pipeline(checkpoint: Checkpoint, batch: int = 1) -> Callable[[Image.Image | Sequence[Image.Image | str]], Any]:
    """transformers' image-classification pipeline with the same network, its weights random, float32.

    Raises:
        Missing: it is not installed and cannot be.
    """
    from resnet_demo.bench.peers import install

    transformers = install.load("transformers", "transformers")
    spec, architecture = checkpoint.spec, checkpoint.architecture
    config = transformers.ResNetConfig(
        layer_type=architecture.block,
        depths=list(architecture.counts),
        hidden_sizes=[blocks[-1].outputs for blocks in architecture.stages.values()],
        downsample_in_bottleneck=checkpoint.variant == "v1",
        num_labels=spec.outputs,
    )
    processor = transformers.ConvNextImageProcessor(
        size={"shortest_edge": spec.size},
        crop_pct=spec.size / spec.resize,
        image_mean=list(spec.mean),
        image_std=list(spec.std),
    )
    network = transformers.ResNetForImageClassification(config).eval()
    classify = transformers.pipeline(
        "image-classification", model=network, image_processor=processor, device="cpu", batch_size=batch
    )
    return lambda pictures: classify(pictures, top_k=5)
