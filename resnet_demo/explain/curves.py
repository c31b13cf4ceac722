"""Is a map true? Deletion and insertion (Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421, section 3.2).

Deletion paints the picture over in the task's mean colour, the hottest pixels first: the earlier the class's
probability falls, the truer the map. Insertion uncovers a blurred picture in the same order: the earlier the
probability rises, the truer. One figure of each is the area under the curve; it says something beside that of a random
order alone, as it depends on the picture as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from resnet_demo.explain.case import Case
from resnet_demo.explain.maps import resize_map
from resnet_demo.tasks.decode import softmax
from resnet_demo.tasks.spec import TaskSpec

STEPS = 20
BLUR = 1 / 20  # standard deviation, in shares of the picture's side


@dataclass(frozen=True, eq=False)
class Curve:
    """A class's probability as more of a picture changes.

    Attributes:
        shares: float32 (steps + 1,), of the pixels that are changed, from 0 to 1.
        probabilities: float32 (steps + 1,), of the class, before the calibration's temperature.
    """

    shares: np.ndarray
    probabilities: np.ndarray

    @property
    def area(self) -> float:
        """Under the curve, 0..1."""
        return float(np.trapezoid(self.probabilities, self.shares))


def deletion(case: Case, cam: np.ndarray, steps: int = STEPS) -> Curve:
    """The class's probability while the picture is painted over, where the map (r, c) is largest first.

    The ``steps + 1`` pictures run through the network in batches; ``case.target`` must be a class.
    """
    return _curve(case, cam, steps, case.picture, np.broadcast_to(_mean_colour(case.spec), case.picture.shape))


def insertion(case: Case, cam: np.ndarray, steps: int = STEPS) -> Curve:
    """The class's probability while the blurred picture is uncovered, where the map (r, c) is largest first."""
    blur = ImageFilter.GaussianBlur(case.spec.size * BLUR)
    blurred = np.asarray(Image.fromarray(case.picture).filter(blur))
    return _curve(case, cam, steps, blurred, case.picture)


def hidden(spec: TaskSpec, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The picture, uint8 (S, S, 3), painted over in the mean colour where a mask of it, bool (r, c), is true."""
    rows, columns = (np.arange(spec.size) * cells // spec.size for cells in mask.shape)
    return np.where(mask[rows][:, columns, np.newaxis], _mean_colour(spec), picture)


def _mean_colour(spec: TaskSpec) -> np.ndarray:
    return np.rint(np.multiply(spec.mean, 255)).astype(np.uint8)


def random_map(shape: tuple[int, int], seed: int) -> np.ndarray:
    """A map (r, c) that knows nothing: as coarse as the one it stands beside, its cells in a random order."""
    rows, columns = shape
    order = np.random.default_rng(seed).permutation(rows * columns)
    return (order.reshape(rows, columns) / (rows * columns)).astype(np.float32)


def _curve(case: Case, cam: np.ndarray, steps: int, start: np.ndarray, end: np.ndarray) -> Curve:
    size = case.spec.size
    order = np.argsort(-resize_map(cam, (size, size)), axis=None, kind="stable")
    edges = np.linspace(0, len(order), steps + 1).round().astype(int)

    def pictures() -> Iterator[np.ndarray]:
        picture = start.copy()
        for first, last in zip((0, *edges), edges, strict=False):
            changed = order[first:last]
            picture.reshape(-1, 3)[changed] = end.reshape(-1, 3)[changed]
            yield picture.copy()

    (index,) = case.target.outputs
    probabilities = softmax(case.logits(pictures(), steps + 1))[:, index]
    return Curve((edges / len(order)).astype(np.float32), probabilities.astype(np.float32))
