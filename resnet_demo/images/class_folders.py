"""Folders whose names are classes: on a disk, and among the names of files in an archive."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from resnet_demo.errors import UserError

_SPLITS = {"train", "val", "test", "valid", "validation", "training", "testing"}


def visible(folder: Path) -> list[Path]:
    """What lies in a folder, hidden things left out, by name.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError("{folder} cannot be read ({reason}).", folder=folder, reason=reason) from None


def class_files(root: Path) -> dict[str, list[Path]]:
    """Class names, by name, and the files of each in a folder with one subfolder a class; any depth below a subfolder
    counts, hidden things do not.

    Raises:
        UserError: fewer than two subfolders, or they are parts of a data set and no classes.
    """
    folders = [path for path in visible(root) if path.is_dir()]
    if not folders:
        raise UserError(
            "The folder {root} {state}: make one subfolder a class, such as cats and dogs, in it.",
            root=root,
            state="has no subfolders" if visible(root) else "is empty",
        )
    names = [folder.name for folder in folders]
    if len(names) == 1:
        raise UserError(
            "{root} has only one class, {name}: put at least two subfolders with pictures into it.",
            root=root,
            name=names[0],
        )
    if are_splits(names):
        raise UserError(
            "{root} is divided into {names}, not into classes: put one subfolder a class into it, the split is made "
            "here.",
            root=root,
            names=names,
        )

    def files(folder: Path) -> list[Path]:
        found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return [path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts)]

    return {folder.name: files(folder) for folder in folders}


def are_splits(names: Collection[str]) -> bool:
    """Whether folders are called as the parts of a data set are."""
    return {name.lower() for name in names} <= _SPLITS


def classes_by_name(names: Sequence[str]) -> list[str]:
    """Names of files with their folders, such as an archive gives → the class of each, or an empty string.

    The class is the first folder below those that all files share, as in ``pets/cats/1.jpg`` and ``pets/dogs/2.jpg``;
    where they share all their folders, as an archive of one class, it is the last of these.
    """
    folders = [name.split("/")[:-1] for name in names]
    shared = 0
    while folders and all(len(one) > shared and one[shared] == folders[0][shared] for one in folders):
        shared += 1
    whole = folders[0][shared - 1] if shared and all(len(one) == shared for one in folders) else ""
    return [one[shared] if len(one) > shared else whole for one in folders]
