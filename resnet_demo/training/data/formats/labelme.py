"""LabelMe: a JSON beside each picture, with shapes of the type ``point``, named by their label.

The shapes of one group (without groups: of one picture) are an object; a rectangle of the group is its box.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from resnet_demo.errors import UserError
from resnet_demo.tasks import KEYPOINTS
from resnet_demo.training.data.formats.format import Format, holds
from resnet_demo.training.data.formats.json_file import read_json
from resnet_demo.training.data.formats.marks import Marked, items_of
from resnet_demo.training.data.own_items import Box, Found

WORDS = (b'"shapes"', b'"imagePath"')
LOOKED_AT = 20  # JSON files that tell whether there are points


def find(data: Path) -> Path | None:
    first = files_in(data)[:LOOKED_AT] if data.is_dir() else []
    return data if any(holds(path, *WORDS, b'"point"') for path in first) else None


def files_in(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*.json") if path.is_file() and not path.name.startswith("."))


def read(data: Path) -> Found:
    """One item an object; files without a shape are left out.

    Raises:
        UserError: a file that is none.
    """
    return items_of(data, [one for path in files_in(data) if holds(path, *WORDS) for one in objects(path)])


def objects(path: Path) -> Iterator[Marked]:
    """The objects of a file."""
    record = read_json(path)
    points: dict[object, dict[str, tuple[float, float]]] = defaultdict(dict)
    boxes: dict[object, Box] = {}
    try:
        picture = str(record["imagePath"])
        for shape in record["shapes"]:
            group, label = shape.get("group_id"), str(shape["label"])
            if shape["shape_type"] == "point":
                if label in points[group]:
                    raise UserError(
                        f"{path} has the point {label} twice: give the points of each object a group of their own."
                    )
                ((x, y),) = shape["points"]
                points[group][label] = (float(x), float(y))
            elif shape["shape_type"] == "rectangle":
                (x0, y0), (x1, y1) = shape["points"]
                boxes[group] = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
    except UserError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path} is no file of LabelMe: export it anew.") from None
    for group, found in points.items():
        yield Marked(picture, found, boxes.get(group), "", path)


FORMAT = Format("a LabelMe JSON beside each picture", KEYPOINTS, find, read)
