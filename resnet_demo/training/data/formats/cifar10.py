"""CIFAR-10 (Krizhevsky 2009): the archive of the Python or of the binary version, packed or not, or a folder a class.

Both have five batches of 10,000 pictures to learn from and one for testing. A picture is 3,072 bytes: 32 rows of 32
red values, then green, then blue. In the binary version each follows a byte with its class; the Python version is
pickled, and read by an unpickler that knows arrays alone. Others pass the pictures on as files: ``train/`` and
``test/`` with a folder for each class.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.tasks import CLASSIFICATION
from resnet_demo.training.data.formats import plain_pickle
from resnet_demo.training.data.formats.format import Format
from resnet_demo.training.data.own_items import SUFFIXES, Found, Item

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = {**{f"data_batch_{number}": "train" for number in range(1, 6)}, "test_batch": "test"}
FOLDERS = ("cifar-10-batches-bin", "cifar-10-batches-py")
ARCHIVES = ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz")
SIDE = 32
BYTES = 3 * SIDE * SIDE
MOST_BYTES = 50_000_000  # of a batch; they have 31 million
CHUNK = 1_000_000  # bytes that are read at a time


def find(data: Path) -> Path | None:
    if data.is_file():
        return data if data.name in ARCHIVES else None
    for folder in (data, *(data / name for name in FOLDERS)):
        if any((folder / f"test_batch{ending}").is_file() for ending in ("", ".bin")):
            return folder
    if all((data / part / name).is_dir() for part in ("train", "test") for name in CLASSES):
        return data
    return next((path for name in ARCHIVES if (path := data / name).is_file()), None)


def read(path: Path) -> Found:
    """Every picture, with val chosen from the batches to learn from."""
    if (path / "train").is_dir():
        return Found([item for part in ("train", "test") for item in files(path, part)], CLASSES)
    contents = packed(path) if path.is_file() else unpacked(path)
    items = []
    for batch, part in BATCHES.items():
        for ending in (".bin", ""):
            if (content := contents.get(batch + ending)) is not None:
                pictures, labels = (binary if ending else pickled)(content, path, batch + ending)
                items += [
                    Item(path, f"{batch}/{row}", int(label), part=part, pixels=pixels)
                    for row, (pixels, label) in enumerate(zip(pictures, labels, strict=True))
                ]
                break
        else:
            raise UserError(f"{path} has no {batch}: download CIFAR-10 again.")
    return Found(items, CLASSES)


def files(folder: Path, part: str) -> Iterator[Item]:
    """The picture files of a part, by class and name."""
    for label, name in enumerate(CLASSES):
        for path in sorted((folder / part / name).iterdir()):
            if path.suffix.lower() in SUFFIXES:
                yield Item(path, path.relative_to(folder).as_posix(), label, part=part)


def unpacked(folder: Path) -> dict[str, bytes]:
    """Name → content of the batches in a folder."""
    paths = [folder / (batch + ending) for batch in BATCHES for ending in ("", ".bin")]
    return {path.name: path.read_bytes() for path in paths if path.is_file() and path.stat().st_size <= MOST_BYTES}


def packed(archive: Path) -> dict[str, bytes]:
    """The same of an archive, of which nothing is written to the disk."""
    found = {}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = member.name.rsplit("/", 1)[-1]
                if name.removesuffix(".bin") in BATCHES and member.isfile() and member.size <= MOST_BYTES:
                    content = tar.extractfile(member)
                    assert content is not None  # It is a file.
                    found[name] = content.read()
            assert tar.fileobj is not None  # It is open.
            while tar.fileobj.read(CHUNK):  # The checksum of a packed file stands at its end.
                pass
    except (OSError, EOFError, tarfile.TarError, zlib.error):
        raise UserError(f"{archive} is cut off or damaged: download it again.") from None
    return found


def binary(content: bytes, path: Path, batch: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 (n, 32, 32, 3) and classes (n,) of a batch of the binary version."""
    if len(content) % (BYTES + 1):
        raise broken(path, batch)
    rows = np.frombuffer(content, np.uint8).reshape(-1, BYTES + 1)
    return checked(rows[:, 1:], rows[:, 0], path, batch)


def pickled(content: bytes, path: Path, batch: str) -> tuple[np.ndarray, np.ndarray]:
    """The same of the Python version."""
    try:
        record = plain_pickle.loads(content)
        rows, labels = np.asarray(record[b"data"]), np.asarray(record[b"labels"])
    except Exception:  # A broken pickle raises anything.
        raise broken(path, batch) from None
    return checked(rows, labels, path, batch)


def checked(rows: np.ndarray, labels: np.ndarray, path: Path, batch: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, 3072) as pictures, and their classes."""
    fits = rows.dtype == np.uint8 and rows.shape == (len(labels), BYTES) and labels.ndim == 1
    if not fits or not len(labels) or labels.min() < 0 or labels.max() >= len(CLASSES):
        raise broken(path, batch)
    return np.ascontiguousarray(rows.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)), labels


def broken(path: Path, batch: str) -> UserError:
    return UserError(f"{path}: {batch} is no batch of CIFAR-10: download it again.")


FORMAT = Format("CIFAR-10, split as published", CLASSIFICATION, find, read)
