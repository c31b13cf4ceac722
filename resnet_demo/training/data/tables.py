"""Tables of pictures as people have them: CSV with commas, semicolons or tabs, with headings or not; JSON lines."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from resnet_demo.errors import UserError
from resnet_demo.training.data.own_items import SUFFIXES

TABLES = (".csv", ".tsv", ".txt", ".jsonl")  # what a table's name may end in
# Headings above pictures, and above classes.
IMAGES = ("image", "file_name", "filename", "file", "image_path", "path", "filepath", "image_id", "image_name", "img")
LABELS = {"label", "labels", "class", "classes", "class_name", "classname", "category", "target", "species", "breed"}
LABELS |= {"classid", "class_id"}
QUOTED = 40  # characters of a cell that are quoted
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


@dataclass(frozen=True)
class Table:
    """A table and the files that it may speak of.

    Attributes:
        path: the file.
        lines: (line number, cells) of every line that is not blank, headings too.
        files: see ``files_below``.
    """

    path: Path
    lines: list[tuple[int, list[str]]] = field(repr=False)
    files: dict[str, list[Path]] = field(repr=False)

    @cached_property
    def names(self) -> list[str]:
        """The headings; empty where there are none."""
        return heading(self) if self.lines else []

    @property
    def rows(self) -> list[tuple[int, list[str]]]:
        """The lines without the headings."""
        return self.lines[1:] if self.names else self.lines

    def locate(self, name: str) -> Path:
        """Where a picture lies: at its path from the table's folder on, else wherever its name exists exactly once;
        its ending may be missing."""
        path = self.path.parent / name.replace("\\", "/")
        for ending in ("", *SUFFIXES):
            whole = path.with_name(path.name + ending) if ending and path.name else path
            if is_file(whole):
                return whole
            if len(found := self.files.get(whole.name, [])) == 1:
                return found[0]
        return path

    def where(self, line: int) -> str:
        """A line, as errors call it."""
        return f"{self.path}, line {line}"


def read_table(path: Path) -> Table:
    """A table, and what lies in its folder.

    Raises:
        UserError: it is no text, or no table.
    """
    lines = read_json_lines(path) if path.suffix.lower() == ".jsonl" else read_lines(path)
    return Table(path, lines, files_below(path.parent))


def read_lines(path: Path) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every line of a CSV that is not blank."""
    text = read_text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=first.count)
    lines = []
    limit = csv.field_size_limit(len(text) + 1)  # A cell may hold all pixels of a picture.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((reader.line_num, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}: save the table as CSV again.") from None
    finally:
        csv.field_size_limit(limit)
    if separator == ";":  # Where people write these, many write 0,5 for a half.
        lines = [(n, [c.replace(",", ".") if _DECIMAL_COMMA.fullmatch(c) else c for c in cells]) for n, cells in lines]
    return lines


def read_json_lines(path: Path) -> list[tuple[int, list[str]]]:
    """The same of a file with a JSON object a line, its keys as headings; what is no text and no number is empty."""
    records = []
    for number_, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict):
                raise UserError(f"{path}, line {number_} is no JSON object: mend or remove it.")
            records.append((number_, record))
    names = list(dict.fromkeys(key for _, record in records for key in record))
    if not names:
        return []

    def cell(value: object) -> str:
        return str(value).strip() if isinstance(value, (str, int, float)) else ""

    return [(0, names), *((line, [cell(record.get(name)) for name in names]) for line, record in records)]


def read_text(path: Path) -> str:
    """The text of a table."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text: save the table as CSV in UTF-8.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({(error.strerror or str(error)).lower()}): check the file.") from None


def files_below(folder: Path) -> dict[str, list[Path]]:
    """File name → where files of that name lie in ``folder`` and below it, hidden ones left out."""
    files: dict[str, list[Path]] = {}
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if not hidden and file.is_file():
            files.setdefault(file.name, []).append(file)
    return files


def is_file(path: Path) -> bool:
    """Whether there is such a file; what is too long for a name is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def heading(table: Table) -> list[str]:
    """The first line's cells where they are headings, else an empty list.

    Headings may be mere numbers: 0 to 135 above 68 points, with nothing above the names.
    """
    _, cells = table.lines[0]
    if cells[0] and (cells[0].lower().endswith(SUFFIXES) or is_file(table.locate(cells[0]))):
        return []
    numbers = [number(cell) if cell else math.nan for cell in cells[1:]]
    counted = any(numbers == list(range(first, first + len(numbers))) for first in (0, 1))
    return cells if not cells[0] or None in numbers or (counted and "." not in cells[0]) else []


def number(cell: str) -> float | None:
    """A cell's number; None where it is none."""
    try:
        return float(cell)
    except ValueError:
        return None


def quoted(cell: str) -> str:
    """A cell as a sentence quotes it: not all of what may be thousands of pixels."""
    return repr(cut(cell))


def cut(cell: str) -> str:
    """The first characters of a cell."""
    return cell if len(cell) <= QUOTED else f"{cell[:QUOTED]}…"


def check_pictures(table: Table, found: list[tuple[int, str, Path]]) -> None:
    """Check that (line, name, path) of the pictures in a table name each once, and that all are there.

    Raises:
        UserError: one is named twice, or missing.
    """
    first: dict[Path, int] = {}
    for line, name, path in found:
        if (before := first.setdefault(path, line)) != line:
            raise UserError(f"{table.where(line)} names {cut(name)} again, after line {before}: keep one line.")
    if missing := [f"{cut(name)} (line {line})" for line, name, path in found if not is_file(path)]:
        names = "a picture that is" if len(missing) == 1 else f"{len(missing)} pictures that are"
        more = " …" if len(missing) > 3 else ""
        raise UserError(f"{table.path} names {names} not there: {', '.join(missing[:3])}{more}.")
