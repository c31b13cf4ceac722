"""This project's folder in the user's cache, and when what lies there is still true."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def cache_folder() -> Path:
    """The user's cache folder for what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "resnet-demo"


def state_of(paths: Iterable[Path]) -> bytes:
    """What changes when one of these files does, or their order: names, sizes and times of the last change.

    Raises:
        OSError: one of them cannot be looked at.
    """
    states = ((path.resolve(), path.stat()) for path in map(Path, paths))
    return "".join(f"{path} {state.st_size} {state.st_mtime_ns}\n" for path, state in states).encode()
