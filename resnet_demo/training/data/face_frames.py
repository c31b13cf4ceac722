"""The shipped detector's finding in every picture of a keypoint data set: training sees what prediction sees."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from tqdm import tqdm

from resnet_demo.errors import UserError
from resnet_demo.faces import detector as face_detector
from resnet_demo.faces.alignment import Frame, frame_matrix, frame_of, transform
from resnet_demo.faces.detector import MODEL, Detector
from resnet_demo.faces.pose import pose_of
from resnet_demo.tasks.landmarks import MIRROR
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.utils.cache import cache_folder, state_of

TURNED = 20  # degrees of yaw; one further face in eight looks so far to the side, and one in thirty by 30 and more


class _HasBox(Protocol):
    @property
    def box(self) -> tuple[float, float, float, float]: ...

    @property
    def score(self) -> float: ...


Found = TypeVar("Found", bound=_HasBox)


def matching(detections: Sequence[Found], points: np.ndarray) -> Found | None:
    """The most certain detection whose centre lies within half a face of the annotated points' (n, 2), or None."""
    low, high = points.min(axis=0), points.max(axis=0)
    reach = 0.5 * (high - low).max()
    near = [
        detection
        for detection in detections
        if np.hypot(*((np.array(detection.box[:2]) + detection.box[2:]) / 2 - (low + high) / 2)) < reach
    ]
    return max(near, key=lambda detection: detection.score, default=None)


def frame_of_points(points: np.ndarray) -> Frame:
    """A frame from annotated points, for the few training faces that the detector misses: their upright extent."""
    low, high = points.min(axis=0), points.max(axis=0)
    return Frame((float((low + high)[0] / 2), float((low + high)[1] / 2)), float((high - low).max() / 0.82), 0.0)


def find_frames(pictures: Pictures, detector: Detector | None = None) -> Pictures:
    """Fill ``pictures.frames``: one ``Frame`` a picture. Found once, they are kept in the user's cache folder."""
    stored = cache_file(pictures)
    if stored.exists():
        pictures.frames = [Frame((x, y), side, angle) for x, y, side, angle in np.load(stored).tolist()]
        return pictures
    detector = detector or Detector()
    for index in tqdm(range(len(pictures)), desc="finding faces", unit="picture"):
        found = matching(detector.detect(pictures.picture(index)), pictures.labels[index])
        pictures.frames.append(frame_of(found) if found else frame_of_points(pictures.labels[index]))
    stored.parent.mkdir(parents=True, exist_ok=True)
    part = stored.with_suffix(f".{os.getpid()}.npy")
    np.save(part, [(*frame.centre, frame.side, frame.angle) for frame in pictures.frames])
    os.replace(part, stored)
    return pictures


def turned(pictures: Pictures) -> np.ndarray:
    """Which faces look ``TURNED`` degrees and more to the side, by their landmarks: bool (n,), kept with the pictures.

    Raises:
        UserError: the keypoints are not the 68 of a face, of which a pose can be told.
    """
    if pictures.turned is None:
        if pictures.labels.shape[1:] != (len(MIRROR), 2):
            raise UserError(f"The setting turned_factor is for {len(MIRROR)} landmarks of faces: leave it out.")
        pictures.turned = np.array([abs(pose_of(points).yaw) >= TURNED for points in pictures.labels])
    return pictures.turned


def cache_file(pictures: Pictures) -> Path:
    """Where the frames of exactly these pictures, found by exactly this detector, are kept."""
    code = b"".join(path.read_bytes() for path in sorted(Path(face_detector.__file__).parent.glob("*.py")))
    key = hashlib.sha256(MODEL.read_bytes() + code + pictures.labels.tobytes())
    key.update(state_of(pictures.paths))
    return cache_folder() / "frames" / f"{key.hexdigest()[:24]}.npy"


def mean_shape(pictures: Pictures, margin: float) -> np.ndarray:
    """Mean keypoints (points, 2) in 0..1 of the crop: what an untrained head should say."""
    pairs = zip(pictures.frames, pictures.labels, strict=True)
    return np.mean([transform(frame_matrix(frame, margin, 1), points) for frame, points in pairs], axis=0)
