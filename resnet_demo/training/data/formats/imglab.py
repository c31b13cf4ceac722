"""The XML of dlib's imglab: ``dataset``, ``images``, ``image file``, ``box`` and its ``part``s by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from resnet_demo.errors import UserError
from resnet_demo.images.class_folders import parts_of
from resnet_demo.tasks import KEYPOINTS
from resnet_demo.training.data.formats.format import Format, files_of, holds
from resnet_demo.training.data.formats.marks import Marked, items_of
from resnet_demo.training.data.formats.xml_file import figure, read_xml
from resnet_demo.training.data.own_items import Found


def find(data: Path) -> Path | None:
    return data if files_in(data) else None


def files_in(data: Path) -> list[Path]:
    return [path for path in files_of(data, ".xml") if holds(path, b"<dataset>", b"<image ", b"<part ")]


def read(data: Path) -> Found:
    """One item a box; those that are marked to be ignored are left out.

    Raises:
        UserError: a file that is none, or several that do not say which part they are.
    """
    files = files_in(data)
    if len(files) > 1:
        # dlib's own set has a file with all boxes beside those for training and testing.
        files = [path for path in files if parts_of(path.stem)] or files
        if len({part for path in files for part in parts_of(path.stem)}) < len(files):
            names = ", ".join(path.name for path in files)
            raise UserError(f"{data} holds several files of imglab ({names}): pass the one that is meant.")
    marked = [one for path in files for one in boxes(path, min(parts_of(path.stem)) if len(files) > 1 else "")]
    return items_of(data if data.is_dir() else data.parent, marked)


def boxes(path: Path, part: str) -> Iterator[Marked]:
    """The boxes of a file."""
    for image in read_xml(path).iterfind("images/image"):
        for box in image.iterfind("box"):
            if box.get("ignore") not in (None, "0"):
                continue
            left, top, width, height = figure(box, "left", "top", "width", "height", path=path)
            points = {one.get("name", ""): place(one, path) for one in box.iterfind("part")}
            yield Marked(image.get("file", ""), points, (left, top, left + width, top + height), part, path)


def place(part: Element, path: Path) -> tuple[float, float]:
    x, y = figure(part, "x", "y", path=path)
    return x, y


FORMAT = Format("dlib's imglab XML", KEYPOINTS, find, read)
