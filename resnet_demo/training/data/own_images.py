"""Pictures of one's own as a data set: read, checked before any training, and split by a fixed seed.

Their layouts are those of ``own_layout``. All pictures pass the page's own decoder, ``decode.open_photo``, and are kept
in memory scaled down.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from resnet_demo.checkpoints.records import OwnData
from resnet_demo.errors import UserError
from resnet_demo.images.class_folders import class_files
from resnet_demo.tasks import CLASSIFICATION, KEYPOINTS
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.data.own_copies import without_copies
from resnet_demo.training.data.own_decode import complain, decode
from resnet_demo.training.data.own_items import PIXELS, Found, Item
from resnet_demo.training.data.own_keypoints import PARTS, read_points
from resnet_demo.training.data.own_labels import class_names, read_labels
from resnet_demo.training.data.own_layout import Layout, find_layout, table_in
from resnet_demo.training.data.own_remarks import remarks_on
from resnet_demo.training.data.own_split import BY_SEED, complete, split, with_test
from resnet_demo.training.data.tables import Table, read_table

NAMED = 5  # classes that a sentence names


@dataclass(frozen=True)
class OwnPictures:
    """A data set of one's own.

    Attributes:
        kind: classification or keypoints.
        parts: train, val and test, decoded; val may be empty.
        record: counts, split and a fingerprint of both, for ``config.json`` and the card.
    """

    kind: str
    parts: dict[str, Pictures]
    record: OwnData


def read_own(data: Path, name: str) -> OwnPictures:
    """Read the pictures in ``data`` for the task ``name``; those that cannot be read are listed on standard error.

    Raises:
        UserError: nothing that can be trained on, and why.
    """
    layout = find_layout(data)
    kind = layout.kind
    found = find_items(data, layout)
    classes = found.classes
    tell(layout, found)
    where = layout.table.path if layout.table else data
    items, photos, skipped = decode(found.items)
    if kind == KEYPOINTS:
        check_points(where, items, divided=bool(layout.table))
    else:
        check_classes(where, classes, items)
    if all(not item.part for item in items):
        items, how = split(items, classes), BY_SEED
    elif layout.table:
        items, how = with_test(items), "as the CSV says"
    else:
        items, how = complete(items, classes, "its folders say" if layout.folders else "it was published")
    known = fingerprint(items)
    items, photos, copies = without_copies(items, photos, classes)
    check_parts(where, items)
    for remark in remarks_on(items, photos, classes):
        complain(remark)
    parts = {part: pictures_of(name, part, items, photos, classes, kind) for part in PARTS}
    record = OwnData(
        counts={part: len(pictures) for part, pictures in parts.items()},
        classes={
            label: [int((parts[part].labels == index).sum()) for part in PARTS] for index, label in enumerate(classes)
        },
        split=how,
        skipped=skipped + found.skipped,
        fingerprint=known,
        copies=copies or None,
    )
    return OwnPictures(kind, parts, record)


def find_items(data: Path, layout: Layout) -> Found:
    """What lies there, by its layout."""
    if layout.format and layout.source:
        return layout.format.read(layout.source)
    if layout.table and layout.kind == KEYPOINTS:
        return Found(point_items(layout.table))
    if layout.table:
        return label_items(layout.table)
    return class_items(data, layout.folders)


def tell(layout: Layout, found: Found) -> None:
    """Say on standard error what was found, and what of it is not used."""
    items = found.items
    unit = f", coordinates from {items[0].unit}" if items and items[0].unit != PIXELS else ""
    what = "pictures" if layout.format else "files"
    complain(f"Found {layout.title}: {len(items):,} {what}{unit}.")
    if layout.unused:
        verb = "is" if len(layout.unused) == 1 else "are"
        complain(f"{', '.join(layout.unused)} {verb} not used.")
    for remark in found.remarks:
        complain(remark)


def class_items(root: Path, folders: dict[str, Path]) -> Found:
    """The pictures of a folder with one subfolder a class; any depth below a subfolder counts.

    Args:
        folders: train, val and test → the folder that holds the classes of that part; empty: ``root`` does.

    Raises:
        UserError: fewer than two classes, a class with fewer than two files, or one that training does not know.
    """
    found = [(part, *labelled_files(folder)) for part, folder in (folders or {"": root}).items()]
    classes = next(names for part, names, _ in found if part in ("", "train"))
    for part, names, _ in found:
        if unknown := sorted(set(names) - set(classes)):
            raise UserError(
                f"{folders[part]} holds classes that {folders['train']} does not, {', '.join(unknown[:5])}: give them "
                "pictures to learn from, or remove them."
            )
    items = [
        Item(path, path.relative_to(root).as_posix(), classes.index(name), part=part)
        for part, _, files in found
        for path, name in files
    ]
    check_classes(root, classes, items)
    return Found(items, classes)


def labelled_files(folder: Path) -> tuple[tuple[str, ...], list[tuple[Path, str]]]:
    """Class names, and the files with their class, of a folder of classes or one with a table of its own."""
    if path := table_in(folder):
        rows = read_labels(read_table(path))
        return class_names(rows), [(row.path, row.label) for row in rows]
    files = class_files(folder)
    return tuple(files), [(path, name) for name, paths in files.items() for path in paths]


def label_items(table: Table) -> Found:
    """The pictures of a table of classes."""
    rows = read_labels(table)
    classes = class_names(rows)
    items = [Item(row.path, row.name, classes.index(row.label), part=row.part) for row in rows]
    check_classes(table.path, classes, items)
    return Found(items, classes)


def check_classes(root: Path, classes: tuple[str, ...], items: list[Item]) -> None:
    """Every class needs a picture to learn from and one to be tested on.

    Raises:
        UserError: there is only one class, or one has too few pictures.
    """
    if len(classes) < 2:
        raise UserError(f"{root} has only one class, {''.join(classes)}: at least two are needed.")
    counts = np.bincount([int(item.label) for item in items], minlength=len(classes))
    if poor := [f"{name} ({count})" for name, count in zip(classes, counts, strict=True) if count < 2]:
        more = f" and {len(poor) - NAMED} more" if len(poor) > NAMED else ""
        raise UserError(
            f"{root}: a class needs at least two readable pictures, fewer has {', '.join(poor[:NAMED])}{more}: add "
            "some, or remove the class."
        )
    if not any(item.part for item in items):
        return
    learnt = {int(item.label) for item in items if item.part == "train"}
    if missing := [name for label, name in enumerate(classes) if label not in learnt]:
        raise UserError(f"{root} has no readable picture of {', '.join(missing[:NAMED])} in train: add some.")
    if learnt and not any(item.part in ("val", "test") for item in items):
        raise UserError(f"{root} has no readable picture in test: add some, or leave out the split.")


def point_items(table: Table) -> list[Item]:
    """The pictures of a CSV of keypoints."""
    return [
        Item(row.path, row.name, row.points, row.identity, row.source, row.part, row.unit) for row in read_points(table)
    ]


def check_points(table: Path, items: list[Item], divided: bool) -> None:
    """There must be something to learn from and something to be tested on.

    Args:
        divided: parts stay as they are where there are some; else what is missing of them is made.
    """
    if len(items) < 2:
        raise UserError(f"{table} has {len(items)} usable pictures: at least two are needed.")
    parts = {item.part for item in items}
    if divided and parts != {""} and (missing := [part for part in ("train", "test") if part not in parts]):
        raise UserError(f"{table} puts no usable picture into {' and '.join(missing)}: mend its column split.")
    if parts == {""} and len({item.group or item.name for item in items}) < 2:
        raise UserError(f"{table} has only one identity, which cannot be split into train and test: mend that column.")


def check_parts(where: Path, items: list[Item]) -> None:
    """Whatever the split is made of, there is something in train and in test.

    Raises:
        UserError: there is not.
    """
    for part in ("train", "test"):
        if not any(item.part == part for item in items):
            raise UserError(f"{where} has no readable picture in {part}: add some, or leave out the split.")


def pictures_of(
    task: str, part: str, items: list[Item], photos: list[np.ndarray], classes: tuple[str, ...], kind: str
) -> Pictures:
    """One part of the data set."""
    own = [index for index, item in enumerate(items) if item.part == part]
    kept = [items[index] for index in own]
    labels = np.array([item.label for item in kept], np.int64 if kind == CLASSIFICATION else np.float32)
    return Pictures(
        task,
        [item.path for item in kept],
        labels,
        classes,
        sources=[item.source for item in kept] if kind == KEYPOINTS else [],
        cache={number: photos[index] for number, index in enumerate(own)},
        whole=kind == KEYPOINTS,
    )


def fingerprint(items: list[Item]) -> str:
    """Stands for exactly these pictures, labels and this split."""
    key = hashlib.sha256()
    for item in sorted(items, key=lambda item: item.name):
        label = item.label.tobytes().hex() if isinstance(item.label, np.ndarray) else item.label
        size = item.path.stat().st_size if item.pixels is None else hashlib.sha256(item.pixels.tobytes()).hexdigest()
        box = f"\t{item.box}" if item.box else ""
        key.update(f"{item.name}\t{size}\t{label}\t{item.part}{box}\n".encode())
    return key.hexdigest()[:24]
