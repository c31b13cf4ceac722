"""CVAT for images 1.1: ``annotations.xml`` beside ``images/``.

An object is a skeleton, or one shape of several points, or all shapes of one point each that share a group (without
groups: a picture). Its box is the one of its group, else the smallest that lies round its points.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from resnet_demo.errors import UserError
from resnet_demo.images.class_folders import parts_of
from resnet_demo.tasks import KEYPOINTS
from resnet_demo.training.data.formats.format import Format, files_of, holds
from resnet_demo.training.data.formats.marks import Marked, items_of
from resnet_demo.training.data.formats.xml_file import figure, read_xml
from resnet_demo.training.data.own_items import Box, Found

Points = dict[str, tuple[float, float]]


def find(data: Path) -> Path | None:
    return next(
        (path for path in files_of(data, ".xml") if holds(path, b"<annotations>", b"<image ", b"<points ")), None
    )


def read(path: Path) -> Found:
    """One item an object.

    Raises:
        UserError: a file that is none.
    """
    return items_of(path.parent, marked(path))


def marked(path: Path) -> Iterator[Marked]:
    """The objects of the file."""
    for image in read_xml(path).iterfind("image"):
        part = min(parts_of(image.get("subset", "")), default="")
        boxes = [(box.get("group_id"), corners(box, path)) for box in image.iterfind("box")]
        for group, points in objects(image, path):
            yield Marked(image.get("name", ""), points, box_of(group, points, boxes), part, path)


def corners(box: Element, path: Path) -> Box:
    left, top, right, bottom = figure(box, "xtl", "ytl", "xbr", "ybr", path=path)
    return left, top, right, bottom


def objects(image: Element, path: Path) -> Iterator[tuple[str | None, Points]]:
    """The group and the points of each object of a picture."""
    for skeleton in image.iterfind("skeleton"):
        seen = [one for one in skeleton.iterfind("points") if one.get("outside") != "1"]
        yield skeleton.get("group_id"), {one.get("label", ""): places(one, path)[0] for one in seen}
    single: dict[str | None, Points] = defaultdict(dict)
    for one in image.iterfind("points"):
        found, group = places(one, path), one.get("group_id")
        if len(found) > 1:
            yield group, {str(index): place for index, place in enumerate(found)}
        else:
            label = one.get("label", "")
            if label in single[group]:
                raise UserError(
                    f"{path}: {image.get('name')} has the point {label} twice: put the points of each object into a "
                    "group of their own."
                )
            single[group][label] = found[0]
    yield from single.items()


def places(element: Element, path: Path) -> list[tuple[float, float]]:
    """The points of a shape, written ``x,y;x,y``."""
    try:
        pairs = [pair.split(",") for pair in element.attrib["points"].split(";")]
        return [(float(x), float(y)) for x, y in pairs]
    except (KeyError, ValueError):
        raise UserError(f"{path}: a shape has no points that can be read: export it anew.") from None


def box_of(group: str | None, points: Points, boxes: list[tuple[str | None, Box]]) -> Box | None:
    """The box of an object."""

    def area(box: Box) -> float:
        return (box[2] - box[0]) * (box[3] - box[1])

    def holds_most(box: Box) -> bool:
        inside = [box[0] <= x <= box[2] and box[1] <= y <= box[3] for x, y in points.values()]
        return 2 * sum(inside) > len(inside)

    own = [box for of, box in boxes if group is not None and of == group]
    return min(own or [box for _, box in boxes if holds_most(box)], key=area, default=None)


FORMAT = Format("an export of CVAT for images 1.1", KEYPOINTS, find, read)
