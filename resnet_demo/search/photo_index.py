"""An index of photos by their embeddings, in a folder: which photos are most like a given one.

The vectors lie in a usearch index (https://github.com/unum-cloud/usearch, Malkov and Yashunin 2016's HNSW graph), by
cosine and in 16-bit floats; a record beside it says whose they are and by which network they were made.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from resnet_demo import checkpoints
from resnet_demo.errors import UserError
from resnet_demo.images.archives import Source
from resnet_demo.inference.classifier import Classifier
from resnet_demo.teach.features import look
from resnet_demo.utils.packages import need

VECTORS, RECORD = "photos.usearch", "photos.json"
SAVED_EVERY = 2000  # photos: as much work as a stop may cost
Seen = Callable[[int, int], None]  # photos done, and in all


@dataclass(frozen=True)
class Entry:
    """A photo in an index: its file as it was then, to know one that has changed."""

    key: int
    size: int
    changed: int  # nanoseconds since 1970


@dataclass(frozen=True)
class Network:
    """Whose embeddings an index holds."""

    task: str
    depth: int
    weights: str  # SHA-256, empty where it is not known


@dataclass(frozen=True)
class Match:
    """A photo that is like another one; ``similarity`` is the cosine of their embeddings, -1..1."""

    image: str
    similarity: float


class PhotoIndex:
    """See the module.

    Args:
        folder: of the index; see ``update`` and ``PhotoIndex.load``.
    """

    def __init__(self, folder: Path, network: Network, entries: dict[str, Entry], vectors: Any):
        self.folder, self.network, self._entries, self._vectors = folder, network, entries, vectors

    def __len__(self) -> int:
        return len(self._entries)

    @classmethod
    def load(cls, folder: Path) -> PhotoIndex:
        """An index as it was written.

        Raises:
            UserError: there is none, it is damaged, or usearch is missing.
        """
        need("usearch")
        from usearch.index import Index

        try:
            record = json.loads((folder / RECORD).read_text("utf-8"))
            entries = {name: Entry(*entry) for name, entry in record["photos"].items()}
            vectors = Index.restore(str(folder / VECTORS))
            if vectors is None or len(vectors) != len(entries):
                raise ValueError("its two files do not belong together")
            return cls(folder, Network(**record["network"]), entries, vectors)
        except FileNotFoundError as error:
            raise UserError(
                f"There is no index in {folder}: make one with `resnet-demo index PHOTOS --out {folder}`."
            ) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise UserError(f"The index in {folder} is damaged: delete the folder and make it anew.") from error

    @classmethod
    def of(cls, predict: Classifier, folder: Path) -> PhotoIndex:
        """The index in ``folder`` by this network, or an empty one.

        Raises:
            UserError: the one there is damaged or by another network.
        """
        need("usearch")
        network = network_of(predict)
        if (folder / RECORD).exists():
            found = cls.load(folder)
            if found.network != network:
                raise UserError(
                    f"The index in {folder} is of {found.network.task} at depth {found.network.depth}, or of earlier "
                    "weights: choose another --out, or delete the folder."
                )
            return found
        from usearch.index import Index

        width = predict.checkpoint.architecture.width
        return cls(folder, network, {}, Index(ndim=width, metric="cos", dtype="f16"))

    def update(self, predict: Classifier, photos: Path, skipped: Callable[[str, str], None], seen: Seen) -> None:
        """Bring the index up to the photos in a folder and its subfolders: new and changed ones are added, those that
        are gone are left out. It is saved now and then, so that a stopped run goes on where it was.

        Args:
            skipped: called with the name of a file that cannot be used, and why.
        """
        files = {}
        for path in sorted(_files(photos)):
            try:
                files[path.as_posix()] = path.stat()
            except OSError as error:  # A link to nowhere, or it went meanwhile.
                skipped(path.as_posix(), (error.strerror or "unknown reason").lower())
        for name in [name for name, entry in self._entries.items() if not _same(entry, files.get(name))]:
            self._vectors.remove(self._entries.pop(name).key)
        new = [name for name in files if name not in self._entries]
        done = len(files) - len(new)
        seen(done, len(files))
        key = 1 + max((entry.key for entry in self._entries.values()), default=-1)
        unsaved = 0
        for photo in look(predict, [Source(name, partial(str, name)) for name in new]):
            if photo.features is None:
                skipped(photo.name, photo.reason)
            else:
                self._vectors.add(key, photo.features)
                self._entries[photo.name] = Entry(key, files[photo.name].st_size, files[photo.name].st_mtime_ns)
                key, unsaved = key + 1, unsaved + 1
            done += 1
            seen(done, len(files))
            if unsaved == SAVED_EVERY:
                self.save()
                unsaved = 0
        self.save()

    def search(self, embedding: np.ndarray, count: int) -> list[Match]:
        """The photos whose embeddings are nearest, the nearest first."""
        names = {entry.key: name for name, entry in self._entries.items()}
        if not names:
            return []
        found = self._vectors.search(embedding, min(count, len(names)))
        return [Match(names[int(one.key)], 1 - float(one.distance)) for one in found]

    def save(self) -> None:
        """Write it, so that a reader finds the old files or the new ones."""
        self.folder.mkdir(parents=True, exist_ok=True)
        photos = {name: [entry.key, entry.size, entry.changed] for name, entry in self._entries.items()}
        record: Mapping[str, object] = {"network": asdict(self.network), "photos": photos}
        fresh = self.folder / f"{VECTORS}.new", self.folder / f"{RECORD}.new"
        self._vectors.save(str(fresh[0]))
        # Escaped, as names of files need not be UTF-8.
        fresh[1].write_text(json.dumps(record), "utf-8")
        for path, name in zip(fresh, (VECTORS, RECORD), strict=True):
            os.replace(path, self.folder / name)


def network_of(predict: Classifier) -> Network:
    """The record of a bundled network."""
    return Network(predict.task, predict.depth, checkpoints.find(predict.task, predict.depth).sha256 or "")


def _files(folder: Path) -> Iterator[Path]:
    """All files in a folder and its subfolders but the hidden ones."""
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        yield from (Path(path) / name for name in names if name[0] != ".")


def _same(entry: Entry, found: os.stat_result | None) -> bool:
    return found is not None and (entry.size, entry.changed) == (found.st_size, found.st_mtime_ns)
