"""Photos out of zip archives that strangers made: read one by one into memory, nothing is ever unpacked to a disk.

So a path in an archive is only a name to show. What costs memory or time has a limit, and each limit has its sentence.
"""

from __future__ import annotations

import io
import os
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from resnet_demo.errors import UserError

MAX_FILES = 500  # in all that is given at once
MAX_FILE_BYTES = 200_000_000  # unpacked, one file: 50 megapixels, uncompressed, with room for metadata
MAX_ARCHIVE_BYTES = 2_000_000_000  # unpacked, all files of one archive together
PIECE = 1 << 20  # most bytes that are read at once; an archive's table of contents is read at once

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OTHER_ARCHIVES = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
# Python's bz2 and LZMA readers unpack a whole block at once, however large it turns out.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LITTER = ("thumbs.db", "desktop.ini")
# What zipfile raises on archives that break the format's rules.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    RuntimeError,
    NotImplementedError,
    OverflowError,
)


@dataclass(frozen=True)
class Source:
    """A file that may be a photo.

    Attributes:
        name: as people know it, with the folders inside an archive; no path on this machine.
        read: gives a path or the file's bytes, for ``decode.open_photo``.

    Raises (``read``):
        UserError: the file cannot be taken out of its archive; one sentence.
    """

    name: str
    read: Callable[[], str | bytes]


@contextmanager
def opened(uploads: Sequence[tuple[str, str]]) -> Iterator[list[Source]]:
    """Every file in what was given, archives replaced by the files in them. Read them before the context ends.

    Folders, hidden files and what macOS and Windows add by themselves are left out. A file that cannot be used, a
    broken archive too, is in the list, and says so when it is read. Names that come twice get a number.

    Args:
        uploads: (path, name) of each file.

    Raises:
        UserError: more than ``MAX_FILES`` files.
    """
    with ExitStack() as stack:
        sources: list[Source] = []
        for path, name in uploads:
            name = clean(name)
            if not _begins_with(path, _ZIP):
                refused = _begins_with(path, _OTHER_ARCHIVES)
                sources.append(Source(name, partial(_refuse, _other_archive()) if refused else partial(str, path)))
                continue
            try:
                found = _entries(stack.enter_context(_open(path)))
            except UserError as error:
                sources.append(Source(name, partial(_refuse, error)))
                continue
            prefix = f"{name}/" if len(uploads) > 1 else ""
            sources += [Source(prefix + source.name, source.read) for source in found]
        if len(sources) > MAX_FILES:
            raise UserError(
                "These are {count:,} files: choose at most {most} at a time.", count=len(sources), most=MAX_FILES
            )
        yield _numbered(sources)


def clean(name: str) -> str:
    """A file's name from anywhere → the same with forward slashes and without what could mislead: drive letters, steps
    upwards, control characters and those that turn the direction of reading."""
    text = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in name.replace("\\", "/"))
    parts = [part.strip() for part in text.split("/")]
    parts = [part for part in parts if part not in ("", ".", "..") and not (len(part) == 2 and part[1] == ":")]
    return "/".join(parts) or "?"


class _Careful(io.BufferedReader):
    """A file that is not read in huge pieces: ``ZipFile`` reads an archive's whole table of contents at once, and makes
    an object of each of its lines."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > PIECE:
            raise UserError("This archive lists too many files: pack at most {most} photos into one.", most=MAX_FILES)
        return super().read(size)


@contextmanager
def _open(path: str) -> Iterator[zipfile.ZipFile]:
    with _Careful(io.FileIO(path)) as file:
        try:
            archive = zipfile.ZipFile(file)
        except UserError:
            raise
        except _DAMAGED as error:
            raise UserError("This archive is cut off or damaged: pack the photos again.") from error
        with archive:
            yield archive


def _entries(archive: zipfile.ZipFile) -> list[Source]:
    """The files of an archive that somebody put there."""
    infos = files_in(archive)
    if sum(info.file_size for info in infos) > MAX_ARCHIVE_BYTES:
        raise UserError(
            "This archive holds more than {size:g} GB when unpacked: pack fewer photos into one.",
            size=MAX_ARCHIVE_BYTES / 1e9,
        )
    return [Source(clean(entry_name(info)), partial(read, archive, info)) for info in infos]


def files_in(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """What somebody put into an archive; not what a system added."""
    return [info for info in archive.infolist() if not info.is_dir() and not _is_litter(entry_name(info))]


def read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A file's bytes; never more than ``MAX_FILE_BYTES``, whatever the archive says about them.

    Raises:
        UserError: it is too large, encrypted, packed in an unusual way, damaged, or an archive itself.
    """
    if info.flag_bits & 0x1:
        raise UserError("This file is encrypted: unpack the archive with its password and choose the photos.")
    if info.compress_type not in _METHODS:
        raise UserError("This file is packed in an unusual way: make an ordinary zip of the photos.")
    too_large = UserError("This file is larger than {size:g} MB: scale the picture down.", size=MAX_FILE_BYTES / 1e6)
    if info.file_size > MAX_FILE_BYTES:
        raise too_large
    content = bytearray()
    try:
        with archive.open(info) as file:
            while piece := file.read(PIECE):
                content += piece
                if len(content) > MAX_FILE_BYTES:
                    raise too_large
    except UserError:
        raise
    except _DAMAGED as error:
        raise UserError("This file is damaged inside its archive: pack the photos again.") from error
    if content.startswith(_ZIP + _OTHER_ARCHIVES):
        raise UserError("This is an archive inside an archive, which is not opened: choose it by itself.")
    return bytes(content)


def entry_name(info: zipfile.ZipInfo) -> str:
    """An entry's name. macOS writes UTF-8 without saying so, which zipfile then takes for the old code page 437."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _is_litter(name: str) -> bool:
    """Whether a system put a file into the archive, not a person."""
    *folders, last = name.replace("\\", "/").split("/")
    return "__MACOSX" in folders or last.startswith(".") or last.lower() in _LITTER


def _begins_with(path: str, signatures: tuple[bytes, ...]) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(8).startswith(signatures)
    except OSError:
        return False  # Whoever opens it as a picture says what is wrong.


def _other_archive() -> UserError:
    return UserError("Of archives, only zip is opened: pack the photos as a zip.")


def _refuse(error: UserError) -> str:
    raise error


def _numbered(sources: list[Source]) -> list[Source]:
    """The same, each name once: the second ``a.jpg`` becomes ``a (2).jpg``."""
    taken: set[str] = set()
    numbered = []
    for source in sources:
        stem, ending = os.path.splitext(source.name)
        name, number = source.name, 1
        while name in taken:
            number += 1
            name = f"{stem} ({number}){ending}"
        taken.add(name)
        numbered.append(Source(name, source.read))
    return numbered
