"""Pictures of one's own as a data set: read, checked before any training, and split by a fixed seed.

Their layouts are those of ``own_layout``. All pictures pass the page's own decoder, ``decode.open_photo``, and are kept
in memory scaled down.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from resnet_demo.checkpoints.records import OwnData
from resnet_demo.errors import UserError
from resnet_demo.images.class_folders import class_files
from resnet_demo.images.decode import MAX_PIXELS, MIN_SIDE, open_photo
from resnet_demo.tasks import CLASSIFICATION, KEYPOINTS
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.data.own_keypoints import PARTS, PIXELS, in_pixels, read_points
from resnet_demo.training.data.own_labels import class_names, read_labels
from resnet_demo.training.data.own_layout import Layout, find_layout, table_in
from resnet_demo.training.data.seeds import seed_of
from resnet_demo.training.data.tables import Table, read_table

SIDE, LONGEST = 256, 1024  # of the pictures in memory: pixels of the short side, and at most of the long one
SHARE = 0.15  # of the pictures in val, and in test
SPLIT_SEED = 0
NAMED = 5  # classes that a sentence names


@dataclass(frozen=True)
class Item:
    """A picture and what is known of it.

    Attributes:
        path: the file.
        name: its path inside the data set's folder, the same on every machine.
        label: class index, or keypoints (points, 2).
        group: items of one group stay on one side of the split; empty: it is its own.
        source: where it is from, or empty.
        part: train, val or test where the data set says so, else empty.
        unit: what keypoints are given in, see ``own_keypoints``.
    """

    path: Path
    name: str
    label: int | np.ndarray
    group: str = ""
    source: str = ""
    part: str = ""
    unit: str = PIXELS


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
    kind, table = layout.kind, layout.table
    classes: tuple[str, ...] = ()
    if table and kind == KEYPOINTS:
        items = point_items(table)
    elif table:
        classes, items = label_items(table, data if data.is_dir() else data.parent)
    else:
        classes, items = class_items(data, layout.folders)
    tell(layout, items)
    items, photos, skipped = decode(items)
    if table and kind == KEYPOINTS:
        check_points(table.path, items)
    else:
        check_classes(table.path if table else data, classes, items)
    how = f"by the fixed seed {SPLIT_SEED}" if all(not item.part for item in items) else "as the CSV says"
    if layout.folders:
        items, how = complete(items, classes)
    elif how != "as the CSV says":
        items = split(items, classes)
    parts = {part: pictures_of(name, part, items, photos, classes, kind) for part in PARTS}
    record = OwnData(
        counts={part: len(pictures) for part, pictures in parts.items()},
        classes={
            label: [int((parts[part].labels == index).sum()) for part in PARTS] for index, label in enumerate(classes)
        },
        split=how,
        skipped=skipped,
        fingerprint=fingerprint(items),
    )
    return OwnPictures(kind, parts, record)


def complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def tell(layout: Layout, items: list[Item]) -> None:
    """Say on standard error what was found, and what of it is not used."""
    unit = f", coordinates from {items[0].unit}" if items and items[0].unit != PIXELS else ""
    complain(f"Found {layout.title}: {len(items):,} files{unit}.")
    if layout.unused:
        verb = "is" if len(layout.unused) == 1 else "are"
        complain(f"{', '.join(layout.unused)} {verb} not used.")


def class_items(root: Path, folders: dict[str, Path]) -> tuple[tuple[str, ...], list[Item]]:
    """Class names and pictures of a folder with one subfolder a class; any depth below a subfolder counts.

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
    return classes, items


def labelled_files(folder: Path) -> tuple[tuple[str, ...], list[tuple[Path, str]]]:
    """Class names, and the files with their class, of a folder of classes or one with a table of its own."""
    if path := table_in(folder):
        rows = read_labels(read_table(path))
        return class_names(rows), [(row.path, row.label) for row in rows]
    files = class_files(folder)
    return tuple(files), [(path, name) for name, paths in files.items() for path in paths]


def label_items(table: Table, root: Path) -> tuple[tuple[str, ...], list[Item]]:
    """Class names and pictures of a table of classes."""
    rows = read_labels(table)
    classes = class_names(rows)
    items = [Item(row.path, row.name, classes.index(row.label), part=row.part) for row in rows]
    check_classes(table.path, classes, items)
    return classes, items


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


def check_points(table: Path, items: list[Item]) -> None:
    """There must be something to learn from and something to be tested on."""
    if len(items) < 2:
        raise UserError(f"{table} has {len(items)} usable pictures: at least two are needed.")
    parts = {item.part for item in items}
    if parts != {""} and (missing := [part for part in ("train", "test") if part not in parts]):
        raise UserError(f"{table} puts no usable picture into {' and '.join(missing)}: mend its column split.")
    if parts == {""} and len({item.group or item.name for item in items}) < 2:
        raise UserError(f"{table} has only one identity, which cannot be split into train and test: mend that column.")


def decode(items: list[Item]) -> tuple[list[Item], list[np.ndarray], int]:
    """Open every picture → the readable items, their points scaled as the picture is; the photos; how many are left
    out, each of them with the reason on standard error."""
    kept, photos, reasons = [], [], []
    for item in tqdm(items, desc="reading", unit="picture"):
        try:
            item, photo = open_small(item)
        except UserError as error:
            reasons.append(f"Skipped {item.path}: {error}")
        else:
            kept.append(item)
            photos.append(photo)
    for reason in reasons:
        complain(reason)
    return kept, photos, len(reasons)


def open_small(item: Item) -> tuple[Item, np.ndarray]:
    """The item, with its points in pixels of the photo, and the upright photo: uint8 (rows, columns, 3)."""
    points = item.label if isinstance(item.label, np.ndarray) else None
    # A JPEG decoded at a fraction of its size would no longer tell what the points' pixels are.
    photo = open_photo(item.path, None if points is None else MAX_PIXELS, SIDE if points is None else None)
    width, height = photo.size
    if points is not None:
        points = in_pixels(points, item.unit, width, height)
        known = points[~np.isnan(points).any(axis=1)]
        if not len(known):
            raise UserError("None of its points is known.")
        if not ((known >= 0) & (known <= (width, height))).all(axis=1).any():
            raise UserError(f"All of its points lie outside of the upright picture of {width} × {height} pixels.")
    scale = min(1.0, SIDE / min(photo.size), LONGEST / max(photo.size))
    if scale < 1:
        size = (max(MIN_SIDE, round(width * scale)), max(MIN_SIDE, round(height * scale)))
        photo = photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    if points is not None:
        item = replace(item, label=points * np.array((photo.width / width, photo.height / height), np.float32))
    return item, np.asarray(photo)


def complete(items: list[Item], classes: tuple[str, ...]) -> tuple[list[Item], str]:
    """The items of folders that are split already, with what is missing of train, val and test, and how it was made:
    without test that is val, and without val a share of train becomes it."""
    given = {item.part for item in items}
    if given == {"train"}:
        return split([replace(item, part="") for item in items], classes), f"by the fixed seed {SPLIT_SEED}"
    if "test" not in given:
        items = [replace(item, part="test" if item.part == "val" else item.part) for item in items]
    if given == set(PARTS):
        return items, "as its folders say"
    chosen = set()
    for label in range(len(classes)):
        names = sorted(item.name for item in items if item.part == "train" and item.label == label)
        np.random.default_rng(seed_of(SPLIT_SEED, "val", label)).shuffle(names)
        chosen |= set(names[: min(int(SHARE * len(names) + 0.5), len(names) - 1)])
    items = [replace(item, part="val") if item.name in chosen else item for item in items]
    return items, f"as its folders say, val from train by the fixed seed {SPLIT_SEED}"


def split(items: list[Item], classes: tuple[str, ...]) -> list[Item]:
    """Every item with its part: of each class about 70, 15 and 15 % in train, val and test, always the same."""
    parts: dict[str, str] = {}
    for label in range(len(classes)) if classes else [None]:
        own = [item for item in items if label is None or item.label == label]
        groups: dict[str, list[Item]] = {}
        for item in own:
            groups.setdefault(f"identity {item.group}" if item.group else item.name, []).append(item)
        sizes = {group: len(members) for group, members in groups.items()}
        for group, part in assign(sizes, label, least=1 if classes or len(own) < 4 else 2).items():
            parts |= {item.name: part for item in groups[group]}
    return [replace(item, part=parts[item.name]) for item in items]


def assign(sizes: dict[str, int], key: object, least: int) -> dict[str, str]:
    """Group → part, for groups of so many pictures; one in train and, if the groups allow it, ``least`` in test."""
    count = sum(sizes.values())
    test = max(least, int(SHARE * count + 0.5))
    val = min(int(SHARE * count + 0.5), count - test - 1)
    wanted = dict(zip(PARTS, (count - val - test, val, test), strict=True))
    order = sorted(sizes)
    np.random.default_rng(seed_of(SPLIT_SEED, "split", key)).shuffle(order)
    found = {}
    for group in order:
        found[group] = max(PARTS, key=lambda part: wanted[part])
        wanted[found[group]] -= sizes[group]
    if "test" not in found.values():  # Few and large groups.
        found[min(order[1:], key=lambda group: sizes[group])] = "test"
    return found


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
        key.update(f"{item.name}\t{item.path.stat().st_size}\t{label}\t{item.part}\n".encode())
    return key.hexdigest()[:24]
