"""Weights: find, verify, load and save them. Numpy and safetensors only, so that loading never imports torch.

A checkpoint is a folder with ``model.safetensors``, ``config.json`` and, if it was described, a model card
``README.md``. ``weights/index.json`` lists those that come with the repository and those on the Hugging Face Hub; a
bundled file is preferred, then the Hub's cache on this machine, then the Hub. ``RESNET_DEMO_HUB_REPO`` (and
``RESNET_DEMO_HUB_REVISION``) name another repository with the same layout, whose index is used instead.

Weights of two and more dimensions are stored as 8-bit integers with one float32 scale for each output channel: a
quarter of the size, and no measurable loss of accuracy.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from resnet_demo import hub
from resnet_demo.calibration import Calibration
from resnet_demo.errors import UserError
from resnet_demo.layouts import DEPTHS, LAYOUTS, STAGES, VARIANTS
from resnet_demo.tasks import TaskSpec

FORMAT = "int8-per-channel"
SCALE = ".scale"
LFS_POINTER = b"version https://git-lfs"
MODEL, CONFIG, CARD, INDEX = "model.safetensors", "config.json", "README.md", "index.json"
# Candidate scales, as shares of a channel's largest weight: cutting off an outlier often costs less than coarse steps.
CLIPS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6)


@dataclass(frozen=True)
class Entry:
    """One line of ``index.json``.

    Attributes:
        task, depth: what the checkpoint is for.
        path: the weights file; where it would lie, if it is only on the Hub.
        config: its ``config.json``, likewise.
        bytes, sha256: what the weights file must be; None where only the Hub knows.
        metrics: measured accuracy, as the training code wrote it.
        hub: the source on the Hugging Face Hub, see ``hub.HubSource``, or None.
        remote: the index is another repository's, so nothing is bundled.
    """

    task: str
    depth: int
    path: Path
    config: Path
    bytes: int | None
    sha256: str | None
    metrics: dict
    hub: dict | None = None
    remote: bool = False

    @property
    def source(self) -> hub.HubSource | None:
        """``hub`` as a record."""
        return hub.HubSource.from_json(self.hub) if self.hub else None

    @property
    def pulled(self) -> bool:
        """Whether it comes from the Hub, through its cache: there is a source, and no bundled file."""
        return self.hub is not None and (self.remote or not os.path.lexists(self.path))

    @property
    def local(self) -> bool:
        """Whether it loads without a download."""
        return hub.cached(self.source) is not None if self.pulled else self.path.is_file()

    @property
    def size(self) -> int:
        """Bytes of the weights file; those of timm's float32 arrays alone where the Hub's size is not known yet."""
        if self.bytes is not None:
            return self.bytes
        return 4 * sum(math.prod(shape) for shape in expected_shapes(self.depth, 1000).values())

    @property
    def key(self) -> tuple:
        """What changes when other weights are to be loaded."""
        source = self.source if self.pulled else None
        return (self.path, self.sha256, source and (source.repo, source.revision, source.sha256))


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Verified weights and all that is needed to use them.

    Attributes:
        spec: the task.
        depth, variant: which network, see ``architecture.ResNet``.
        stored: arrays as they lie in the file, integers with their scales (float32 arrays are fine too).
        metrics: measured accuracy.
        path: the weights file, or None for weights made in memory.
        calibration: temperature, and what known pictures look like, where these were fitted.
        ranges: the largest input of each of ``rounded_convolutions``, where these were measured: see ``eight_bit``.
    """

    spec: TaskSpec
    depth: int
    variant: str
    stored: Mapping[str, np.ndarray]
    metrics: dict
    path: Path | None = None
    calibration: Calibration = field(default_factory=Calibration)
    ranges: Mapping[str, float] = field(default_factory=dict)

    @property
    def state(self) -> dict[str, np.ndarray]:
        """float32 arrays by torchvision's names; made anew at each call, as they take four times the memory."""
        return dequantise(self.stored)


def weights_folder() -> Path:
    """The folder with ``index.json``: ``RESNET_DEMO_WEIGHTS``, else ``weights`` beside the package."""
    return Path(os.environ.get("RESNET_DEMO_WEIGHTS") or Path(__file__).resolve().parent.parent / "weights")


def entries() -> list[Entry]:
    """All checkpoints, by task and depth: those of ``index.json``, or of the repository ``RESNET_DEMO_HUB_REPO``.

    Raises:
        UserError: the index is missing or broken, or cannot be fetched.
    """
    if chosen := hub.chosen_repo():
        return _entries_of(*chosen)
    root = weights_folder()
    return [_entry(root, record) for record in read_index(root)]


def bundled() -> list[Entry]:
    """The checkpoints whose weights lie in ``weights_folder()``, by task and depth.

    Raises:
        UserError: the index is missing or broken.
    """
    root = weights_folder()
    return [entry for entry in (_entry(root, record) for record in read_index(root)) if not entry.pulled]


def own_tasks() -> set[str]:
    """The tasks in ``weights_folder()`` that were trained on the user's own pictures, which are nobody else's business.

    Raises:
        UserError: the index or a configuration is broken.
    """
    root = weights_folder()
    listed = [_entry(root, record) for record in read_index(root)]
    # A checkpoint on the Hub needs no configuration here.
    return {entry.task for entry in listed if entry.config.is_file() and "own" in read_config(entry.config.parent)}


def available() -> dict[str, list[int]]:
    """Task name → depths that have a checkpoint, ascending; on the Hub or here.

    Raises:
        UserError: the index is missing or broken.
    """
    depths: dict[str, list[int]] = {}
    for entry in entries():
        depths.setdefault(entry.task, []).append(entry.depth)
    return depths


def find(task: str, depth: int) -> Entry:
    """The index entry of a task and depth.

    Raises:
        UserError: no such task, or no checkpoint of this depth yet; the sentence names what there is.
    """
    known = entries()
    depths = [entry.depth for entry in known if entry.task == task]
    if not depths:
        tasks = sorted({entry.task for entry in known})
        advice = f"choose {_either(tasks)}" if tasks else "train one with `python -m resnet_demo train`"
        raise UserError(f"There are no weights for the task {task!r}: {advice}.")
    for entry in known:
        if (entry.task, entry.depth) == (task, depth):
            return entry
    if depth not in DEPTHS:
        raise UserError(f"There is no ResNet-{depth}: choose {_either(depths)}.")
    raise UserError(f"There is no ResNet-{depth} for {task} yet: choose {_either(depths)}.")


def load(task: str, depth: int, progress: hub.Progress | None = None) -> Checkpoint:
    """The checkpoint of a task and depth, verified; downloaded where it is not on this machine.

    Args:
        progress: called with the bytes that have come and those there are, while it is downloaded.

    Raises:
        UserError: there is none, its files are missing, damaged or do not fit, or the Hub does not give them.
    """
    return load_entry(find(task, depth), progress)


def load_entry(entry: Entry, progress: hub.Progress | None = None) -> Checkpoint:
    """The checkpoint of an entry; size and hash are checked before anything is read from it.

    A bundled file that is there but damaged is an error, so that nobody unknowingly uses other weights.

    Raises:
        UserError: its files are missing, damaged or do not fit, or the Hub does not give them.
    """
    if not entry.pulled:
        return _load(entry.path, _read_config(entry.config), entry.bytes, entry.sha256)
    source = entry.source
    path, data = hub.read(source, progress)
    where = f"{source.repo}/{source.beside(CONFIG)}"
    checkpoint = build(data, path, _hub_config(source), where, str(source))
    if (checkpoint.spec.name, checkpoint.depth) != (entry.task, entry.depth):
        raise UserError(
            f"{source} is a ResNet-{checkpoint.depth} for {checkpoint.spec.name}, "
            f"not a ResNet-{entry.depth} for {entry.task}: correct the index."
        )
    return replace(checkpoint, metrics=entry.metrics or checkpoint.metrics)


def spec(task: str) -> TaskSpec:
    """What a task is, from the configuration of its first checkpoint on this machine; weights are not fetched.

    Where there is none yet, a configuration (some kB) is fetched from the Hub.

    Raises:
        UserError: there is no such task, or its configuration cannot be read.
    """
    known = [entry for entry in entries() if entry.task == task]
    if not known:
        find(task, DEPTHS[0])
    entry = next((entry for entry in known if not entry.pulled), None)
    if entry:
        return _spec(_read_config(entry.config), entry.config)
    entry = next((entry for entry in known if entry.local), known[0])
    return _spec(_hub_config(entry.source), entry.config)


def load_folder(folder: str | Path) -> Checkpoint:
    """The checkpoint of a folder that ``save`` wrote, listed in the index or not; verified against its ``config.json``.

    Raises:
        UserError: its files are missing, damaged or do not fit.
    """
    config = read_config(folder)
    weights = config.get("weights")
    if not isinstance(weights, dict) or not {"bytes", "sha256"} <= weights.keys():
        raise UserError(f"{Path(folder) / CONFIG} does not say what its weights must be: save the checkpoint again.")
    return _load(Path(folder) / MODEL, config, weights["bytes"], weights["sha256"])


def read_config(folder: str | Path) -> dict:
    """The record in a checkpoint folder's ``config.json``.

    Raises:
        UserError: it is missing or broken.
    """
    return _read_config(Path(folder) / CONFIG)


def _read_config(path: Path) -> dict:
    """Read once until the file changes: the page asks for it at every photo, and a calibration makes it large."""
    try:
        seen = path.stat()
    except OSError:
        return _read_json(path)
    return dict(_read_version(path, seen.st_mtime_ns, seen.st_size))


@lru_cache(maxsize=64)
def _read_version(path: Path, _modified: int, _size: int) -> dict:
    return _read_json(path)


def save(
    folder: str | Path,
    state: Mapping[str, np.ndarray],
    spec: TaskSpec,
    depth: int,
    variant: str,
    metrics: dict,
    card: str | None = None,
    extra: dict | None = None,
) -> Path:
    """Write a checkpoint; each file appears complete or not at all.

    Args:
        folder: made where it is missing.
        state: weights by torchvision's names, float32; ``num_batches_tracked`` is left out.
        spec, depth, variant: what ``state`` belongs to.
        metrics: measured accuracy, for ``config.json`` and the index.
        card: text of the model card; None leaves the one that is there.
        extra: further records for ``config.json``, such as the recipe.

    Returns:
        The weights file.

    Raises:
        UserError: ``state`` is not the state of such a network, or not finite.
    """
    from safetensors.numpy import save as serialise

    folder = Path(folder)
    state = {key: np.asarray(value) for key, value in state.items() if not key.endswith("num_batches_tracked")}
    check_state(state, depth, spec.outputs, f"The state for {folder}")
    if broken := sorted(key for key, value in state.items() if not np.isfinite(value).all()):
        raise UserError(f"The state for {folder} is not finite, training has diverged: see {_some(broken)}.")
    model = serialise(quantise(state), metadata={"format": FORMAT})
    config = {
        "depth": depth,
        "variant": variant,
        "format": FORMAT,
        "weights": {"bytes": len(model), "sha256": hashlib.sha256(model).hexdigest()},
        "metrics": metrics,
        "task": spec.to_json(),
        **(extra or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / MODEL, model)
    _write(folder / CONFIG, _json(config))
    if card is not None:
        _write(folder / CARD, card.encode())
    return folder / MODEL


def copy(source: str | Path, target: str | Path, metrics: dict, card: str | None, extra: dict) -> Path:
    """Write the very weights of ``source`` to ``target`` with metrics and card, without rounding them again.

    ``card`` None leaves the one that is there; the target may be the source.

    Returns:
        The weights file.

    Raises:
        UserError: ``source`` is no sound checkpoint.
    """
    source, target = Path(source), Path(target)
    load_folder(source)
    config = read_config(source) | {"metrics": metrics, **extra}
    target.mkdir(parents=True, exist_ok=True)
    _write(target / MODEL, (source / MODEL).read_bytes())
    _write(target / CONFIG, _json(config))
    if card is not None:
        _write(target / CARD, card.encode())
    return target / MODEL


def register(folder: str | Path, hub: dict | None = None) -> Entry:
    """(Re)write the index entry of a checkpoint that lies inside ``weights_folder()``.

    Args:
        folder: the checkpoint's.
        hub: its source on the Hub; None keeps the one it had, unless that was a copy of other weights than these.

    Raises:
        UserError: the checkpoint lies elsewhere or does not load, or the index is broken.
    """
    root, folder = weights_folder().resolve(), Path(folder).resolve()
    if not folder.is_relative_to(root):
        raise UserError(f"{folder} is not inside {root}: save the checkpoint there before registering it.")
    checkpoint = load_folder(folder)
    record = {
        "task": checkpoint.spec.name,
        "depth": checkpoint.depth,
        "file": (folder / MODEL).relative_to(root).as_posix(),
        "bytes": (folder / MODEL).stat().st_size,
        "sha256": hashlib.sha256((folder / MODEL).read_bytes()).hexdigest(),
        "config": (folder / CONFIG).relative_to(root).as_posix(),
        "metrics": checkpoint.metrics,
        "hub": hub,
    }
    known = read_index(root) if (root / INDEX).exists() else []
    for other in known:
        same = (other["task"], other["depth"]) == (record["task"], record["depth"])
        source = other.get("hub") or {}
        copied = source.get("sha256") == other.get("sha256") != record["sha256"]
        if same and hub is None and not copied:
            record["hub"] = other.get("hub")
    others = [other for other in known if (other["task"], other["depth"]) != (record["task"], record["depth"])]
    write_index(root, [*others, record])
    return _entry(root, record)


def write_index(root: Path, records: list[dict]) -> None:
    """Write the ``index.json`` of a folder at once, its records by task and depth."""
    _write(root / INDEX, index_bytes(records))


def index_bytes(records: Sequence[dict]) -> bytes:
    """The text of an ``index.json``, its records by task and depth."""
    return _json({"checkpoints": _sorted(records)})


def expected_shapes(depth: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """Name → shape of every array of a ResNet's state, in the network's order, without building the network."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add(convolution: str, norm: str, channels_out: int, channels_in: int, kernel: int) -> None:
        shapes[f"{convolution}.weight"] = (channels_out, channels_in, kernel, kernel)
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{norm}.{part}"] = (channels_out,)

    add("conv1", "bn1", 64, 3, 7)
    inputs = 64
    kind, counts = LAYOUTS[depth]
    for index, (stage, count) in enumerate(zip(STAGES, counts, strict=True)):
        width = 64 * 2**index
        # (outputs, kernel) of each convolution of a block
        layers = ((width, 3), (width, 3)) if kind == "basic" else ((width, 1), (width, 3), (4 * width, 1))
        for block in range(count):
            name, channels = f"{stage}.{block}", inputs
            for number, (channels_out, kernel) in enumerate(layers, start=1):
                add(f"{name}.conv{number}", f"{name}.bn{number}", channels_out, channels, kernel)
                channels = channels_out
            if block == 0 and (index > 0 or inputs != channels):
                add(f"{name}.downsample.0", f"{name}.downsample.1", channels, inputs, 1)
            inputs = channels
    shapes["fc.weight"] = (outputs, inputs)
    shapes["fc.bias"] = (outputs,)
    return shapes


def rounded_convolutions(depth: int) -> list[str]:
    """The names of the convolutions whose inputs 8-bit arithmetic rounds, see ``eight_bit``."""
    left = {"conv1", "layer1.0.conv1", "layer1.0.downsample.0"} if LAYOUTS[depth][0] == "bottleneck" else {"conv1"}
    names = [key.removesuffix(".weight") for key, shape in expected_shapes(depth, 1).items() if len(shape) == 4]
    return [name for name in names if name not in left]


def check_state(state: Mapping[str, np.ndarray], depth: int, outputs: int, source: str) -> None:
    """Every array of the network must be there in its shape, and nothing else.

    Raises:
        UserError: one sentence that names the bad keys.
    """
    expected = expected_shapes(depth, outputs)
    faults = []
    if missing := [key for key in expected if key not in state]:
        faults.append(f"missing are {_some(missing)}")
    if unexpected := sorted(key for key in state if key not in expected):
        faults.append(f"unexpected are {_some(unexpected)}")
    if misshapen := [
        f"{key} {tuple(state[key].shape)} instead of {shape}"
        for key, shape in expected.items()
        if key in state and tuple(state[key].shape) != shape
    ]:
        faults.append(f"wrongly shaped are {_some(misshapen)}")
    if faults:
        raise UserError(f"{source} does not fit a ResNet-{depth} with {outputs} outputs: {'; '.join(faults)}.")


def quantise(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights of two and more dimensions → int8 and ``<name>.scale`` (outputs,) float32; all others → float32.

    Each output channel is symmetric about zero, with the scale of least squared error among ``CLIPS``.
    """
    stored = {}
    for key, value in state.items():
        value = np.asarray(value, np.float32)
        if value.ndim < 2:
            stored[key] = np.ascontiguousarray(value)
            continue
        rows = value.reshape(len(value), -1)  # (outputs, inputs · kernel)
        largest = np.abs(rows).max(axis=1)
        largest[largest == 0] = 1.0  # A channel of zeros has any scale.
        least = np.full(len(rows), np.inf, np.float32)
        best, scales = np.zeros(rows.shape, np.int8), np.ones(len(rows), np.float32)
        for clip in CLIPS:
            scale = (largest * clip / 127).astype(np.float32)
            levels = np.clip(np.rint(rows / scale[:, None]), -127, 127)
            error = np.square(levels * scale[:, None] - rows).sum(axis=1)
            better = error < least
            best[better], scales[better], least[better] = levels[better], scale[better], error[better]
        stored[key], stored[key + SCALE] = best.reshape(value.shape), scales
    return stored


def dequantise(stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What ``quantise`` made → float32 arrays by name; arrays that are float already pass unchanged.

    Raises:
        ValueError: integers without scales, or with scales that are not one for each output channel.
    """
    state = {}
    for key, value, scale in _with_scales(stored):
        if scale is None:
            state[key] = value.astype(np.float32, copy=False)
        else:
            state[key] = value * scale.astype(np.float32).reshape(-1, *[1] * (value.ndim - 1))
    return state


def _with_scales(stored: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """(name, array, its scales or None) of each array that is no scale itself."""
    for key, value in stored.items():
        if key.endswith(SCALE) and key.removesuffix(SCALE) in stored:
            continue
        scale = stored.get(key + SCALE)
        if scale is None and not np.issubdtype(value.dtype, np.floating):
            raise ValueError(f"{key} has no scale")
        if scale is not None and scale.shape != value.shape[:1]:
            raise ValueError(f"the scale of {key} has the shape {scale.shape} instead of {value.shape[:1]}")
        yield key, value, scale


def _load(path: Path, config: dict, size: int, sha256: str) -> Checkpoint:
    """Read, verify and check one weights file against its configuration."""
    return build(read_verified(path, size, sha256), path, config, path.parent / CONFIG)


def build(data: bytes, path: Path, config: dict, where: Path | str, name: str | None = None) -> Checkpoint:
    """The checkpoint of the verified bytes of a weights file, checked against its configuration.

    Args:
        data: a safetensors file.
        path: where it lies.
        config: as ``config.json`` has it.
        where, name: what errors call the configuration and the weights; None is the latter's path.

    Raises:
        UserError: they do not fit.
    """
    name = name or str(path)
    from safetensors import SafetensorError
    from safetensors.numpy import load as deserialise

    spec = _spec(config, where)
    depth, variant, metrics = config.get("depth"), config.get("variant"), config.get("metrics") or {}
    if not (depth in LAYOUTS and variant in VARIANTS and spec.outputs > 0):
        raise UserError(f"{where} describes no ResNet that exists here: fetch it again.")
    try:
        # The counters of PyTorch's batch norms play no part in predictions.
        stored = {key: value for key, value in deserialise(data).items() if not key.endswith("num_batches_tracked")}
        # Shapes can be checked without making the float32 arrays.
        values = {key: value for key, value, _ in _with_scales(stored)}
    except (SafetensorError, ValueError) as error:
        raise UserError(f"{name} is no weights file that this version can read ({error}): get another copy.") from error
    check_state(values, depth, spec.outputs, name)
    try:
        calibration = Calibration.from_json(config.get("calibration"), values["fc.weight"].shape[1])
    except ValueError as error:
        raise UserError(f"{where} is damaged ({error}): fetch it again, or calibrate the checkpoint anew.") from error
    ranges = (config.get("ranges") or {}).get("inputs") or {}
    sound = all(isinstance(value, float) and 0 < value < math.inf for value in ranges.values())
    if ranges and not (sound and ranges.keys() == set(rounded_convolutions(depth))):
        raise UserError(f"{where} is damaged (its ranges are not those of a ResNet-{depth}): fetch it again.")
    return Checkpoint(spec, depth, variant, stored, metrics, path, calibration, ranges)


def _spec(config: dict, where: Path | str) -> TaskSpec:
    try:
        return TaskSpec.from_json(config["task"])
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{where} is incomplete ({error}): fetch it again.") from error


def _hub_config(source: hub.HubSource) -> dict:
    """The configuration beside a weights file on the Hub, in our own words."""
    config = hub.read_json(source.repo, hub.commit_of(source), source.beside(CONFIG))
    if source.format == "timm" and "task" not in config:  # Our own exports have both.
        from resnet_demo.hub_timm import convert_config

        return convert_config(config, f"{source.repo}/{source.beside(CONFIG)}")
    return config


def _entries_of(repo: str, revision: str) -> list[Entry]:
    """The checkpoints in the index of a repository on the Hub; files that lie beside it come from there."""
    listed = _checked(hub.read_json(repo, revision, INDEX), f"{repo}/{INDEX}")
    # Where huggingface_hub would put them: the paths only tell one checkpoint from another.
    root = Path(repo, revision)
    here = {"repo": repo, "revision": revision, "format": "resnet-demo"}
    found = []
    for record in listed:
        if record.get("file"):
            source = here | {"path": record["file"], "sha256": record["sha256"], "bytes": record["bytes"]}
            record = {**record, "hub": source}
        found.append(replace(_entry(root, record), remote=True))
    return found


def read_verified(path: Path, size: int | None, sha256: str | None) -> bytes:
    """The bytes of a file that has the expected size and hash; read once, so that what is used is what was checked.

    What is None is not known, and not checked.

    Raises:
        UserError: it cannot be read, or is another or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"The weights {path} cannot be read ({reason}): fetch the repository's weights again."
        ) from error
    if data.startswith(LFS_POINTER):
        raise UserError(f"{path} is a Git LFS pointer, not the weights: run `git lfs pull` in the repository.")
    if size is not None and len(data) != size:
        raise UserError(
            f"The weights {path} are damaged, {len(data):,} bytes instead of {size:,}: fetch the file again."
        )
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise UserError(f"The weights {path} are damaged, their SHA-256 is another: fetch the file again.")
    return data


def _read_json(path: Path) -> dict:
    """The object in a JSON file."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{path} cannot be read ({reason}): fetch the repository's weights again.") from error
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}): fetch it again.") from error
    if not isinstance(record, dict):
        raise UserError(f"{path} does not hold a JSON object: fetch it again.")
    return record


def read_index(root: Path) -> list[dict]:
    """The records of the ``index.json`` in a folder, checked for what is read from them.

    Raises:
        UserError: it is missing or broken.
    """
    return _checked(_read_json(root / INDEX), root / INDEX)


def _checked(index: dict, where: Path | str) -> list[dict]:
    """The records of an index by task and depth; a record without a file must have a source on the Hub."""
    records = index.get("checkpoints")
    file = {"file": str, "config": str, "bytes": int, "sha256": str}

    def sound(record: object) -> bool:
        if not isinstance(record, dict) or not isinstance(record.get("task"), str):
            return False
        if record.get("hub") is not None:
            hub.HubSource.from_json(record["hub"])
        whole = all(isinstance(record.get(key), kind) for key, kind in file.items())
        none = all(record.get(key) is None for key in file) and record.get("hub") is not None
        return isinstance(record.get("depth"), int) and (whole or none)

    try:
        fits = isinstance(records, list) and all(sound(record) for record in records)
    except ValueError:
        fits = False
    if not fits:
        raise UserError(f"{where} is not a list of checkpoints: fetch it again.")
    return _sorted(records)


def _entry(root: Path, record: dict) -> Entry:
    """An entry; where the file is not there, size and hash are those of the source, which may have other weights."""
    folder = f"{record['task']}/resnet{record['depth']}"
    path = root / (record.get("file") or f"{folder}/{MODEL}")
    source = record.get("hub")
    wanted = record if source is None or os.path.lexists(path) else source
    other = record.get("sha256") not in (None, wanted.get("sha256"))
    return Entry(
        task=record["task"],
        depth=record["depth"],
        path=path,
        config=root / (record.get("config") or f"{folder}/{CONFIG}"),
        bytes=wanted.get("bytes"),
        sha256=wanted.get("sha256"),
        metrics={} if other else record.get("metrics") or {},
        hub=source,
    )


def _sorted(records: Sequence[dict]) -> list[dict]:
    return sorted(records, key=lambda record: (record["task"], record["depth"]))


def _json(record: dict) -> bytes:
    return (json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _write(path: Path, data: bytes) -> None:
    """Write a file at once: under another name in the same folder, then renamed over the old one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp makes files that nobody else can read; others may serve what this user trained.
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _some(names: list[str], most: int = 5) -> str:
    """The first few names and how many more there are."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _either(choices: list) -> str:
    """1, 2 or 3."""
    *first, last = [str(choice) for choice in choices]
    return f"{', '.join(first)} or {last}" if first else last
