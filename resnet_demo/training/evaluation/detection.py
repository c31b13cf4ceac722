"""What the face detector finds where photos are not portraits: turned, small in a large photo, flowers, mirrored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from resnet_demo import checkpoints
from resnet_demo.errors import UserError
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.inference.results import Face
from resnet_demo.tasks.landmarks import MIRROR
from resnet_demo.training.data.datasets import Pictures, load_pictures
from resnet_demo.training.data.face_frames import matching
from resnet_demo.training.evaluation.evaluate import nme
from resnet_demo.utils.markdown import head, row

TURNS = (0, 45, 90, 120, 180, 270)  # degrees, clockwise
CROWD = (4000, 3000)  # pixels of a large photo
SIDES = (60, 40, 24)  # pixels of a face in it
ACROSS = 6  # faces in a row, and rows
FRONT = 900  # pixels of a face in front of the others
GREY = (114, 114, 114)


def measure_detection(
    depth: int, split: str, sources: tuple[str, ...], count: int, flowers: int, data: Path | None
) -> Iterator[str]:
    """Lines of the tables, as they are measured.

    Args:
        sources: of the faces, such as helen; empty: all.
        count: faces that are turned and mirrored, taken evenly from the split.
        flowers: photos of flowers102, taken evenly from the same split.

    Raises:
        UserError: no such data, or too few faces.
    """
    predict = LandmarkPredictor("faces68", checkpoint=checkpoints.load("faces68", depth), device="cpu")
    faces = load_pictures("faces68", (split,), data)
    known = faces.rows_of(sources)
    if len(known) < ACROSS**2 + 1:
        raise UserError(f"{len(known)} faces of {', '.join(sources)} in {split}: name others with --sources.")
    yield from measure_turned(predict, faces, evenly(known, count))
    yield from measure_mirrored(predict, faces, evenly(known, count))
    yield from measure_crowds(predict, faces, evenly(known, ACROSS**2 + 1))
    pictures = load_pictures("flowers102", (split,), data)
    chosen = evenly(list(range(len(pictures))), flowers)
    found = sum(bool(predict.detector.detect(pictures.picture(index))) for index in chosen)
    yield f"\n{found} of {len(chosen)} flower photos have a face."


def measure_turned(predict: LandmarkPredictor, faces: Pictures, chosen: list[int]) -> Iterator[str]:
    """NME of each face in its picture turned by each of ``TURNS``."""
    yield head(("turned by", "faces", "missed", "NME, median", "mean", "over 30 %"))
    for degrees in TURNS:
        errors = []
        for index in chosen:
            photo, truth = turned(faces.picture(index), faces.labels[index], degrees)
            face = matching(faces_in(predict, photo), truth)
            errors += [] if face is None else [nme(face.keypoints, truth)]
        figures = (f"{np.median(errors):.2f} %", f"{np.mean(errors):.2f} %", sum(error > 30 for error in errors))
        yield row((f"{degrees}°", len(chosen), len(chosen) - len(errors), *figures))


def faces_in(predict: LandmarkPredictor, photo: Image.Image) -> tuple[Face, ...]:
    return predict(photo).faces


def measure_mirrored(predict: LandmarkPredictor, faces: Pictures, chosen: list[int]) -> Iterator[str]:
    """NME of photos, of their mirror images, of these less the shift, and of the mean of both; how far they lie apart.

    The shift is how far all points lie to the right of where the face is, as the annotators put them. In a mirror the
    network puts them to the right as well, where the mirrored annotations lie to the left: twice the shift apart.
    """
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray, complex]] = []
    for index in chosen:
        photo, truth = faces.picture(index), faces.labels[index]
        straight = matching(faces_in(predict, photo), truth)
        across = truth * (-1, 1) + (photo.width, 0)
        mirrored = matching(faces_in(predict, ImageOps.mirror(photo)), across)
        if straight is None or mirrored is None:
            continue
        back = (mirrored.keypoints * (-1, 1) + (photo.width, 0))[MIRROR]
        linear = straight.matrix[:, :2] / predict.spec.size * predict.spec.margin  # pixels of the photo to face sides
        found.append((straight.keypoints, back, truth, 1 / complex(linear[0, 0], linear[1, 0])))
    twice = np.mean([((plain - back) @ (1, 1j) / side).real.mean() for plain, back, _, side in found])
    errors: list[tuple[float, ...]] = []
    for plain, back, truth, side in found:
        shift = twice * side
        moved = back + np.array([shift.real, shift.imag])
        eyes = np.linalg.norm(truth[36] - truth[45])
        apart = float(np.linalg.norm(plain - back, axis=1).mean() / eyes * 100)
        errors.append((*(nme(points, truth) for points in (plain, back, moved, (plain + moved) / 2)), apart))
    yield "\n" + head(("faces", "NME", "of mirror images", "less the shift", "of the mean of both then", "both apart"))
    yield row((len(errors), *(f"{value:.2f} %" for value in np.mean(errors, axis=0))))


def measure_crowds(predict: LandmarkPredictor, faces: Pictures, chosen: list[int]) -> Iterator[str]:
    """How many faces of a crowd are found, of each size, and behind a large face."""
    yield "\n" + head((f"face in {CROWD[0]} × {CROWD[1]}", "found"))
    for side in SIDES:
        photo, truths = crowd(faces, chosen[1:], side)
        yield row((f"{side} px", found_of(predict, photo, truths)))
    photo, truths = crowd(faces, chosen[1:], SIDES[0])
    corner = [(length - 2 * FRONT) // 2 for length in CROWD]
    large, truth = scaled(faces, chosen[0], 2 * FRONT)
    photo.paste(large, (corner[0], corner[1]))
    hidden = (*corner, *(start + 2 * FRONT for start in corner))
    seen = [points for points in truths if not touches(points, hidden)]
    yield row((f"{SIDES[0]} px, one of {FRONT} px in front", found_of(predict, photo, [truth + corner, *seen])))


def found_of(predict: LandmarkPredictor, photo: Image.Image, truths: list[np.ndarray]) -> str:
    detections = predict.detector.detect(photo)
    found = sum(matching(detections, truth) is not None for truth in truths)
    return f"{found} of {len(truths)}"


def crowd(faces: Pictures, chosen: list[int], side: int) -> tuple[Image.Image, list[np.ndarray]]:
    """A large photo with rows of faces of ``side`` pixels, and the points of each."""
    photo, truths = Image.new("RGB", CROWD, (96, 112, 96)), []
    for number, index in enumerate(chosen):
        picture, truth = scaled(faces, index, 2 * side)  # The pictures are of twice the face's size.
        place = divmod(number, ACROSS)[::-1]
        corner = [int((at + 0.5) * length / ACROSS) - side for at, length in zip(place, CROWD, strict=True)]
        photo.paste(picture, (corner[0], corner[1]))
        truths.append(truth + corner)
    return photo, truths


def scaled(faces: Pictures, index: int, side: int) -> tuple[Image.Image, np.ndarray]:
    picture = faces.picture(index)
    factor = (side / picture.width, side / picture.height)
    return picture.resize((side, side), Image.Resampling.LANCZOS), faces.labels[index] * factor


def touches(points: np.ndarray, box: tuple[int, ...]) -> bool:
    low, high = points.min(axis=0), points.max(axis=0)
    return bool((high > box[:2]).all() and (low < box[2:]).all())


def turned(photo: Image.Image, points: np.ndarray, degrees: float) -> tuple[Image.Image, np.ndarray]:
    """A photo turned clockwise on a grey ground that holds all of it, and its points (n, 2) with it."""
    if degrees == 0:
        return photo, points
    larger = photo.rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=GREY)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    return larger, (points - np.divide(photo.size, 2)) @ rotation.T + np.divide(larger.size, 2)


def evenly(items: list[int], count: int) -> list[int]:
    """``count`` of the items, evenly spaced."""
    return [items[index] for index in np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)]
