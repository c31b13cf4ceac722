"""Which pictures there are: named one by one, however many a folder, a list or an archive has."""

from __future__ import annotations

import heapq
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from resnet_demo.errors import UserError
from resnet_demo.images import archives
from resnet_demo.images.archives import Source

SORTED = 100_000  # names that are sorted in memory at a time
Item = str | list[str]  # a path; or an archive's, and the name in it


def listed(arguments: Sequence[str]) -> Iterator[Item]:
    """The pictures as given: of a folder those in it and below it in the order of ``predict``, of a zip the files in
    it, of a ``.txt`` and of ``-``, the standard input, a path a line.

    Raises:
        UserError: an argument has no name, or is an archive that cannot be read.
    """
    for argument in arguments:
        if not argument.strip():
            raise UserError("A photo has no name: name a photo, a folder, a zip or a list of photos.")
        if argument == "-":
            yield from _lines(sys.stdin.buffer)
        elif os.path.isdir(argument):
            yield from files_in(str(Path(argument)))
        elif argument.lower().endswith(".txt"):
            with open(argument, "rb") as file:
                yield from _lines(file)
        elif zipfile.is_zipfile(argument):
            yield from ([argument, info.filename] for info in archives.files_in(_archive(argument)))
        else:
            yield argument


def source_of(item: Item) -> Source:
    """A picture to be read."""
    if isinstance(item, str):
        return Source(item, partial(str, item))
    path, name = item
    return Source(f"{path}/{name}", partial(_read, path, name))


def files_in(folder: str) -> Iterator[str]:
    """The files in a folder in order of name, then those of each subfolder; no hidden ones, and none behind a link to
    a folder."""
    yield from (str(Path(folder, name)) for name in in_order(_names(folder, files=True)))
    for name in in_order(_names(folder, files=False)):
        yield from files_in(str(Path(folder, name)))


def in_order(names: Iterable[str]) -> Iterator[str]:
    """Names in order, of which no more than ``SORTED`` are in memory: portions are sorted, laid on the disk, merged."""
    rest = iter(names)
    with ExitStack() as stack:
        portions: list[Iterable[str]] = []
        while portion := sorted(islice(rest, SORTED)):
            if len(portion) == SORTED:
                file = stack.enter_context(tempfile.TemporaryFile("w+", encoding="ascii"))
                file.writelines(json.dumps(name) + "\n" for name in portion)
                file.seek(0)
                portions.append(map(json.loads, file))
            else:
                portions.append(portion)
        yield from heapq.merge(*portions)


def _names(folder: str, files: bool) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name[0] != "." and (entry.is_file() if files else entry.is_dir(follow_symlinks=False)):
                yield entry.name


def _lines(file: BinaryIO) -> Iterator[str]:
    """The paths in a list; an editor's mark at its beginning is none of their letters."""
    for number, line in enumerate(file):
        path = os.fsdecode(line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line).strip("\r\n")
        if path.strip():
            yield path


@lru_cache(maxsize=4)
def _archive(path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise UserError(f"The archive {path} cannot be opened: pack the photos again.") from error


def _read(path: str, name: str) -> bytes:
    archive = _archive(path)
    return archives.read(archive, archive.getinfo(name))
