"""What the pose and the spread of keypoints are worth: beside labelled faces, how far off and how telling they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from tqdm import tqdm

from resnet_demo import checkpoints
from resnet_demo.errors import UserError
from resnet_demo.faces.pose import pose_of
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.training.data.datasets import load_pictures
from resnet_demo.training.data.face_frames import matching
from resnet_demo.training.evaluation.evaluate import EYE_CORNERS, nme
from resnet_demo.utils.markdown import head, row

YAWS = (0, 15, 30, 90)  # degrees, edges of the second table's rows
FEWEST = 10  # faces of a source
FIFTHS = ("steadiest fifth", "second", "third", "fourth", "last")


@dataclass(frozen=True)
class MeasuredFace:
    """One face, found end to end.

    Attributes:
        source: of its photo, such as afw.
        pose: yaw, pitch and roll in degrees (3,), of the network's keypoints.
        labelled: the same of the labelled keypoints.
        error: NME in percent.
        errors: (68,), each keypoint's distance from its label, in percent of that of the outer eye corners.
        spreads: (68,), each keypoint's spread, in the same unit.
    """

    source: str
    pose: np.ndarray
    labelled: np.ndarray
    error: float
    errors: np.ndarray
    spreads: np.ndarray


def measure_poses(depth: int, split: str, sources: tuple[str, ...], data: Path | None) -> Iterator[str]:
    """Lines of the tables.

    Args:
        sources: of the faces, such as helen; empty: all.

    Raises:
        UserError: no such data, or too few faces.
    """
    faces = list(measured_faces(depth, split, sources, data))
    if len(faces) < FEWEST:
        raise UserError(f"{len(faces)} faces of {', '.join(sources) or 'all sources'} in {split}: name others.")
    yield from difference_lines(faces)
    yield from yaw_lines(faces)
    yield from spread_lines(faces)


def measured_faces(depth: int, split: str, sources: tuple[str, ...], data: Path | None) -> Iterator[MeasuredFace]:
    """Each face of the split that is found."""
    predict = LandmarkPredictor("faces68", checkpoint=checkpoints.load("faces68", depth), device="cpu")
    pictures = load_pictures("faces68", (split,), data)
    for index in tqdm(pictures.rows_of(sources), desc="poses", unit="picture"):
        truth = pictures.labels[index]
        face = matching(predict(pictures.picture(index)).faces, truth)
        if face is None:
            continue
        eyes = np.linalg.norm(truth[EYE_CORNERS[0]] - truth[EYE_CORNERS[1]]) / 100
        yield MeasuredFace(
            pictures.sources[index],
            angles(face.keypoints),
            angles(truth),
            nme(face.keypoints, truth),
            np.linalg.norm(face.keypoints - truth, axis=1) / eyes,
            face.spread() / eyes,
        )


def angles(keypoints: np.ndarray) -> np.ndarray:
    """Keypoints (68, 2) → yaw, pitch and roll in degrees (3,)."""
    pose = pose_of(keypoints)
    return np.array([pose.yaw, pose.pitch, pose.roll])


def differences(faces: list[MeasuredFace]) -> np.ndarray:
    """(faces, 3): how many degrees the network's pose and the labels' are apart."""
    away = np.array([face.pose - face.labelled for face in faces])
    return np.abs((away + 180) % 360 - 180)


def difference_lines(faces: list[MeasuredFace]) -> Iterator[str]:
    """How far the pose of the network's keypoints lies from that of the labelled ones."""
    names = [f"{name}, {part}" for name in ("yaw", "pitch", "roll") for part in ("median", "nine in ten within")]
    yield head(("source", "faces", *names))
    for source in sorted({face.source for face in faces}):
        own = [face for face in faces if face.source == source]
        away = differences(own)
        figures = [f"{value:.1f}°" for column in away.T for value in np.quantile(column, (0.5, 0.9))]
        yield row((source, len(own), *figures))


def yaw_lines(faces: list[MeasuredFace]) -> Iterator[str]:
    """Errors of faces that look ahead and aside."""
    yield "\n" + head(("yaw by the labels", "faces", "yaw apart, median", "NME"))
    for low, high in pairwise(YAWS):
        own = [face for face in faces if low <= abs(face.labelled[0]) < high]
        if own:
            away, error = np.median(differences(own)[:, 0]), np.mean([face.error for face in own])
            yield row((f"{low} to {high}°", len(own), f"{away:.1f}°", f"{error:.2f} %"))


def spread_lines(faces: list[MeasuredFace]) -> Iterator[str]:
    """Whether unsteady keypoints are wrong ones: errors by spread, and rank correlations (Spearman 1904)."""
    spreads, errors = np.array([face.spreads for face in faces]), np.array([face.errors for face in faces])
    steady = np.argsort(spreads.mean(axis=1), kind="stable")
    yield "\n" + head(("by their spread", "faces", "spread", "NME"))
    for name, part in zip(
        ("steadiest fifth", "second", "third", "fourth", "last"), np.array_split(steady, 5), strict=True
    ):
        yield row((name, len(part), f"{spreads[part].mean():.2f} %", f"{errors[part].mean():.2f} %"))
    by_face = rank_correlation(spreads.mean(axis=1), errors.mean(axis=1))
    within = np.median([rank_correlation(spreads[i], errors[i]) for i in range(len(faces))])
    yield f"\nRank correlation of spread and error: faces {by_face:.2f}, keypoints of a face {within:.2f} (median)."


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's coefficient of two arrays (n,) without equal values."""
    ranks = np.stack([np.argsort(np.argsort(values)) for values in (first, second)]).astype(float)
    ranks -= ranks.mean(axis=1, keepdims=True)
    return float(ranks[0] @ ranks[1] / np.prod(np.linalg.norm(ranks, axis=1)))
