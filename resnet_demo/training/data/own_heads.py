"""Pictures with labels of several tasks: columns of one table, and data sets that each have their own.

Each task's labels are read as if it stood alone. Pictures of the same file are one, with all their labels, so that none
is in train for one task and in test for another: the trunk sees them all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from resnet_demo.checkpoints.records import OwnData
from resnet_demo.errors import UserError
from resnet_demo.tasks import CLASSIFICATION, KEYPOINTS, REGRESSION
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.data.own_copies import without_copies
from resnet_demo.training.data.own_decode import complain, decode
from resnet_demo.training.data.own_images import OwnPictures, find_items, fingerprint
from resnet_demo.training.data.own_items import Item
from resnet_demo.training.data.own_labels import PARTS, Labelled, class_names, image_column, label_column
from resnet_demo.training.data.own_layout import find_layout, is_table
from resnet_demo.training.data.own_remarks import remarks_on
from resnet_demo.training.data.own_split import BY_SEED, group_of, split, with_test
from resnet_demo.training.data.tables import TABLES, Table, check_pictures, cut, number, quoted, read_table

KINDS = (CLASSIFICATION, REGRESSION, KEYPOINTS)
MANY = 20  # different whole numbers in a column, above which they are taken for numbers and not for classes
LEAST = 8  # pictures of a group that is split by itself
_SOURCE = re.compile(r"(?P<name>[^:=]+)(:(?P<kind>[a-z]+))?(=(?P<path>.+))?")


@dataclass(frozen=True)
class Source:
    """Where a task's labels are.

    Attributes:
        name: of the task; in a table that several share, of its column.
        path: a data set as ``train --data`` takes it, or that table.
        kind: what the labels are; None lets them tell.
        column: they are a column of the table that has the task's name.
    """

    name: str
    path: Path
    kind: str | None = None
    column: bool = False


@dataclass(frozen=True, eq=False)
class Labels:
    """A task's labels.

    Attributes:
        kind: of the task.
        classes: names by index.
        items: pictures with a class's index, a number, or points.
    """

    kind: str
    items: list[Item]
    classes: tuple[str, ...] = ()
    numbers: dict[str, float] = field(default_factory=dict)  # item's name → number


@dataclass(frozen=True, eq=False)
class OwnHeads:
    """Pictures of several tasks.

    Attributes:
        parts: train, val and test, each with a row of labels a picture, in which NaN is not known.
        columns: name → the task's numbers in that row, from the first on and behind the last.
        kinds, classes: by name.
        tasks: name → the same pictures as those of that task alone.
    """

    parts: dict[str, Pictures]
    columns: dict[str, tuple[int, int]]
    kinds: dict[str, str]
    classes: dict[str, tuple[str, ...]]
    tasks: dict[str, OwnPictures]


def sources_in(words: Sequence[str], data: Path | None) -> list[Source]:
    """What ``--tasks`` names: ``NAME``, ``NAME:KIND``, ``NAME=PATH`` or ``NAME:KIND=PATH``, also with commas between.

    Args:
        data: the table whose columns are meant where there is no path.

    Raises:
        UserError: words that mean nothing, a kind that there is not, a name twice, or no path and no table.
    """
    found: list[Source] = []
    for word in (part for given in words for part in ([given] if "=" in given else given.split(","))):
        match = _SOURCE.fullmatch(word.strip())
        if not match:
            raise UserError(f"--tasks cannot read {word!r}: write NAME, NAME:KIND or NAME=PATH, such as age,gender.")
        name, kind, path = match["name"].strip(), match["kind"], match["path"]
        if kind and kind not in KINDS:
            raise UserError(f"There is no kind {kind!r} of task: choose {', '.join(KINDS)}.")
        if any(source.name == name for source in found):
            raise UserError(f"--tasks names {name} twice: leave one out.")
        if not path and data is None:
            raise UserError(f"Where are the labels of {name}? Pass --data TABLE with a column {name}, or {name}=PATH.")
        found.append(Source(name, Path(path) if path else data or Path(), kind, column=not path))
    if not found:
        raise UserError("--tasks names no task: write them with commas between, such as age,gender.")
    return found


def moved_to(sources: Sequence[Source], data: Path | None) -> list[Source]:
    """The sources where ``data`` says that they are now: the only one there, of several each by its name in it."""
    own = [source for source in sources if not source.column]
    if data is None or not own:
        return list(sources)
    if len(sources) == 1:
        return [replace(sources[0], path=data)]
    there = {source.name: data / source.path.name for source in own}
    return [
        replace(source, path=there[source.name]) if source.name in there and there[source.name].exists() else source
        for source in sources
    ]


def table_of(path: Path) -> Table:
    """The table that ``path`` is, or the only one that lies there.

    Raises:
        UserError: there is none, or several.
    """
    if path.is_file() and path.suffix.lower() in TABLES:
        return read_table(path)
    tables = [file for file in sorted(path.iterdir()) if file.is_file() and is_table(file)] if path.is_dir() else []
    if len(tables) != 1:
        many = ", ".join(file.name for file in tables) if tables else "none"
        raise UserError(f"{path} should be a table with a column a task, or hold one ({many} there): name its file.")
    return read_table(tables[0])


def read_labels_of(source: Source) -> Labels:
    """A task's labels, of pictures that are there, though perhaps not readable.

    Raises:
        UserError: see ``own_images``, or a column that is missing or holds no such labels.
    """
    if source.column:
        table = table_of(source.path)
        names = [re.sub(r"\W+", "_", name.lower()).strip("_") for name in table.names]
        if source.name not in names:
            known = ", ".join(cut(name) for name in table.names) or "none"
            raise UserError(f"{table.path} has no column {source.name}: its headings are {known}.")
        if source.kind == KEYPOINTS:
            raise UserError(f"Keypoints are no single column: give them a table of their own, {source.name}=PATH.")
        return column_labels(table, image_column(table), names.index(source.name), source.kind)
    layout = find_layout(source.path)
    if layout.table and layout.kind == CLASSIFICATION:
        image = image_column(layout.table)
        return column_labels(layout.table, image, label_column(layout.table, image), source.kind)
    if source.kind not in (None, layout.kind):
        raise UserError(f"The labels in {source.path} are for {layout.kind}, not for {source.kind}.")
    found = find_items(source.path, layout)
    return Labels(layout.kind, found.items, found.classes)


def column_labels(table: Table, image: int, column: int, kind: str | None) -> Labels:
    """The pictures of a table with a label in one column; those where its cell is empty are left out."""
    names = [name.lower() for name in table.names]
    parts = names.index("split") if "split" in names else None
    width = len(table.lines[0][1])
    rows = []
    for line, cells in table.rows:
        if len(cells) != width:
            raise UserError(f"{table.where(line)} has {len(cells)} cells instead of {width}: mend or remove it.")
        part = cells[parts].lower() if parts is not None else ""
        if parts is not None and part not in PARTS:
            raise UserError(
                f"{table.where(line)}: the split is {quoted(part or 'empty')}, but must be one of {', '.join(PARTS)}."
            )
        if cells[column]:
            rows.append((line, cells[image], cells[column], part))
    if not rows:
        raise UserError(f"{table.path} has no label in the column {column + 1}: add some.")
    check_pictures(table, [(line, name, table.locate(name)) for line, name, _, _ in rows])
    labels = {label for _, _, label, _ in rows}
    kind = kind or (REGRESSION if are_numbers(labels) else CLASSIFICATION)
    if kind == REGRESSION:
        items, numbers = [], {}
        for line, name, label, part in rows:
            value = number(label)
            if value is None or not np.isfinite(value):
                raise UserError(f"{table.where(line)}: {quoted(label)} is no number: mend or empty it.")
            items.append(Item(table.locate(name), name, 0, part=part))
            numbers[name] = value
        return Labels(kind, items, numbers=numbers)
    classes = class_names([Labelled(line, name, table.locate(name), label) for line, name, label, _ in rows])
    if len(classes) < 2:
        raise UserError(f"{table.path} has only one class, {classes[0]}: at least two are needed.")
    items = [Item(table.locate(name), name, classes.index(label), part=part) for _, name, label, part in rows]
    return Labels(kind, items, classes)


def are_numbers(labels: set[str]) -> bool:
    """Whether labels are measured and not named: they have fractions, or are many whole numbers."""
    values = [number(label) for label in labels]
    if any(value is None or not np.isfinite(value) for value in values):
        return False
    return len(values) > MANY or holds_fractions(labels)


def holds_fractions(labels: set[str]) -> bool:
    """Whether all labels are numbers, and some no whole ones, so that they can be no classes."""
    values = [number(label) for label in labels]
    known = [value for value in values if value is not None and np.isfinite(value)]
    return len(known) == len(values) and any(value != round(value) for value in known)


def is_regression(data: Path) -> bool:
    """Whether ``data`` is a table of pictures and numbers that can be no classes."""
    layout = find_layout(data)
    if not layout.table or layout.kind != CLASSIFICATION:
        return False
    image = image_column(layout.table)
    column = label_column(layout.table, image)
    return holds_fractions({cells[column] for _, cells in layout.table.rows if len(cells) > column and cells[column]})


@dataclass(frozen=True, eq=False)
class Joined:
    """A picture with the labels of all tasks: an item, whose label is its points where it has some, and the others."""

    item: Item
    known: dict[str, float] = field(default_factory=dict)  # classes' indices and numbers by task
    points: dict[str, np.ndarray] = field(default_factory=dict)
    source: str = ""


def join(sources: Sequence[Source], labels: dict[str, Labels]) -> list[Joined]:
    """All pictures, those of the same file once.

    Raises:
        UserError: a picture has points of two tasks.
    """
    found: dict[tuple, Joined] = {}
    for number_, source in enumerate(sources):
        task = labels[source.name]
        for item in divided(task.items):
            key = (item.path.resolve(), item.box, item.name if item.pixels is not None or item.box else "")
            # Names are the same on every machine, and no two data sets' alike.
            fresh = Joined(replace(item, name=f"{number_}/{item.name}", label=0), source=source.path.stem)
            one = found.setdefault(key, fresh)
            if item.part == "test" or not one.item.part:
                one = found[key] = replace(one, item=replace(one.item, part=item.part))
            if item.group and not one.item.group:
                one = found[key] = replace(one, item=replace(one.item, group=item.group))
            if task.kind == KEYPOINTS:
                if one.points:
                    raise UserError(f"{item.path} has points of two tasks: put them into one table.")
                assert isinstance(item.label, np.ndarray)
                one.points[source.name] = item.label
                found[key] = replace(one, item=replace(one.item, label=item.label, unit=item.unit))
            else:
                one.known[source.name] = task.numbers.get(item.name, float(item.label if not task.numbers else 0))
    return list(found.values())


def divided(items: list[Item]) -> list[Item]:
    """The items as a data set is split, with val as test where there is none; one that is all train is not split."""
    if {item.part for item in items} == {"train"}:
        return [replace(item, part="") for item in items]
    return with_test(items)


def divide(joined: list[Joined], labels: dict[str, Labels]) -> tuple[list[Joined], str]:
    """All pictures with their part: as the data sets say, and of the others in equal shares of every class."""
    said = [one for one in joined if one.item.part]
    rest = [one for one in joined if not one.item.part]
    if not rest:
        return joined, "as the data sets say"
    if len(rest) < LEAST:
        raise UserError(f"There are {len(rest)} readable pictures with labels: at least {LEAST} are needed.")
    named = [name for name, task in labels.items() if task.kind == CLASSIFICATION]

    def stratum(one: Joined) -> tuple:
        return tuple(sorted({*one.known, *one.points})), tuple(one.known.get(name, -1.0) for name in named)

    groups: dict[tuple, list[Joined]] = {}
    for one in rest:
        groups.setdefault(stratum(one), []).append(one)
    large = [key for key in groups if len(groups[key]) >= LEAST] or [next(iter(groups))]
    # What is rare is split with the others.
    index = {key: large.index(key) if key in large else 0 for key in groups}
    strata = tuple(map(str, range(len(large))))
    together: dict[str, int] = {}  # What must not be divided is of the stratum of its first picture.
    for one in rest:
        together.setdefault(group_of(one.item), index[stratum(one)])
    parts = {
        item.name: item.part
        for item in split([replace(one.item, label=together[group_of(one.item)]) for one in rest], strata)
    }
    done = [replace(one, item=replace(one.item, part=parts[one.item.name])) for one in rest]
    return said + done, BY_SEED if not said else f"as the data sets say, others {BY_SEED}"


def read_heads(sources: Sequence[Source]) -> OwnHeads:
    """Read the pictures of several tasks; those that cannot be read are listed on standard error.

    Raises:
        UserError: nothing that can be trained on, and why.
    """
    labels = {source.name: read_labels_of(source) for source in sources}
    for source in sources:
        task = labels[source.name]
        complain(f"Found {source.name}: {len(task.items):,} pictures with labels for {task.kind}.")
    joined = join(sources, labels)
    by_name = {one.item.name: one for one in joined}
    items, photos, skipped = decode([one.item for one in joined])
    # Their points are in pixels of the photos now.
    joined = [
        replace(one, item=item, points={name: item.label for name in one.points if isinstance(item.label, np.ndarray)})
        for item in items
        for one in [by_name[item.name]]
    ]
    by_name = {one.item.name: one for one in joined}
    photo_of = dict(zip(by_name, photos, strict=True))
    joined, how = divide(joined, labels)
    known = fingerprint([replace(one.item, label=told(one)) for one in joined])
    shown = [photo_of[one.item.name] for one in joined]
    left, left_photos, copies = without_copies([one.item for one in joined], shown, ())
    for remark in remarks_on(left, left_photos, ()):
        complain(remark)
    parts_of = {one.item.name: one for one in joined}
    kept = [parts_of[item.name] for item in left]
    columns: dict[str, tuple[int, int]] = {}
    width = 0
    for name, task in labels.items():
        first_points = next((one.points[name] for one in kept if name in one.points), None)
        count = 1 if task.kind != KEYPOINTS else 0 if first_points is None else first_points.size
        columns[name] = (width, width + count)
        width += count
    rows = np.full((len(kept), width), np.nan, np.float32)
    for row, one in zip(rows, kept, strict=True):
        for name, value in one.known.items():
            row[columns[name][0]] = value
        for name, points in one.points.items():
            row[slice(*columns[name])] = points.ravel()
    check(labels, columns, rows, kept)
    parts = {part: part_of(part, kept, left_photos, rows) for part in PARTS}
    tasks = {}
    for name, task in labels.items():
        own = {part: alone(parts[part], name, task, columns[name]) for part in PARTS}
        record = OwnData(
            counts={part: len(pictures) for part, pictures in own.items()},
            classes={
                label: [int((own[part].labels == index).sum()) for part in PARTS]
                for index, label in enumerate(task.classes)
            },
            split=how,
            skipped=skipped,
            fingerprint=known,
            copies=copies or None,
        )
        tasks[name] = OwnPictures(task.kind, own, record)
    return OwnHeads(
        parts,
        columns,
        {name: task.kind for name, task in labels.items()},
        {name: task.classes for name, task in labels.items()},
        tasks,
    )


def told(one: Joined) -> np.ndarray:
    """All that is known of a picture, for the fingerprint."""
    points = [value for points in one.points.values() for value in points.flat]
    return np.array([*(one.known[name] for name in sorted(one.known)), *points], np.float32)


def check(
    labels: dict[str, Labels], columns: dict[str, tuple[int, int]], rows: np.ndarray, kept: Sequence[Joined]
) -> None:
    """Each task needs pictures to learn from and to be tested on, and of each class some.

    Raises:
        UserError: what is missing.
    """
    part = np.array([one.item.part for one in kept])
    for name, task in labels.items():
        known = ~np.isnan(rows[:, slice(*columns[name])]).all(axis=1)
        for wanted in ("train", "test"):
            if not (known & (part == wanted)).any():
                raise UserError(f"{name} has no readable picture in {wanted}: add some.")
        values = rows[known & (part == "train"), columns[name][0]]
        if missing := [label for index, label in enumerate(task.classes) if not (values == index).any()]:
            raise UserError(f"{name} has no readable picture of {missing[0]} in train: add some.")
        if task.kind == REGRESSION and values.std() == 0:
            raise UserError(f"All numbers of {name} are {values[0]:g}: there is nothing to learn.")


def part_of(part: str, kept: Sequence[Joined], photos: Sequence[np.ndarray], rows: np.ndarray) -> Pictures:
    """One part of all pictures."""
    own = [index for index, one in enumerate(kept) if one.item.part == part]
    return Pictures(
        "",
        [kept[index].item.path for index in own],
        rows[own],
        sources=[kept[index].source for index in own],
        cache={place: photos[index] for place, index in enumerate(own)},
    )


def alone(pictures: Pictures, name: str, task: Labels, columns: tuple[int, int]) -> Pictures:
    """The pictures that have a label of one task, as they would be if there were no others."""
    values = pictures.labels[:, slice(*columns)]
    own = np.flatnonzero(~np.isnan(values).all(axis=1)).tolist()
    if task.kind == KEYPOINTS:
        labels = values[own].reshape(len(own), -1, 2)
    else:
        labels = values[own, 0].astype(np.int64 if task.kind == CLASSIFICATION else np.float32)
    return Pictures(
        name,
        [pictures.paths[index] for index in own],
        labels,
        task.classes,
        sources=[""] * len(own) if task.kind == KEYPOINTS else [],
        cache={place: pictures.cache[index] for place, index in enumerate(own)},
        whole=task.kind == KEYPOINTS,
    )
