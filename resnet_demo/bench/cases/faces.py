"""A photo of several people → the photo with each face's 68 points drawn on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from PIL import Image, ImageDraw

from resnet_demo.bench import results
from resnet_demo.bench.comparison import Entry, compare
from resnet_demo.bench.harness import photos
from resnet_demo.bench.peers import install, networks
from resnet_demo.bench.settings import Settings
from resnet_demo.faces import alignment
from resnet_demo.images import draw_landmarks
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.inference.mirror import outputs_of
from resnet_demo.utils import cpu

DEPTHS = (18, 50)
POINTS = "face_recognition_models/models/shape_predictor_68_face_landmarks.dat"
EXPLANATION = """
A photo of {width} × {height} pixels with {people} people → the photo with 68 points drawn on each face, on the CPU.
- ours: CenterFace finds the faces, a ResNet places the points.
- dlib: its frontal face detector, with the photo doubled as its own examples do it and as it is, and its 68 points.
The peer face-alignment is left out: its weights are no part of any package, and the bench downloads none.
Below them the steps of ours, each measured alone.
Turns of each way: {rounds}, {seconds:g} s or one photo at least, after a photo of each to warm up.
"""


@dataclass
class Drawn:
    """A way to draw faces' points, which keeps how many faces it found.

    Args:
        way: draws the points on a photo → how many faces it found.
    """

    way: Callable[[Image.Image], int]
    photo: Image.Image
    faces: int = field(default=0, init=False)

    def __call__(self) -> None:
        self.faces = self.way(self.photo)


def measure(settings: Settings, depths: tuple[int, ...] = DEPTHS) -> list[dict]:
    """Print a table and return its rows for JSON.

    Raises:
        UserError: there are no checkpoints of faces68 here.
    """
    photo = photos.group_photo()
    print(
        EXPLANATION.format(
            width=photo.width,
            height=photo.height,
            people=len(photos.PEOPLE),
            rounds=settings.rounds,
            seconds=settings.seconds,
        ),
        flush=True,
    )
    table = []
    for depth in depths:
        entries = [
            drawn("ours", partial(ours, depth), photo, ours=True),
            drawn("dlib, photo doubled", lambda: dlib_points(1), photo, target_ratio=5),
            drawn("dlib, photo as it is", lambda: dlib_points(0), photo),
        ]
        what = f"points of five faces, ResNet-{depth}"
        table += compare(what, entries, settings.rounds, settings.seconds)
        table += compare(f"{what}: its parts", parts(depth, photo), settings.rounds, settings.seconds)
    print(results.table(table), flush=True)
    return results.to_dicts(table)


def drawn(name: str, make: Callable[[], Callable[[Image.Image], int]], photo: Image.Image, **goal) -> Entry:
    """An entry whose note says how many faces it found."""
    made: list[Drawn] = []

    def keep() -> Drawn:
        made.append(Drawn(make(), photo))
        return made[0]

    def note() -> str:
        return f"{made[0].faces} of {len(photos.PEOPLE)} faces found"

    return Entry(name, keep, note=note, **goal)


def ours(depth: int) -> Callable[[Image.Image], int]:
    """As the page does it."""
    predict = LandmarkPredictor("faces68", depth, "cpu", checkpoint=networks.checkpoint_of("faces68", depth))

    def way(photo: Image.Image) -> int:
        answer = predict(photo)
        found = answer.faces
        draw_landmarks.draw_faces(photo, [face.keypoints for face in found])
        return len(found)

    return way


def parts(depth: int, photo: Image.Image) -> list[Entry]:
    """The steps of ours, one by one."""
    predict = LandmarkPredictor("faces68", depth, "cpu", checkpoint=networks.checkpoint_of("faces68", depth))
    spec, answer = predict.spec, predict(photo)
    matrices = [face.matrix for face in answer.faces]
    cut = partial(alignment.crop, photo, size=spec.size)
    crops = np.stack([cut(matrix) for matrix in matrices])
    points = [face.keypoints for face in answer.faces]
    return [
        Entry("finding the faces", lambda: partial(predict.detector.detect, photo)),
        Entry("cutting them out", lambda: partial(cpu.each, cut, matrices)),
        Entry("the network", lambda: partial(outputs_of, predict.engine, crops), note=f"{len(crops)} × {spec.size} px"),
        Entry("drawing", lambda: partial(draw_landmarks.draw_faces, photo, points)),
    ]


def dlib_points(upsample: int) -> Callable[[Image.Image], int]:
    """dlib's detector and its predictor of 68 points, drawn with Pillow.

    Args:
        upsample: how often the photo is doubled, so that smaller faces are found.

    Raises:
        Missing: dlib or its weights cannot be installed.
    """
    dlib = install.load("dlib", "dlib")
    detect = dlib.get_frontal_face_detector()
    place = dlib.shape_predictor(str(install.folder("dlib") / POINTS))

    def way(photo: Image.Image) -> int:
        pixels, picture = np.asarray(photo), photo.copy()
        draw = ImageDraw.Draw(picture)
        found = detect(pixels, upsample)
        for box in found:
            for point in place(pixels, box).parts():
                draw.ellipse((point.x - 2, point.y - 2, point.x + 2, point.y + 2), fill=(255, 214, 74))
        return len(found)

    return way
