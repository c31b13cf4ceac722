"""The files of an upload: what they are called there, how large they are, and whether the Hub has them already."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from resnet_demo.errors import UserError

MOST_FILE, MOST_ALL = 125_000_000, 500_000_000  # bytes, of one file and of all
LEFT_OUT = ("__pycache__",)


@dataclass(eq=False)
class File:
    """One file of an upload.

    Attributes:
        path: its path in the repository, with forward slashes.
        source: the file here, or its bytes.
    """

    path: str
    source: Path | bytes

    @cached_property
    def size(self) -> int:
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def read(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.read()).hexdigest()

    @cached_property
    def blob_id(self) -> str:
        """git's hash of it, by which the Hub knows small files."""
        return hashlib.sha1(b"blob %d\0" % self.size + self.read()).hexdigest()


def files_of(folder: Path, prefix: str = "") -> list[File]:
    """All files in a folder and below it, without hidden ones and caches, by path after ``prefix``."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") or part in LEFT_OUT for part in parts):
            found.append(File(prefix + "/".join(parts), path))
    return found


def check_limits(files: Sequence[File]) -> None:
    """Nothing is sent that is larger than what this project gives away.

    Raises:
        UserError: a file or all of them together are too large.
    """
    for file in files:
        if file.size > MOST_FILE:
            raise UserError(
                f"{file.path} has {megabytes(file.size)}, more than the {megabytes(MOST_FILE)} a file may have: "
                "nothing was sent, leave its task out with --tasks."
            )
    total = sum(file.size for file in files)
    if total > MOST_ALL:
        raise UserError(
            f"All files together have {megabytes(total)}, more than the {megabytes(MOST_ALL)} that are allowed: "
            "nothing was sent, choose fewer tasks with --tasks."
        )


def listing(files: Sequence[File]) -> str:
    """A line for each file, bytes and path, and one with the sum."""
    total = sum(file.size for file in files)
    rows = [f"{file.size:>13,}  {file.path}" for file in sorted(files, key=lambda file: file.path)]
    return "\n".join([*rows, f"{total:>13,}  bytes in {len(files)} files"])


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
