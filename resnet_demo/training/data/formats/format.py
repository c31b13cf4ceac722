"""What a format of data sets is: how it is known again, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from resnet_demo.training.data.own_items import Found


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        title: what is said where one is found.
        kind: classification or keypoints.
        find: a file or folder → what ``read`` takes, or None where it is something else; quick, and raises nothing.
        read: that → the data set, checked.
    """

    title: str
    kind: str
    find: Callable[[Path], Path | None]
    read: Callable[[Path], Found]


def files_of(data: Path, ending: str) -> list[Path]:
    """``data`` itself, or the files of this ending in the folder, in ``annotations`` and in its parts, by name."""
    if data.is_file():
        return [data] if data.suffix.lower() == ending else []
    found = [*data.glob(f"*{ending}"), *data.glob(f"*/*{ending}")] if data.is_dir() else []
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def holds(path: Path, *words: bytes) -> bool:
    """Whether all these bytes stand in a file."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return all(word in content for word in words)
