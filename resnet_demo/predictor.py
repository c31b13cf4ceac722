"""Picture in, frozen record out: the one way from a photo to an answer, for the page, the command line and programs."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from resnet_demo import checkpoints, cpus, engine, gradcam, tasks
from resnet_demo.errors import UserError
from resnet_demo.images import open_photo
from resnet_demo.layouts import STAGES

if TYPE_CHECKING:
    from resnet_demo.faces import Detection, Detector
    from resnet_demo.hub import Progress

Picture = str | os.PathLike | bytes | Image.Image | np.ndarray
DIRECTIONS = ("any", "across", "down")  # in which a region's keypoints are moved
BATCH = 16  # Pictures in one pass: enough to keep a GPU busy, and little memory for a CPU.


@dataclass(frozen=True)
class Score:
    """A class and its probability, 0..1."""

    label: str
    probability: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """What every answer says.

    Attributes:
        task, depth: the network.
        spec: what the task is.
        backend, device: what it ran on, see ``Engine``.
        image: the picture's path as it was given, or None.
        photo: the decoded picture, RGB and upright.
        milliseconds: time of each step by name, and ``total``. In a batch, a picture's share of the network's time.
    """

    task: str
    depth: int
    spec: tasks.TaskSpec = field(repr=False)
    backend: str
    device: str
    image: str | None
    photo: Image.Image = field(repr=False)
    milliseconds: dict[str, float]

    def _json(self, answer: dict) -> dict:
        return {
            "image": self.image,
            "task": self.task,
            "depth": self.depth,
            "backend": self.backend,
            **answer,
            "milliseconds": {step: round(value, 2) for step, value in self.milliseconds.items()},
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class Prediction(Result):
    """The classes of a photo.

    Attributes:
        top_k: the most probable classes, best first.
        probabilities: float32 (classes,), in the order of the task's labels.
        window: the part of the photo that the network saw.
        features: float32 (C, r, c), the last feature map.
        familiarity: how much the photo is like those that the network knows, 0..1; None where that was not calibrated.
        unknown: it is probably none of the classes, as ``familiarity`` is below 0.5; False where it is None.
    """

    top_k: tuple[Score, ...]
    probabilities: np.ndarray = field(repr=False)
    window: tasks.Window = field(repr=False)
    features: np.ndarray = field(repr=False)
    familiarity: float | None = None
    _picture: np.ndarray = field(repr=False)  # uint8 (S, S, 3), what the network saw
    _engine: engine.Engine = field(repr=False)

    @property
    def unknown(self) -> bool:
        return self.familiarity is not None and self.familiarity < 0.5

    def cam(
        self, target: str | int | None = None, layer: str = "layer4", size: tuple[int, int] | None = None
    ) -> np.ndarray:
        """Grad-CAM: where the photo speaks for a class.

        Args:
            target: class name or index; None is the most probable one.
            layer: ``layer4`` comes from the prediction's own pass; ``layer1`` to ``layer3`` are finer and take longer.
            size: (rows, columns) of the map, for a scaled copy of the photo; None is the photo's.

        Returns:
            float32 (rows, columns), 0..1, zero where the network did not see the photo.

        Raises:
            UserError: no such class or layer.
        """
        rows, columns = size or self.photo.size[::-1]
        window = self.window.scaled(columns / self.photo.width, rows / self.photo.height)
        return gradcam.place_map(self.small_cam(target, layer), window, (rows, columns))

    def small_cam(self, target: str | int | None = None, layer: str = "layer4") -> np.ndarray:
        """The same map of the ``window`` at the layer's own resolution: float32 (r, c), 0..1."""
        index = tasks.class_index(self.spec, target)
        if index is None:
            index = int(self.probabilities.argmax())
        if layer == STAGES[-1]:
            cam = gradcam.last_stage(self.features, self._engine.head_weights[index : index + 1])[0]
        elif layer in STAGES:
            import torch

            x = torch.from_numpy(tasks.normalise(self.spec, self._picture[None]))
            cam = gradcam.by_autograd(self._engine.network(), x, lambda logits: logits[0, index], layer)
        else:
            raise UserError(f"There is no layer {layer!r}: choose one of {', '.join(STAGES)}.")
        return gradcam.normalise01(cam)

    def to_json(self) -> dict:
        """The record that the command line prints."""
        top_k = [{"label": score.label, "probability": round(score.probability, 6)} for score in self.top_k]
        flag = {} if self.familiarity is None else {"unknown": self.unknown}
        return self._json({"top_k": top_k, **flag})


@dataclass(frozen=True, eq=False, kw_only=True)
class Face:
    """A face and its keypoints, in the photo's pixels.

    Attributes:
        box: (x0, y0, x1, y1); the whole photo where the task has no detector.
        score: the detector's, 0..1; 1 where there is none.
        keypoints: float32 (points, 2), x before y.
        matrix: 2×3, the photo's pixels → those of the square crop that the network saw.
        features: float32 (C, r, c), the crop's last feature map.
    """

    box: tuple[float, float, float, float]
    score: float
    keypoints: np.ndarray = field(repr=False)
    matrix: np.ndarray = field(repr=False)
    features: np.ndarray = field(repr=False)
    _photo_size: tuple[int, int] = field(repr=False)  # width, height
    _engine: engine.Engine = field(repr=False)

    def cam(self, region: str = "all", size: tuple[int, int] | None = None, direction: str = "any") -> np.ndarray:
        """Grad-CAM: where the photo moves the keypoints of a region.

        Args:
            region: all, jaw, brows, nose, eyes or mouth.
            size: (rows, columns) of the map, for a scaled copy of the photo; None is the photo's.
            direction: ``any``, however they are moved; ``across`` or ``down``: which way along that axis.

        Returns:
            float32 (rows, columns), zero outside of the face's crop: 0..1, or for ``across`` and ``down`` -1..1,
            positive where the photo pulls the region right or down as the upright face has it, else left or up.

        Raises:
            UserError: no such region or direction.
        """
        return self._place(self.small_cam(region, direction), size)

    def small_cam(self, region: str = "all", direction: str = "any") -> np.ndarray:
        """The map of ``cam`` for the crop, at the last feature map's own resolution: float32 (r, c)."""
        if direction not in DIRECTIONS:
            raise UserError(f"There is no direction {direction!r}: choose one of {', '.join(DIRECTIONS)}.")
        points = 2 * np.array(tasks.region_points(region, len(self.keypoints)))
        if direction == "any":
            return gradcam.normalise01(np.abs(self._maps(np.concatenate([points, points + 1]))).mean(axis=0))
        return gradcam.normalise_signed(self._maps(points if direction == "across" else points + 1).mean(axis=0))

    def _maps(self, rows: np.ndarray) -> np.ndarray:
        """Signed maps (rows, r, c) of some coordinates, as rows of the head.

        The sigmoid behind the head would give each only a positive factor, which would weigh points by their place.
        """
        return gradcam.signed_last_stage(self.features, self._engine.head_weights[rows])

    def _place(self, cam: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
        width, height = self._photo_size
        rows, columns = size or (height, width)
        side = self._engine.checkpoint.spec.size
        # The map's cells per pixel of the crop, and the photo's pixels per pixel of the wanted size.
        to_map = np.diag([cam.shape[1] / side, cam.shape[0] / side])
        to_photo = np.diag([width / columns, height / rows, 1])
        return gradcam.warp_map(cam, to_map @ self.matrix @ to_photo, (rows, columns))

    def to_json(self) -> dict:
        """Box, score and keypoints with two decimals: a hundredth of a pixel."""
        return {
            "box": [round(float(edge), 2) for edge in self.box],
            "score": round(float(self.score), 4),
            "keypoints": [[round(float(x), 2), round(float(y), 2)] for x, y in self.keypoints],
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class FacesPrediction(Result):
    """The faces of a photo, the largest first; none is an answer too.

    Attributes:
        faces: one record a face.
    """

    faces: tuple[Face, ...]

    def cam(self, region: str = "all", size: tuple[int, int] | None = None, direction: str = "any") -> np.ndarray:
        """The maps of all faces in one, the stronger value where crops overlap, see ``Face.cam``."""
        whole = np.zeros(size or self.photo.size[::-1], np.float32)
        for face in self.faces:
            cam = face.cam(region, size, direction)
            np.copyto(whole, cam, where=np.abs(cam) > np.abs(whole))
        return whole

    def to_json(self) -> dict:
        """The record that the command line prints."""
        return self._json({"faces": [face.to_json() for face in self.faces]})


class Predictor:
    """A network with all around it that a photo needs. Threads may share one; ``load`` does.

    Args:
        task, depth, device: as in ``resnet_demo.load``.
        checkpoint: another one than the bundled, such as ``checkpoints.load_folder`` gives.
        detector: finds the faces; None is the shared CenterFace.

    Raises:
        UserError: there is no such checkpoint or device, or its files are damaged.
    """

    def __init__(
        self,
        task: str,
        depth: int = 50,
        device: str = "auto",
        *,
        checkpoint: checkpoints.Checkpoint | None = None,
        detector: Detector | None = None,
    ):
        self.checkpoint = checkpoint or checkpoints.load(task, depth)
        self.spec = self.checkpoint.spec
        self.task, self.depth = task, self.checkpoint.depth
        self.engine = engine.make_engine(self.checkpoint, device)
        self.device, self.backend = self.engine.device, self.engine.backend
        if self.spec.kind == tasks.KEYPOINTS and self.spec.detector:
            self.detector = detector or shared_detector()
        self._warm = False

    def __call__(self, picture: Picture, top_k: int = 5, draft_side: int | None = None) -> Prediction | FacesPrediction:
        """The answer for one picture: a path, bytes, a PIL image or a uint8 array (H, W, 3).

        Args:
            draft_side: see ``images.open_photo``: a large JPEG is decoded faster, and the answer's photo is smaller.

        Raises:
            UserError: not a usable picture, or no usable ``top_k``.
        """
        return self.many([picture], top_k, draft_side)[0]

    def many(
        self, pictures: Iterable[Picture], top_k: int = 5, draft_side: int | None = None
    ) -> list[Prediction] | list[FacesPrediction]:
        """The answers for several pictures, run through the network together; equal to those one by one.

        Each answer keeps its photo, so give a folder of large photos in portions.

        Raises:
            UserError: the first picture that is not usable.
        """
        top_k = tasks.check_top_k(top_k)
        opened = [_open(picture, draft_side) for picture in pictures]
        if self.spec.kind == tasks.KEYPOINTS:
            return self._faces(opened)
        return self._classes(opened, top_k)

    def warm_up(self) -> None:
        """Run an empty picture, so that the first real one does not pay for compiling; only the first call does."""
        if not self._warm:
            self.engine.run(np.zeros((1, self.spec.size, self.spec.size, 3), np.uint8))
            self._warm = True

    def _classes(self, opened: list[_Opened], top_k: int) -> list[Prediction]:
        prepared, windows = [], []
        for item in opened:
            start = perf_counter()
            picture, window = tasks.preprocess(self.spec, item.photo)
            prepared.append(picture)
            windows.append(window)
            item.milliseconds["prepare"] = _since(start)
        logits, features, each = self._network(prepared)
        answers, calibration = [], self.checkpoint.calibration
        for index, item in enumerate(opened):
            scaled = calibration.scaled(logits[index])
            best = tasks.decode_classes(self.spec, scaled, top_k)
            answers.append(
                Prediction(
                    **self._common(item, each),
                    top_k=tuple(Score(self.spec.labels[number], probability) for number, probability in best),
                    probabilities=tasks.softmax(scaled),
                    window=windows[index],
                    features=features[index],
                    familiarity=calibration.familiarity(features[index]),
                    _picture=prepared[index],
                    _engine=self.engine,
                )
            )
        return answers

    def _faces(self, opened: list[_Opened]) -> list[FacesPrediction]:
        from resnet_demo import faces

        found: list[list[tuple[Detection, np.ndarray]]] = []
        crops: list[np.ndarray] = []
        for item in opened:
            start = perf_counter()
            if not self.spec.detector:
                detection, matrix, crop = self._whole(item.photo)
                found.append([(detection, matrix)])
                crops.append(crop)
                item.milliseconds["prepare"] = _since(start)
                continue
            detections = self.detector.detect(item.photo)
            item.milliseconds["detect"] = _since(start)
            start = perf_counter()
            matrices = [faces.crop_matrix(detection, self.spec.margin, self.spec.size) for detection in detections]
            crops += cpus.each(lambda matrix, photo=item.photo: faces.crop(photo, matrix, self.spec.size), matrices)
            item.milliseconds["prepare"] = _since(start)
            found.append(list(zip(detections, matrices, strict=True)))
        logits, features, each = self._network(crops)
        answers, index = [], 0
        for item, pairs in zip(opened, found, strict=True):
            records = []
            for detection, matrix in pairs:
                points = tasks.decode_keypoints(logits[index])
                records.append(
                    Face(
                        box=detection.box,
                        score=detection.score,
                        keypoints=faces.to_photo(points, matrix, self.spec.size),
                        matrix=matrix,
                        features=features[index],
                        _photo_size=item.photo.size,
                        _engine=self.engine,
                    )
                )
                index += 1
            answers.append(FacesPrediction(**self._common(item, each * len(pairs)), faces=tuple(records)))
        return answers

    def _whole(self, photo: Image.Image) -> tuple[Detection, np.ndarray, np.ndarray]:
        """The whole photo in the place of a face: a certain one that fills it, its matrix and its crop."""
        from resnet_demo.faces import Detection

        crop, _ = tasks.preprocess(self.spec, photo)
        width, height = photo.size
        matrix = np.array([[self.spec.size / width, 0, 0], [0, self.spec.size / height, 0]])
        return Detection((0.0, 0.0, float(width), float(height)), 1.0, np.empty((0, 2), np.float32)), matrix, crop

    def _network(self, prepared: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray], float]:
        """Logits and features of each picture, and the milliseconds that one took."""
        start = perf_counter()
        logits: list[np.ndarray] = []
        features: list[np.ndarray] = []
        for first in range(0, len(prepared), BATCH):
            outputs = self.engine.run(np.stack(prepared[first : first + BATCH]))
            logits.extend(outputs.logits)
            # Copies, so that an answer that is kept does not keep its whole batch's features.
            features.extend(np.array(part) for part in outputs.features)
        return logits, features, _since(start) / max(1, len(prepared))

    def _common(self, item: _Opened, network: float) -> dict:
        milliseconds = {**item.milliseconds, "network": network}
        return {
            "task": self.task,
            "depth": self.depth,
            "spec": self.spec,
            "backend": self.backend,
            "device": self.device,
            "image": item.image,
            "photo": item.photo,
            "milliseconds": {**milliseconds, "total": sum(milliseconds.values())},
        }


@dataclass(frozen=True)
class _Opened:
    """A decoded picture on its way, and the time that its steps took so far."""

    image: str | None
    photo: Image.Image
    milliseconds: dict[str, float]


def _open(picture: Picture, draft_side: int | None) -> _Opened:
    start = perf_counter()
    photo = open_photo(picture, draft_side=draft_side)
    image = os.fspath(picture) if isinstance(picture, str | os.PathLike) else None
    return _Opened(image, photo, {"decode": _since(start)})


def _since(start: float) -> float:
    return (perf_counter() - start) * 1000


@cache
def shared_detector() -> Detector:
    """One face detector for all depths; it loads its network at the first face."""
    from resnet_demo.faces import Detector

    return Detector()


_guard = threading.Lock()
_locks: dict[tuple, threading.Lock] = {}
_loaded: dict[tuple, Predictor] = {}


def load(task: str, depth: int = 50, device: str = "auto", progress: Progress | None = None) -> Predictor:
    """The predictor of a task, depth and device; loaded once, then shared by all callers and threads.

    Args:
        task, depth, device: see ``resnet_demo.load``.
        progress: called with the bytes that have come and those there are (or None), while weights are downloaded.
            A caller who waits for another one's download hears nothing.

    Raises:
        UserError: there is no such checkpoint or device, its files are damaged, or the Hub does not give them.
    """
    device = engine.resolve_device(device)
    entry = checkpoints.find(task, depth)
    # With the hash in the key, weights that were trained anew are loaded anew.
    key = (*entry.key, device)
    with _guard:
        lock = _locks.setdefault(key, threading.Lock())
    with lock:  # One lock a network: loading one does not keep the others waiting.
        if key not in _loaded:
            _loaded[key] = Predictor(task, depth, device, checkpoint=checkpoints.load_entry(entry, progress))
        return _loaded[key]
