"""The command ``ranges``: the largest inputs of a checkpoint's convolutions, so that CPUs can compute in 8 bits.

``bundle`` does it too. Training pictures only, prepared as the app prepares a visitor's photo; see ``eight_bit``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from resnet_demo import checkpoints
from resnet_demo.eight_bit import RangeFinder
from resnet_demo.errors import UserError
from resnet_demo.predictor import Predictor
from resnet_demo.training import imagenet
from resnet_demo.training.data import unlabelled_pictures
from resnet_demo.training.passes import photos
from resnet_demo.training.run import split_pictures
from resnet_demo.training.seeds import seed_of

if TYPE_CHECKING:
    from resnet_demo.training.own import OwnPictures

MOST = 128  # pictures; of a feature map's values, each has ten thousands
LEAST_RANGE = 1e-6  # of an input that is always zero


def measure_ranges(
    folder: Path,
    sources: list[str],
    data: Path | None,
    command: str,
    own: OwnPictures | None = None,
) -> dict:
    """Measure the ranges of a checkpoint and write them into its ``config.json``.

    Args:
        folder: the checkpoint's.
        sources: folders of pictures, and names of data sets, whose train parts are taken; none: what it was trained on.
        command: for the record.
        own: the user's own pictures that it was trained with, where they are in memory still.

    Returns:
        The record.

    Raises:
        UserError: no sound checkpoint, or no pictures.
    """
    checkpoint, config = checkpoints.load_folder(folder), checkpoints.read_config(folder)
    if sources:
        pictures = unlabelled_pictures(sources, ("train",), data)
    elif checkpoint.spec.name == imagenet.TASK:
        raise UserError(f"{imagenet.TASK} has no training pictures here: pass others with --pictures.")
    else:
        pictures = split_pictures(config, "train", data, own)
    order = np.random.default_rng(seed_of("ranges", len(pictures))).permutation(len(pictures))
    rows = sorted(order[:MOST].tolist())
    predictor = Predictor(checkpoint.spec.name, checkpoint.depth, "cpu", checkpoint=replace(checkpoint, ranges={}))
    predictor.engine = finder = RangeFinder(checkpoint)
    for photo in tqdm(photos(pictures, rows), desc="ranges", total=len(rows), unit="picture"):
        predictor(photo)
    record = {
        "command": command,
        "pictures": len(rows),
        "inputs": {name: max(float(f"{value:.6g}"), LEAST_RANGE) for name, value in finder.ranges.items()},
    }
    checkpoints.copy(folder, folder, checkpoint.metrics, None, {"ranges": record})
    return record
