"""The user's own tasks in the weights folder: renamed and removed with their files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from resnet_demo.checkpoints.checkpoint import load_folder
from resnet_demo.checkpoints.config import read_config
from resnet_demo.checkpoints.files import CARD, CONFIG, INDEX, MODEL, json_bytes, write_file
from resnet_demo.checkpoints.index import index_record, weights_folder
from resnet_demo.checkpoints.index_file import edit, has_index, locked, read_index, write_index
from resnet_demo.checkpoints.index_record import IndexRecord
from resnet_demo.errors import UserError
from resnet_demo.tasks import BUNDLED
from resnet_demo.tasks.bundled import check_own_name


def own_files(name: str) -> list[Path]:
    """The files of one of the user's own tasks that are there.

    Raises:
        UserError: there is no such task, or it comes with the project.
    """
    root = weights_folder()
    return [file for record in _records(root, name) for file in _files(root, record)]


def remove(name: str) -> None:
    """Take one of the user's own tasks out of the index and delete its files; other files in its folders stay.

    Raises:
        UserError: there is no such task, or it comes with the project.
    """
    root = weights_folder()
    _records(root, name)
    with locked(root):
        records = _records(root, name)
        files = [file for record in records for file in _files(root, record)]
        # First the index: it never names what is not there.
        edit(root, lambda known: [record for record in known if record.task != name])
        _delete(root, files)


def rename(old: str, new: str) -> None:
    """Give one of the user's own tasks another name: in the index, its folders, configurations and cards.

    Its history stays as it was, with the name in the commands that were run.

    Raises:
        UserError: there is no such task, it comes with the project, or the new name is taken or none.
    """
    root = weights_folder()
    _records(root, old)
    check_own_name(new)
    with locked(root):
        records = _records(root, old)
        if any(record.task == new for record in read_index(root)):
            raise UserError("There is a task {name} already: choose another name.", name=new)
        if any((root / new / f"resnet{record.depth}").exists() for record in records):
            raise UserError("{folder} is there already: choose another name.", folder=root / new)
        files = [file for record in records for file in _files(root, record)]
        made = {record.key: _renamed(root, record, new) for record in records}
        edit(root, lambda known: [made.get(record.key, record) for record in known])
        kept = {file for record in made.values() for file in _files(root, record)}
        _delete(root, [file for file in files if file not in kept])


def _records(root: Path, name: str) -> list[IndexRecord]:
    """What the index says of one of the user's own tasks."""
    if name in BUNDLED:
        raise UserError("The task {name} comes with the project and stays as it is: name one of your own.", name=name)
    known = read_index(root) if has_index(root) else []
    if found := [record for record in known if record.task == name]:
        return found
    if own := sorted({record.task for record in known if record.task not in BUNDLED}):
        raise UserError("There is no task {name} of your own: choose of {own}.", name=name, own=", ".join(own))
    raise UserError("There is no task {name}, and none of your own yet: `train --data` makes one.", name=name)


def _folder(root: Path, record: IndexRecord) -> Path | None:
    """Where a checkpoint lies, or None where it is only on the Hub; never outside the weights folder."""
    if record.file is None:
        return None
    folder = (root / record.file).parent
    if not folder.resolve().is_relative_to(root.resolve()):
        raise UserError("{folder} is not inside {root}: take it out of the index by hand.", folder=folder, root=root)
    return folder


def _files(root: Path, record: IndexRecord) -> list[Path]:
    """The files of a checkpoint that are there."""
    folder = _folder(root, record)
    if folder is None:
        return []
    # What ``teach`` wrote has an index of its own; the weights folder's own index is not one.
    names = (MODEL, CONFIG, CARD) if folder == root else (MODEL, CONFIG, CARD, INDEX)
    return [folder / name for name in names if (folder / name).is_file()]


def _delete(root: Path, files: list[Path]) -> None:
    """Delete files, and the folders that are empty then."""
    for file in files:
        file.unlink(missing_ok=True)
    folders = {parent for file in files for parent in (file.parent, file.parent.parent)}
    for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
        if folder != root and folder.is_relative_to(root) and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _renamed(root: Path, record: IndexRecord, new: str) -> IndexRecord:
    """A checkpoint under its new name, beside the old one; in its place where that is the weights folder itself."""
    folder = _folder(root, record)
    if folder is None:
        return record.changed(task=new)
    load_folder(folder)  # what is damaged stays where it is
    config = read_config(folder)
    target = folder if folder == root else root / new / f"resnet{record.depth}"
    target.mkdir(parents=True, exist_ok=True)
    if target != folder:
        write_file(target / MODEL, (folder / MODEL).read_bytes())
    write_file(target / CONFIG, json_bytes(config.changed(task=replace(config.task, name=new)).record))
    if (folder / CARD).is_file():
        text = (folder / CARD).read_text(encoding="utf-8")
        write_file(target / CARD, _card_with_name(text, record.task, new).encode())
    if target != folder and (folder / INDEX).is_file():
        write_index(target, [index_record(target, target)])
    return index_record(root, target).changed(hub=record.record.get("hub"))


def _card_with_name(text: str, old: str, new: str) -> str:
    """A card that calls its task by another name: in its heading, and in what is to be typed."""
    before = r"^# [^\n]*: |\bTask `|--task |\bevaluate |^- name: "
    return re.sub(rf"({before}){re.escape(old)}(?=$|[\s`]|-resnet)", rf"\g<1>{new}", text, flags=re.MULTILINE)
