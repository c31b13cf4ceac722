"""How a head is turned, from its 68 keypoints: a rigid face laid over them under weak perspective, no network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Keypoints that hardly move with the expression: nose, corners of the eyes, corners of the mouth.
STIFF = [*range(27, 36), 36, 39, 42, 45, 48, 54]
# Where they lie in a mean face: x to the picture's right, y down, z away from the camera, in units of the distance of
# the outer corners of the eyes. Made by `.ci/face-shape` by structure from motion, from the annotated landmarks of the
# 1,675 training faces of faces68's sources lfpw and helen and their mirror images, so that it is symmetric; turned so
# that these faces look neither up nor down in the mean.
SHAPE = np.array(
    [
        *((0, -0.343, -0.059), (0, -0.205, -0.128), (0, -0.068, -0.206), (0, 0.072, -0.283)),  # bridge to tip
        *((-0.164, 0.170, -0.061), (-0.085, 0.200, -0.096), (0, 0.225, -0.111)),
        *((0.085, 0.200, -0.096), (0.164, 0.170, -0.061)),
        *((-0.5, -0.333, 0.206), (-0.217, -0.315, 0.143), (0.217, -0.315, 0.143), (0.5, -0.333, 0.206)),  # eyes
        *((-0.312, 0.439, 0.201), (0.312, 0.439, 0.201)),  # mouth
    ]
)
STEPS = 20  # within 0.05 degrees of where it ends


@dataclass(frozen=True)
class Pose:
    """How a head is turned, in degrees.

    Attributes:
        yaw: positive where it looks to the picture's right.
        pitch: positive where it looks up; 0 is that of the mean training face, as nothing says what "straight" is.
        roll: positive where it is tilted clockwise, as one sees the picture.
    """

    yaw: float
    pitch: float
    roll: float

    def to_json(self) -> dict[str, float]:
        return {"yaw": round(self.yaw, 1), "pitch": round(self.pitch, 1), "roll": round(self.roll, 1)}


def pose_of(keypoints: np.ndarray) -> Pose:
    """68 keypoints (68, 2) in pixels → the pose.

    A mean face and weak perspective: the parts of a long or flat nose, and of a camera at arm's length, are taken for a
    turn of some degrees. Without pixels, so it is as right as the keypoints are.
    """
    turn = rotation(np.asarray(keypoints, float)[STIFF])
    yaw = np.arctan2(turn[2, 0], np.hypot(turn[0, 0], turn[1, 0]))
    pitch = -np.arctan2(turn[2, 1], turn[2, 2])
    roll = np.arctan2(turn[1, 0], turn[0, 0])
    return Pose(*(float(angle) for angle in np.degrees((yaw, pitch, roll))))


def rotation(points: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) of ``SHAPE``, scaled and seen from far away, that comes nearest to points (15, 2).

    Least squares by turns: the depth that the points have under a rotation, then the rotation that fits points of that
    depth (Kabsch 1976). Each step comes nearer.
    """
    seen, shape = points - points.mean(axis=0), SHAPE - SHAPE.mean(axis=0)
    turn = np.eye(3)
    for _ in range(STEPS):
        placed = shape @ turn.T
        scale = (seen * placed[:, :2]).sum() / max((placed[:, :2] ** 2).sum(), 1e-12)
        left, _, right = np.linalg.svd(np.column_stack([seen, scale * placed[:, 2]]).T @ shape)
        turn = left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right
    return turn
