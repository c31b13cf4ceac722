"""Landmarks of unlabelled faces by MediaPipe's face mesh, as a data set's own annotators would have put them.

The mesh (Kartynnik et al. 2019, https://arxiv.org/abs/1907.06724) has 478 points in three dimensions that are no
landmarks of 300-W, but hold them: one ridge regression, fitted on labelled faces, leads from the ones to the others.
The mesh of a picture and that of its mirror image are averaged.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from resnet_demo.errors import UserError
from resnet_demo.tasks.landmarks import MIRROR
from resnet_demo.training.data.ridge import ridge

SCRIPT = Path(__file__).with_name("mesh_script.py")
PACKAGE = "mediapipe==0.10.21"
# Chosen by the error on people left out of the fit, LFPW's and HELEN's training pictures: 0.1 and 0.01 are as good.
RIDGE = 0.03
FOLDS = 5
HOW = (
    f"make an environment of its own with `python3.11 -m venv mesh` and `mesh/bin/pip install {PACKAGE}`, and pass "
    "--mesh-python mesh/bin/python."
)


@dataclass(frozen=True, eq=False)
class Meshes:
    """Face meshes in their pictures' pixels.

    Attributes:
        points: of a picture and its mirror image in the mean, float64 (n, 478, 3); NaN where no face was found.
        apart: the mean distance of the two, as a share of the face's size: where they differ, neither is sure.
        version: MediaPipe's.
    """

    points: np.ndarray
    apart: np.ndarray
    version: str

    def __getitem__(self, rows: slice) -> Meshes:
        return Meshes(self.points[rows], self.apart[rows], self.version)


def meshes_of(paths: Sequence[Path], python: Path) -> Meshes:
    """The meshes of picture files; of none: only whether ``python`` can do it.

    Args:
        python: of an environment with ``PACKAGE``.

    Raises:
        UserError: that Python cannot do it, or finds a face in none of the pictures.
    """
    with tempfile.TemporaryDirectory() as folder:
        files, out, said = (Path(folder) / name for name in ("files.json", "meshes.npz", "said"))
        files.write_text(json.dumps([str(path.resolve()) for path in paths]), "utf-8")
        processes = max(1, min(os.cpu_count() or 1, len(paths) // 8))
        command = [str(python), str(SCRIPT), str(files), str(out), str(processes)]
        # Into a file, as nobody reads a pipe of warnings while pictures are waited for.
        with said.open("w") as warnings:
            try:
                run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=warnings, text=True)
            except OSError as error:
                raise UserError(f"{python} cannot be started ({error.strerror}): {HOW}") from None
            assert run.stdout
            with run, tqdm(total=len(paths), desc="face meshes", unit="picture", disable=not paths) as progress:
                for _ in run.stdout:
                    progress.update()
        if run.returncode:
            last = said.read_text(errors="replace").strip().splitlines()[-1:] or ["it does not say why"]
            raise UserError(f"{python} cannot make face meshes ({last[0]}): {HOW}")
        with np.load(out) as file:
            plain, mirrored, widths, version = (file[name] for name in ("plain", "mirrored", "widths", "version"))
    if len(paths) and not np.isfinite(plain).all(axis=(1, 2)).any():
        raise UserError(f"MediaPipe finds no face in any of {len(paths)} pictures: name others.")
    return averaged(plain.astype(float), mirrored.astype(float), widths, str(version))


def averaged(plain: np.ndarray, mirrored: np.ndarray, widths: np.ndarray, version: str) -> Meshes:
    """Meshes (n, 478, 3) of pictures together with those of their mirror images."""
    if not len(plain):
        return Meshes(plain, np.empty(0), version)
    across = np.stack([widths[:, None] - mirrored[..., 0], *np.moveaxis(mirrored[..., 1:], 2, 0)], axis=2)
    across = across[:, counterparts(plain)]
    size = np.sqrt(plain[..., :2].var(axis=1).sum(axis=1))
    apart = np.linalg.norm((plain - across)[..., :2], axis=2).mean(axis=1) / size
    return Meshes((plain + across) / 2, apart, version)


def counterparts(points: np.ndarray) -> np.ndarray:
    """Index of each mesh point (n, 478, 3) on the face's other side: its own where it lies in the middle.

    They are matched on the mean face and its mirror image, as no table of them is published.
    """
    from scipy.optimize import linear_sum_assignment

    shapes, _ = aligned(points[np.isfinite(points).all(axis=(1, 2))], mean_shape(points))
    mean = shapes.mean(axis=0)
    mean -= mean.mean(axis=0)
    distances = ((mean[:, None] - (mean * (-1, 1, 1))[None]) ** 2).sum(axis=2)
    return linear_sum_assignment(distances)[1]


def mean_shape(points: np.ndarray) -> np.ndarray:
    """The mean mesh (478, 3) round its own centre, with its size as 1; most faces stand upright enough for a mean."""
    points = points[np.isfinite(points).all(axis=(1, 2))]
    points = points - points.mean(axis=1, keepdims=True)
    mean = (points / np.linalg.norm(points[..., :2], axis=(1, 2), keepdims=True)).mean(axis=0)
    return mean / np.linalg.norm(mean[:, :2])


def aligned(points: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Meshes (n, 478, 3) moved, turned and scaled in the picture's plane onto ``shape``, and where they were.

    Returns:
        The meshes, and (n, 2) complex: each face's centre, and its size and turn as a factor.
    """
    plane, wanted = points[..., 0] + 1j * points[..., 1], shape[:, 0] + 1j * shape[:, 1]
    centre = plane.mean(axis=1, keepdims=True)
    factor = (plane - centre) @ wanted.conj()[:, None]
    plane = (plane - centre) / factor
    depth = (points[..., 2] - points[..., 2].mean(axis=1, keepdims=True)) / np.abs(factor)
    return np.stack([plane.real, plane.imag, depth], axis=2), np.concatenate([centre, factor], axis=1)


@dataclass(frozen=True, eq=False)
class Annotator:
    """From meshes to landmarks.

    Attributes:
        shape: the mean mesh of the faces that it was fitted on, (478, 3).
        weights, bias: of the regression, (1434, 2 points) and (2 points,).
    """

    shape: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def fitted(cls, meshes: np.ndarray, points: np.ndarray) -> Annotator:
        """The best one for meshes (n, 478, 3) whose landmarks are ``points`` (n, points, 2), both in pixels."""
        shape = mean_shape(meshes)
        faces, places = aligned(meshes, shape)
        x = faces.reshape(len(faces), faces.shape[1] * 3)
        y = (points[..., 0] + 1j * points[..., 1] - places[:, :1]) / places[:, 1:]
        y = np.concatenate([y.real, y.imag], axis=1)
        return cls(shape, *ridge(x, y, RIDGE * (x - x.mean(axis=0)).var()))

    def __call__(self, meshes: np.ndarray) -> np.ndarray:
        """Landmarks (n, points, 2) of meshes (n, 478, 3), in the same pixels."""
        faces, places = aligned(meshes, self.shape)
        found = faces.reshape(len(faces), faces.shape[1] * 3) @ self.weights + self.bias
        half = found.shape[1] // 2
        plane = (found[:, :half] + 1j * found[:, half:]) * places[:, 1:] + places[:, :1]
        return np.stack([plane.real, plane.imag], axis=2)


def mirror_symmetric(meshes: np.ndarray, points: np.ndarray) -> Annotator:
    """An annotator that favours neither side of a face: fitted on the faces and on their mirror images alike.

    People put landmarks to the right of it, each set's by another amount.
    """
    other = counterparts(meshes)
    flipped, turned = meshes[:, other] * (-1, 1, 1), points[:, MIRROR] * (-1, 1)
    return Annotator.fitted(np.concatenate([meshes, flipped]), np.concatenate([points, turned]))


def left_out(meshes: np.ndarray, points: np.ndarray, people: Sequence[str]) -> np.ndarray:
    """Landmarks (n, points, 2) by annotators that did not see the same person, see ``Annotator.fitted``.

    Raises:
        UserError: fewer than two people.
    """
    numbers = {person: number for number, person in enumerate(dict.fromkeys(people))}
    if len(numbers) < 2:
        raise UserError("A face mesh needs labelled faces of several people to learn from: name a larger data set.")
    folds = np.array([numbers[person] % FOLDS for person in people])
    found = np.empty_like(points, dtype=float)
    for fold in set(folds.tolist()):
        found[folds == fold] = Annotator.fitted(meshes[folds != fold], points[folds != fold])(meshes[folds == fold])
    return found
