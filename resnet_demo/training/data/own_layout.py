"""In which layout somebody's pictures come: a known format, class folders, split or not, or a table of one kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from resnet_demo.errors import UserError
from resnet_demo.images.class_folders import SPLITS, check_classes, folders_in, holds_only_folders, unwrapped, visible
from resnet_demo.tasks import CLASSIFICATION, KEYPOINTS
from resnet_demo.training.data.formats.format import Format
from resnet_demo.training.data.formats.registry import recognise
from resnet_demo.training.data.own_keypoints import are_points
from resnet_demo.training.data.own_labels import PARTS, names_pictures
from resnet_demo.training.data.tables import TABLES, Table, read_table

METADATA = ("metadata.csv", "metadata.jsonl")  # what Hugging Face's imagefolder calls its table


@dataclass(frozen=True)
class Layout:
    """How a data set lies there.

    Attributes:
        kind: classification or keypoints.
        table: the table that names the pictures, or None.
        folders: train, val and test → the folder that holds the classes of that part; empty where it is not split.
        unused: files and folders that are left out, by name.
        format, source: of a data set in a known format: that, and what it is read from.
    """

    kind: str
    table: Table | None = None
    folders: dict[str, Path] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    format: Format | None = None
    source: Path | None = None

    @property
    def title(self) -> str:
        """What was found, in words."""
        if self.format:
            return self.format.title
        if self.table:
            return f"{self.table.path.name}, a table of {'keypoints' if self.kind == KEYPOINTS else 'classes'}"
        if self.folders:
            return f"the folders {', '.join(f'{folder.name}/' for folder in self.folders.values())}, split already"
        return "one folder a class"


def find_layout(data: Path) -> Layout:
    """The layout of what ``data`` is or holds.

    Raises:
        UserError: it is nothing that can be trained on.
    """
    if not data.exists():
        raise UserError(
            f"There is no {data}: pass a folder with one subfolder a class, or a CSV of pictures and their classes or "
            "keypoints."
        )
    if known := recognise(data):
        return Layout(known[0].kind, format=known[0], source=known[1])
    if data.is_file():
        if data.suffix.lower() not in TABLES:
            raise UserError(
                f"{data} is no table, and in no format that is known here: pass the folder that holds your pictures."
            )
        return table_layout(read_table(data))
    tables = [path for path in visible(data) if path.is_file() and is_table(path)]
    names = tuple(path.name for path in tables)
    parts = split_folders(data)
    if parts or has_classes(data):
        if len(tables) == 1 and (found := keypoints_in(tables[0])):
            return found
        used = {folder.name for folder in parts.values()}
        folders = tuple(f"{path.name}/" for path in folders_in(data) if path.name not in used) if parts else ()
        whole = {part: path if table_in(path) else unwrapped(path) for part, path in parts.items()}
        return Layout(CLASSIFICATION, folders=whole, unused=names + folders)
    if named := table_in(data):
        return table_layout(read_table(named))
    if len(tables) > 1:
        raise UserError(
            f"{data} holds several CSV files ({', '.join(names)}): pass the one with the keypoints, or the classes, "
            "itself."
        )
    if tables:
        return table_layout(read_table(tables[0]))
    return Layout(CLASSIFICATION)  # Reading it says what is missing.


def is_table(path: Path) -> bool:
    """Whether a file in a folder of pictures is taken for a table; a text may be anything."""
    return path.suffix.lower() in (".csv", ".tsv") or path.name.lower() in METADATA


def table_in(folder: Path) -> Path | None:
    """The table of Hugging Face's imagefolder."""
    return next((path for name in METADATA if (path := folder / name).is_file()), None)


def table_layout(table: Table) -> Layout:
    """That of a table: two columns are a picture and its class."""
    columns = len(table.lines[0][1]) if table.lines else 0
    return Layout(CLASSIFICATION if columns == 2 or (columns and not are_points(table)) else KEYPOINTS, table)


def keypoints_in(path: Path) -> Layout | None:
    """The layout of a table beside folders of pictures, if it holds these pictures' keypoints."""
    try:
        found = table_layout(read_table(path))
    except UserError:
        return None
    return found if found.kind == KEYPOINTS and found.table and names_pictures(found.table) else None


def has_classes(data: Path) -> bool:
    """Whether the subfolders of ``data`` can be classes."""
    folders = folders_in(data)
    try:
        check_classes(data, folders)
    except UserError:
        return False
    return sum(bool(visible(folder)) for folder in folders) > 1


def is_divided(folder: Path) -> bool:
    """Whether a folder says of its pictures what they show."""
    return holds_only_folders(folder) or table_in(folder) is not None


def split_folders(data: Path) -> dict[str, Path]:
    """train, val and test → the folders of these names that hold class folders, or a table of their own; none where
    the data set is not divided so."""
    found: dict[str, Path] = {}
    for folder in folders_in(data):
        if part := SPLITS.get(folder.name.lower()):
            if part in found:
                return {}
            found[part] = folder
    if len(found) < 2 or "train" not in found:
        return {}
    ready = {part: found[part] for part in PARTS if part in found and is_divided(found[part])}
    return ready if "train" in ready else {}
