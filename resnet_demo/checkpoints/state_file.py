"""A file of weights that another program wrote, as arrays by torchvision's names.

Read are safetensors (float64 to bfloat16, or our 8-bit integers) and PyTorch's ``.pth``, ``.pt`` and ``.ckpt``, these
with ``weights_only=True``, and Keras' files, see ``keras_file``: nothing in a file is ever run. Names may be those of
torchvision, timm, transformers, Lightning or Keras Applications.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from resnet_demo.checkpoints.files import CONFIG
from resnet_demo.checkpoints.keras_file import KERAS_SUFFIXES, preparation, read_keras_file
from resnet_demo.checkpoints.timm_names import from_timm
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import VARIANTS
from resnet_demo.models.quantization import dequantise
from resnet_demo.tasks import TaskSpec

PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "network.", "net.")
NESTED = ("state_dict", "model_state_dict", "model_state", "model", "state_dict_ema", "net")
TORCH_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".tar")
HEADS = re.compile(r"(?:head\.fc|head|classifier|fc)(?:\.\d+)?\.(weight|bias)")
FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16}
INTEGERS = {"I8": np.int8, "U8": np.uint8, "I32": np.int32, "I64": np.int64}


class StateFile(NamedTuple):
    """What a file holds.

    Attributes:
        state: float32 arrays by torchvision's names, without counters of batches; the head is ``fc``.
        variant: where a bottleneck has its stride, or None where neither the file nor its ``config.json`` says.
        from_transformers: whether the names were those of transformers, whose configuration says where the stride is.
        prepared: how pictures are prepared, where the kind of file says it.
    """

    state: dict[str, np.ndarray]
    variant: str | None
    from_transformers: bool
    prepared: TaskSpec | None = None


def read_state_file(path: Path) -> StateFile:
    """The weights of a file.

    Raises:
        UserError: it cannot be read, or holds no state dict.
    """
    if path.suffix in KERAS_SUFFIXES:
        stored_by_keras = read_keras_file(path)
        prepared = preparation(stored_by_keras.side)
        return StateFile(stored_by_keras.state, "v1", from_transformers=False, prepared=prepared)
    if path.suffix in TORCH_SUFFIXES:
        stored, said = read_torch(path), None
    else:
        stored, said = read_safetensors(path)
    from_transformers = any(".embedder.embedder." in f".{key}" for key in stored)
    names: dict[str, str] = {}
    for key in stored:
        name = torchvision_name(key)
        if name in names:
            raise UserError(
                "{path} holds {name} twice, as {first} and as {second}: leave one of the two networks out.",
                path=path,
                name=name,
                first=names[name],
                second=key,
            )
        names[name] = key
    renamed = {name: stored[key] for name, key in names.items() if not name.endswith("num_batches_tracked")}
    if "fc.weight" in renamed and renamed["fc.weight"].ndim == 4:  # a 1×1 convolution, as timm's pre-activation has
        renamed["fc.weight"] = renamed["fc.weight"][:, :, 0, 0]
    try:
        state = dequantise(renamed)
    except ValueError as error:
        raise UserError(
            "{path} cannot be read ({error}): pass a .safetensors file, or a .pth or .pt file with a state dict.",
            path=path,
            error=error,
        ) from None
    variant = said or variant_beside(path)
    return StateFile(state, variant if variant in VARIANTS else None, from_transformers)


def read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], str | None]:
    """The arrays of a safetensors file, bfloat16 too, which numpy has no type for, and the variant that it states.

    Raises:
        UserError: it is none, or cannot be read.
    """
    from safetensors import SafetensorError, deserialize

    try:
        data = path.read_bytes()
        found = {name: array_of(name, record) for name, record in deserialize(data)}
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (OSError, SafetensorError, ValueError) as error:
        raise UserError(
            "{path} cannot be read ({error}): pass a .safetensors file, or a .pth or .pt file with a state "
            "dict, imagenet or a checkpoint folder.",
            path=path,
            error=error,
        ) from None
    return found, (header.get("__metadata__") or {}).get("variant")


def array_of(name: str, record: Mapping) -> np.ndarray:
    """One array as ``safetensors.deserialize`` gives it."""
    kind, shape = record["dtype"], record["shape"]
    if kind == "BF16":  # The upper half of a float32.
        upper = np.frombuffer(record["data"], np.uint16).astype(np.uint32)
        return (upper << 16).view(np.float32).reshape(shape)
    dtype = FLOATS.get(kind) or INTEGERS.get(kind)
    if dtype is None:
        raise ValueError(f"{name} is stored as {kind}")
    return np.frombuffer(record["data"], dtype).reshape(shape).copy()  # which may be written to


def read_torch(path: Path) -> dict[str, np.ndarray]:
    """The state dict of PyTorch's file, at its top or where training programs put it.

    Raises:
        UserError: it holds anything but tensors and plain values, or no state dict.
    """
    import pickle

    import torch

    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(
            "{path} holds Python objects, which are not run here: save its weights alone, with "
            "torch.save(model.state_dict(), FILE).",
            path=path,
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise UserError(
            "{path} cannot be read ({error}): pass a .safetensors file, or a .pth or .pt file with a state dict.",
            path=path,
            error=(str(error).splitlines() or [type(error).__name__])[0],
        ) from None
    for _ in range(3):
        if not isinstance(stored, Mapping):
            break
        tensors = {key: value for key, value in stored.items() if isinstance(value, torch.Tensor)}
        inner = next((stored[key] for key in NESTED if isinstance(stored.get(key), Mapping)), None)
        if inner is None:
            if tensors:
                return {
                    str(key): (value.detach().float() if value.is_floating_point() else value.detach()).numpy()
                    for key, value in tensors.items()
                }
            break
        stored = inner
    raise UserError("{path} holds no state dict: save one with torch.save(model.state_dict(), FILE).", path=path)


def torchvision_name(key: str) -> str:
    """A name of torchvision's, timm's, transformers' or a wrapper's → torchvision's."""
    shortened = True
    while shortened:
        shortened = False
        for prefix in PREFIXES:
            if key.startswith(prefix):
                key, shortened = key.removeprefix(prefix), True
    name = from_timm(key.removeprefix("resnet."))
    if name.startswith("embedder.embedder."):
        layer, _, part = name.removeprefix("embedder.embedder.").partition(".")
        return f"{'conv1' if layer == 'convolution' else 'bn1'}.{part}"
    if match := re.fullmatch(r"encoder\.stages\.(\d+)\.layers\.(\d+)\.(layer\.(\d+)|shortcut)\.(\w+)\.(\w+)", name):
        stage, block, where, number, layer, part = match.groups()
        convolution = layer == "convolution"
        if where == "shortcut":
            place = f"downsample.{0 if convolution else 1}"
        else:
            place = f"{'conv' if convolution else 'bn'}{int(number) + 1}"
        return f"layer{int(stage) + 1}.{block}.{place}.{part}"
    if match := HEADS.fullmatch(name):
        return f"fc.{match[1]}"
    return name


def variant_beside(path: Path) -> str | None:
    """The variant in the ``config.json`` beside a file: ours, or transformers'."""
    try:
        config = json.loads((path.parent / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(config, Mapping):
        return None
    if config.get("model_type") == "resnet":
        return "v1" if config.get("downsample_in_bottleneck") else "v1.5"
    variant = config.get("variant")
    return variant if isinstance(variant, str) else None
