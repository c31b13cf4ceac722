"""What the table says of a picture: a row, or one a face; the same numbers as ``predict --json``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from resnet_demo import tasks
from resnet_demo.bulk.pictures import Item, source_of
from resnet_demo.inference.base import BATCH, Predictor
from resnet_demo.inference.batch import Answered, answers
from resnet_demo.tasks import TaskSpec

Row = dict[str, Any]
FEW = 4  # photos of a pass on a CPU: 300 MB where 16 need 570, and no slower
PIXELS = 24_000_000  # of the photos that wait for the network: 72 MB, and one photo more
BOX = ("left", "top", "right", "bottom")


def columns(spec: TaskSpec, top_k: int) -> dict[str, type]:
    """Name → ``str``, ``int``, ``float`` or ``bool``; each may be empty, in Python None.

    Classes have ``label_1``, ``probability_1`` and so on; a regression ``value``; keypoints ``face`` (from 1, the
    largest first), ``score``, the box, and ``x0``, ``y0`` and so on, in the photo's pixels.
    """
    found: dict[str, type] = {"image": str, "task": str, "depth": int}
    if spec.kind == tasks.CLASSIFICATION:
        for place in range(1, min(top_k, spec.outputs) + 1):
            found |= {f"label_{place}": str, f"probability_{place}": float}
        found["unknown"] = bool
    elif spec.kind == tasks.REGRESSION:
        found["value"] = float
    else:
        found |= {"face": int, "score": float} | dict.fromkeys(BOX, float)
        found |= {f"{axis}{point}": float for point in range(spec.points) for axis in "xy"}
    return found | {"note": str, "error": str}


def rows_of(network: Predictor, items: Iterable[Item], top_k: int) -> Iterator[list[list[Row]]]:
    """The rows of each picture, in their order, a portion of pictures at a time."""
    names = [*columns(network.spec, top_k)]
    most = FEW if network.device == "cpu" else BATCH
    return answers(network, map(source_of, items), partial(_rows, network, names), top_k, None, str, most, PIXELS)


def _rows(network: Predictor, names: list[str], answered: Answered) -> list[Row]:
    # A file's name may be no text; a table has nothing else.
    image = answered.name.encode("utf-8", "backslashreplace").decode()
    empty = dict.fromkeys(names) | {"image": image, "task": network.task, "depth": network.depth}
    if answered.answer is None:
        return [empty | {"error": answered.reason}]
    said: Any = answered.answer.to_json()
    empty["note"] = " ".join(said.get("notes", ())) or None
    if "top_k" in said:
        row = empty | {"unknown": said.get("unknown")}
        for place, best in enumerate(said["top_k"], 1):
            row |= {f"label_{place}": best["label"], f"probability_{place}": best["probability"]}
        return [row]
    if "value" in said:
        return [empty | {"value": said["value"]}]
    return [empty | _face(place, face) for place, face in enumerate(said["faces"], 1)] or [empty]


def _face(place: int, said: dict[str, Any]) -> Row:
    points = {f"{axis}{k}": point["xy".index(axis)] for k, point in enumerate(said["keypoints"]) for axis in "xy"}
    return {"face": place, "score": said["score"], **dict(zip(BOX, said["box"], strict=True)), **points}
