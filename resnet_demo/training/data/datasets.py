"""Data sets with fixed splits, decoded once and kept in memory as uint8.

The folder is ``RESNET_DEMO_DATA`` or ``../shared/data`` beside the project: one subfolder a task with a
``labels.csv`` (image, label, split) and ``classes.csv``, or a ``landmarks.csv`` (image, source, identity, split, x0,
y0 …). Flowers102 and CIFAR-10 may lie there as they are published.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from resnet_demo.errors import UserError
from resnet_demo.tasks import BUNDLED
from resnet_demo.training.data.formats import cifar10, flowers102
from resnet_demo.training.data.formats.format import Format
from resnet_demo.training.data.own_items import SUFFIXES
from resnet_demo.training.data.own_split import complete

NO_LABEL = -1
# Sets that are read as published, and the short side in memory of their pictures: those of flowers have 500 pixels.
PUBLISHED: dict[str, tuple[Format, int]] = {"flowers102": (flowers102.FORMAT, 256), "cifar10": (cifar10.FORMAT, 0)}
VAL_SHARE = 0.1  # of the pictures to learn from, where a published set has none to choose by


def data_folder() -> Path:
    """Where the data sets lie (they are not part of the repository)."""
    default = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    return Path(os.environ.get("RESNET_DEMO_DATA", default))


@dataclass
class Pictures:
    """The pictures of some splits of a data set.

    Attributes:
        paths: picture files, in the order of the CSV.
        labels: class indices (n,) int64, or keypoints (n, points, 2) float32 in the stored picture's pixels.
        classes: class names (classification).
        frames: keypoints: each face's ``alignment.Frame``, filled by ``face_frames.find_frames``.
        turned: faces: which of them look to the side, filled by ``face_frames.turned``.
        sources: where each picture is from (keypoints; empty strings where unknown).
        whole: keypoints of the whole picture, in which no face has to be found first.
        grey: hand them out without their colours.
        side: larger pictures are scaled down to this short side, in pixels; 0: as they are.
    """

    task: str
    paths: list[Path]
    labels: np.ndarray
    classes: tuple[str, ...] = ()
    sources: list[str] = field(default_factory=list)
    frames: list = field(default_factory=list, repr=False)
    cache: dict[int, np.ndarray] = field(default_factory=dict, repr=False)
    whole: bool = False
    grey: bool = False
    side: int = 0
    turned: np.ndarray | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.paths)

    def rows_of(self, sources: Sequence[str]) -> list[int]:
        """Those of the pictures that are from these sources; of none: all."""
        return [row for row in range(len(self)) if not sources or self.sources[row] in sources]

    def some(self, rows: Sequence[int]) -> Pictures:
        """These of the pictures alone, in this order; what is decoded or found already stays so."""
        return replace(
            self,
            paths=[self.paths[row] for row in rows],
            labels=self.labels[list(rows)],
            sources=[self.sources[row] for row in rows] if self.sources else [],
            frames=[self.frames[row] for row in rows] if self.frames else [],
            turned=None if self.turned is None else self.turned[list(rows)],
            cache={new: self.cache[row] for new, row in enumerate(rows) if row in self.cache},
        )

    def picture(self, index: int) -> Image.Image:
        """The upright RGB picture, decoded at most once."""
        if index not in self.cache:
            with Image.open(self.paths[index]) as image:
                self.cache[index] = np.asarray(self.scaled(image.convert("RGB")))
        return self.coloured(Image.fromarray(self.cache[index]))

    def scaled(self, picture: Image.Image) -> Image.Image:
        """A picture, scaled down where it is larger than ``side``."""
        short = min(picture.size)
        if not self.side or short <= self.side:
            return picture
        width, height = (round(length * self.side / short) for length in picture.size)
        return picture.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)

    def coloured(self, picture: Image.Image) -> Image.Image:
        """A picture, without its colours where ``grey`` says so."""
        return picture.convert("L").convert("RGB") if self.grey else picture

    def decode_all(self) -> Pictures:
        """Decode everything now, so that worker processes share the memory."""
        for index in tqdm(range(len(self)), desc="decoding", unit="picture"):
            self.picture(index)
        return self


def read_rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise UserError(
            f"The file {path} is missing: set RESNET_DEMO_DATA to the folder that holds {path.parent.name}/{path.name}."
        )
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def load_pictures(task: str, splits: tuple[str, ...], folder: Path | None = None) -> Pictures:
    """The pictures of ``splits`` of a task's data set.

    Raises:
        UserError: no such data set, or no picture in these splits.
    """
    task = data_set_of(task)
    root = (folder or data_folder()) / task
    if source := published(task, folder):
        return published_pictures(task, source, splits)
    classes: tuple[str, ...] = ()
    sources: list[str] = []
    if (root / "landmarks.csv").is_file():
        rows = [row for row in read_rows(root / "landmarks.csv") if row["split"] in splits]
        columns = [name for name in (rows[0] if rows else {}) if name[0] in "xy" and name[1:].isdigit()]
        labels = np.array([[float(row[name]) for name in columns] for row in rows], np.float32)
        labels = labels.reshape(len(rows), len(columns) // 2, 2) if rows else labels
        sources = [row["source"] for row in rows]
    else:
        rows = [row for row in read_rows(root / "labels.csv") if row["split"] in splits]
        labels = np.array([int(row["label"]) for row in rows], np.int64)
        classes = tuple(row["name"] for row in read_rows(root / "classes.csv"))
    if not rows:
        raise UserError(f"The data set {task} has no pictures in {', '.join(splits)}: the splits are train, val, test.")
    return Pictures(task, [root / row["image"] for row in rows], labels, classes, sources)


def data_set_of(task: str) -> str:
    """The data set with a task's pictures, which has its name unless the task's record says another."""
    return BUNDLED[task].pictures or task if task in BUNDLED else task


def published(task: str, folder: Path | None = None) -> Path | None:
    """What a set is read from that lies there as it is published; None where it is laid out as ours are, or missing."""
    root = (folder or data_folder()) / task
    if task not in PUBLISHED or (root / "labels.csv").is_file():
        return None
    form = PUBLISHED[task][0]
    return form.find(root) or form.find(root.parent)


def is_there(task: str, folder: Path | None = None) -> bool:
    """Whether the data set of a task is there."""
    task = data_set_of(task)
    root = (folder or data_folder()) / task
    return published(task, folder) is not None or any(
        (root / name).is_file() for name in ("labels.csv", "landmarks.csv")
    )


def published_pictures(task: str, source: Path, splits: tuple[str, ...]) -> Pictures:
    """A set as it is published, for the recipes of the bundled networks; without val, a tenth of train becomes it.

    Raises:
        UserError: no picture in these splits.
    """
    form, side = PUBLISHED[task]
    found = form.read(source)
    items, _ = complete(found.items, found.classes, "it was published", VAL_SHARE)
    items = [item for item in items if item.part in splits]
    if not items:
        raise UserError(f"The data set {task} has no pictures in {', '.join(splits)}: the splits are train, val, test.")
    labels = np.array([item.label for item in items], np.int64)
    cache = {index: item.pixels for index, item in enumerate(items) if item.pixels is not None}
    return Pictures(task, [item.path for item in items], labels, found.classes, cache=cache, side=side)


def labelled_pictures(folder: Path, classes: tuple[str, ...]) -> Pictures:
    """Further pictures of known classes: those in the subfolders that are named as one; others are left out.

    Raises:
        UserError: there are none.
    """
    found = [(path, label) for label, name in enumerate(classes) for path in pictures_below(folder / name)]
    if not found:
        raise UserError(
            f"There are no pictures in subfolders of {folder} that are named as a class, such as {folder / classes[0]}."
        )
    paths, labels = zip(*found, strict=True)
    return Pictures("", list(paths), np.array(labels, np.int64), classes, [folder.name] * len(paths))


def labelled_points(folder: Path, points: int) -> Pictures:
    """Further pictures of so many keypoints: a folder with a landmarks.csv, such as the command ``faces`` makes.

    Raises:
        UserError: there is none, or of another number of points.
    """
    if not (folder / "landmarks.csv").is_file():
        raise UserError(f"There is no landmarks.csv in {folder}: name a folder that the command faces made.")
    found = load_pictures(folder.name, ("train",), folder.parent)
    if found.labels.shape[1:] != (points, 2):
        raise UserError(f"The pictures in {folder} do not have {points} keypoints each: name a folder of such.")
    return found


def shared_pictures(task: str, names: dict[str, str], classes: tuple[str, ...], folder: Path | None = None) -> Pictures:
    """The train split of another data set, as far as its classes are some of ``classes``.

    Args:
        names: its classes → ``classes``; pictures of others are left out.

    Raises:
        UserError: no such data set, or a name that neither has.
    """
    found = load_pictures(task, ("train",), folder)
    for name, wanted in names.items():
        if name not in found.classes or wanted not in classes:
            raise UserError(f"The recipe shares {name} of {task} as {wanted}: one of them is no class there.")
    to = np.array([classes.index(names[name]) if name in names else NO_LABEL for name in found.classes])
    labels = to[found.labels]
    chosen = np.flatnonzero(labels != NO_LABEL)
    return Pictures(task, [found.paths[index] for index in chosen], labels[chosen], classes, [task] * len(chosen))


def pictures_below(folder: Path) -> list[Path]:
    """The picture files in a folder and its subfolders, by name."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def unlabelled_pictures(sources: Sequence[str], splits: tuple[str, ...], folder: Path | None = None) -> Pictures:
    """Pictures to distil from, without labels: of data sets (their ``splits``) and of any folders, with subfolders.

    Raises:
        UserError: a source that is neither, or a folder without pictures.
    """
    paths: list[Path] = []
    names: list[str] = []
    for source in sources:
        if Path(source).is_dir():
            found = pictures_below(Path(source))
            if not found:
                raise UserError(f"There are no pictures in {source}: name a folder with {', '.join(SUFFIXES)} files.")
        else:
            found = load_pictures(source, splits, folder).paths
        paths += found
        names += [Path(source).name] * len(found)
    return Pictures("", paths, np.full(len(paths), NO_LABEL, np.int64), sources=names)
