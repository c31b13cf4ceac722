"""What is explained of a network's answer: a class, a number, or how the keypoints of a region lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.explain.maps import normalise_signed
from resnet_demo.tasks.decode import class_index, decode_keypoints
from resnet_demo.tasks.landmarks import region_points
from resnet_demo.tasks.spec import KEYPOINTS, REGRESSION, TaskSpec
from resnet_demo.utils.linalg import products

DIRECTIONS = ("any", "across", "down")  # in which a region's keypoints are moved
STRONGEST = 32  # backward passes for a region at most


class Target(Protocol):
    """Some outputs of a network, taken together."""

    @property
    def outputs(self) -> list[int]:
        """Their indices, which are rows of the head."""

    @property
    def signed(self) -> bool:
        """Whether negative evidence is an answer too, such as a pull to the left."""

    def combined(self, maps: np.ndarray) -> np.ndarray:
        """Signed maps (outputs, r, c), one of each output → one map (r, c)."""

    def directions(self, rows: np.ndarray) -> np.ndarray:
        """The outputs' rows of the head (outputs, C) → orthonormal directions of the outputs, float32 (n, outputs): as
        maps are linear in the rows, those of n directions give all that ``combined`` needs, with n backward passes."""

    def fall(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Logits (1 or b, outputs of the network) of two pictures → how much there is less of the target, (b,)."""


@dataclass(frozen=True)
class ClassTarget:
    """A class by its index; it falls with its logit."""

    index: int
    signed = False

    @property
    def outputs(self) -> list[int]:
        return [self.index]

    def combined(self, maps: np.ndarray) -> np.ndarray:
        return maps[0]

    def directions(self, rows: np.ndarray) -> np.ndarray:
        return np.ones((1, 1), np.float32)

    def fall(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return before[:, self.index] - after[:, self.index]


@dataclass(frozen=True)
class NumberTarget(ClassTarget):
    """The one number of a regression: what raises it, and, negative, what lowers it."""

    index: int = 0
    signed = True


@dataclass(frozen=True)
class RegionTarget:
    """Some keypoints by their indices.

    Attributes:
        direction: one of ``DIRECTIONS``: ``any`` counts how far they are moved, the others which way along that axis.
    """

    points: tuple[int, ...]
    direction: str = "any"

    @property
    def outputs(self) -> list[int]:
        x, y = [2 * point for point in self.points], [2 * point + 1 for point in self.points]
        return {"any": x + y, "across": x, "down": y}[self.direction]

    @property
    def signed(self) -> bool:
        return self.direction != "any"

    def combined(self, maps: np.ndarray) -> np.ndarray:
        """The mean, scaled to 1: unlike logits of classes, coordinates of two regions are on no common scale.

        The sigmoid behind the head would give each map only a positive factor, and weigh points by their place.
        """
        return normalise_signed((maps if self.signed else np.abs(maps)).mean(axis=0))

    def directions(self, rows: np.ndarray) -> np.ndarray:
        """Of a mean one direction is all. Else, of more than ``STRONGEST`` outputs, the strongest ones by their
        singular values: keypoints of a face move together. Maps so made correlate with those of every output by at
        least 0.9997 (``tests/test_stage_maps.py`` asks for 0.999)."""
        count = len(rows)
        if self.signed:
            return np.full((1, count), count**-0.5, np.float32)
        if count <= STRONGEST:
            return np.eye(count, dtype=np.float32)
        vectors = np.linalg.eigh(products(rows, rows).astype(np.float64))[1]  # The strongest come last.
        return np.ascontiguousarray(vectors[:, -STRONGEST:].T, np.float32)

    def fall(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """In shares of the crop's side: the mean distance that the points move, or right and down in ``before``."""
        moved = (decode_keypoints(before) - decode_keypoints(after))[:, list(self.points)]  # (b, points, 2)
        if self.signed:
            return moved[..., DIRECTIONS.index(self.direction) - 1].mean(axis=1)
        return np.linalg.norm(moved, axis=2).mean(axis=1)


def named(spec: TaskSpec, name: str | int | None, direction: str = "any") -> Target | None:
    """A class by name or index, a region by name (None: all points), or the number that a task has; None where no
    class is named.

    Raises:
        UserError: no such class, region or direction.
    """
    if spec.kind == KEYPOINTS:
        if direction not in DIRECTIONS:
            raise UserError(
                "There is no direction {direction!r}: choose one of {known}.",
                direction=direction,
                known=list(DIRECTIONS),
            )
        return RegionTarget(region_points("all" if name is None else str(name), spec.points), direction)
    if spec.kind == REGRESSION:
        if name not in (None, ""):
            raise UserError(
                "{task} gives one number, so nothing else can be explained: name no target.", task=spec.name
            )
        return NumberTarget()
    index = class_index(spec, name)
    return None if index is None else ClassTarget(index)
