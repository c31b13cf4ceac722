"""Occlusion (Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901): what happens when a part is hidden.

A patch of the task's mean colour slides over the picture. A cell of the map is the mean of what the patches over it
did: how far the class's logit fell, or how far the keypoints moved. Negative: the logit is higher without this part."""

from itertools import chain

import numpy as np

from resnet_demo.explain.case import Case
from resnet_demo.explain.registry import LAST, explanation
from resnet_demo.tasks.spec import CLASSIFICATION, KEYPOINTS, REGRESSION

CELLS, PATCH = 16, 4  # cells along a side of the map, and along one of the patch


@explanation("occlusion", {CLASSIFICATION: LAST, KEYPOINTS: LAST, REGRESSION: LAST}, signed=True)
def occlusion(case: Case) -> np.ndarray:
    edges = np.linspace(0, case.spec.size, CELLS + 1).round().astype(int)
    grey = np.rint(np.multiply(case.spec.mean, 255)).astype(np.uint8)

    def part(place: tuple[int, ...]) -> tuple[slice, ...]:
        return tuple(slice(edges[first], edges[first + PATCH]) for first in place)

    def hidden(place: tuple[int, ...]) -> np.ndarray:
        picture = case.picture.copy()
        picture[part(place)] = grey
        return picture

    places = [*np.ndindex(CELLS - PATCH + 1, CELLS - PATCH + 1)]
    # Where all is grey already, hiding it changes nothing.
    changed = [place for place in places if (case.picture[part(place)] != grey).any()]
    logits = case.logits(chain([case.picture], map(hidden, changed)), 1 + len(changed))
    falls = dict(zip(changed, case.target.fall(logits[:1], logits[1:]), strict=True))
    total, times = np.zeros((2, CELLS, CELLS), np.float32)
    for place in places:
        over = tuple(slice(first, first + PATCH) for first in place)
        total[over] += falls.get(place, 0)
        times[over] += 1
    return total / times
