"""What goes into a repository of weights: the index, and the folder of each checkpoint with its card."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_demo import checkpoints
from resnet_demo.checkpoints import CARD, CONFIG, INDEX, MODEL, Config, IndexRecord
from resnet_demo.checkpoints.hub import HubSource
from resnet_demo.checkpoints.steps import PROGRAM
from resnet_demo.errors import UserError
from resnet_demo.publish.elsewhere import howto, root_files, shown
from resnet_demo.publish.files import File

if TYPE_CHECKING:
    from resnet_demo.training.cards.metadata import Head

LICENCE = "LICENSE.md"  # as the Hub spells it
TRAIN = "train and bundle it again, or restore weights/ with `git checkout -- weights`"


@dataclass(frozen=True)
class Selection:
    """Records of ``index.json``.

    Attributes:
        records: those that are published.
        left_out: the user's own tasks that were not named.
    """

    records: tuple[IndexRecord, ...]
    left_out: tuple[str, ...]

    @property
    def local(self) -> list[IndexRecord]:
        """Records whose weights lie here; the others are on the Hub only."""
        return [record for record in self.records if has_weights(record)]

    @property
    def configs(self) -> list[Config]:
        """The ``config.json`` of each that lies here."""
        return [config_of(record) for record in self.local]


def has_weights(record: IndexRecord) -> bool:
    return bool(record.file) and weights_file(record).is_file()


def weights_file(record: IndexRecord) -> Path:
    """Where the weights of a record that names a file lie, or should."""
    return checkpoints.weights_folder() / (record.file or "")


def place_of(record: IndexRecord) -> str:
    """Its folder where it is published; that of a single checkpoint, which has no index, as in any other."""
    folder = weights_file(record).parent.relative_to(checkpoints.weights_folder()).as_posix()
    return f"{record.task}/resnet{record.depth}" if folder == "." else folder


def placed(record: IndexRecord) -> IndexRecord:
    """The record as it is in an index there."""
    if not has_weights(record):
        return record
    place = place_of(record)
    return record.changed(file=f"{place}/{MODEL}", config=f"{place}/{CONFIG}")


def config_of(record: IndexRecord) -> Config:
    return checkpoints.read_config((checkpoints.weights_folder() / (record.config or "")).parent)


def choose(tasks: Sequence[str] = (), all_tasks: bool = False, depths: Sequence[int] = ()) -> Selection:
    """The checkpoints to publish, checked against ``index.json``.

    Args:
        tasks: these and no others; empty: all but those trained on pictures of the user's own.
        all_tasks: these too.
        depths: of these alone; empty: of all that there are.

    Raises:
        UserError: no such task or depth, or the index and the files are out of step.
    """
    root = checkpoints.weights_folder()
    known = checkpoints.read_index(root)
    names = sorted({record.task for record in known})
    if unknown := [task for task in tasks if task not in names]:
        raise UserError(f"There are no weights for the task {unknown[0]!r}: choose of {', '.join(names)}.")
    own = checkpoints.own_tasks()
    wanted = set(tasks) or {name for name in names if all_tasks or name not in own}
    records = tuple(record for record in known if record.task in wanted)
    there = sorted({record.depth for record in records})
    if missing := [depth for depth in depths if depth not in there]:
        raise UserError(f"There are no weights at depth {missing[0]}: choose of {', '.join(map(str, there))}.")
    records = tuple(record for record in records if not depths or record.depth in depths)
    if not records:
        raise UserError("There are no weights to publish: train some, or name tasks of your own with --tasks.")
    for record in records:
        check(root, record)
    return Selection(records, tuple(sorted(own - wanted)))


def check(root: Path, record: IndexRecord) -> None:
    """A record must be what its files are.

    Raises:
        UserError: one sentence that names the file.
    """
    if not has_weights(record) and record.hub:
        return
    path, name = weights_file(record), f"{root.name}/{record.file}"
    if not path.is_file():
        raise UserError(f"{root.name}/{INDEX} lists {name}, which is not there: {TRAIN}; nothing was sent.")
    data = path.read_bytes()
    if data.startswith(checkpoints.LFS_POINTER):
        raise UserError(f"{name} is a Git LFS pointer, not the weights: run `git lfs pull`; nothing was sent.")
    if record.trunk:
        checkpoints.read_verified(path.parent / record.trunk.file, record.trunk.bytes, record.trunk.sha256)
    if len(data) != record.bytes or hashlib.sha256(data).hexdigest() != record.sha256:
        raise UserError(f"{name} is not the file that {root.name}/{INDEX} describes: {TRAIN}; nothing was sent.")
    if config_of(record).weights.sha256 not in (None, record.sha256):
        raise UserError(
            f"{root.name}/{record.config} describes other weights than {root.name}/{INDEX}: {TRAIN}; nothing was sent."
        )


def weights_files(selection: Selection, repo: str) -> list[File]:
    """The index, the card of the repository with its plots, each checkpoint's files, and one for other programs."""
    root = checkpoints.weights_folder()
    body, plots = describe(root, selection)
    face = shown([weights_file(record).parent for record in selection.local])
    if face:
        body += howto(face, repo).encode()
    files = [File(INDEX, index_for_hub(selection.records)), File(CARD, body), File(LICENCE, licence(selection)), *plots]
    for record in selection.local:
        folder, place = weights_file(record).parent, place_of(record)
        files += [
            File(f"{place}/{name}", folder / name if name == MODEL else without_paths(folder / name))
            for name in (MODEL, CONFIG, CARD)
            if (folder / name).is_file()
        ]
    files += trunk_files(selection, {file.path for file in files})
    return files + (root_files(face) if face else [])


def trunk_files(selection: Selection, sent: Collection[str]) -> list[File]:
    """The files with all but the head that checkpoints need, those that are ``sent`` anyway left out."""
    files = {}
    for record in selection.local:
        if record.trunk:
            file = weights_file(record).parent / record.trunk.file
            files[record.trunk.path_from(place_of(record))] = Path(os.path.normpath(file))
    return [File(path, file) for path, file in files.items() if path not in sent]


def without_paths(path: Path) -> Path | bytes:
    """A configuration or card in which no command names folders of this machine, only the last part of their names."""
    words = {word for line in commands_in(checkpoints.read_config(path.parent).record) for word in words_of(line)}
    # NAME=FOLDER is a task and its pictures, --data=FOLDER an option.
    parts = {part for word in words for part in (word, word.partition("=")[2])}
    local = {part for part in parts if Path(part).is_absolute() and Path(part).name}
    if not local:
        return path
    text = path.read_text(encoding="utf-8")
    for word in sorted(local, key=len, reverse=True):
        for written in (word, json.dumps(word, ensure_ascii=False)[1:-1]):
            text = text.replace(written, Path(word).name)
    return text.encode()


def commands_in(record: object) -> Iterator[str]:
    """All texts of a configuration in which a command may stand, such as ``commands`` and ``ranges.command``."""
    if isinstance(record, str):
        yield record
    elif isinstance(record, Mapping):
        for value in record.values():
            yield from commands_in(value)
    elif isinstance(record, Sequence):
        for value in record:
            yield from commands_in(value)


def words_of(line: str) -> list[str]:
    """The words of a command of ours; none of any other text."""
    try:
        words = shlex.split(line)
    except ValueError:
        return []
    return words if words[: len(PROGRAM)] == [*PROGRAM] else []


def index_for_hub(records: Sequence[IndexRecord]) -> bytes:
    """``index.json`` as it is in the repository: what lies beside it needs no ``hub``, all else has no file there."""
    elsewhere = dict.fromkeys(("file", "config", "bytes", "sha256"))
    here = {"hub": None}
    return checkpoints.index_bytes(
        [placed(record).changed(**(here if has_weights(record) else elsewhere)) for record in records]
    )


def describe(root: Path, selection: Selection) -> tuple[bytes, list[File]]:
    """The repository's README.md, and the plots that it shows."""
    from resnet_demo.training.cards.card import card_metadata
    from resnet_demo.training.cards.metadata import front_matter, merged

    # The Hub shows a repository as one task: classes, where there are any.
    configs = sorted(selection.configs, key=lambda config: not config.task.labels)
    head = front_matter(with_licence(merged([card_metadata(config) for config in configs])))
    card = root / CARD
    whole = all(record in selection.records for record in checkpoints.read_index(root) if has_weights(record))
    if card.is_file() and whole:
        text = card.read_text(encoding="utf-8")
        plots = [File(path.name, path) for path in sorted(root.glob("*.svg")) if path.name in text]
    else:
        # The bundled one speaks of checkpoints that are not published.
        text, plots = write_anew(root, selection), []
    return f"{head}\n\n{text}".encode(), plots


def with_licence(head: Head) -> Head:
    """A head that says where the terms of a licence with a name of its own are
    (https://huggingface.co/docs/hub/repositories-licenses); beside the name."""
    found: Head = {}
    for key, value in head.items():
        found[key] = value
        if key == "license_name":
            found["license_link"] = LICENCE
    return found


def licence(selection: Selection) -> bytes:
    """The terms of the weights: those of the data that each task's were trained on."""
    from resnet_demo.training.cards.report import data_licences

    files = [weights_file(record).parent / record.trunk.file for record in selection.local if record.trunk]
    trunks = [checkpoints.read_config(Path(os.path.normpath(file)).parent) for file in files]
    return ("# Licences of the weights\n\n" + "\n".join(data_licences([*selection.configs, *trunks])) + "\n").encode()


def write_anew(root: Path, selection: Selection) -> str:
    from resnet_demo.training.cards import report
    from resnet_demo.training.cards.timings import stored_timings

    stored = stored_timings(root)
    chosen = {record.key for record in selection.local}
    entries = [entry for entry in checkpoints.bundled() if (entry.task, entry.depth) in chosen]
    lines = [report.describe(entry, stored) for entry in entries]
    return report.readme(lines, stored, set())


def source(record: IndexRecord, repo: str, revision: str) -> HubSource:
    """Where a checkpoint that lies here is in ``repo``."""
    return HubSource(repo, revision, placed(record).file or "", record.sha256, record.bytes)


def record_revision(selection: Selection, repo: str, revision: str) -> None:
    """Write into the local index where on the Hub each published checkpoint is.

    The index is read anew, since a training run may have added to it meanwhile; a checkpoint that has changed since it
    was sent gets no revision.
    """
    root = checkpoints.weights_folder()
    sent = {record.key: record.sha256 for record in selection.local}

    def with_source(records: list[IndexRecord]) -> list[IndexRecord]:
        return [
            record.changed(hub=source(record, repo, revision))
            if record.key in sent and sent[record.key] == record.sha256
            else record
            for record in records
        ]

    with checkpoints.locked(root):
        checkpoints.edit(root, with_source)
