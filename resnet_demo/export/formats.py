"""A checkpoint for other programs: safetensors for torchvision and timm, ONNX, OpenVINO, TorchScript, torch.export.

All are float32, ONNX in fewer bits too. The graphs take one batch of pictures and give ``logits`` and ``features``,
the last feature map, from which Grad-CAM follows in closed form. A calibration's temperature is in the head, so that
softmax gives the probabilities of a prediction, where that is of one picture (``TaskSpec.mirrored``). Beside each file
lies a record of what it needs and gives, and the file holds it too.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resnet_demo.checkpoints import CONFIG, MODEL, Checkpoint
from resnet_demo.checkpoints.timm_names import to_timm
from resnet_demo.errors import UserError
from resnet_demo.export.files import FLOAT32, INT8, check_parent, check_precision, with_counters
from resnet_demo.tasks import CLASSIFICATION, KEYPOINTS, REGRESSION

if TYPE_CHECKING:
    import torch

SUFFIXES = {
    "safetensors": ".safetensors",
    "onnx": ".onnx",
    "openvino": ".xml",
    "torchscript": ".pt",
    "torch-export": ".pt2",
}
NORMALISED, UINT8 = "normalised", "uint8"
INPUTS = (NORMALISED, UINT8)
OUTPUTS = ("logits", "features")
Record = dict[str, object]  # of an export, see ``describe``
# No weights make their v1.5 compute what v1 does: a 3×3 of stride 2 would have to be a 5×5 with holes. But Conv2d reads
# its stride at each call, so this line makes their network a v1.
V1_STRIDES = (
    "for stage in (model.layer2, model.layer3, model.layer4): "
    "stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)"
)


def export(
    checkpoint: Checkpoint, kind: str, out: str | Path, pictures: str = NORMALISED, precision: str = FLOAT32
) -> list[Path]:
    """Write a checkpoint in another format; the files appear complete or not at all.

    Args:
        checkpoint: what to write.
        kind: a key of ``SUFFIXES``.
        out: the file, with the suffix of ``SUFFIXES``; OpenVINO's weights lie beside it in a ``.bin``.
        pictures: what a graph takes: ``normalised`` float32 (b, 3, S, S), or ``uint8`` RGB (b, S, S, 3).

        precision: of ``PRECISIONS``; all but ONNX are float32.

    Returns:
        The files, the one named by ``out`` first, the record last.

    Raises:
        UserError: no such format, input or precision, another suffix, no ranges for int8, a package that is missing, or
            a file that cannot be written.
    """
    out = Path(out)
    check(kind, out, pictures, precision)
    check_parent(out)
    if checkpoint.path is not None and out.resolve() == checkpoint.path.resolve():
        raise UserError(f"{out} is the checkpoint itself: export it to another file.")
    if precision == INT8 and not checkpoint.ranges:
        raise UserError(
            "This checkpoint has no ranges of its convolutions' inputs, which int8 needs: measure them with "
            "`resnet-demo ranges`, or export fp16."
        )
    record = describe(checkpoint, kind, pictures) | ({"precision": precision} if kind == "onnx" else {})
    checkpoint = checkpoint.calibrated()
    write = {
        "safetensors": write_safetensors,
        "onnx": write_onnx,
        "openvino": write_openvino,
        "torchscript": write_torchscript,
        "torch-export": write_torch_export,
    }[kind]
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
            write(checkpoint, Path(folder) / out.name, record)
            # What timm and the Hub expect beside a model.safetensors is a config.json.
            side = CONFIG if out.name == MODEL else side_of(out)
            (Path(folder) / side).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            names = [out.name, *sorted({path.name for path in Path(folder).iterdir()} - {out.name, side}), side]
            for name in names:
                os.replace(Path(folder) / name, out.parent / name)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror or error}): name another file.") from error
    return [out.parent / name for name in names]


def side_of(out: Path) -> str:
    """The name of the record beside an export: that of its stem, unless it is another export's already."""
    short, long = f"{out.stem}.json", f"{out.name}.json"
    if out.exists() and not out.with_name(long).exists():
        return short
    others = [out.with_suffix(suffix) for suffix in SUFFIXES.values() if suffix != out.suffix]
    return long if any(other.exists() for other in others) else short


def check(kind: str, out: Path, pictures: str, precision: str = FLOAT32) -> None:
    """Refuse what cannot be exported, before any work.

    Raises:
        UserError: no such format, input or precision, or another suffix.
    """
    if kind not in SUFFIXES:
        raise UserError(f"There is no format {kind!r}: choose {', '.join(SUFFIXES)}.")
    if pictures not in INPUTS:
        raise UserError(f"There is no input {pictures!r}: choose {' or '.join(INPUTS)}.")
    if kind == "safetensors" and pictures == UINT8:
        raise UserError("A safetensors file holds weights and takes no pictures: leave out the input, or choose onnx.")
    check_precision(kind, precision)
    if out.suffix != SUFFIXES[kind]:
        raise UserError(f"A file in the format {kind} ends in {SUFFIXES[kind]}: name it {out.stem}{SUFFIXES[kind]}.")


def caution(checkpoint: Checkpoint, kind: str) -> str | None:
    """What someone must know who uses the export, a line for each thing, or None."""
    lines = []
    if kind == "safetensors" and needs_v1_strides(checkpoint):
        lines.append(
            f"Mind: this {checkpoint.architecture.title} is v1, with the stride in the first 1×1 convolution of a "
            "stage, as in the paper. torchvision and timm only build v1.5: they load these weights without a complaint "
            f"and compute something else. After loading, set the strides: {V1_STRIDES}"
        )
    if kind == "torchscript":
        lines.append(
            "Mind: PyTorch has declared TorchScript deprecated; export torch-export, onnx or openvino to last."
        )
    if checkpoint.spec.mirrored:
        lines.append(
            "Mind: predict takes the mean of the logits of a picture and of its mirror image; what is exported sees "
            "one picture."
        )
    return "\n".join(lines) or None


def needs_v1_strides(checkpoint: Checkpoint) -> bool:
    """Whether torchvision's and timm's network of this depth has its strides elsewhere."""
    return checkpoint.variant == "v1" and checkpoint.architecture.block == "bottleneck"


def describe(checkpoint: Checkpoint, kind: str, pictures: str = NORMALISED) -> Record:
    """The record of an export, in the shape of timm's ``config.json``, with what timm has no key for beside it."""
    spec = checkpoint.spec
    first, head = checkpoint.architecture.first_convolutions[0].name, "fc"
    if checkpoint.architecture.activation_first:
        first, head = "stem.conv", "head.fc"
    record: Record = {
        "architecture": checkpoint.architecture.name,
        "num_classes": spec.outputs,
        "num_features": checkpoint.architecture.width,
        "pretrained_cfg": {
            "input_size": [3, spec.size, spec.size],
            "interpolation": spec.interpolation,
            "crop_pct": spec.size / spec.resize,
            "crop_mode": "squash" if spec.fit == "squash" else "center",
            "mean": list(spec.mean),
            "std": list(spec.std),
            "num_classes": spec.outputs,
            "first_conv": first,
            "classifier": head,
        },
        "depth": checkpoint.depth,
        "variant": checkpoint.variant,
        "task": replace(spec, mirrored=False).to_json(),  # One picture is one answer here.
    }
    if spec.kind == CLASSIFICATION:
        record["label_names"] = list(spec.labels)
    if checkpoint.calibration.temperature != 1:
        # For people: whoever reads the file must not divide again, so its key is none that we read.
        record["head_divided_by_temperature"] = checkpoint.calibration.temperature
    if kind != "safetensors":
        record["input"] = input_of(spec.size, pictures)
        record["outputs"] = {
            "logits": f"float32 (batch, {spec.outputs}), " + MEANING[spec.kind],
            "features": f"float32 (batch, {record['num_features']}, rows, columns), the last feature map",
        }
    elif needs_v1_strides(checkpoint):
        record["after_loading"] = V1_STRIDES
    return record


MEANING = {  # of the outputs
    CLASSIFICATION: "softmax gives probabilities",
    KEYPOINTS: "sigmoid gives x, y in 0..1, in turns",
    REGRESSION: "the number itself",
}


def input_of(size: int, pictures: str) -> str:
    """A graph's input, in words."""
    if pictures == UINT8:
        return f"uint8 (batch, {size}, {size}, 3), RGB"
    return f"float32 (batch, 3, {size}, {size}), RGB / 255, minus mean, divided by std"


def metadata(record: Record) -> dict[str, str]:
    """A record as the pairs of strings that file formats take; what is no string is JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for key, value in record.items()
    }


def takes_uint8(record: Record) -> bool:
    """Whether the graph of this record normalises by itself."""
    return str(record["input"]).startswith(UINT8)


def write_safetensors(checkpoint: Checkpoint, path: Path, record: Record) -> None:
    """Every key of torchvision's ``state_dict()``, or timm's, the counters of batches included."""
    state = checkpoint.state
    if checkpoint.architecture.activation_first:
        state = {to_timm(key): value for key, value in state.items()}
        state["head.fc.weight"] = state["head.fc.weight"][:, :, None, None]
    path.write_bytes(safetensors_bytes(state, record))


def safetensors_bytes(state: Mapping[str, np.ndarray], record: Record) -> bytes:
    """The file of a state, with its record inside."""
    from safetensors.numpy import save

    return save(with_counters(state), {"format": "pt"} | metadata(record))


def write_onnx(checkpoint: Checkpoint, path: Path, record: Record) -> None:
    from resnet_demo.export.onnx_graph import build_model

    network = checkpoint.state, checkpoint.spec, checkpoint.architecture
    model = build_model(*network, takes_uint8(record), metadata(record), str(record["precision"]), checkpoint.ranges)
    path.write_bytes(model.SerializeToString())


def write_openvino(checkpoint: Checkpoint, path: Path, record: Record) -> None:
    """The engine's own graph with the head added, as ``.xml`` and ``.bin``."""
    from resnet_demo.backends.openvino_graph import build_model, takes_planes, with_head
    from resnet_demo.backends.openvino_runtime import ov

    spec, state = checkpoint.spec, checkpoint.state
    graph = build_model(state, spec, checkpoint.architecture)
    pictures = graph.get_parameters()[0] if takes_uint8(record) else takes_planes(graph, spec)
    pictures.output(0).get_tensor().set_names({"pictures"})
    logits, features = with_head(graph, state)
    for output, name in zip((logits, features), OUTPUTS, strict=True):
        output.get_tensor().set_names({name})
    model = ov.Model([logits, features], [pictures], checkpoint.architecture.name)
    for key, value in metadata(record).items():
        model.set_rt_info(value, ["resnet_demo", key])
    ov.save_model(model, path, compress_to_fp16=False)


def torch_graph(checkpoint: Checkpoint, record: Record) -> tuple[torch.nn.Module, torch.Tensor]:
    """A module that gives (logits, features), and a batch to trace it with."""
    import torch

    from resnet_demo.backends.torch_network import build_network, scaling

    class Graph(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = build_network(checkpoint)
            mean, std = scaling(checkpoint.spec)
            self.register_buffer("mean", mean)
            self.register_buffer("std", std)

        def forward(self, x):
            if takes_uint8(record):
                x = (x.permute(0, 3, 1, 2).float() - self.mean) / self.std
            features = self.network.features(x)
            return self.network.head(features), features

    size = checkpoint.spec.size
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8) if takes_uint8(record) else torch.zeros(2, 3, size, size)
    return Graph().eval(), example


def write_torchscript(checkpoint: Checkpoint, path: Path, record: Record) -> None:
    """``torch.jit.load(path)(pictures)`` gives (logits, features); the record lies in the file as ``config.json``."""
    import torch

    graph, example = torch_graph(checkpoint, record)
    with warnings.catch_warnings(), torch.no_grad():
        # That it is deprecated the command says once; the shape checks that the tracer minds hold for every picture.
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.jit.save(
            torch.jit.trace(graph, example, check_trace=False), str(path), _extra_files={CONFIG: json.dumps(record)}
        )


def write_torch_export(checkpoint: Checkpoint, path: Path, record: Record) -> None:
    """``torch.export.load(path).module()(pictures)`` gives (logits, features); the record is in the file likewise."""
    import torch

    graph, example = torch_graph(checkpoint, record)
    with torch.no_grad():
        program = torch.export.export(graph, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
        torch.export.save(program, path, extra_files={CONFIG: json.dumps(record)})
