"""Small seeded networks, pictures and checkpoint folders for the tests; the networks have learned nothing."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from resnet_demo import checkpoints
from resnet_demo.checkpoints import config
from resnet_demo.checkpoints.index_file import read_index, write_index
from resnet_demo.models import architecture
from resnet_demo.models import state as model_state
from resnet_demo.models.architecture import Architecture, architecture_of
from resnet_demo.tasks import KEYPOINTS, TaskSpec

if TYPE_CHECKING:
    from resnet_demo.models.resnet import ResNet

FLOWERS = TaskSpec("flowers102", "classification", labels=("Rose", "Daisy", "Tulip", "Iris"), size=64, resize=64)
FACES = TaskSpec("faces68", KEYPOINTS, points=68, size=64, fit="squash")


def random_state(depth: Architecture | int, outputs: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights by torchvision's names: batch norms far from the identity, activations that stay bounded."""
    return {key: value.copy() for key, value in _drawn(architecture_of(depth), outputs, seed).items()}


@lru_cache(maxsize=4)
def _drawn(record: Architecture, outputs: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    last_norms = {f"{block.convolutions[-1].norm}.weight" for block in record.blocks}
    state = {}
    for key, shape in model_state.expected_shapes(record, outputs).items():
        if key.endswith("running_var"):
            value = rng.uniform(0.5, 1.5, shape)
        elif len(shape) >= 2:
            value = rng.standard_normal(shape, np.float32) * np.sqrt(2 / np.prod(shape[1:]))
        elif key in last_norms:
            value = rng.uniform(0.1, 0.3, shape)  # Deep networks would grow without bound otherwise.
        elif key.endswith("weight"):
            value = rng.uniform(0.7, 1.3, shape)
        else:
            value = rng.normal(0, 0.1, shape)
        state[key] = value.astype(np.float32)
    return state


def narrow(patch: pytest.MonkeyPatch, channels: int = 16) -> None:
    """Let the ResNets have a quarter of their channels, in tests of what is done with a network that learns: a
    sixteenth of the weights, of the arithmetic and of what is written at each step."""
    for depth, record in architecture._BY_DEPTH.items():
        patch.setitem(architecture._BY_DEPTH, depth, replace(record, channels=channels))
    # A configuration that is read meanwhile keeps such a record, and would hand it to the tests of other files.
    patch.setattr(config, "_read_version", lru_cache(config._read_version.__wrapped__))


def in_float32(patch: pytest.MonkeyPatch) -> None:
    """Train in float32 where the CPU has bf16 too, in tests of ways whose results are the same but for rounding."""
    import torch

    from resnet_demo.training.optim import amp, folded_norms

    for module in (amp, folded_norms):
        patch.setattr(module, "training_type", lambda device_type: torch.float32)


def network(depth: Architecture | int = 18, outputs: int = 4, seed: int = 0) -> ResNet:
    """These weights in PyTorch, in training mode."""
    from resnet_demo.backends.torch_network import with_weights
    from resnet_demo.models.resnet import ResNet

    return with_weights(random_state(depth, outputs, seed), depth, outputs, "v1.5", "random", ResNet).train()


def random_checkpoint(spec: TaskSpec = FLOWERS, depth: int = 18, variant: str = "v1.5", seed: int = 0):
    """A checkpoint in memory."""
    return checkpoints.Checkpoint(spec, architecture_of(depth, variant), random_state(depth, spec.outputs, seed))


def weights_folder(root: Path, *models: tuple[TaskSpec, Architecture | int], channels: int = 16) -> Path:
    """A folder as ``weights/``, with an index and a random checkpoint for each (spec, depth or network). They have a
    quarter of a ResNet's channels, as their records say: to make, load and run the whole takes five to ten times as
    long."""
    root.mkdir(parents=True, exist_ok=True)
    records = {record.file: record for record in read_index(root)} if (root / "index.json").exists() else {}
    for seed, (spec, depth) in enumerate(models):
        made = _made(spec, architecture_of(depth), channels, seed)
        shutil.copytree(made / spec.name, root / spec.name, dirs_exist_ok=True)
        records |= {record.file: record for record in read_index(made)}
    write_index(root, [*records.values()])
    return root


@cache
def _made(spec: TaskSpec, usual: Architecture, channels: int, seed: int) -> Path:
    """A folder as ``weights/`` with one checkpoint, made once in a process for each of what is ``usual`` there."""
    root = Path(tempfile.mkdtemp(prefix="tiny-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    record = replace(usual, channels=channels)
    folder = root / spec.name / f"resnet{record.depth}"
    with patch.dict(os.environ, RESNET_DEMO_WEIGHTS=str(root)):
        state = random_state(record, spec.outputs, seed)
        checkpoints.save(folder, state, spec, record, "v1.5", {"top1": 0.5}, card="# Tiny\n")
        checkpoints.register(folder)
    return root


@contextmanager
def page_weights(tmp_path_factory, *models: tuple[TaskSpec, Architecture | int]) -> Iterator[Path]:
    """Such a folder in the place of the bundled one, and a cache of the page's own, for a fixture of a module."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("weights")
        patch.setenv("RESNET_DEMO_WEIGHTS", str(root))
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield weights_folder(root, *models)


def pictures(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Seeded smooth coloured blobs, uint8 (count, size, size, 3)."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(s).resize((size, size), Image.Resampling.BICUBIC)) for s in small])


@contextmanager
def torchscript_is_deprecated() -> Iterator[None]:
    """Newer PyTorch warns when it loads TorchScript; 2.8 does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def photo(width: int = 120, height: int = 80, seed: int = 0) -> Image.Image:
    """One seeded RGB picture."""
    return Image.fromarray(pictures(1, 128, seed)[0]).resize((width, height))
