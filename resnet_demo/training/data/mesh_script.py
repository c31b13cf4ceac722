"""MediaPipe's face mesh of picture files, for the Python of an environment of its own: ``face_mesh`` starts it.

MediaPipe 0.10.21 wants NumPy 1, so it cannot be installed beside this package.

Usage: python mesh_script.py FILES.json OUT.npz PROCESSES. Prints a line for each picture.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from PIL import Image

os.environ.setdefault("GLOG_minloglevel", "3")  # A line for each network that is loaded, else.
POINTS = 478  # with the irises'
_mesh: Any = None


def begin() -> None:
    """Load the networks, in each process."""
    global _mesh
    import mediapipe

    _mesh = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, refine_landmarks=True, max_num_faces=1, min_detection_confidence=0.2
    )


def points_of(array: np.ndarray) -> np.ndarray:
    """The mesh (points, 3) of the face in uint8 (rows, columns, 3): x, y, depth in pixels; NaN where none is found."""
    faces = _mesh.process(np.ascontiguousarray(array)).multi_face_landmarks
    if not faces:
        return np.full((POINTS, 3), np.nan, np.float32)
    width = array.shape[1]  # Depth is in the unit of x.
    return np.array([(p.x * width, p.y * array.shape[0], p.z * width) for p in faces[0].landmark], np.float32)


def both(path: str) -> tuple[np.ndarray, np.ndarray, int]:
    """The meshes of a picture and of its mirror image, each in its own pixels, and the width of both."""
    with Image.open(path) as picture:
        array = np.asarray(picture.convert("RGB"))
    return points_of(array), points_of(array[:, ::-1]), array.shape[1]


def main(files: str, out: str, processes: str) -> None:
    import mediapipe

    # Where this package or its networks are missing, it is said here once, and not by each process.
    assert mediapipe.solutions.face_mesh.FaceMesh
    with open(files, encoding="utf-8") as file:
        paths = json.load(file)
    found = []
    with ProcessPoolExecutor(int(processes), multiprocessing.get_context("spawn"), begin) as pool:
        for each in pool.map(both, paths, chunksize=8):
            found.append(each)
            print(len(found), flush=True)
    plain, mirrored, widths = zip(*found, strict=True) if found else ((), (), ())
    np.savez(
        out,
        plain=np.array(plain, np.float32).reshape(-1, POINTS, 3),
        mirrored=np.array(mirrored, np.float32).reshape(-1, POINTS, 3),
        widths=np.array(widths, np.float32),
        version=np.array(mediapipe.__version__),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
