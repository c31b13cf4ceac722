"""A table of pictures and their classes: ``image, label``, in any order, with headings or without.

With more columns the headings say which is which, as in Hugging Face's ``metadata.csv`` and ``metadata.jsonl``
(``file_name, label``); ``split`` is kept where it is there, other columns are not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from resnet_demo.errors import UserError
from resnet_demo.training.data.tables import IMAGES, LABELS, Table, check_pictures, cut, is_file, number, quoted

PARTS = ("train", "val", "test")
LOOKED_AT = 50  # lines that tell which column names pictures


@dataclass(frozen=True)
class Labelled:
    """One picture of the table.

    Attributes:
        line: in the file, counted from 1.
        name: the picture, as the table names it.
        path: where it lies.
        label: name of its class.
        part: train, val or test, or empty.
    """

    line: int
    name: str
    path: Path
    label: str
    part: str = ""


def read_labels(table: Table) -> list[Labelled]:
    """The rows of a table of classes, checked; every picture it names is there, though perhaps not readable.

    Raises:
        UserError: which line or column is wrong and why, or which pictures are missing.
    """
    if not table.rows:
        raise UserError(f"{table.path} has headings but no pictures: add a line for each picture.")
    image = image_column(table)
    label = label_column(table, image)
    names = [name.lower() for name in table.names]
    split = names.index("split") if "split" in names else None
    width = len(table.lines[0][1])
    found = []
    for line, cells in table.rows:
        where = table.where(line)
        if len(cells) != width:
            raise UserError(f"{where} has {len(cells)} cells instead of {width}: mend or remove it.")
        name, part = cells[image], cells[split].lower() if split is not None else ""
        if not name:
            raise UserError(f"{where} names no picture: mend or remove it.")
        if not cells[label]:
            raise UserError(f"{where} names no class for {cut(name)}: mend or remove it.")
        if split is not None and part not in PARTS:
            raise UserError(f"{where}: the split is {quoted(part or 'empty')}, but must be one of {', '.join(PARTS)}.")
        found.append(Labelled(line, name, table.locate(name), cells[label], part))
    check_pictures(table, [(row.line, row.name, row.path) for row in found])
    return found


def names_pictures(table: Table) -> bool:
    """Whether most of the first lines name a picture that is there."""
    return bool(table.rows) and 2 * located(table, image_column(table)) > min(len(table.rows), LOOKED_AT)


def image_column(table: Table) -> int:
    """The column that names the pictures: by its heading, else the one in which most are there."""
    names = [name.lower() for name in table.names]
    for name in IMAGES:
        if name in names:
            return names.index(name)
    return max(range(len(table.lines[0][1])), key=lambda column: located(table, column))


def located(table: Table, column: int) -> int:
    """How many cells of a column name a picture, among the first lines."""
    cells = [row[column] for _, row in table.rows[:LOOKED_AT] if len(row) > column]
    return sum(is_file(table.locate(cell)) for cell in cells if cell)


def label_column(table: Table, image: int) -> int:
    """The column of the classes: the only other one, else by its heading.

    Raises:
        UserError: it cannot be told.
    """
    names = table.names or table.lines[0][1]
    others = [column for column in range(len(names)) if column != image]
    if len(others) == 1:
        return others[0]
    if not others:
        raise UserError(
            f"{table.path} has only one column: it needs the picture and its class, or x and y of each point."
        )
    called = [column for column in others if names[column].lower() in LABELS] if table.names else []
    # A label beside its number: the words are what the page shows.
    words = [column for column in called if any(number(row[column]) is None for _, row in table.rows if row[column:])]
    if len(called) == 1 or len(words) == 1:
        return (called if len(called) == 1 else words)[0]
    shown = ", ".join(cut(names[column]) for column in others[:5])
    which = f"its columns {shown}" if table.names else f"the {len(others)} columns after the picture"
    raise UserError(
        f"{table.path} does not tell which of {which} is the class: head the columns image and label, or for keypoints "
        "image, x0, y0, x1, y1 and so on."
    )


def class_names(rows: list[Labelled]) -> tuple[str, ...]:
    """The classes by name; those that are numbers by their size."""
    names = {row.label for row in rows}
    numbers = {name: number(name) for name in names}
    if all(value is not None for value in numbers.values()):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))
