"""Several tasks of one photo; where their networks have the same trunk, as ``train --tasks`` makes it, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_demo.backends.base import Engine, Outputs
from resnet_demo.checkpoints import same_trunk
from resnet_demo.errors import UserError
from resnet_demo.inference import predictor
from resnet_demo.inference.base import Picture, Predictor, open_picture
from resnet_demo.inference.results import Result

if TYPE_CHECKING:
    from resnet_demo.backends.openvino_gradient import GradientNetwork


class Heads:
    """Predictors of several tasks, which share what they can. Threads may share one.

    Attributes:
        predictors: by task.
        shared: the tasks, but the first, whose answers need no pass of their own.
    """

    def __init__(self, predictors: Sequence[Predictor[Any]]):
        if not predictors:
            raise UserError("No task is named: name one, or several with the same trunk.")
        self.predictors = {one.task: one for one in predictors}
        first, *others = predictors
        self.shared = tuple(one.task for one in others if same_trunk(first.checkpoint, one.checkpoint))

    def __call__(self, picture: Picture, top_k: int = 5) -> dict[str, Result]:
        """The answer of each task for a picture, by its name; arguments as of ``Predictor``.

        Raises:
            UserError: not a usable picture, or no usable ``top_k``.
        """
        opened = open_picture(picture, None)
        first, *others = self.predictors.values()
        passes: dict[bytes, np.ndarray] = {}
        engines = []
        found: dict[str, Result] = {}
        for one in (first, *others):
            if one is first or one.task in self.shared:
                one = copy(one)
                one.engine = CachingEngine(one.engine, passes)
                engines.append(one.engine)
            answer = one(opened.photo, top_k)
            # The file was decoded once, for all.
            took = answer.milliseconds | opened.milliseconds
            took["total"] = sum(part for name, part in took.items() if name != "total")
            found[one.task] = replace(answer, image=opened.image, milliseconds=took)
        for engine in engines:
            engine.keeps = False  # Answers have their engine, whose maps may take thousands of passes.
        return found


class CachingEngine(Engine):
    """An engine that knows the features of pictures which another one of the same trunk has seen.

    Args:
        engine: the one that computes.
        passes: what was seen → its features; all of one trunk share it.

    Attributes:
        keeps: whether what is seen is kept.
    """

    keeps = True

    def __init__(self, engine: Engine, passes: dict[bytes, np.ndarray]):
        super().__init__(engine.checkpoint, (engine.head_weights, engine.head_bias))
        self.device, self.backend = engine.device, engine.backend
        self._engine, self._passes = engine, passes

    def gradient_network(self) -> GradientNetwork:
        return self._engine.gradient_network()  # One that is compiled already.

    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        key = pictures.tobytes()
        if key in self._passes:
            return self._passes[key]
        features = self._engine.last_features(pictures)
        if self.keeps:
            self._passes[key] = features
        return features

    def run(self, pictures: np.ndarray) -> Outputs:
        key = pictures.tobytes()
        if key not in self._passes:
            outputs = self._engine.run(pictures)
            if self.keeps:
                self._passes[key] = outputs.features
            return outputs
        return super().run(pictures)


def load(tasks: Sequence[str], depth: int = 50, device: str = "auto") -> Heads:
    """The predictors of several tasks, see ``predictor.load`` and ``Heads``.

    Raises:
        UserError: there is no such checkpoint or device, or its files are damaged.
    """
    return Heads([predictor.load(task, depth, device) for task in tasks])
