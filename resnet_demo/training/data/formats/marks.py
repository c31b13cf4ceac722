"""Objects with named points, as annotation tools write them → items, one an object."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.training.data.own_items import Box, Found, Item
from resnet_demo.training.data.tables import files_below, is_file

CUT_OUT = (
    "Each object is cut out by its box, a quarter of its side wider all round: show the finished network such crops."
)


@dataclass(frozen=True)
class Marked:
    """An object in a picture.

    Attributes:
        picture: as the file names it.
        points: name → (x, y) in pixels; those that are not there are unknown.
        box: round the object, or None.
        part: train, val, test or empty.
        where: the file that says so.
    """

    picture: str
    points: Mapping[str, tuple[float, float]]
    box: Box | None
    part: str
    where: Path


def items_of(root: Path, marked: Iterable[Marked], names: Sequence[str] = (), remarks: Sequence[str] = ()) -> Found:
    """One item an object.

    Objects without a known point are left out; so are those without a box where others have one, or where several
    are in one picture, as nothing tells then which of them is meant.

    Args:
        root: the folder below which the pictures lie.
        names: of the points, in order; by default all that occur, by name.

    Raises:
        UserError: there is no point at all.
    """
    every = list(marked)
    names = names or sorted({name for one in every for name in one.points}, key=in_order)
    if not names:
        raise UserError(f"{root} marks no points: mark some in the tool that made it, and export them anew.")
    known = [one for one in every if one.points]
    times = Counter((one.where.parent, one.picture) for one in known)
    boxed = any(one.box for one in known)
    kept: list[Marked] = []
    lone: list[Marked] = []
    for one in known:
        told = one.box or not (boxed or times[one.where.parent, one.picture] > 1)
        (kept if told else lone).append(one)
    said = list(remarks)
    if bare := len(every) - len(known):
        said.append(f"Left out {counted(bare)} without any known point.")
    if lone:
        where = lone[0].picture
        said.append(
            f"Left out {counted(len(lone))} without a box of its own, such as in {where}: draw a box round each."
        )
    if boxed:
        said.append(CUT_OUT)
    places, seen = Places(root), Counter[str]()
    items = []
    for one in kept:
        path = places.of(one.picture, one.where.parent)
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
        seen[name] += 1
        number = f"#{seen[name]}" if seen[name] > 1 else ""
        points = np.array([one.points.get(point, (np.nan, np.nan)) for point in names], np.float32)
        items.append(Item(path, name + number, points, group=name, part=one.part, box=one.box))
    return Found(items, remarks=tuple(said), skipped=len(every) - len(kept))


def counted(number: int) -> str:
    return "an object" if number == 1 else f"{number:,} objects"


def in_order(name: str) -> list[str | int]:
    """The key by which names are sorted, numbers in them by their size."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


class Places:
    """Where the pictures lie that files of a folder name: people move them, and keep their names."""

    def __init__(self, root: Path) -> None:
        self.root, self.files = root, files_below(root)

    def of(self, name: str, beside: Path) -> Path:
        """The path of a picture, as named by a file in the folder ``beside``; where there is none, the one named."""
        name = name.replace("\\", "/")
        for folder in (beside, self.root):
            if is_file(folder / name):
                return folder / name
        found = self.files.get(name.rsplit("/", 1)[-1], [])
        near = [path for path in found if path.as_posix().endswith(f"/{name}")] or found
        return near[0] if len(near) == 1 else beside / name
