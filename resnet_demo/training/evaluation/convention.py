"""Keypoints of a source whose annotators follow a convention of their own, measured in that convention.

A network follows one convention. What it misses on a source of another is partly that difference, which is the same for
all faces: one linear map of all keypoints, fitted to the source's training faces, takes it away. What is left is what
the network does not see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from tqdm import tqdm

from resnet_demo.checkpoints.records import MeanError
from resnet_demo.errors import UserError
from resnet_demo.faces.alignment import transform
from resnet_demo.inference.base import Predictor
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.tasks import KEYPOINTS
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.data.face_frames import matching
from resnet_demo.training.data.ridge import ridge
from resnet_demo.training.evaluation.evaluate import mean_error, nme

Map = Callable[[np.ndarray], np.ndarray]
RIDGE = 1e-5  # of each face; a hundredth and a tenth part of it are as good for Udacity's val people, ten times is not
LEAST = 136  # faces to fit the map to


def evaluate_in_convention(predictor: Predictor, source: str, learned: Pictures, pictures: Pictures) -> MeanError:
    """NME of a source's faces in ``pictures``, through the linear map fitted to its faces in ``learned``.

    Args:
        learned: pictures of people who are in none of ``pictures``.

    Raises:
        UserError: no task of faces, or too few faces of the source in ``learned``, or none in ``pictures``.
    """
    spec = predictor.spec
    if spec.kind != KEYPOINTS or not spec.detector:
        raise UserError(f"{spec.name} has no points of faces: --convention is for tasks such as faces68.")
    predict = predictor.as_a(LandmarkPredictor)
    parts = [part.some(part.rows_of((source,))) for part in (learned, pictures)]
    for part, least in zip(parts, (LEAST, 1), strict=True):
        if len(part) < least:
            raise UserError(
                f"There are {len(part)} faces of {source}, and --convention needs {least}: the sources are "
                f"{', '.join(sorted(set(learned.sources)))}."
            )
    there = fitted(*map(np.stack, zip(*in_crops(predict, parts[0]), strict=True)))
    errors = [nme(there(found), truth) for found, truth in in_crops(predict, parts[1])]
    return mean_error(errors, missed=len(parts[1]) - len(errors))


def in_crops(predict: LandmarkPredictor, pictures: Pictures) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(found, truth) of each face that is found, each (points, 2) in 0..1 of its crop, where the NME is the photo's."""
    size = predict.spec.size
    for index in tqdm(range(len(pictures)), desc="keypoints", unit="picture"):
        truth = pictures.labels[index]
        if face := matching(predict(pictures.picture(index)).faces, truth):
            yield transform(face.matrix, face.keypoints) / size, transform(face.matrix, truth) / size


def fitted(found: np.ndarray, truth: np.ndarray) -> Map:
    """The linear map from keypoints (n, points, 2) to ``truth``, by ridge regression: (points, 2) → (points, 2)."""
    weights, bias = ridge(found.reshape(len(found), -1), truth.reshape(len(truth), -1), RIDGE)
    return lambda points: (points.ravel() @ weights + bias).reshape(points.shape)
