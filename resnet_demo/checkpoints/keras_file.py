"""The weights of a ResNet of Keras Applications out of Keras' own files, by layer; nothing in a file is ever run.

Three layouts: ``.keras`` (a zip of ``config.json`` and ``model.weights.h5``), ``.weights.h5`` of Keras 3, and the
``.h5`` of before. Keras 3 counts its layers by class in the order of ``model.layers``; their names are attributes
of the groups ``vars``, else those of the configuration, else what Keras Applications gives. The network may be the
whole model or a part of it, as in ``Sequential([ResNet50(include_top=False), GlobalAveragePooling2D(), Dense(5)])``.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from resnet_demo.checkpoints.keras_names import EARLIER_EPSILON, EPSILON, HEADS, MEAN_RGB, convert, torch_name
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import ARCHITECTURES
from resnet_demo.tasks import CLASSIFICATION, TaskSpec

KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
MEAN = tuple((MEAN_RGB / 255).tolist())  # of the pictures that ``KerasFile.state`` is for, with ImageNet's deviation
VARIABLES = {  # the order in which Keras 3 writes what it does not name
    "Conv2D": ("kernel", "bias"),
    "Dense": ("kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
}
MOST_BYTES = 2**31  # of the weights in a .keras file


def preparation(side: int | None) -> TaskSpec:
    """How pictures are prepared for a network of Keras Applications: ``preprocess_input``, after they were scaled to a
    square as ``image_dataset_from_directory`` does it."""
    size = side or 224
    return TaskSpec("imported", CLASSIFICATION, size=size, resize=size, fit="squash", mean=MEAN)


class KerasFile(NamedTuple):
    """What a file holds.

    Attributes:
        state: float32 arrays by torchvision's names, of a network of variant v1.
        side: of the pictures, in pixels, or None where the file does not say.
    """

    state: dict[str, np.ndarray]
    side: int | None


def read_keras_file(path: Path) -> KerasFile:
    """The weights of a file.

    Raises:
        UserError: it cannot be read, or holds no such network.
    """
    try:
        import h5py
    except ImportError:
        raise UserError("Reading {name} needs h5py: pip install h5py.", name=path.name) from None
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                config = json.loads(archive.read("config.json"))
                if archive.getinfo("model.weights.h5").file_size > MOST_BYTES:
                    raise UserError("{path} holds more than 2 GB of weights: import a ResNet alone.", path=path)
                content = archive.read("model.weights.h5")
            with h5py.File(io.BytesIO(content)) as file:
                arrays = dict(counted(file, config["config"]))
        else:
            with h5py.File(path) as file:
                said = file.attrs.get("model_config")
                config = json.loads(said) if said else None
                arrays = dict(counted(file, None) if "layers" in file else named(file))
    except UserError:
        raise
    except (OSError, KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, NotImplementedError) as error:
        raise UserError(
            "{path} cannot be read ({error}): pass what model.save() or model.save_weights() of Keras wrote.",
            path=path,
            error=str(error) or type(error).__name__,
        ) from None
    earlier = any(name.startswith("res2a_branch") for name in arrays)
    try:
        state = convert(with_head(arrays), EARLIER_EPSILON if earlier else EPSILON, MEAN)
    except (ValueError, KeyError) as error:
        raise UserError(
            "{path} is no ResNet50, ResNet101 or ResNet152 of keras.applications with one Dense layer behind it "
            "({error}): import weights of another program as .pth or .safetensors.",
            path=path,
            error=str(error).strip("'\""),
        ) from None
    return KerasFile(state, side_in(config))


def named(group: Any) -> Iterator[tuple[str, np.ndarray]]:
    """``layer/array`` → values of a file from before Keras 3, whose groups are called as their layers."""
    found: list[tuple[str, Any]] = []
    group.visititems(lambda name, item: found.append((name, item)) if hasattr(item, "dtype") else None)
    for name, item in found:
        *_, layer, array = f"/{name}".split("/")
        yield f"{layer}/{array.removesuffix(':0')}", np.asarray(item, np.float64)


def counted(group: Any, config: Mapping | None) -> Iterator[tuple[str, np.ndarray]]:
    """The same of Keras 3, by the layers of ``config``, or by what Keras Applications calls them."""
    layers = config["layers"] if config else usual_layers(group["layers"])
    seen: Counter[str] = Counter()
    for layer in layers:
        kind = layer["class_name"]
        place = snake_case(kind)
        number, seen[place] = seen[place], seen[place] + 1
        inner = group["layers"].get(f"{place}_{number}" if number else place)
        if inner is None:
            continue
        inside = layer.get("config", {})
        if "layers" in inner:
            yield from counted(inner, inside if "layers" in inside else None)
        for index, array in enumerate(VARIABLES.get(kind, ())):
            if str(index) in inner["vars"]:
                name = inner["vars"].attrs.get("name") or inside["name"]
                yield f"{name}/{array}", np.asarray(inner["vars"][str(index)], np.float64)


def usual_layers(groups: Any) -> Iterator[dict]:
    """Classes and names of a file's layers without a configuration.

    Keras Applications makes a block's shortcut after its second convolution, and its batch norm before the third one's.
    """
    convolutions = sum(re.fullmatch(r"conv2d(_\d+)?", name) is not None for name in groups)
    for record in ARCHITECTURES.values():
        if record.family == "ResNet" and record.block == "bottleneck" and len(record.convolutions) == convolutions:
            names = ["conv1", *(f"conv{s}_block{b}_{k}" for s, b, k in block_order(record.counts))]
            for name in names:
                yield {"class_name": "Conv2D", "config": {"name": f"{name}_conv"}}
                yield {"class_name": "BatchNormalization", "config": {"name": f"{name}_bn"}}
    for name in groups:
        if re.fullmatch(r"dense(_\d+)?", name):
            yield {"class_name": "Dense", "config": {"name": name}}
        elif "layers" in groups[name]:
            yield {"class_name": name}


def block_order(counts: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Stage, block and number of each convolution, as Keras Applications makes them."""
    for stage, count in enumerate(counts, start=2):
        for block in range(1, count + 1):
            yield from ((stage, block, number) for number in ((1, 2, 0, 3) if block == 1 else (1, 2, 3)))


def snake_case(name: str) -> str:
    """``BatchNormalization`` → ``batch_normalization``, ``Conv2D`` → ``conv2d``, as Keras does it."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def with_head(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays, with the one layer that is none of a ResNet's as its head.

    Raises:
        ValueError: there are several, or it is no Dense layer.
    """
    others: dict[str, None] = {}
    for name in arrays:
        layer = name.split("/")[0]
        try:
            torch_name(layer)
        except ValueError:
            others[layer] = None
    heads = [layer for layer in (*others, *HEADS) if f"{layer}/kernel" in arrays]
    if len(others) > 1 or len(heads) > 1 or any(arrays[f"{layer}/kernel"].ndim != 2 for layer in heads):
        raise ValueError(f"its further layers are {', '.join(list(others)[:4]) or ', '.join(heads)}")
    return {
        f"{HEADS[0]}/{name.split('/')[1]}" if name.split("/")[0] in heads else name: array
        for name, array in arrays.items()
    }


def side_in(config: Mapping | None) -> int | None:
    """The side of the pictures that a model's configuration states, where it takes square ones."""
    try:
        first = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "InputLayer")["config"]  # type: ignore[index]
        _, rows, columns, _ = first.get("batch_shape") or first["batch_input_shape"]
    except (KeyError, TypeError, StopIteration, ValueError):
        return None
    return rows if isinstance(rows, int) and rows == columns else None
