"""A folder that transformers' ``AutoModelForImageClassification`` and ``pipeline`` load as it is, float32.

Source of the names: https://github.com/huggingface/transformers, ``models/resnet/modeling_resnet.py`` and
``configuration_resnet.py``. Its bottlenecks have their stride in either place (``downsample_in_bottleneck``), so that a
v1 network needs no line after loading. Loaded with transformers 5.24.0 on 2026-11-29: see ``docs/hub.md``.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from resnet_demo.checkpoints import CONFIG, MODEL, Checkpoint
from resnet_demo.errors import UserError
from resnet_demo.export.files import check_parent, half_matrices, with_counters
from resnet_demo.tasks import CLASSIFICATION

PROCESSOR = "preprocessor_config.json"
FILTERS = {"bilinear": 2, "bicubic": 3}  # as Pillow numbers them


def export_transformers(checkpoint: Checkpoint, out: Path) -> list[Path]:
    """Write weights, configuration and how pictures are prepared.

    Args:
        checkpoint: of a classifier; its temperature goes into the head.
        out: the folder, which must not be there or be empty.

    Returns:
        The files.

    Raises:
        UserError: no classifier, no plain ResNet, or a folder that cannot be written.
    """
    if not has_network(checkpoint):
        name, title = checkpoint.spec.name, checkpoint.architecture.title
        raise UserError(f"transformers has no network for {name} on a {title}: export onnx or safetensors.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out} is there already, and this format is a folder: name another --out.")
    contents = {
        MODEL: weights_of(checkpoint),
        CONFIG: text(config_of(checkpoint)),
        PROCESSOR: text(processor_of(checkpoint)),
    }
    check_parent(out)
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
            for name, content in contents.items():
                (Path(folder) / name).write_bytes(content)
            out.mkdir(exist_ok=True)
            for name in contents:
                os.replace(Path(folder) / name, out / name)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror or error}): name another folder.") from error
    return [out / name for name in contents]


def has_network(checkpoint: Checkpoint) -> bool:
    """Whether transformers has a class that computes what this network does."""
    return checkpoint.spec.kind == CLASSIFICATION and checkpoint.architecture.family == "ResNet"


def weights_of(checkpoint: Checkpoint, half: bool = False) -> bytes:
    """A safetensors file by transformers' names, see ``half_matrices``; the temperature is in the head."""
    from safetensors.numpy import save

    state = checkpoint.calibrated().state
    # Without its counters each load reports missing keys, though a network that only predicts needs none.
    state = with_counters(half_matrices(state) if half else state)
    return save({transformers_name(key): value for key, value in state.items()}, {"format": "pt"})


def text(record: dict[str, object]) -> bytes:
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()


def config_of(checkpoint: Checkpoint) -> dict[str, object]:
    """``ResNetConfig``, with the labels both ways."""
    spec, architecture = checkpoint.spec, checkpoint.architecture
    return {
        "architectures": ["ResNetForImageClassification"],
        "model_type": "resnet",
        "num_channels": 3,
        "embedding_size": architecture.convolutions[0].outputs,
        "hidden_sizes": [blocks[-1].outputs for blocks in architecture.stages.values()],
        "depths": list(architecture.counts),
        "layer_type": architecture.block,
        "hidden_act": "relu",
        "downsample_in_first_stage": False,
        "downsample_in_bottleneck": checkpoint.variant == "v1",
        "id2label": {str(index): label for index, label in enumerate(spec.labels)},
        "label2id": {label: index for index, label in enumerate(spec.labels)},
        "problem_type": "single_label_classification",
        "torch_dtype": "float32",
    }


def processor_of(checkpoint: Checkpoint) -> dict[str, object]:
    """Our resize and crop as ``BitImageProcessor`` does them: the short side, then the centre."""
    spec = checkpoint.spec
    whole = {"height": spec.size, "width": spec.size}
    return {
        "image_processor_type": "BitImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": whole if spec.fit == "squash" else {"shortest_edge": spec.resize},
        "resample": FILTERS[spec.interpolation],
        "do_center_crop": spec.fit != "squash",
        "crop_size": whole,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(spec.mean),
        "image_std": list(spec.std),
    }


def transformers_name(key: str) -> str:
    """torchvision's name → that of transformers; ``checkpoints.state_file.torchvision_name`` goes the other way."""
    place, part = key.rsplit(".", 1)
    if place == "fc":
        return f"classifier.1.{part}"
    if "." not in place:
        return f"resnet.embedder.embedder.{'convolution' if place == 'conv1' else 'normalization'}.{part}"
    stage, block, *rest = place.split(".")
    layer = f"resnet.encoder.stages.{int(stage.removeprefix('layer')) - 1}.layers.{block}"
    if rest[0] == "downsample":
        return f"{layer}.shortcut.{'convolution' if rest[1] == '0' else 'normalization'}.{part}"
    number = int(rest[0][-1]) - 1
    return f"{layer}.layer.{number}.{'convolution' if rest[0].startswith('conv') else 'normalization'}.{part}"
