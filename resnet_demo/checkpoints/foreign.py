"""A checkpoint of a file of weights that another program wrote, with a configuration and a card of its own."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from resnet_demo.checkpoints.checkpoint import save
from resnet_demo.checkpoints.files import CONFIG
from resnet_demo.checkpoints.index import index_record
from resnet_demo.checkpoints.index_file import write_index
from resnet_demo.checkpoints.records import OwnData
from resnet_demo.checkpoints.state_file import StateFile, read_state_file
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import Architecture, architecture_of
from resnet_demo.models.state import architecture_in, check_state, depth_of
from resnet_demo.tasks import CLASSIFICATION, TaskSpec


def import_file(
    path: Path, task: str, labels: str, out: Path, depth: int | None = None, variant: str | None = None
) -> Path:
    """Write the checkpoint of a classifier's weights, rounded to 8 bits.

    Args:
        path: what ``state_file`` reads.
        task: its name here.
        labels: the classes in the order of the outputs, as ``read_labels`` takes them.
        out: the folder, which must not be there or be empty.
        depth, variant: None: found from the names, and from what the file or its ``config.json`` says.

    Returns:
        The folder.

    Raises:
        UserError: nothing was written, and why.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError("{out} is there already: choose another --out.", out=out)
    found = read_state_file(path)
    architecture = architecture_for(found, path, depth, variant)
    spec = replace(found.prepared or preparation(path), name=task, labels=read_labels(labels))
    check_state(found.state, architecture, spec.outputs, str(path), most=4)
    card = card_text(path.name, spec, architecture)
    # ``own`` keeps it from being published unasked.
    own = OwnData({"train": 0, "val": 0, "test": 0}, {}, "unknown: the weights were imported", 0)
    save(out, found.state, spec, architecture, None, {}, card, {"own": own, "imported": path.name})
    write_index(out, [index_record(out, out)])
    return out


def architecture_for(found: StateFile, path: Path, depth: int | None, variant: str | None) -> Architecture:
    """The network that the weights belong to.

    Raises:
        UserError: no ResNet, or its bottlenecks' stride is not known.
    """
    architecture = architecture_of(depth) if depth else architecture_in(found.state)
    architecture = architecture or architecture_of(depth_of(found.state))
    variant = variant or found.variant
    if variant is None and architecture.block == "bottleneck" and found.from_transformers:
        raise UserError(
            "{path} does not say where its bottlenecks have their stride: put its config.json beside it, or pass "
            "--variant v1 (downsample_in_bottleneck) or v1.5.",
            path=path,
        )
    return architecture_of(architecture, variant or "v1.5")


def read_labels(labels: str) -> tuple[str, ...]:
    """Names of a text file, one a line, or names with commas between them.

    Raises:
        UserError: fewer than two, or one twice.
    """
    file = Path(labels)
    if os.path.isfile(file):  # Names of thirty classes are longer than a file's may be, which is_file() fails at.
        try:
            names = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                "{file} cannot be read ({error}): pass a text file with one class a line.", file=file, error=error
            ) from None
    elif "," not in labels:
        raise UserError("There is no file {file}: pass a text file with one class a line, or a,b,c.", file=labels)
    else:
        names = labels.split(",")
    found = tuple(name.strip() for name in names if name.strip())
    if twice := sorted({name for name in found if found.count(name) > 1}):
        raise UserError("The class {name} is named twice: give each output a name of its own.", name=twice[0])
    if len(found) < 2:
        raise UserError("{labels} names fewer than two classes: name one for each output.", labels=labels)
    return found


def preparation(path: Path) -> TaskSpec:
    """How pictures are prepared, from timm's ``config.json`` beside the file, else as torchvision does it."""
    usual = TaskSpec("imported", CLASSIFICATION)
    try:
        config = json.loads((path.parent / CONFIG).read_text(encoding="utf-8"))
        said = config["pretrained_cfg"]
        size = int(said["input_size"][-1])
        resize = int(size / said.get("crop_pct", 0.875))  # timm rounds down.
        fit = "squash" if said.get("crop_mode") == "squash" else "crop"
        interpolation = said.get("interpolation", "bilinear")
        mean, std = (tuple(float(value) for value in said.get(key, getattr(usual, key))) for key in ("mean", "std"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError):
        return usual
    if interpolation not in ("bilinear", "bicubic") or not 32 <= size <= resize or len(mean) != 3 or len(std) != 3:
        return usual
    return replace(usual, size=size, resize=resize, fit=fit, interpolation=interpolation, mean=mean, std=std)


def scaling_of(spec: TaskSpec) -> str:
    """How photos become pictures, in words."""
    how = "whole" if spec.fit == "squash" else f"short side to {spec.resize}, then the centre"
    return f"{how}, {spec.interpolation}"


def card_text(file: str, spec: TaskSpec, architecture: Architecture) -> str:
    """The model card: what is known, and that no more is."""
    from huggingface_hub.utils import yaml_dump

    head = {
        "license": "other",
        "library_name": "resnet-demo",
        "pipeline_tag": spec.pipeline,
        "tags": ["resnet", architecture.name, "grad-cam"],
    }
    return f"""\
---
{yaml_dump(head, sort_keys=False)}---

# {architecture.title}: {spec.name}

Imported from `{file}`: {spec.outputs:,} classes, {architecture.variant}, input {spec.size} × {spec.size} pixels
({scaling_of(spec)}), stored as 8-bit integers per output channel. Training data, licence and accuracy are those of the
source and are not known here.

```sh
RESNET_DEMO_WEIGHTS=FOLDER resnet-demo predict PHOTO --task {spec.name} --depth {architecture.depth}
RESNET_DEMO_WEIGHTS=FOLDER resnet-demo serve
```

FOLDER is the one with this file.
"""
