"""The tasks that come with the project, a file each in ``tasks/bundled``: titles, cards' words, a recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from resnet_demo.errors import UserError
from resnet_demo.utils import toml

FOLDER = Path(__file__).with_name("bundled")


@dataclass(frozen=True)
class DataSet:
    """What cards say of a data set.

    Attributes:
        about: its source, its splits and their sizes.
        licence: what pictures and weights may be used for.
        limits: what a network that learned it cannot do.
        hub: its name on the Hugging Face Hub, for a card's metadata, where it is there.
    """

    about: str
    licence: str = ""
    limits: str = ""
    hub: str | None = None


@dataclass(frozen=True)
class BundledTask:
    """A task that comes with the project.

    Attributes:
        order: where it stands among the others, from 1 on.
        title: in cards.
        page: the title on the page by language, ``en`` and ``zh``.
        data: what it was trained on.
        flowers: its classes are flowers, so that a photo of any flower is not unlike its own.
        pictures: the data set with its pictures, where it has none of its own: that set's classes are its first.
        recipe: the settings with which ``train`` trains it by its name, where no file of recipes has that name; see
            ``training.recipe``.
    """

    order: int
    title: str
    page: dict[str, str]
    data: DataSet
    flowers: bool = False
    pictures: str = ""
    recipe: Mapping[str, object] | None = None


def read_task(path: Path) -> BundledTask:
    """The record of a task in a TOML file, such as ``bundled/flowers5.toml``."""
    record = toml.loads(path.read_text("utf-8"))
    return BundledTask(**record | {"data": DataSet(**record["data"])})


def add_task(path: str | Path) -> None:
    """Know a task of one's own like those that come with the project, by its file's name."""
    path = Path(path)
    BUNDLED[path.stem] = read_task(path)
    TITLES[path.stem] = BUNDLED[path.stem].title


OWN_DATA = DataSet("the user's own pictures")  # of any other task

_read = {path.stem: read_task(path) for path in FOLDER.glob("*.toml")}
# In the order in which they are offered.
BUNDLED = dict(sorted(_read.items(), key=lambda item: item[1].order))
TITLES = {name: task.title for name, task in BUNDLED.items()}


def check_own_name(name: str) -> None:
    """Raise a UserError where a task of the user's own cannot have this name."""
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise UserError("The name {name!r} will not do: use small letters a to z, digits, - and _ only.", name=name)
    if name in TITLES:
        raise UserError("The name {name} belongs to a task that comes with the project: choose another.", name=name)


def in_order(task: str) -> tuple[int, str]:
    """What tasks are sorted by where they are offered: the bundled ones first, then others by their names."""
    return BUNDLED[task].order if task in BUNDLED else len(BUNDLED) + 1, task
