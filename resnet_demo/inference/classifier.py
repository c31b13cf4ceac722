"""Photo in, classes out."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from time import perf_counter
from typing import ClassVar

import numpy as np
from PIL import Image

from resnet_demo import checkpoints, tasks
from resnet_demo.backends.other_head import OtherHead
from resnet_demo.inference.base import Opened, Picture, Predictor, Run, open_picture, since
from resnet_demo.inference.results import Prediction, Score, embedding_of
from resnet_demo.utils import cpu

# Top probability below which a long photo's ends are looked at too, and that an end must have to count: of a photo of
# something else the best of three guesses would look more certain than one.
UNSURE, CLEAR = 0.9, 0.5


class Classifier(Predictor[Prediction]):
    """A network of classes, see ``Predictor``.

    Args:
        ends: look at the ends of long photos too, see ``look``. Figures of data sets are those of the middle, as
            published ones are, and do not move with the calibration that says which photos leave doubt.
    """

    kind: ClassVar[str] = tasks.CLASSIFICATION

    def __init__(
        self,
        task: str,
        depth: int = 50,
        device: str = "auto",
        *,
        checkpoint: checkpoints.Checkpoint | None = None,
        ends: bool = True,
    ):
        super().__init__(task, depth, device, checkpoint=checkpoint)
        self._ends = ends

    def with_head(self, checkpoint: checkpoints.Checkpoint) -> Classifier:
        """A checkpoint that differs from this one's in nothing but the head, on this engine, see ``OtherHead``."""
        other = copy(self)
        other.checkpoint, other.spec, other.task = checkpoint, checkpoint.spec, checkpoint.spec.name
        other.engine = OtherHead(self.engine, checkpoint)
        return other

    def look(self, photos: list[Image.Image]) -> tuple[list[Look], list[float], Run]:
        """Upright RGB photos through the network: the middle of each, and where a long one's leaves doubt, its
        ends too; the square with the most probable class counts, an end only where that class is clear.

        Returns:
            What was seen of each photo, the milliseconds that preparing it took, and how the network ran.
        """

        def middle(photo: Image.Image) -> tuple[Look, float]:
            start = perf_counter()
            return Look(*tasks.preprocess(self.spec, photo)), since(start)

        seen = cpu.each(middle, photos)
        looks, milliseconds = [look for look, _ in seen], [took for _, took in seen]
        run = self._fill(looks)
        further = []  # index of the photo, its end
        for index, (photo, look) in enumerate(zip(photos, looks, strict=True)):
            ends = tasks.end_boxes(self.spec, *photo.size) if self._ends else []
            if ends and self._probability(look) < UNSURE:
                start = perf_counter()
                further += [(index, Look(*tasks.preprocess(self.spec, photo, end))) for end in ends]
                milliseconds[index] += since(start)
        if further:
            again = self._fill([look for _, look in further])
            run = Run(run.milliseconds + again.milliseconds * len(further) / len(looks), run.instead or again.instead)
            for index, look in further:
                if self._probability(look) >= CLEAR:
                    looks[index] = max(looks[index], look, key=self._probability)
        return looks, milliseconds, run

    def embed(self, picture: Picture, draft_side: int | None = None) -> np.ndarray:
        """What the network makes of a photo, to compare photos by: the cosine of two of them is their dot product.

        Args:
            picture, draft_side: as in a call.

        Returns:
            float32 (C,) of length 1: the means of the last feature map (512 numbers for ResNet-18 and 34, else 2,048)
            over the middle of the photo.

        Raises:
            UserError: not a usable picture.
        """
        prepared, _ = tasks.preprocess(self.spec, open_picture(picture, draft_side).photo)
        return embedding_of(self.engine.run(prepared[np.newaxis]).features[0])

    def _fill(self, looks: list[Look]) -> Run:
        """Run the network on what is seen."""
        logits, features, run = self._network([look.picture for look in looks])
        for index, look in enumerate(looks):
            look.logits, look.features = logits[index], features[index]
        return run

    def _probability(self, look: Look) -> float:
        """Of the most probable class."""
        return float(tasks.softmax(self.checkpoint.calibration.scaled(look.logits)).max())

    def _answers(self, opened: list[Opened], top_k: int) -> list[Prediction]:
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


@dataclass
class Look:
    """What the network sees of a photo, and what it makes of it.

    Attributes:
        picture: uint8 (S, S, 3), its input.
        window: the part of the photo.
        logits: float32 (classes,), see ``TaskSpec.mirrored``.
        features: float32 (C, r, c), the last feature map.
    """

    picture: np.ndarray
    window: tasks.CropBox
    logits: np.ndarray = field(init=False)
    features: np.ndarray = field(init=False)
