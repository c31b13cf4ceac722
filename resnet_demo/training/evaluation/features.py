"""Pictures through a network once: what ``evaluate``, ``bundle`` and ``calibrate`` all need of the test pictures.

Measuring a checkpoint always makes the pass anew, and leaves it in the user's cache folder; calibrating takes it from
there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from resnet_demo import tasks
from resnet_demo.backends import openvino, openvino_bytes, openvino_graph, openvino_int8
from resnet_demo.inference.base import BATCH
from resnet_demo.inference.classifier import Classifier
from resnet_demo.inference.mirror import outputs_of
from resnet_demo.models import architecture
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.utils.cache import cache_folder, state_of

KEPT = 3  # files; one of 6,149 pictures through a ResNet-50 has 53 MB


@dataclass(frozen=True, eq=False)
class Features:
    """What one pass of each picture gave: pooled features (n, C), logits (n, classes)."""

    pooled: np.ndarray
    logits: np.ndarray


def features_of(predictor: Classifier, pictures: Iterable[Image.Image | np.ndarray], count: int, what: str) -> Features:
    """Each picture through the network: all arrays, as they are, or all photos, as the predictor looks at them."""
    pooled: list[np.ndarray] = []
    logits: list[np.ndarray] = []
    batch: list = []
    for number, picture in enumerate(tqdm(pictures, desc=what, total=count, unit="picture"), start=1):
        batch.append(picture)
        if len(batch) == BATCH or number == count:
            for features, each in _outputs(predictor, batch):
                pooled.append(features.mean(axis=(1, 2)))
                logits.append(each)
            batch = []
    return Features(np.stack(pooled), np.stack(logits))


def _outputs(predictor: Classifier, batch: list) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Last feature map (C, r, c) and logits (classes,) of each."""
    if isinstance(batch[0], np.ndarray):
        outputs = outputs_of(predictor.engine, np.stack(batch))
        yield from zip(outputs.features, outputs.logits, strict=True)
    else:
        yield from ((look.features, look.logits) for look in predictor.look(batch)[0])


def photos(pictures: Pictures, rows: Iterable[int]) -> Iterator[Image.Image]:
    """The pictures of these rows, one at a time and not kept."""
    for row in rows:
        held = row in pictures.cache
        yield pictures.picture(row)
        if not held:
            pictures.cache.pop(row, None)


def all_features(predictor: Classifier, pictures: Pictures, what: str, keep: bool = False) -> Features:
    """All pictures, one by one.

    Args:
        keep: leave what comes out for ``cached_features``; of others, the last few stay.
    """
    found = features_of(predictor, photos(pictures, range(len(pictures))), len(pictures), what)
    if keep and (stored := cache_file(predictor, pictures)) is not None:
        stored.parent.mkdir(parents=True, exist_ok=True)
        part = stored.with_suffix(f".{os.getpid()}.npz")
        np.savez(part, pooled=found.pooled, logits=found.logits)
        os.replace(part, stored)
        for old in sorted(stored.parent.glob("*.npz"), key=lambda file: file.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
    return found


def cached_features(predictor: Classifier, pictures: Pictures, what: str) -> Features:
    """The last ``all_features`` of exactly this network over exactly these pictures, or a new one."""
    stored = cache_file(predictor, pictures)
    if stored is None or not stored.exists():
        return all_features(predictor, pictures, what)
    with np.load(stored) as arrays:
        return Features(arrays["pooled"], arrays["logits"])


def cache_file(predictor: Classifier, pictures: Pictures) -> Path | None:
    """Where a pass is kept; None for pictures that are not all files."""
    shown = [predictor.spec.to_json(), predictor.depth, predictor.backend, dict(predictor.checkpoint.ranges)]
    key = hashlib.sha256(json.dumps(shown).encode())
    for name, values in sorted(predictor.checkpoint.stored.items()):
        key.update(name.encode() + np.ascontiguousarray(values).tobytes())
    # The package's attribute of the name preprocess is the function.
    preparing = Path(tasks.__file__).with_name("preprocess.py")
    for source in (
        architecture.__file__,
        openvino_bytes.__file__,
        openvino_int8.__file__,
        openvino.__file__,
        openvino_graph.__file__,
        preparing,
    ):
        key.update(Path(source).read_bytes())
    try:
        key.update(state_of(pictures.paths))
    except OSError:
        return None
    return cache_folder() / "features" / f"{key.hexdigest()[:24]}.npz"
