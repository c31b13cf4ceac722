"""Picture in, frozen record out: the one way from a photo to an answer, for the page, the command line and programs."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cache, partial
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from resnet_demo import checkpoints, tasks
from resnet_demo.backends import devices, factory
from resnet_demo.images.decode import open_photo
from resnet_demo.utils import cpu

if TYPE_CHECKING:
    from resnet_demo.checkpoints.hub import Progress
    from resnet_demo.faces.alignment import Detection
    from resnet_demo.faces.detector import Detector
from resnet_demo.inference.results import Face, FacesPrediction, Prediction, Score

Picture = str | os.PathLike | bytes | Image.Image | np.ndarray
# Top probability below which a long photo's ends are looked at too, and that an end must have to count: of a photo of
# something else the best of three guesses would look more certain than one.
UNSURE, CLEAR = 0.9, 0.5
BATCH = 16  # Pictures in one pass: enough to keep a GPU busy, and little memory for a CPU.


class Predictor:
    """A network with all around it that a photo needs. Threads may share one; ``load`` does.

    Args:
        task, depth, device: as in ``resnet_demo.load``.
        checkpoint: another one than the bundled, such as ``checkpoints.load_folder`` gives.
        detector: finds the faces; None is the shared CenterFace.
        ends: look at the ends of long photos too, see ``look``. Figures of data sets are those of the middle, as
            published ones are, and do not move with the calibration that says which photos leave doubt.

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
        ends: bool = True,
    ):
        self.checkpoint = checkpoint or checkpoints.load(task, depth)
        self.spec = self.checkpoint.spec
        self.task, self.depth = task, self.checkpoint.depth
        self.engine = factory.make_engine(self.checkpoint, device)
        self.device, self.backend = self.engine.device, self.engine.backend
        if self.spec.kind == tasks.KEYPOINTS and self.spec.detector:
            self.detector = detector or shared_detector()
        self._ends, self._warm = ends, False

    def __call__(self, picture: Picture, top_k: int = 5, draft_side: int | None = None) -> Prediction | FacesPrediction:
        """The answer for one picture: a path, bytes, a PIL image or a uint8 array (H, W, 3).

        Args:
            draft_side: see ``decode.open_photo``: a large JPEG is decoded faster, and the answer's photo is smaller.

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

    def look(self, photos: list[Image.Image]) -> tuple[list[Look], list[float], Run]:
        """Upright RGB photos through a network of classes: the middle of each, and where a long one's leaves doubt, its
        ends too; the square with the most probable class counts, an end only where that class is clear.

        Returns:
            What was seen of each photo, the milliseconds that preparing it took, and how the network ran.
        """
        looks, milliseconds = [], []
        for photo in photos:
            start = perf_counter()
            looks.append(Look(*tasks.preprocess(self.spec, photo)))
            milliseconds.append(_since(start))
        run = self._fill(looks)
        further = []  # index of the photo, its end
        for index, (photo, look) in enumerate(zip(photos, looks, strict=True)):
            ends = tasks.end_boxes(self.spec, *photo.size) if self._ends else []
            if ends and self._probability(look) < UNSURE:
                start = perf_counter()
                further += [(index, Look(*tasks.preprocess(self.spec, photo, end))) for end in ends]
                milliseconds[index] += _since(start)
        if further:
            again = self._fill([look for _, look in further])
            run = Run(run.milliseconds + again.milliseconds * len(further) / len(looks), run.instead or again.instead)
            for index, look in further:
                if self._probability(look) >= CLEAR:
                    looks[index] = max(looks[index], look, key=self._probability)
        return looks, milliseconds, run

    def _fill(self, looks: list[Look]) -> Run:
        """Run the network on what is seen."""
        logits, features, run = self._network([look.picture for look in looks])
        for index, look in enumerate(looks):
            look.logits, look.features = logits[index], features[index]
        return run

    def _probability(self, look: Look) -> float:
        """Of the most probable class."""
        return float(tasks.softmax(self.checkpoint.calibration.scaled(look.logits)).max())

    def _classes(self, opened: list[_Opened], top_k: int) -> list[Prediction]:
        looks, prepared, ran = self.look([item.photo for item in opened])
        answers, calibration = [], self.checkpoint.calibration
        for index, (item, look) in enumerate(zip(opened, looks, strict=True)):
            item.milliseconds["prepare"] = prepared[index]
            scaled = calibration.scaled(look.logits)
            best = tasks.decode_classes(self.spec, scaled, top_k)
            answers.append(
                Prediction(
                    **self._common(item, ran),
                    top_k=tuple(Score(self.spec.labels[number], probability) for number, probability in best),
                    probabilities=tasks.softmax(scaled),
                    window=look.window,
                    features=look.features,
                    familiarity=calibration.familiarity(look.features),
                    _picture=look.picture,
                    _engine=self.engine,
                )
            )
        return answers

    def _faces(self, opened: list[_Opened]) -> list[FacesPrediction]:
        from resnet_demo.faces import alignment

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
            matrices = [alignment.crop_matrix(detection, self.spec.margin, self.spec.size) for detection in detections]
            crops += cpu.each(partial(alignment.crop, item.photo, size=self.spec.size), matrices)
            item.milliseconds["prepare"] = _since(start)
            found.append(list(zip(detections, matrices, strict=True)))
        logits, features, ran = self._network(crops)
        answers, index = [], 0
        for item, pairs in zip(opened, found, strict=True):
            records = []
            for detection, matrix in pairs:
                points = tasks.decode_keypoints(logits[index])
                records.append(
                    Face(
                        box=detection.box,
                        score=detection.score,
                        keypoints=alignment.to_photo(points, matrix, self.spec.size),
                        matrix=matrix,
                        features=features[index],
                        _photo_size=item.photo.size,
                        _picture=crops[index],
                        _engine=self.engine,
                    )
                )
                index += 1
            answers.append(FacesPrediction(**self._common(item, ran, len(pairs)), faces=tuple(records)))
        return answers

    def _whole(self, photo: Image.Image) -> tuple[Detection, np.ndarray, np.ndarray]:
        """The whole photo in the place of a face: a certain one that fills it, its matrix and its crop."""
        from resnet_demo.faces.alignment import Detection

        crop, _ = tasks.preprocess(self.spec, photo)
        width, height = photo.size
        matrix = np.array([[self.spec.size / width, 0, 0], [0, self.spec.size / height, 0]])
        return Detection((0.0, 0.0, float(width), float(height)), 1.0, np.empty((0, 2), np.float32)), matrix, crop

    def _network(self, prepared: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray], Run]:
        """Logits and features of each picture, and how they came about."""
        start = perf_counter()
        logits: list[np.ndarray] = []
        features: list[np.ndarray] = []
        instead = None
        for first in range(0, len(prepared), BATCH):
            outputs = self.engine.run(np.stack(prepared[first : first + BATCH]))
            instead = instead or outputs.instead
            logits.extend(outputs.logits)
            # Copies, so that an answer that is kept does not keep its whole batch's features.
            features.extend(np.array(part) for part in outputs.features)
        return logits, features, Run(_since(start) / max(1, len(prepared)), instead)

    def _common(self, item: _Opened, run: Run, crops: int = 1) -> dict:
        milliseconds = {**item.milliseconds, "network": run.milliseconds * crops}
        return {
            "task": self.task,
            "depth": self.depth,
            "spec": self.spec,
            "backend": run.instead or self.backend,
            "device": "cpu" if run.instead else self.device,
            "gpu_full": run.instead is not None,
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


@dataclass(frozen=True)
class Run:
    """The milliseconds that a picture took, and the CPU's backend where the GPU's memory was full."""

    milliseconds: float
    instead: str | None


@dataclass
class Look:
    """What the network sees of a photo, and what it makes of it.

    Attributes:
        picture: uint8 (S, S, 3), its input.
        window: the part of the photo.
        logits: float32 (classes,).
        features: float32 (C, r, c), the last feature map.
    """

    picture: np.ndarray
    window: tasks.CropBox
    logits: np.ndarray = field(init=False)
    features: np.ndarray = field(init=False)


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
    from resnet_demo.faces.detector import Detector

    return Detector()


_guard = threading.Lock()
_locks: dict[tuple, threading.Lock] = {}
_loaded: dict[tuple, Predictor] = {}
_used: dict[tuple, float] = {}  # key → time.monotonic() of the last load


def load(task: str, depth: int = 50, device: str = "auto", progress: Progress | None = None) -> Predictor:
    """The predictor of a task, depth and device; loaded once, then shared by all callers and threads.

    Args:
        task, depth, device: see ``resnet_demo.load``.
        progress: called with the bytes that have come and those there are (or None), while weights are downloaded.
            A caller who waits for another one's download hears nothing.

    Raises:
        UserError: there is no such checkpoint or device, its files are damaged, or the Hub does not give them.
    """
    device = devices.resolve_device(device)
    entry = checkpoints.find(task, depth)
    # With the hash in the key, weights that were trained anew are loaded anew.
    key = (*entry.key, device)
    with _guard:
        lock = _locks.setdefault(key, threading.Lock())
    with lock:  # One lock a network: loading one does not keep the others waiting.
        if key not in _loaded:
            _loaded[key] = Predictor(task, depth, device, checkpoint=checkpoints.load_entry(entry, progress))
        _used[key] = monotonic()
        return _loaded[key]


def unload(seconds: float, keep: Collection[tuple[str, int]] = (), most: int | None = None) -> int:
    """Let go of networks that nobody asked for within so many seconds → how many. Whoever has one can go on with it.

    Args:
        keep: tasks and depths that stay.
        most: networks that go, those first that were asked for the longest time ago; None: all.
    """
    with _guard:
        order = sorted(_loaded, key=lambda key: _used.get(key, 0.0))
    count = 0
    for key in order:
        if most is not None and count >= most:
            break
        with _locks[key]:
            found = _loaded.get(key)
            if found and (found.task, found.depth) not in keep and monotonic() - _used.get(key, 0.0) >= seconds:
                _loaded.pop(key).engine.unload()
                count += 1
    return count
