"""The command ``faces``: faces of any photos become further training pictures, with landmarks by a face mesh.

What it writes is laid out as the data set ``faces68`` is, for ``train --labelled``. Faces that are also in the data
set, in whichever split, are left out; so are those that the mesh is not sure of.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageFilter
from tqdm import tqdm

from resnet_demo.checkpoints.records import Gathered, MeshRecord
from resnet_demo.checkpoints.steps import Step, shown_path
from resnet_demo.errors import UserError
from resnet_demo.faces.alignment import Frame, crop, frame_matrix, frame_of
from resnet_demo.faces.detector import Detector
from resnet_demo.images.decode import open_photo
from resnet_demo.tasks.landmarks import MIRROR
from resnet_demo.training.data.datasets import Pictures, load_pictures, pictures_below
from resnet_demo.training.data.face_frames import find_frames
from resnet_demo.training.data.face_mesh import Annotator, Meshes, left_out, meshes_of, mirror_symmetric
from resnet_demo.training.data.gather_record import RECORD
from resnet_demo.training.evaluation.evaluate import nme
from resnet_demo.utils.json_record import as_json

OTHERWISE = "udacity"  # its landmarks follow another convention than 300-W's
SMALLEST = 60  # pixels of a face
AROUND, SIDE, QUALITY = 2.0, 320, 92  # faces68 has squares of twice the face's size, at most so many pixels
# Of the mesh and that of the mirror image, a share of the face's size. Of LFPW's and HELEN's training faces one in a
# hundred is further apart, of the small ones in Udacity's frames one in ten.
APART = 0.08
ASIDE = (
    0.25  # of the face's side, how far the mesh's middle may lie from the frame's; of LFPW's faces none is over 0.14
)
# Faces are compared as small upright squares, each moved over the middle of the other by a pixel or two, as the
# detector's frames of two copies differ by so much.
LOOK, COARSE, MOVED = 24, 2.0, 2
SAME = 0.72
CHECKED = 300  # known faces of which altered copies are made


@dataclass(frozen=True, eq=False)
class Face:
    """A face that was found: its source, the JPEG round it, its frame there and what it is compared by."""

    source: str
    data: bytes
    frame: Frame
    look: np.ndarray


def gather_faces(
    folders: Sequence[Path], out: Path, task: str, python: Path, most: int | None, data: Path | None
) -> Gathered:
    """Write the faces in photos below ``folders`` to ``out``: images/, landmarks.csv and a record of them.

    Args:
        folders: each one's subfolders are its sources, such as one a public repository.
        task: the data set of faces whose train pictures say where landmarks lie, and whose faces are left out.
        python: of an environment with MediaPipe, see ``face_mesh.meshes_of``.
        most: photos of a source that are looked at, evenly spaced by name; None: all.

    Raises:
        UserError: no faces that can be used, ``out`` is in use, a data set of other points, or no MediaPipe there.
    """
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} is not empty: choose a new folder for the faces.")
    files = [each for folder in folders for each in photos_of(folder, most)]
    if not files:
        raise UserError(f"There are no pictures in {', '.join(map(str, folders))}: name folders with photos.")
    teachers, every = (load_pictures(task, splits, data) for splits in (("train",), ("train", "val", "test")))
    if teachers.labels.shape[1:] != (len(MIRROR), 2):
        raise UserError(f"{task} is no data set of {len(MIRROR)} face landmarks: name one with --apart.")
    meshes_of([], python)  # Says at once that it cannot be done.
    teachers, every = find_frames(teachers), find_frames(every)
    known = np.stack([look_at(every, row) for row in tqdm(range(len(every)), desc="known faces", unit="picture")])
    faces, unusable = faces_in(files)
    if not faces:
        raise UserError(f"No face of {SMALLEST} pixels was found in {len(files)} pictures: name others.")
    near = likeness(np.stack([face.look for face in faces]), known) >= SAME
    kept = [face for face, drop in zip(faces, near, strict=True) if not drop]
    if not kept:
        raise UserError(f"All {len(faces)} faces are among those of {task}: name other photos.")
    out.parent.mkdir(parents=True, exist_ok=True)
    # Under its name there is only what is whole.
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f"{out.name}-") as part:
        made = Path(part) / "made"
        (made / "images").mkdir(parents=True)
        paths = [made / "images" / f"{number:05d}.jpg" for number in range(len(kept))]
        for face, path in zip(kept, paths, strict=True):
            path.write_bytes(face.data)
        meshes = meshes_of([*teachers.paths, *paths], python)
        annotator, mesh = fitted(teachers, meshes[: len(teachers)])
        new = meshes[len(teachers) :]
        use = sure(new, [face.frame for face in kept])
        if not use.any():
            raise UserError(f"The face mesh is sure of none of {len(kept)} faces: name other photos.")
        for path, used in zip(paths, use, strict=True):
            if not used:
                path.unlink()
        rows = np.flatnonzero(use).tolist()
        sources = [kept[row].source for row in rows]
        write(made, sources, [paths[row] for row in rows], annotator(new.points[rows]))
        record = Gathered(
            pictures=len(rows),
            files=len(files),
            unusable=unusable,
            near_known=int(near.sum()),
            near_one_another=None,
            apart=[task],
            command=step_of(folders, out, task, python, most).line,
            copies=copies_found(every, known),
            by_source=dict(sorted(Counter(sources).items())),
            by_class={},
            mesh=replace(mesh, unsure=len(kept) - len(rows)),
        )
        (made / RECORD).write_text(json.dumps(as_json(record), indent=1, ensure_ascii=False) + "\n", "utf-8")
        if out.exists():
            out.rmdir()
        made.rename(out)
    return record


def photos_of(folder: Path, most: int | None) -> Iterator[tuple[str, Path]]:
    """(source, photo) of all photos below a folder, or of so many of each source."""
    sources: dict[str, list[Path]] = {}
    for path in pictures_below(folder):
        parts = path.relative_to(folder).parts
        sources.setdefault(parts[0] if len(parts) > 1 else folder.name, []).append(path)
    for source, paths in sources.items():
        count = min(most or len(paths), len(paths))
        for index in np.linspace(0, len(paths) - 1, count).round().astype(int):
            yield source, paths[index]


def faces_in(files: Sequence[tuple[str, Path]]) -> tuple[list[Face], int]:
    """The faces in photos (source, file), and how many photos cannot be read or have none that is large enough."""
    detector, found, unusable = Detector(), [], 0
    for source, path in tqdm(files, desc="finding faces", unit="picture"):
        try:
            photo = open_photo(path)
        except UserError:
            unusable += 1
            continue
        frames = [frame for frame in map(frame_of, detector.detect(photo)) if frame.side >= SMALLEST]
        unusable += not frames
        found += [cut_out(source, photo, frame) for frame in frames]
    return found, unusable


def cut_out(source: str, photo: Image.Image, frame: Frame) -> Face:
    """The upright square of twice the face's size, as far as the photo goes."""
    reach = AROUND * frame.side / 2
    (x, y), (width, height) = frame.centre, photo.size
    left, top = max(0, round(x - reach)), max(0, round(y - reach))
    piece = photo.crop((left, top, min(width, round(x + reach)), min(height, round(y + reach))))
    scale = min(1.0, SIDE / max(piece.size))
    if scale < 1:
        piece = piece.resize([max(1, round(scale * side)) for side in piece.size], Image.Resampling.LANCZOS)
    frame = Frame(((x - left) * scale, (y - top) * scale), frame.side * scale, frame.angle)
    buffer = io.BytesIO()
    piece.save(buffer, "JPEG", quality=QUALITY)
    return Face(source, buffer.getvalue(), frame, look(piece, frame))


def sure(meshes: Meshes, frames: Sequence[Frame]) -> np.ndarray:
    """Which meshes, bool (n,), are of the face in their frame, and not of its neighbour, and certain of it."""
    centres = np.array([frame.centre for frame in frames])
    sides = np.array([frame.side for frame in frames])
    aside = np.linalg.norm(meshes.points[..., :2].mean(axis=1) - centres, axis=1) / sides
    return (meshes.apart < APART) & (aside < ASIDE)  # NaN is neither.


def look_at(pictures: Pictures, row: int) -> np.ndarray:
    """The look of a known face, whose picture is not kept in memory for it."""
    found = look(pictures.picture(row), pictures.frames[row])
    pictures.cache.pop(row)
    return found


def look(picture: Image.Image, frame: Frame) -> np.ndarray:
    """The detail of a face as a grey upright square, float32 (24, 24)."""
    square = Image.fromarray(crop(picture, frame_matrix(frame, 1.0, LOOK), LOOK)).convert("L")
    coarse = square.filter(ImageFilter.GaussianBlur(COARSE))
    return np.asarray(square, np.float32) - np.asarray(coarse, np.float32)


def likeness(looks: np.ndarray, known: np.ndarray) -> np.ndarray:
    """For each of the looks (n, 24, 24) the largest correlation with a known one (m, 24, 24), or its mirror image."""
    best = np.full(len(looks), -1.0, np.float32)
    inner = slice(MOVED, LOOK - MOVED)
    middles = np.concatenate([known[:, inner, inner], known[:, inner, ::-1][:, :, inner]])
    middles = normalised(middles.reshape(len(middles), -1)).T
    windows = sliding_window_view(looks, (LOOK - 2 * MOVED,) * 2, axis=(1, 2))
    for row in range(windows.shape[1]):
        for column in range(windows.shape[2]):
            moved = normalised(windows[:, row, column].reshape(len(looks), -1))
            for first in range(0, len(looks), 1000):
                part = slice(first, first + 1000)
                best[part] = np.maximum(best[part], (moved[part] @ middles).max(axis=1))
    return best


def normalised(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def copies_found(pictures: Pictures, known: np.ndarray) -> dict[str, dict[str, float]]:
    """Of altered copies of known pictures, the share, in percent, that is found."""
    from resnet_demo.training.gather import ALTERED

    rows = np.linspace(0, len(pictures) - 1, min(CHECKED, len(pictures))).astype(int).tolist()
    detector, found = Detector(), {}
    for name, change in ALTERED.items():
        looks = []
        for row in tqdm(rows, desc=name, unit="picture"):
            altered = change(pictures.picture(row))
            looks += [look(altered, frame_of(face)) for face in detector.detect(altered)[:1]]
        same = int((likeness(np.stack(looks), known) >= SAME).sum()) if looks else 0
        found[name] = {"found": round(100 * same / len(rows), 1), "n": len(rows)}
    return found


def fitted(pictures: Pictures, meshes: Meshes) -> tuple[Annotator, MeshRecord]:
    """What leads from meshes to landmarks as 300-W has them, and what it is worth on people left out."""
    rows = np.flatnonzero(sure(meshes, pictures.frames)).tolist()
    pictures, points = pictures.some(rows), meshes.points[rows]
    truth, fit = pictures.labels.astype(float), np.array(pictures.sources) != OTHERWISE
    found = left_out(points[fit], truth[fit], [pictures.paths[row].stem for row in np.flatnonzero(fit)])
    error = float(np.mean([nme(each, right) for each, right in zip(found, truth[fit], strict=True)]))
    away = (truth - mirror_symmetric(points[fit], truth[fit])(points)).mean(axis=1)
    record = MeshRecord(f"mediapipe {meshes.version}", round(error, 2), int(fit.sum()), shifts(pictures, away))
    return Annotator.fitted(points[fit], truth[fit]), record


def shifts(pictures: Pictures, away: np.ndarray) -> dict[str, float]:
    """How far to the right each source's landmarks lie, as shares of the face's side, see ``Recipe.mirror_shift``.

    Args:
        away: from where they lie on the faces (n, 2), in pixels.
    """
    turns = np.array([np.exp(-1j * frame.angle) / frame.side for frame in pictures.frames])
    across, sources = (away @ (1, 1j) * turns).real, np.array(pictures.sources)
    return {source: round(float(across[sources == source].mean()), 4) for source in sorted(set(pictures.sources))}


def write(out: Path, sources: Sequence[str], paths: Sequence[Path], points: np.ndarray) -> None:
    """landmarks.csv, as ``datasets.load_pictures`` reads it."""
    with (out / "landmarks.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        columns = [f"{axis}{number}" for number in range(points.shape[1]) for axis in "xy"]
        rows.writerow(["image", "source", "identity", "split", *columns])
        for source, path, each in zip(sources, paths, points, strict=True):
            values = [f"{value:.2f}" for value in each.ravel()]
            rows.writerow([path.relative_to(out).as_posix(), source, path.stem, "train", *values])


def step_of(folders: Sequence[Path], out: Path, task: str, python: Path, most: int | None) -> Step:
    """What makes the same folder again, for cards: without the folders of this machine."""
    mesh = Path(*python.parts[-3:]) if python.is_absolute() else python
    options = {"--out": [shown_path(out)], "--apart": [task], "--mesh-python": [mesh.as_posix()]}
    return Step("faces", [*map(shown_path, folders)], options | ({"--most": [str(most)]} if most else {}))
