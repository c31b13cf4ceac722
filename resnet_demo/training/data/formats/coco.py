"""COCO keypoints (Lin et al. 2014): ``person_keypoints_train2017.json`` and the like, also as other tools export it.

A point is x, y and v; v of 0 means that it is not marked. Boxes are left, top, width and height.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from resnet_demo.errors import UserError
from resnet_demo.images.class_folders import parts_of
from resnet_demo.tasks import KEYPOINTS
from resnet_demo.training.data.formats.format import Format, files_of, holds
from resnet_demo.training.data.formats.json_file import read_json
from resnet_demo.training.data.formats.marks import Marked, items_of
from resnet_demo.training.data.own_items import Box, Found


def find(data: Path) -> Path | None:
    return data if files_in(data) else None


def files_in(data: Path) -> list[Path]:
    words = (b'"annotations"', b'"images"', b'"keypoints"', b'"categories"')
    return [path for path in files_of(data, ".json") if holds(path, *words)]


def read(data: Path) -> Found:
    """One item an object with keypoints, of all files; those of crowds are left out.

    Raises:
        UserError: a file that is none, or whose categories have other points.
    """
    files = files_in(data)
    names: list[str] = []
    marked: list[Marked] = []
    for path in files:
        record = read_json(path)
        try:
            kinds = {one["id"]: list(one["keypoints"]) for one in record["categories"] if one.get("keypoints")}
            for found in kinds.values():
                names = names or found
                if found != names:
                    raise UserError(f"{path} has categories of other points: export one with its points alone.")
            marked += objects(path, record, kinds, part_of(path) if len(files) > 1 else "")
        except UserError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise UserError(f"{path} is no file of COCO keypoints: export it anew.") from None
    return items_of(data if data.is_dir() else data.parent, marked, names)


def part_of(path: Path) -> str:
    """The part that a file's name speaks of, or that of its folder."""
    return next((min(found) for name in (path.stem, path.parent.name) if (found := parts_of(name))), "")


def objects(path: Path, record: dict, kinds: dict[int, list[str]], part: str) -> Iterator[Marked]:
    """The objects of a file."""
    pictures = {one["id"]: str(one["file_name"]) for one in record["images"]}
    for one in record["annotations"]:
        if one["category_id"] not in kinds or one.get("iscrowd") or "keypoints" not in one:
            continue
        names, flat = kinds[one["category_id"]], one["keypoints"]
        if len(flat) != 3 * len(names):
            raise ValueError
        rows = zip(names, flat[::3], flat[1::3], flat[2::3], strict=True)
        points = {name: (float(x), float(y)) for name, x, y, v in rows if v}
        yield Marked(pictures[one["image_id"]], points, box_of(one.get("bbox")), part, path)


def box_of(bbox: list[float] | None) -> Box | None:
    if not bbox:
        return None
    left, top, width, height = map(float, bbox)
    return (left, top, left + width, top + height) if width > 0 and height > 0 else None


FORMAT = Format("COCO keypoints", KEYPOINTS, find, read)
