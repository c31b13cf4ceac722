"""The command ``ranges``: the largest inputs of a checkpoint's convolutions, so that CPUs can compute in 8 bits.

``bundle`` does it too. Training pictures only, prepared as the app prepares a visitor's photo; see ``openvino_int8``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from openvino import opset13 as ops
from tqdm import tqdm

from resnet_demo import checkpoints
from resnet_demo.backends.base import Engine
from resnet_demo.backends.openvino import hints
from resnet_demo.backends.openvino_graph import build_model, convolution
from resnet_demo.backends.openvino_runtime import core, ov
from resnet_demo.checkpoints.records import Ranges
from resnet_demo.errors import UserError
from resnet_demo.inference.predictor import make_predictor
from resnet_demo.models import state as model_state
from resnet_demo.models.architecture import ConvNorm
from resnet_demo.training.data import imagenet
from resnet_demo.training.data.datasets import unlabelled_pictures
from resnet_demo.training.data.seeds import sampled_rows
from resnet_demo.training.data.splits import split_pictures
from resnet_demo.training.evaluation.features import photos

if TYPE_CHECKING:
    from resnet_demo.training.data.own_images import OwnPictures

MAX_PICTURES = 128  # pictures; of a feature map's values, each has ten thousands
LEAST_RANGE = 1e-6  # of an input that is always zero


def measure_ranges(
    folder: Path,
    sources: list[str],
    data: Path | None,
    command: str,
    own: OwnPictures | None = None,
) -> Ranges:
    """Measure the ranges of a checkpoint and write them into its ``config.json``.

    Args:
        folder: the checkpoint's.
        sources: folders of pictures, and names of data sets, whose train parts are taken; none: what it was trained on.
        command: for the record.
        own: the user's own pictures that it was trained with, where they are in memory still.

    Returns:
        The record.

    Raises:
        UserError: no sound checkpoint, or no pictures that show something of its task.
    """
    checkpoint, config = checkpoints.load_folder(folder), checkpoints.read_config(folder)
    if sources:
        pictures = unlabelled_pictures(sources, ("train",), data)
    elif checkpoint.spec.name == imagenet.TASK:
        raise UserError(f"{imagenet.TASK} has no training pictures here: pass others with --pictures.")
    else:
        pictures = split_pictures(config, "train", data, own)
    rows = sampled_rows("ranges", len(pictures), MAX_PICTURES)
    predictor = make_predictor(
        checkpoint.spec.name, checkpoint.depth, "cpu", checkpoint=replace(checkpoint, ranges={}), ends=False
    )
    predictor.engine = finder = RangeFinder(checkpoint)
    for photo in tqdm(photos(pictures, rows), desc="ranges", total=len(rows), unit="picture"):
        predictor(photo)
    if not finder.seen:
        raise UserError(f"None of {len(rows)} pictures shows anything of {checkpoint.spec.name}: pass others.")
    inputs = {name: max(float(f"{value:.6g}"), LEAST_RANGE) for name, value in finder.ranges.items()}
    record = Ranges(command, len(rows), inputs)
    checkpoints.copy(folder, folder, config.record.get("metrics") or {}, None, {"ranges": record})
    return record


class RangeFinder(Engine):
    """The float32 network on the CPU, which keeps the largest input that each convolution has had.

    Attributes:
        ranges: name → largest input of all pictures so far, of ``rounded_convolutions``.
        seen: how many pictures, or faces, that were.
    """

    device, backend = "cpu", "OpenVINO float32 on CPU"

    def __init__(self, checkpoint: checkpoints.Checkpoint):
        state = checkpoint.state
        super().__init__(checkpoint, (state["fc.weight"], state["fc.bias"]))
        largest: dict[str, ov.Output] = {}

        def layer(x: ov.Output, state: Mapping[str, np.ndarray], record: ConvNorm) -> ov.Output:
            largest[record.name] = ops.reduce_max(x, np.arange(4)).output(0)
            return convolution(x, state, record)

        model = build_model(state, checkpoint.spec, checkpoint.architecture, layer)
        self.ranges = dict.fromkeys(model_state.rounded_convolutions(checkpoint.architecture), 0.0)
        model.add_outputs([largest[name] for name in self.ranges])
        self.seen = 0
        self._request = core.compile_model(model, "CPU", hints("f32")).create_infer_request()

    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        with self._lock:
            self.seen += len(pictures)
            features, *largest = (np.array(output) for output in self._request.infer([pictures]).values())
            for name, value in zip(self.ranges, largest, strict=True):
                self.ranges[name] = max(self.ranges[name], float(value))
        return features
