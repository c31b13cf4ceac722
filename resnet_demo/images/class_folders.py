"""Folders whose names are classes: on a disk, and among the names of files in an archive."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from resnet_demo.errors import UserError

# What the parts of a data set are called → which part that is.
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_PHOTOS = {"image", "images", "imgs", "img", "jpg", "jpegs", "jpegimages", "photos", "pictures"}
_ABOUT_PHOTOS = {"annotation", "annotations", "bboxes", "imagesets", "labels", "masks", "trimaps", "xmls"}
# Files that lie beside folders of pictures without being some.
_NOTES = {".csv", ".db", ".html", ".ini", ".json", ".jsonl", ".log", ".mat", ".md", ".pdf", ".tsv", ".txt", ".xml"}


def visible(folder: Path) -> list[Path]:
    """What lies in a folder, hidden things left out, by name.

    Raises:
        UserError: it cannot be read.
    """
    try:
        # macOS adds a folder of its own to zip files.
        return sorted(path for path in folder.iterdir() if path.name[0] != "." and path.name != "__MACOSX")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError("{folder} cannot be read ({reason}).", folder=folder, reason=reason) from None


def folders_in(folder: Path) -> list[Path]:
    """Its visible subfolders, by name."""
    return [path for path in visible(folder) if path.is_dir()]


def holds_only_folders(folder: Path) -> bool:
    """Whether there are subfolders and no pictures beside them."""
    found = visible(folder)
    files = [path for path in found if path.is_file() and path.suffix.lower() not in _NOTES]
    return not files and any(path.is_dir() for path in found)


def unwrapped(folder: Path) -> Path:
    """The folder that holds the class folders, where others are merely wrapped around it."""
    while len(inner := folders_in(folder)) == 1 and holds_only_folders(folder) and folders_in(inner[0]):
        (folder,) = inner
    return folder


def class_files(root: Path) -> dict[str, list[Path]]:
    """Class names, by name, and the files of each in a folder with one subfolder a class; any depth below a subfolder
    counts, hidden things do not.

    Raises:
        UserError: fewer than two subfolders, or they are parts of a data set and no classes.
    """
    folders = folders_in(root)
    check_classes(root, folders)

    def files(folder: Path) -> list[Path]:
        found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return [path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts)]

    return {folder.name: files(folder) for folder in folders}


def check_classes(root: Path, folders: Sequence[Path]) -> None:
    """Check that the subfolders of a folder can be classes.

    Raises:
        UserError: there are none or only one, or they are parts of a data set, pictures beside what is said of them,
            or folders around the classes.
    """
    if not folders:
        raise UserError(
            "The folder {root} {state}: make one subfolder a class, such as cats and dogs, in it.",
            root=root,
            state="has no subfolders" if visible(root) else "is empty",
        )
    names = [folder.name for folder in folders]
    if len(names) == 1:
        if folders_in(folders[0]):
            raise UserError(
                "{root} holds only the folder {name}, with folders in it: pass {meant}.",
                root=root,
                name=names[0],
                meant=unwrapped(folders[0]),
            )
        raise UserError(
            "{root} has only one class, {name}: put at least two subfolders with pictures into it.",
            root=root,
            name=names[0],
        )
    meant = unwrapped(_most_likely(folders))
    if are_splits(names):
        if holds_only_folders(meant):
            raise UserError(
                "{root} is divided into {names}, not into classes: pass {meant}, or call these folders train, val and "
                "test to keep the split.",
                root=root,
                names=names,
                meant=meant,
            )
        raise UserError(
            "{root} is divided into {names}, not into classes: put one subfolder a class into it, the split is made "
            "here.",
            root=root,
            names=names,
        )
    only = [folder for folder in folders if holds_only_folders(folder)]
    inner = {folder: {path.name for path in folders_in(folder)} for folder in only}
    for folder in only:
        if shared := sorted(inner[folder] & set(names) - {folder.name}):
            raise UserError(
                "{folder} holds folders called like those beside it, such as {shared}: pass {folder}, or move it away.",
                folder=folder,
                shared=shared[0],
            )
    twice = {folder for folder in only for other in only if folder is not other and inner[folder] & inner[other]}
    if twice or len(only) == len(folders):
        wrong = [folder for folder in only if folder in twice or not twice]
        raise UserError(
            "The folders {names} in {root} hold only folders, such as {inner}, so they are no classes: pass {meant}, "
            "or put the pictures of each class right into its folder.",
            names=[folder.name for folder in wrong[:5]],
            root=root,
            inner=min(inner[wrong[0]]),
            meant=meant,
        )
    lowered = {name.lower() for name in names}
    if lowered & _PHOTOS and lowered & _ABOUT_PHOTOS:
        raise UserError(
            "{root} is divided into {names}, not into classes: sort the pictures in {meant} into one folder a class, "
            "or pass a CSV of image and label.",
            root=root,
            names=names,
            meant=meant,
        )


def _most_likely(folders: Sequence[Path]) -> Path:
    """The subfolder that somebody means who passes the folder above: that of training, else that of pictures."""

    def rank(folder: Path) -> int:
        return 0 if "train" in parts_of(folder.name) else 1 if folder.name.lower() in _PHOTOS else 2

    return min(folders, key=rank)


def are_splits(names: Collection[str]) -> bool:
    """Whether folders are called as the parts of a data set are: test, but also seg_test or test_images."""
    return all(parts_of(name) for name in names)


def parts_of(name: str) -> set[str]:
    """The parts of a data set that a name speaks of."""
    return {SPLITS[word] for word in re.split(r"[^a-z]+", name.lower()) if word in SPLITS}


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
