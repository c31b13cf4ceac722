"""The tasks that come with the project, a file each in ``tasks/bundled``: titles, and what cards say of the data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("bundled")
# In the order in which they are offered.
NAMES = ("flowers102", "flowers5", "faces68", "imagenet1k")


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
        title: in cards.
        page: the title on the page by language, ``en`` and ``zh``.
        data: what it was trained on.
        flowers: its classes are flowers, so that a photo of any flower is not unlike its own.
    """

    title: str
    page: dict[str, str]
    data: DataSet
    flowers: bool = False


def _read(name: str) -> BundledTask:
    record = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    return BundledTask(**record | {"data": DataSet(**record["data"])})


OWN_DATA = DataSet("the user's own pictures")  # of any other task

BUNDLED = {name: _read(name) for name in NAMES}
TITLES = {name: task.title for name, task in BUNDLED.items()}
