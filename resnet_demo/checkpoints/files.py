"""The files of a checkpoint: read and verified, written complete or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from resnet_demo.errors import UserError

LFS_POINTER = b"version https://git-lfs"


MODEL, CONFIG, CARD, INDEX = "model.safetensors", "config.json", "README.md", "index.json"
OWN_INDEX = "own.json"  # the user's own tasks, beside INDEX


def read_verified(path: Path, size: int | None, sha256: str | None) -> bytes:
    """The bytes of a file that has the expected size and hash; read once, so that what is used is what was checked.

    What is None is not known, and not checked.

    Raises:
        UserError: it cannot be read, or is another or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            "The weights {path} cannot be read ({reason}): fetch the repository's weights again.",
            path=path,
            reason=reason,
        ) from error
    if data.startswith(LFS_POINTER):
        raise UserError(
            "{path} is a Git LFS pointer, not the weights: run `git lfs pull` in the repository.", path=path
        )
    if size is not None and len(data) != size:
        raise UserError(
            "The weights {path} are damaged, {size:,} bytes instead of {wanted:,}: fetch the file again.",
            path=path,
            size=len(data),
            wanted=size,
        )
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise UserError("The weights {path} are damaged, their SHA-256 is another: fetch the file again.", path=path)
    return data


def read_json_file(path: Path) -> dict[str, object]:
    """The object in a JSON file."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            "{path} cannot be read ({reason}): fetch the repository's weights again.", path=path, reason=reason
        ) from error
    except ValueError as error:
        raise UserError("{path} is not valid JSON ({error}): fetch it again.", path=path, error=error) from error
    if not isinstance(record, dict):
        raise UserError("{path} does not hold a JSON object: fetch it again.", path=path)
    return record


def json_bytes(record: Mapping[str, object]) -> bytes:
    return (json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def write_file(path: Path, data: bytes) -> None:
    """Write a file at once: under another name in the same folder, then renamed over the old one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp makes files that nobody else can read; others may serve what this user trained.
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
