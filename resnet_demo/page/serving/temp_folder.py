"""Visitors' files: all of them lie in one folder, which is swept by age and size, and removed when the page stops.

Gradio 6.31 deletes only what its own lists name: not our pictures, not what an interrupted upload leaves, and nothing
after a restart.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Collection, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from resnet_demo.errors import UserError
from resnet_demo.page.i18n.texts import say

log = logging.getLogger(__name__)

EVERY = 600  # seconds between two sweeps
PERMANENT = ("pictures", "tmp")  # Folders that are kept though empty: files are made in them at any time.
NEW = 60  # Seconds in which an empty folder is taken for one that is about to be filled.
FOLDER = "resnet-demo"


def own_folder(environment: MutableMapping[str, str], host: str, port: int) -> Path:
    """Make this server's own folder, empty, and let Gradio and ``tempfile`` use it.

    It lies in ``GRADIO_TEMP_DIR``, or in the system's folder for such files. Folders of servers that ended without
    removing theirs lie beside it.

    Raises:
        UserError: it cannot be made.
    """
    base = Path(environment.get("GRADIO_TEMP_DIR") or tempfile.gettempdir()).absolute()
    # Others on this machine cannot take the name in advance: theirs has another user's number.
    folder = base / f"{mine()}{re.sub(r'[^0-9A-Za-z]+', '_', host)}-{port}"
    try:
        base.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink() or folder.exists():
            _remove(folder)
        folder.mkdir(mode=0o700)
        for name in PERMANENT:
            (folder / name).mkdir()
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise UserError(say("temp_refused", folder=str(base), reason=reason)) from error
    environment["GRADIO_TEMP_DIR"] = str(folder)
    tempfile.tempdir = str(folder / "tmp")
    return folder


def mine() -> str:
    """What the names of this user's folders begin with."""
    return f"{FOLDER}-{os.getuid() if hasattr(os, 'getuid') else 0}-"


@dataclass(frozen=True)
class _File:
    path: str
    changed: float
    size: int


class Sweeper:
    """Deletes what is old in a folder, and the oldest files where there is too much.

    Args:
        folder: this server's own.
        keep_seconds: age at which a file or an empty folder goes.
        max_bytes: most bytes that all files may have together.
        kept: gives the paths of files that stay, such as the page's examples.
        used: gives the paths of files whose age does not count, such as those of lessons that are not over.
        forget: called with the paths that were deleted.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path,
        keep_seconds: float,
        max_bytes: int,
        kept: Callable[[], Collection[str]] = tuple,
        used: Callable[[], Collection[str]] = tuple,
        forget: Callable[[Collection[str]], None] = lambda paths: None,
        clock: Callable[[], float] = time.time,
    ):
        self.folder, self.keep_seconds, self.max_bytes = folder, keep_seconds, max_bytes
        self.kept, self.used, self.forget, self.clock = kept, used, forget, clock
        self._new_bytes = 0
        self._wake, self._stopped = threading.Event(), False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Sweep now and every ten minutes, in a thread."""
        threading.Thread(target=self._run, name="sweeper", daemon=True).start()

    def added(self, size: int) -> None:
        """Bytes came in: so many that the bound may be passed before the next sweep are a reason to sweep at once."""
        with self._lock:
            self._new_bytes += size
            if self._new_bytes * 10 > self.max_bytes:
                self._new_bytes = 0
                self._wake.set()

    def sweep(self) -> set[str]:
        """Delete what is due → paths of the deleted files."""
        now, kept, used, removed = self.clock(), set(self.kept()), set(self.used()), set()
        files, folders = _listed(str(self.folder))
        left = []
        for file in files:
            if file.path in kept:
                continue
            if now - file.changed >= self.keep_seconds and file.path not in used:
                removed |= _unlinked(file.path)
            else:
                left.append(file)
        excess = sum(file.size for file in left) - self.max_bytes
        for file in sorted(left, key=lambda file: file.changed):
            if excess <= 0:
                break
            removed |= _unlinked(file.path)
            excess -= file.size
        permanent = {str(self.folder), *(str(self.folder / name) for name in PERMANENT)}
        for path, changed in folders:  # The deepest come first.
            if path not in permanent and now - changed >= NEW:
                try:
                    os.rmdir(path)
                except OSError:
                    continue  # Not empty.
        self.forget(removed)
        return removed

    def sweep_abandoned(self) -> None:
        """Delete the folders, beside this one, of this user's servers that are gone: a living one marks its own."""
        os.utime(self.folder, (self.clock(), self.clock()))
        for folder in self.folder.parent.glob(f"{mine()}*"):
            try:
                if self.clock() - folder.lstat().st_mtime >= max(self.keep_seconds, 3 * EVERY):
                    _remove(folder)
            except OSError:
                continue

    def stop(self) -> None:
        """End, and delete everything."""
        self._stopped = True
        self._wake.set()
        try:
            _remove(self.folder)
        except OSError as error:
            log.warning("The visitors' files in %s could not be deleted: %s", self.folder, error.strerror)

    def _run(self) -> None:
        while not self._stopped:
            try:
                self.sweep_abandoned()
                self.sweep()
            except Exception:
                log.exception("Sweeping %s failed.", self.folder)
            self._wake.wait(EVERY)
            self._wake.clear()


def _listed(root: str) -> tuple[list[_File], list[tuple[str, float]]]:
    """The files below a folder, and the folders with the time of their last change, the deepest first."""
    files, folders = [], []
    for path, _, names in os.walk(root, topdown=False):
        for name in names:
            place = os.path.join(path, name)
            try:
                found = os.lstat(place)
            except OSError:
                continue
            # A copy keeps the time of what it was copied from; only the change of its record is its own.
            files.append(_File(place, max(found.st_mtime, found.st_ctime), found.st_size))
        try:
            folders.append((path, os.stat(path).st_mtime))
        except OSError:
            continue
    return files, folders


def _unlinked(path: str) -> set[str]:
    try:
        os.unlink(path)
    except OSError:
        return set()
    return {path}


def _remove(folder: Path) -> None:
    """Remove a folder of this user; a link or a folder of somebody else is refused."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
        raise OSError(0, "it belongs to somebody else")
    shutil.rmtree(folder, ignore_errors=True)
