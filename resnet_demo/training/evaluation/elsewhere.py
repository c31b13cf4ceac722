"""How right a classifier is on photos of another source, in folders by name, several classes of which may be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from resnet_demo.checkpoints.proportion import proportion
from resnet_demo.errors import UserError
from resnet_demo.inference.classifier import Classifier
from resnet_demo.training.data.datasets import Pictures, pictures_below, read_rows
from resnet_demo.training.evaluation.evaluate import Evaluation
from resnet_demo.training.evaluation.features import all_features


@dataclass(frozen=True, eq=False)
class ExternalPhotos:
    """Photos and their right answers: bool (n, classes), at least one a photo."""

    paths: list[Path]
    right: np.ndarray


def photos_elsewhere(folder: Path, classes: tuple[str, ...], answers: Sequence[Path]) -> ExternalPhotos:
    """The photos in subfolders of known names; those of others are left out.

    Args:
        answers: CSV files whose first column is a subfolder's name and whose column ``right`` has the classes that
            are right there, with ``|`` between them, such as ``wild/genera.csv``; what a later one says of a subfolder
            counts. Of none the subfolders are named as the classes.

    Raises:
        UserError: there are none, or the file names a class that there is not.
    """
    if answers:
        rows_of_all = chain.from_iterable(map(read_rows, answers))
        named = {next(iter(row.values())): row["right"].split("|") for row in rows_of_all}
    else:
        named = {name: [name] for name in classes}
    if unknown := {name for names in named.values() for name in names} - set(classes):
        files = " or ".join(map(str, answers))
        raise UserError(f"{files} names {', '.join(sorted(unknown))}: the task has no such class.")
    paths: list[Path] = []
    rows: list[list[bool]] = []
    for name, right in named.items():
        found = pictures_below(folder / name)
        paths += found
        rows += [[each in right for each in classes]] * len(found)
    if not paths:
        raise UserError(f"There are no pictures in subfolders of {folder} of known names, such as {next(iter(named))}.")
    return ExternalPhotos(paths, np.array(rows))


def evaluate_elsewhere(predictor: Classifier, photos: ExternalPhotos) -> Evaluation:
    """Top-1, top-5 and, where it is calibrated, how many of them are said to be unknown."""
    pictures = Pictures(predictor.task, photos.paths, np.zeros(len(photos.paths), np.int64))
    shown = all_features(predictor, pictures, "classifying")
    ranked = np.argsort(-shown.logits, axis=1, kind="stable")[:, :5]
    hits = np.take_along_axis(photos.right, ranked, axis=1)
    metrics = {
        "top1": proportion(int(hits[:, 0].sum()), len(hits)),
        "top5": proportion(int(hits.any(axis=1).sum()), len(hits)),
    }
    if means := predictor.checkpoint.calibration.means:
        unknown = means.nearest(shown.pooled) < means.threshold
        metrics["flagged"] = proportion(int(unknown.sum()), len(unknown))
    return Evaluation(metrics)
