"""From a network's outputs to classes and keypoints, and the checks of what people ask for."""

from __future__ import annotations

import math
import re

import numpy as np

from resnet_demo.errors import Text, UserError
from resnet_demo.tasks.spec import TaskSpec


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits (..., classes) → probabilities that sum to 1 along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def decode_classes(spec: TaskSpec, logits: np.ndarray, top_k: int) -> list[tuple[int, float]]:
    """Logits (classes,) → (class index, probability) of the ``top_k`` most probable, best first."""
    probabilities = softmax(logits)
    best = np.argsort(-probabilities, kind="stable")[: max(1, min(top_k, len(probabilities)))]
    return [(int(index), float(probabilities[index])) for index in best]


def decode_keypoints(logits: np.ndarray) -> np.ndarray:
    """Logits (..., 2·points) → coordinates in 0..1 of the crop, (..., points, 2), x before y, through a sigmoid."""
    points = 1.0 / (1.0 + np.exp(-logits.astype(np.float32)))
    return points.reshape(*points.shape[:-1], points.shape[-1] // 2, 2)


def class_index(spec: TaskSpec, target: str | int | None) -> int | None:
    """A class given by index, name (any case) or None (the top one) → its index, or None.

    A text is a name first, as classes may be called by numbers, and an index where no class is called so.

    Raises:
        UserError: no such class.
    """
    if target is None or target == "":
        return None
    lowered = [label.lower() for label in spec.labels]
    if isinstance(target, str):
        if target in spec.labels:
            return spec.labels.index(target)
        if target.strip().lower() in lowered:
            return lowered.index(target.strip().lower())
    if isinstance(target, int | np.integer) or re.fullmatch(r"\s*-?\d+(\.0)?\s*", str(target)):
        index = int(target.strip().removesuffix(".0") if isinstance(target, str) else target)
        if 0 <= index < len(spec.labels):
            return index
        raise UserError(
            "There is no class {index}: {task} has the classes 0 to {last}.",
            index=index,
            task=spec.name,
            last=len(spec.labels) - 1,
        )
    import difflib

    near = difflib.get_close_matches(str(target).lower(), lowered, n=1)
    hint = Text(" Did you mean {label!r}?", label=spec.labels[lowered.index(near[0])]) if near else ""
    raise UserError("There is no class {name!r} in {task}.{hint}", name=target, task=spec.name, hint=hint)


def check_top_k(top_k: int) -> int:
    """``top_k`` as a whole number of at least 1.

    Raises:
        UserError: anything else.
    """
    number = isinstance(top_k, int | float | np.number) and not isinstance(top_k, bool)
    if not number or not math.isfinite(top_k) or top_k < 1 or top_k != int(top_k):
        raise UserError("top_k must be a whole number from 1 on, not {value!r}.", value=top_k)
    return int(top_k)
