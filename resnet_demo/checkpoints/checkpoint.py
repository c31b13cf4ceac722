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
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from resnet_demo.checkpoints.architecture_record import architecture_to_json
from resnet_demo.checkpoints.config import Config, read_config
from resnet_demo.checkpoints.files import CARD, CONFIG, MODEL, json_bytes, read_verified, write_file
from resnet_demo.checkpoints.records import HeadPart, Metrics, Trunk, WeightsFile
from resnet_demo.checkpoints.timm_names import from_timm
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import Architecture, architecture_of
from resnet_demo.models.quantization import SCALE, Dequantised, dequantise, quantise, with_scales
from resnet_demo.models.state import check_state, first_few, rounded_convolutions
from resnet_demo.tasks import TaskSpec
from resnet_demo.tasks.calibration import Calibration
from resnet_demo.utils.json_record import as_json

FORMAT = "int8-per-channel"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Verified weights and all that is needed to use them.

    Attributes:
        spec: the task.
        architecture: the network's record, with its block table.
        stored: arrays as they lie in the file, integers with their scales (float32 arrays are fine too).
        metrics: measured accuracy.
        path: the weights file, or None for weights made in memory.
        calibration: temperature, and what known pictures look like, where these were fitted.
        ranges: the largest input of each of ``rounded_convolutions``, where these were measured: see ``openvino_int8``.
    """

    spec: TaskSpec
    architecture: Architecture
    stored: Mapping[str, np.ndarray]
    metrics: Metrics = field(default_factory=dict)
    path: Path | None = None
    calibration: Calibration = field(default_factory=Calibration)
    ranges: Mapping[str, float] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        return self.architecture.depth

    @property
    def variant(self) -> str:
        return self.architecture.variant

    @property
    def state(self) -> dict[str, np.ndarray]:
        """float32 arrays by torchvision's names; made anew at each call, as they take four times the memory."""
        return dequantise(self.stored)

    @property
    def arrays(self) -> Dequantised:
        """``state``, but each array is made when it is asked for."""
        return Dequantised(self.stored)

    def calibrated(self) -> Checkpoint:
        """The same network with its head divided by the temperature, which then is 1: for programs that know none.

        The classes keep their order, and softmax gives the probabilities that a prediction says.
        """
        if self.calibration.temperature == 1:
            return self
        stored = dict(self.stored)
        for key in ("fc.weight" + SCALE if "fc.weight" + SCALE in stored else "fc.weight", "fc.bias"):
            stored[key] = self.calibration.scaled(stored[key])
        return replace(self, stored=stored, calibration=replace(self.calibration, temperature=1.0))


def load_folder(folder: str | Path) -> Checkpoint:
    """The checkpoint of a folder that ``save`` wrote, listed in the index or not; verified against its ``config.json``.

    Raises:
        UserError: its files are missing, damaged or do not fit.
    """
    config = read_config(folder)
    if config.weights.bytes is None or config.weights.sha256 is None:
        raise UserError(
            "{file} does not say what its weights must be: save the checkpoint again.", file=Path(folder) / CONFIG
        )
    return load_files(Path(folder) / MODEL, config, config.weights)


def share_trunk(folder: Path, file: Path) -> None:
    """Let a checkpoint keep its head alone, and name the file of another one that has all else of its network."""
    checkpoint, config = load_folder(folder), read_config(folder)
    data = file.read_bytes()
    trunk = Trunk(Path(os.path.relpath(file, folder)).as_posix(), len(data), hashlib.sha256(data).hexdigest())
    _rewrite(folder, {key: value for key, value in checkpoint.stored.items() if is_head(key)}, config, trunk)


def whole_again(folder: Path) -> None:
    """Give a checkpoint whose file has the head alone one with the whole network."""
    _rewrite(folder, load_folder(folder).stored, read_config(folder), None)


def _rewrite(folder: Path, arrays: Mapping[str, np.ndarray], config: Config, trunk: Trunk | None) -> None:
    from safetensors.numpy import save as serialise

    model = serialise({**arrays}, metadata={"format": FORMAT})
    weights = WeightsFile(len(model), hashlib.sha256(model).hexdigest())
    record = config.changed(weights=weights, trunk=trunk).record
    write_file(folder / MODEL, model)
    write_file(folder / CONFIG, json_bytes({key: part for key, part in record.items() if part is not None}))


def is_head(key: str) -> bool:
    """Whether an array belongs to the head."""
    return key.startswith("fc.")


def save(
    folder: str | Path,
    state: Mapping[str, np.ndarray],
    spec: TaskSpec,
    depth: Architecture | int,
    variant: str | None,
    metrics: Mapping[str, object],
    card: str | None = None,
    extra: Mapping[str, object] | None = None,
) -> Path:
    """Write a checkpoint; each file appears complete or not at all.

    Args:
        folder: made where it is missing.
        state: weights by torchvision's names, float32; ``num_batches_tracked`` is left out.
        spec, depth, variant: what ``state`` belongs to, see ``architecture_of``.
        metrics: measured accuracy, for ``config.json`` and the index: ``Metric`` by name, or what JSON can hold.
        card: text of the model card; None leaves the one that is there.
        extra: further parts of ``config.json`` by their keys, such as the recipe; records or what JSON can hold. With
            ``head`` the state has the outputs of further tasks too.

    Returns:
        The weights file.

    Raises:
        UserError: ``state`` is not the state of such a network, or not finite.
    """
    folder = Path(folder)
    state = {key: np.asarray(value) for key, value in state.items() if not key.endswith("num_batches_tracked")}
    architecture = architecture_of(depth, variant)
    head = (extra or {}).get("head")
    outputs = head.of if isinstance(head, HeadPart) else spec.outputs
    check_state(state, architecture, outputs, f"The state for {folder}")
    if broken := sorted(key for key, value in state.items() if not np.isfinite(value).all()):
        raise UserError(
            "The state for {folder} is not finite, training has diverged: see {keys}.",
            folder=folder,
            keys=first_few(broken),
        )
    return _write(folder, quantise(state), spec, architecture, metrics, card, extra)


def save_stored(
    folder: str | Path, checkpoint: Checkpoint, card: str | None = None, extra: Mapping[str, object] | None = None
) -> Path:
    """Write a checkpoint that is in memory with its very arrays, without rounding them again.

    Args:
        folder: made where it is missing.
        card, extra: as for ``save``; calibration and ranges are among ``extra``.

    Returns:
        The weights file.
    """
    one = checkpoint
    return _write(Path(folder), one.stored, one.spec, one.architecture, one.metrics, card, extra)


def _write(
    folder: Path,
    stored: Mapping[str, np.ndarray],
    spec: TaskSpec,
    architecture: Architecture,
    metrics: Mapping[str, object],
    card: str | None,
    extra: Mapping[str, object] | None,
) -> Path:
    from safetensors.numpy import save as serialise

    model = serialise({**stored}, metadata={"format": FORMAT})
    parts = {
        **refusals(architecture),
        **architecture_to_json(architecture),
        "format": FORMAT,
        "weights": WeightsFile(len(model), hashlib.sha256(model).hexdigest()),
        "metrics": metrics,
        "task": spec,
        **(extra or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / MODEL, model)
    write_file(folder / CONFIG, json_bytes(as_json(parts)))
    if card is not None:
        write_file(folder / CARD, card.encode())
    return folder / MODEL


def refusals(architecture: Architecture) -> dict[str, object]:
    """What makes transformers and timm, which cannot read 8 bits, say so: versions 4 of the former would
    take the word resnet in a folder's name for its own configuration, and weights at random."""
    return {
        "model_type": "resnet-demo",
        "architecture": f"{architecture.name} in 8 bits, which `resnet-demo export` makes float32",
    }


def copy(
    source: str | Path, target: str | Path, metrics: Mapping[str, object], card: str | None, extra: Mapping[str, object]
) -> Path:
    """Write the very weights of ``source`` to ``target`` with metrics and card, without rounding them again.

    ``card`` None leaves the one that is there; the target may be the source.

    Returns:
        The weights file.

    Raises:
        UserError: ``source`` is no sound checkpoint.
    """
    source, target = Path(source), Path(target)
    load_folder(source)
    config = read_config(source).changed(metrics=metrics, **extra)
    if config.trunk:
        place = Path(os.path.relpath(source / config.trunk.file, target)).as_posix()
        config = config.changed(trunk=replace(config.trunk, file=place))
    target.mkdir(parents=True, exist_ok=True)
    write_file(target / MODEL, (source / MODEL).read_bytes())
    write_file(target / CONFIG, json_bytes(config.record))
    if card is not None:
        write_file(target / CARD, card.encode())
    return target / MODEL


def load_files(path: Path, config: Config, expected: WeightsFile) -> Checkpoint:
    """Read, verify and check one weights file against its configuration."""
    data = read_verified(path, expected.bytes, expected.sha256)
    trunk = None
    if known := config.trunk:
        trunk = read_verified(Path(os.path.normpath(path.parent / known.file)), known.bytes, known.sha256)
    return build(data, path, config, trunk=trunk)


def build(data: bytes, path: Path, config: Config, name: str | None = None, trunk: bytes | None = None) -> Checkpoint:
    """The checkpoint of the verified bytes of a weights file, checked against its configuration.

    Args:
        data: a safetensors file.
        path: where it lies.
        config: its ``config.json``.
        name: what errors call the weights; None is their path.
        trunk: the verified bytes of ``config.trunk``, where there is one.

    Raises:
        UserError: they do not fit.
    """
    name = name or str(path)
    from safetensors import SafetensorError
    from safetensors.numpy import load as deserialise

    spec, architecture = config.task, config.architecture
    if spec.outputs <= 0:
        raise UserError("{where} describes no ResNet that exists here: fetch it again.", where=config.where)
    try:
        # The counters of PyTorch's batch norms play no part in predictions.
        found = {key: value for key, value in deserialise(data).items() if not key.endswith("num_batches_tracked")}
        if trunk:
            found |= {key: value for key, value in deserialise(trunk).items() if not is_head(key)}
        stored = torchvision_names(found) if architecture.activation_first else found
        # Shapes can be checked without making the float32 arrays.
        values = {key: value for key, value, _ in with_scales(stored)}
    except (SafetensorError, ValueError) as error:
        raise UserError(
            "{name} is no weights file that this version can read ({error}): get another copy.", name=name, error=error
        ) from error
    check_state(values, architecture, config.head.of if config.head else spec.outputs, name)
    if config.head:
        stored = own_rows(stored, config.head, spec.outputs, config.where)
    try:
        calibration = Calibration.from_json(config.record.get("calibration"), values["fc.weight"].shape[1])
    except ValueError as error:
        raise UserError(
            "{where} is damaged ({error}): fetch it again, or calibrate the checkpoint anew.",
            where=config.where,
            error=error,
        ) from error
    ranges = (config.ranges and config.ranges.inputs) or {}
    sound = all(isinstance(value, float) and 0 < value < math.inf for value in ranges.values())
    if ranges and not (sound and ranges.keys() == set(rounded_convolutions(architecture))):
        raise UserError(
            "{where} is damaged (its ranges are not those of a {title}): fetch it again.",
            where=config.where,
            title=architecture.title,
        )
    return Checkpoint(spec, architecture, stored, config.metrics, path, calibration, ranges)


def own_rows(
    stored: Mapping[str, np.ndarray], head: HeadPart, outputs: int, where: Path | str
) -> dict[str, np.ndarray]:
    """The arrays of one task out of those that several share: all of the trunk, and its own rows of the head."""
    if not 0 <= head.first <= head.of - outputs:
        raise UserError(
            "{where} describes no ResNet that exists here: fetch it again.",
            where=where,
        )
    return with_rows(stored, slice(head.first, head.first + outputs))


def with_rows(arrays: Mapping[str, np.ndarray], rows: slice) -> dict[str, np.ndarray]:
    """The arrays of a network with these rows of its head alone."""
    return {key: value[rows] if is_head(key) else value for key, value in arrays.items()}


def same_trunk(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether two checkpoints differ in nothing but their heads, and see photos alike."""
    looks = ("size", "resize", "fit", "mean", "std", "interpolation", "mirrored", "detector")
    if one.architecture != other.architecture or dict(one.ranges) != dict(other.ranges):
        return False
    if any(getattr(one.spec, name) != getattr(other.spec, name) for name in looks):
        return False
    return same_arrays(one, other)


def same_arrays(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether the networks of two checkpoints are stored as the very same arrays up to the head."""
    trunks = [{key: value for key, value in each.stored.items() if not is_head(key)} for each in (one, other)]
    return trunks[0].keys() == trunks[1].keys() and all(
        np.array_equal(value, trunks[1][key]) for key, value in trunks[0].items()
    )


def torchvision_names(stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of timm's pre-activation networks by our names; its head is a 1×1 convolution."""
    state = {from_timm(key): value for key, value in stored.items()}
    if state.get("fc.weight", np.empty(0)).ndim == 4:
        state["fc.weight"] = state["fc.weight"][:, :, 0, 0]
    return state
