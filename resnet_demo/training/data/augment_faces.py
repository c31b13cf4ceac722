"""Augmentation of face crops: geometry around the detector's own frame, then light, sharpness and occlusion.

What is trained on is cut exactly as at prediction time (``alignment.frame_of`` of the shipped detector's finding), with
jitter round it. Large head turns, which most training pictures lack, are imitated: the face's relief is turned about
its vertical axis (``yaw``), and a homography adds perspective.
"""

from __future__ import annotations

import io
import math

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor

from resnet_demo.faces.alignment import Frame, frame_matrix
from resnet_demo.tasks.landmarks import MIRROR
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.recipe import Recipe

AXIS = 0.25  # the depth, in crop sides, about which a face turns: that of its landmarks in the mean
MESH = 16
OTHERS = "others"  # in ``Recipe.mirror_shift``: any source that it does not name


class FaceAugmentation:
    """(pictures, index, seed) → (uint8 (3, size, size), keypoints (points, 2) in 0..1 of the crop).

    ``pictures.frames`` must hold the face's frame of each picture (``face_frames.find_frames``).
    """

    def __init__(self, recipe: Recipe, size: int):
        self.recipe, self.size = recipe, size

    def __call__(self, pictures: Pictures, index: int, seed: int) -> tuple[Tensor, Tensor]:
        recipe, random = self.recipe, np.random.default_rng(seed)
        matrix = np.vstack([frame_matrix(jitter(pictures.frames[index], recipe, random), recipe.margin, 1), (0, 0, 1)])
        if recipe.perspective:
            matrix = homography(recipe.perspective * random.uniform(-1, 1, (4, 2))) @ matrix
        points = project(matrix, pictures.labels[index])
        yaw = math.radians(recipe.yaw) * random.uniform(-1, 1)
        mirrored = random.random() < recipe.mirror
        picture = warp(pictures.picture(index), matrix, yaw, mirrored, self.size)
        points = turn(points, yaw)
        if mirrored:
            shift = mirror_shift(recipe, pictures.sources[index] if pictures.sources else "") / recipe.margin
            points = np.stack([1 + 2 * shift - points[:, 0], points[:, 1]], axis=1)
            if len(points) == len(MIRROR):
                points = points[MIRROR]
        array = degrade(picture, recipe, random)
        return torch.from_numpy(array.transpose(2, 0, 1).copy()), torch.from_numpy(points.astype(np.float32))


def mirror_shift(recipe: Recipe, source: str) -> float:
    """How far to the right of the truth the points of a source lie, as a share of the face's side."""
    shifts = recipe.mirror_shift or {}
    return shifts.get(source, shifts.get(OTHERS, 0.0))


def jitter(frame: Frame, recipe: Recipe, random: np.random.Generator) -> Frame:
    """A frame near ``frame``: as wrong as the detector sometimes is."""
    side = frame.side * math.exp(recipe.zoom * random.uniform(-1, 1))
    angle = frame.angle + math.radians(recipe.rotation) * np.clip(random.normal(0, 0.5), -1.5, 1.5)
    shift = recipe.shift * frame.side * np.clip(random.normal(0, 0.5, 2), -1.5, 1.5)
    return Frame((frame.centre[0] + shift[0], frame.centre[1] + shift[1]), side, angle)


def homography(offsets: np.ndarray) -> np.ndarray:
    """The 3×3 matrix that moves the unit square's corners by ``offsets`` (4, 2)."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    rows = []
    for (x, y), (u, v) in zip(corners, corners + offsets, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]]
    system = np.array(rows)
    return np.append(np.linalg.solve(system[:, :8], system[:, 8]), 1).reshape(3, 3)


def project(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (n, 2) under a 3×3 homography."""
    moved = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    return moved[:, :2] / moved[:, 2:]


def relief(points: np.ndarray) -> np.ndarray:
    """Depth of a mean face at points (..., 2) of the unit crop, in crop sides: the head, and the nose on it.

    Fitted to MediaPipe's face meshes of 745 faces of LFPW and HELEN that look straight ahead, within 0.03 (root mean
    square). The nose is as smooth as the mesh is coarse, or pixels and landmarks would not move alike.
    """
    x, y = points[..., 0] - 0.5, points[..., 1]
    head = 0.334 * np.exp(-((x / 0.3) ** 2) - ((y - 0.2) / 0.9) ** 2)
    return head + 0.074 * np.exp(-((x / 0.1) ** 2) - ((y - 0.493) / 0.1) ** 2)


def turn(points: np.ndarray, yaw: float) -> np.ndarray:
    """Points (..., 2) of the unit crop after the relief is turned by ``yaw`` radians about the vertical axis.

    Beyond 30° parts of the face would hide others, which a picture that is warped cannot show.
    """
    x = 0.5 + (points[..., 0] - 0.5) * math.cos(yaw) + (relief(points) - AXIS) * math.sin(yaw)
    return np.stack([x, points[..., 1]], axis=-1)


def warp(photo: Image.Image, matrix: np.ndarray, yaw: float, mirrored: bool, size: int) -> Image.Image:
    """The crop that ``matrix`` (photo → unit crop), the turn and the mirror give, as a mesh of quadrilaterals."""
    ticks = np.linspace(0, 1, MESH + 1)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1)  # (row, column, xy)
    wanted = np.stack([1 - grid[..., 0], grid[..., 1]], axis=-1) if mirrored else grid
    source = wanted.copy()
    for _ in range(16 if yaw else 0):  # Fixed point of turn(source) = wanted.
        source += 0.7 * (wanted - turn(source, yaw))
    photo_points = project(np.linalg.inv(matrix), source.reshape(-1, 2)).reshape(source.shape)
    edges = np.round(ticks * size).astype(int)
    mesh = []
    for row in range(len(ticks) - 1):
        for column in range(len(ticks) - 1):
            box = (edges[column], edges[row], edges[column + 1], edges[row + 1])
            corners = [(row, column), (row + 1, column), (row + 1, column + 1), (row, column + 1)]
            mesh.append((tuple(int(v) for v in box), [float(v) for at in corners for v in photo_points[at]]))
    return photo.transform((size, size), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR, fillcolor=(114,) * 3)


def degrade(picture: Image.Image, recipe: Recipe, random: np.random.Generator) -> np.ndarray:
    """Light, grey, low resolution, JPEG and occlusion as phone and video pictures have them: uint8 (size, size, 3)."""
    if recipe.jitter:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            picture = enhance(picture).enhance(1 + recipe.jitter * random.uniform(-1, 1))
        if random.random() < 0.1:
            picture = picture.convert("L").convert("RGB")
    if random.random() < recipe.blur:
        small = int(picture.width * random.uniform(0.25, 0.8))
        method = Image.Resampling.BICUBIC if random.random() < 0.5 else Image.Resampling.BILINEAR
        picture = picture.resize((small, small), method).resize(picture.size, method)
    if random.random() < recipe.blur / 2:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=int(random.uniform(15, 60)))
        picture = Image.open(buffer)
    array = np.array(picture)
    size = len(array)
    if random.random() < recipe.occlusion:
        height, width = (random.uniform(0.1, 0.45, 2) * size).astype(int)
        top, left = (random.uniform(-0.1, 0.9, 2) * size).astype(int).clip(0)
        patch = array[top : top + height, left : left + width]
        if random.random() < 0.5:
            patch[:] = random.integers(0, 256, 3)
        else:  # A piece of the same picture from elsewhere, as a hand or hair would be.
            y, x = random.integers(0, size - patch.shape[0] + 1), random.integers(0, size - patch.shape[1] + 1)
            patch[:] = array[y : y + patch.shape[0], x : x + patch.shape[1]].copy()
    return array
