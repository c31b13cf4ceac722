"""Photo in, a number out."""

from __future__ import annotations

from time import perf_counter
from typing import ClassVar

from resnet_demo import tasks
from resnet_demo.inference.base import Opened, Predictor, since
from resnet_demo.inference.results import NumberPrediction


class Regressor(Predictor[NumberPrediction]):
    """A network of one number, see ``Predictor``: its output is the number itself."""

    kind: ClassVar[str] = tasks.REGRESSION

    def _answers(self, opened: list[Opened], top_k: int) -> list[NumberPrediction]:
        seen = []
        for item in opened:
            start = perf_counter()
            seen.append(tasks.preprocess(self.spec, item.photo))
            item.milliseconds["prepare"] = since(start)
        logits, features, ran = self._network([picture for picture, _ in seen])
        return [
            NumberPrediction(
                **self._common(item, ran),
                value=float(logits[index][0]),
                window=window,
                features=features[index],
                _picture=picture,
                _engine=self.engine,
            )
            for index, (item, (picture, window)) in enumerate(zip(opened, seen, strict=True))
        ]
