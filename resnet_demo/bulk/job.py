"""A folder of parts beside the table that is to be: what is done is there, whole, and what is not is done next time."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from filelock import FileLock, Timeout

from resnet_demo.bulk.pictures import Item, listed
from resnet_demo.bulk.rows import Row, columns
from resnet_demo.bulk.tables import writer_of
from resnet_demo.errors import UserError
from resnet_demo.tasks import TaskSpec

PART = 256  # pictures: as much work as a stop may cost
LIST, ASKED, LOCK = "pictures.jsonl", "asked.json", "lock"
Part = tuple[int, list[Item]]  # its number, and its pictures
Work = Callable[[Iterator[Part]], Iterator[tuple[int, list[Row]]]]  # parts → their numbers and rows


@dataclass(frozen=True)
class Asked:
    """What a command wants: another one may not go on with its parts.

    Attributes:
        pictures: as they were given.
        weights: the network's SHA-256, empty where it is not known.
    """

    pictures: tuple[str, ...]
    task: str
    depth: int
    weights: str
    top_k: int


@dataclass(frozen=True)
class Done:
    """What came out: pictures, and those of them that have an error in place of an answer."""

    pictures: int
    failed: int


class Job:
    """A table on its way.

    Args:
        output: the table's file; the folder of its parts and, when it is done, its record lie beside it.

    Raises:
        UserError: no format has this ending, or a package for it is missing.
    """

    def __init__(self, asked: Asked, output: Path):
        self.asked, self.output, self.write = asked, output, writer_of(output)
        self.folder = output.with_name(output.name + ".parts")
        self.record = output.with_name(output.name + ".json")

    def finished(self) -> Done | None:
        """What came out, where this command was done before.

        Raises:
            UserError: the table or its parts are of another command.
        """
        if (self.folder / ASKED).exists():
            self._check(_read(self.folder / ASKED), self.folder)
            return None
        if not self.output.exists():
            return None
        found = _read(self.record) if self.record.exists() else {}
        self._check(found.get("asked"), self.output)
        return Done(**found["done"])

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The folder of parts, for this process alone, with the list of all pictures → their number.

        Raises:
            UserError: another process has it, or there are no pictures.
        """
        self.folder.mkdir(exist_ok=True)
        lock = FileLock(self.folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise UserError(f"Another run is at work on {self.output}: wait for it, or stop it.") from error
        try:
            if not (self.folder / ASKED).exists():
                # Once and for all: a folder that changes meanwhile, or what was piped, is the same when it goes on.
                pictures = (item for item in listed(self.asked.pictures) if not self._is_own(item))
                _write(self.folder / LIST, (json.dumps(item) + "\n" for item in pictures))
                _write(self.folder / ASKED, [json.dumps(_plain(self.asked))])
            with (self.folder / LIST).open(encoding="ascii") as file:
                count = sum(1 for _ in file)
            if not count:
                shutil.rmtree(self.folder)
                names = ", ".join(self.asked.pictures)
                raise UserError(f"There are no pictures in {names}: name a photo, a folder, a zip or a list of photos.")
            yield count
        finally:
            lock.release()

    def _is_own(self, item: Item) -> bool:
        """Whether it is a file that this run writes, where the table lies among the pictures."""
        if not isinstance(item, str) or self.output.name not in item:
            return False
        path = os.path.realpath(item)
        own = [os.path.realpath(file) for file in (self.output, self.record)]
        return path in own or path.startswith(os.path.realpath(self.folder) + os.sep)

    def missing(self) -> Iterator[Part]:
        """The parts that are still to be done, in order."""
        with (self.folder / LIST).open(encoding="ascii") as file:
            number = 0
            while lines := list(islice(file, PART)):
                if not self._part(number).exists():
                    yield number, [json.loads(line) for line in lines]
                number += 1

    def keep(self, number: int, rows: Iterable[Row]) -> None:
        """Write a part, whole or not at all."""
        _write(self._part(number), (json.dumps(row) + "\n" for row in rows))

    def finish(self, spec: TaskSpec, count: int) -> Done:
        """All parts to the table, in the order of the list; then its record, and the parts are gone."""
        failed = 0

        def rows() -> Iterator[Row]:
            nonlocal failed
            for number in range(-(-count // PART)):
                with self._part(number).open(encoding="ascii") as file:
                    for row in map(json.loads, file):
                        failed += row["error"] is not None
                        yield row

        fresh = self.output.with_name(self.output.name + ".new")
        self.write(rows(), columns(spec, self.asked.top_k), fresh)
        done = Done(count, failed)
        os.replace(fresh, self.output)
        _write(self.record, [json.dumps({"asked": _plain(self.asked), "done": asdict(done)}, indent=2) + "\n"])
        shutil.rmtree(self.folder)
        return done

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:08}.jsonl"

    def _check(self, found: object, where: Path) -> None:
        if found != _plain(self.asked):
            raise UserError(
                f"{where} is of another command (other pictures, task, depth, weights or --top-k): name another "
                "--output, or delete it."
            )


def run(job: Job, count: int, work: Work, seen: Callable[[int, int], None]) -> None:
    """Do the parts that are missing.

    Args:
        work: does them, in any order.
        seen: called with the pictures that are done, and those there are.
    """
    left = sum(len(items) for _, items in job.missing())
    seen(count - left, count)
    for number, rows in work(job.missing()):
        job.keep(number, rows)
        left -= min(PART, count - number * PART)
        seen(count - left, count)


def _plain(asked: Asked) -> dict[str, object]:
    return asdict(asked) | {"pictures": list(asked.pictures)}


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is damaged: delete it, and {path.parent}'s table is made anew.") from error


def _write(path: Path, lines: Iterable[str]) -> None:
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
