"""Photo in, keypoints out: those of each face, or of the whole photo."""

from __future__ import annotations

from functools import cache, partial
from time import perf_counter
from typing import ClassVar

import numpy as np
from PIL import Image

from resnet_demo import checkpoints, tasks
from resnet_demo.faces import alignment
from resnet_demo.faces.alignment import Detection
from resnet_demo.faces.detector import Detector
from resnet_demo.inference.base import Opened, Predictor, since
from resnet_demo.inference.results import Face, FacesPrediction
from resnet_demo.utils import cpu


class LandmarkPredictor(Predictor[FacesPrediction]):
    """A network of keypoints, see ``Predictor``.

    Args:
        detector: finds the faces, where the task has them; None is the shared CenterFace.
    """

    kind: ClassVar[str] = tasks.KEYPOINTS

    def __init__(
        self,
        task: str,
        depth: int = 50,
        device: str = "auto",
        *,
        checkpoint: checkpoints.Checkpoint | None = None,
        detector: Detector | None = None,
    ):
        super().__init__(task, depth, device, checkpoint=checkpoint)
        self.detector = detector or shared_detector()

    def _answers(self, opened: list[Opened], top_k: int) -> list[FacesPrediction]:
        found: list[list[tuple[Detection, np.ndarray]]] = []
        crops: list[np.ndarray] = []
        for item in opened:
            start = perf_counter()
            if not self.spec.detector:
                detection, matrix, crop = self._whole(item.photo)
                found.append([(detection, matrix)])
                crops.append(crop)
                item.milliseconds["prepare"] = since(start)
                continue
            detections = self.detector.detect(item.photo)
            item.milliseconds["detect"] = since(start)
            start = perf_counter()
            matrices = [alignment.crop_matrix(detection, self.spec.margin, self.spec.size) for detection in detections]
            crops += cpu.each(partial(alignment.crop, item.photo, size=self.spec.size), matrices)
            item.milliseconds["prepare"] = since(start)
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
        crop, _ = tasks.preprocess(self.spec, photo)
        width, height = photo.size
        matrix = np.array([[self.spec.size / width, 0, 0], [0, self.spec.size / height, 0]])
        return Detection((0.0, 0.0, float(width), float(height)), 1.0, np.empty((0, 2), np.float32)), matrix, crop


@cache
def shared_detector() -> Detector:
    """One face detector for all depths; it loads its network at the first face."""
    return Detector()
