"""The files of an index: ``index.json`` of what comes with the project, ``own.json`` of the user's own tasks.

Git ignores ``own.json``, so that pulling and restoring ``weights/`` leave the user's own tasks alone. Both have the
same form. Whoever changes them holds a lock, so that two trainings that end at once are both listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path

from resnet_demo.checkpoints.files import INDEX, OWN_INDEX, json_bytes, read_json_file, write_file
from resnet_demo.checkpoints.index_record import IndexRecord
from resnet_demo.errors import UserError
from resnet_demo.tasks import BUNDLED
from resnet_demo.utils.json_record import as_json

LOCK = ".index.lock"


def has_index(root: Path) -> bool:
    """Whether a folder lists checkpoints at all."""
    return any((root / name).is_file() for name in (INDEX, OWN_INDEX))


def index_version(root: Path) -> tuple:
    """What changes with the index: ``write_file`` puts another file in the place of the old one."""
    return _version(root / INDEX), _version(root / OWN_INDEX)


def read_index(root: Path) -> list[IndexRecord]:
    """The records of ``index.json`` and ``own.json`` in a folder, by task and depth; read again when one has changed.

    Where both list a checkpoint, ``index.json`` is right about the project's tasks and ``own.json`` about others.

    Raises:
        UserError: both are missing, or one is broken.
    """
    common, own = _records(root / INDEX), _records(root / OWN_INDEX)
    if own is None:
        return list(common) if common is not None else checked(read_json_file(root / INDEX), root / INDEX)  # says why
    listed = {record.key for record in common or ()}
    own = tuple(record for record in own if record.task not in BUNDLED or record.key not in listed)
    replaced = {record.key for record in own}
    return by_key([*(record for record in common or () if record.key not in replaced), *own])


def write_index(root: Path, records: Sequence[IndexRecord], name: str = INDEX) -> None:
    """Write a file of the index at once, its records by task and depth."""
    write_file(root / name, index_bytes(records))


def index_bytes(records: Sequence[IndexRecord]) -> bytes:
    """The text of an ``index.json``, its records by task and depth."""
    return json_bytes({"checkpoints": as_json(by_key(records))})


def locked(root: Path) -> AbstractContextManager:
    """Held while the index of a folder is read and written anew; another process waits."""
    from filelock import FileLock

    return FileLock(root / LOCK)


def put(root: Path, made: IndexRecord) -> None:
    """List a checkpoint, in the place of what had its task and depth; hold ``locked``."""
    own = made.task not in BUNDLED
    edit(root, lambda records: [record for record in records if record.key != made.key], INDEX if own else OWN_INDEX)
    edit(
        root,
        lambda records: [*(record for record in records if record.key != made.key), made],
        OWN_INDEX if own else INDEX,
    )


def edit(root: Path, change: Callable[[list[IndexRecord]], list[IndexRecord]], *names: str) -> None:
    """Change the files of an index, both if none is named; one that would stay as it is is left alone; hold ``locked``.

    Raises:
        UserError: a file is broken.
    """
    for name in names or (INDEX, OWN_INDEX):
        before = list(_records(root / name) or ())
        if (after := change(before)) != before:
            write_index(root, after, name)


def checked(index: Mapping[str, object], where: Path | str) -> list[IndexRecord]:
    """The records of an index by task and depth."""
    records = index.get("checkpoints")
    try:
        if not isinstance(records, list):
            raise ValueError("it has no list")
        return by_key([IndexRecord.from_json(record) for record in records])
    except ValueError as error:
        raise UserError("{where} is not a list of checkpoints: fetch it again.", where=where) from error


def by_key(records: Sequence[IndexRecord]) -> list[IndexRecord]:
    return sorted(records, key=lambda record: record.key)


def _version(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _records(path: Path) -> tuple[IndexRecord, ...] | None:
    """The records of a file; None where it is missing."""
    # The page asks at every event.
    version = _version(path)
    return None if version is None else _read(path, version)


@lru_cache(maxsize=8)
def _read(path: Path, version: tuple[int, int, int]) -> tuple[IndexRecord, ...]:
    """The records of a version of the file."""
    return tuple(checked(read_json_file(path), path))
