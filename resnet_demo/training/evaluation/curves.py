"""The command ``curves``: deletion and insertion of a network's Grad-CAM on test photos, beside a random order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from resnet_demo import checkpoints
from resnet_demo.errors import UserError
from resnet_demo.explain import curves
from resnet_demo.inference.classifier import Classifier
from resnet_demo.tasks.spec import CLASSIFICATION
from resnet_demo.training.data.seeds import sampled_rows, seed_of
from resnet_demo.training.data.splits import split_pictures
from resnet_demo.training.evaluation.features import photos
from resnet_demo.training.evaluation.run import bundled_folder
from resnet_demo.utils import markdown

HEAD = markdown.head(
    ["task", "depth", "stage", "photos", "deletion, heat", "random", "insertion, heat", "random", "heat wins, deletion"]
)


def measure(task: str, depth: int, count: int, layer: str, data: Path | None) -> str:
    """The row of a bundled checkpoint: areas under the curves of its most probable class, means with standard errors.

    Args:
        count: photos of the test split, the same ones for every depth; all where there are fewer.

    Raises:
        UserError: no such checkpoint, one of keypoints, no pictures of its task, or a count below 2.
    """
    if count < 2:
        raise UserError(f"--pictures must be 2 or more, not {count}.")
    folder = bundled_folder(task, depth)
    checkpoint = checkpoints.load_folder(folder)
    if checkpoint.spec.kind != CLASSIFICATION:
        raise UserError(f"Curves are of a class's probability: {task} has no classes, name another task.")
    pictures = split_pictures(checkpoints.read_config(folder), "test", data)
    rows = sampled_rows("curves", len(pictures), count)
    predict = Classifier(task, depth, "cpu", checkpoint=checkpoint, ends=False)
    areas = []  # of each photo: deletion by heat and at random, insertion by heat and at random
    shown = tqdm(photos(pictures, rows), desc=f"ResNet-{depth}", total=len(rows), unit="photo")
    for row, photo in zip(rows, shown, strict=True):
        answer = predict(photo)
        case, cam = answer.case(), answer.low_resolution_cam(layer=layer)
        other = curves.random_map((cam.shape[0], cam.shape[1]), seed_of("curves", row))
        areas.append([way(case, one).area for way in (curves.deletion, curves.insertion) for one in (cam, other)])
    found = np.array(areas)
    means, errors = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found))
    figures = [f"{mean:.3f} ± {error:.3f}" for mean, error in zip(means, errors, strict=True)]
    wins = f"{(found[:, 0] < found[:, 1]).mean():.1%}"
    return markdown.row([task, depth, layer, len(found), *figures, wins])
