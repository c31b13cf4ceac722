"""The predictor for a task: made, or loaded once and shared; the one way from a photo to an answer."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from resnet_demo import checkpoints, tasks
from resnet_demo.backends import devices
from resnet_demo.inference.base import Predictor
from resnet_demo.inference.classifier import Classifier
from resnet_demo.inference.regressor import Regressor

if TYPE_CHECKING:
    from resnet_demo.checkpoints.hub import Progress


def make_predictor(
    task: str,
    depth: int = 50,
    device: str = "auto",
    *,
    checkpoint: checkpoints.Checkpoint | None = None,
    ends: bool = True,
) -> Predictor[Any]:
    """A predictor of the task's kind.

    Args:
        task, depth, device, checkpoint: see ``Predictor``.
        ends: of classes, see ``Classifier``.

    Raises:
        UserError: there is no such checkpoint or device, or its files are damaged.
    """
    checkpoint = checkpoint or checkpoints.load(task, depth)
    if checkpoint.spec.kind == tasks.CLASSIFICATION:
        return Classifier(task, depth, device, checkpoint=checkpoint, ends=ends)
    if checkpoint.spec.kind == tasks.REGRESSION:
        return Regressor(task, depth, device, checkpoint=checkpoint)
    from resnet_demo.inference.landmarks import LandmarkPredictor

    return LandmarkPredictor(task, depth, device, checkpoint=checkpoint)


_guard = threading.Lock()
_locks: dict[tuple, threading.Lock] = {}  # by key; those of heads on the same network are one lock
_networks: dict[tuple, threading.Lock] = {}
_loaded: dict[tuple, Predictor[Any]] = {}
_used: dict[tuple, float] = {}  # key → time.monotonic() of the last load


def load(task: str, depth: int = 50, device: str = "auto", progress: Progress | None = None) -> Predictor[Any]:
    """The predictor of a task, depth and device; loaded once, then shared by all callers and threads.

    Args:
        task, depth, device: see ``resnet_demo.load``.
        progress: called with the bytes that have come and those there are (or None), while weights are downloaded.
            A caller who waits for another one's download hears nothing.

    Raises:
        UserError: there is no such checkpoint or device, its files are damaged, or the Hub does not give them.
    """
    device = devices.resolve_device(device)
    entry = checkpoints.find(task, depth)
    # With the hash in the key, weights that were trained anew are loaded anew.
    key = (*entry.key, device)
    network = (entry.trunk.sha256 if entry.trunk else entry.sha256) or entry.key
    with _guard:
        lock = _locks.setdefault(key, _networks.setdefault((network, device), threading.Lock()))
    # One lock a network: loading one does not keep the others waiting, and what two tasks share is compiled once.
    with lock:
        if key not in _loaded:
            checkpoint = checkpoints.load_entry(entry, progress)
            _loaded[key] = on_loaded(checkpoint, device) or make_predictor(task, depth, device, checkpoint=checkpoint)
        _used[key] = monotonic()
        return _loaded[key]


def on_loaded(checkpoint: checkpoints.Checkpoint, device: str) -> Classifier | None:
    """The classifier of a checkpoint on the engine of one that is loaded already and differs in the head alone; None
    where there is none."""
    if device == "reference" or checkpoint.spec.kind != tasks.CLASSIFICATION:
        return None  # What others are tested against is computed in its own way to the end.
    for (*_, where), other in list(_loaded.items()):
        known = other.checkpoint
        if where == device and isinstance(other, Classifier) and checkpoints.same_trunk(known, checkpoint):
            head = {key: array for key, array in checkpoint.stored.items() if key.startswith("fc.")}
            return other.as_a(Classifier).with_head(replace(checkpoint, stored={**known.stored, **head}))
    return None


def unload(seconds: float, keep: Collection[tuple[str, int]] = (), most: int | None = None) -> int:
    """Let go of networks that nobody asked for within so many seconds → how many. Whoever has one can go on with it.

    Args:
        keep: tasks and depths that stay.
        most: networks that go, those first that were asked for the longest time ago; None: all.
    """
    with _guard:
        order = sorted(_loaded, key=lambda key: _used.get(key, 0.0))
    count = 0
    for key in order:
        if most is not None and count >= most:
            break
        with _locks[key]:
            found = _loaded.get(key)
            if found and (found.task, found.depth) not in keep and monotonic() - _used.get(key, 0.0) >= seconds:
                _loaded.pop(key).engine.unload()
                count += 1
    return count
