"""Which of the project's checkpoints store the head alone, beside another task's with the same network up to there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from resnet_demo import checkpoints
from resnet_demo.checkpoints.files import write_file
from resnet_demo.errors import UserError
from resnet_demo.tasks import BUNDLED
from resnet_demo.training.cards.card import model_card
from resnet_demo.training.data.imagenet import TASK


def trunk_owner(folder: Path) -> checkpoints.Entry | None:
    """The project's checkpoint of another of its tasks whose network is that in ``folder`` up to the head."""
    made = checkpoints.load_folder(folder)
    task, depth = made.spec.name, made.depth
    for entry in known_checkpoints() if task in BUNDLED else []:
        # The ImageNet weights are written anew by a way of their own.
        if entry.task in BUNDLED and entry.task not in (task, TASK) and entry.depth == depth and not entry.trunk:
            try:
                other = checkpoints.load_entry(entry)
            except UserError:
                continue  # It cannot be read; whoever asks for it is told.
            if checkpoints.same_arrays(other, made):
                return entry
    return None


def users_of(folder: Path) -> list[Path]:
    """The folders of the checkpoints whose trunk is the file in ``folder``."""
    file = (folder / checkpoints.MODEL).resolve()
    known = [(entry.config.parent, entry.trunk) for entry in known_checkpoints()]
    return [place for place, trunk in known if trunk and (place / trunk.file).resolve() == file]


def leave_to(users: Sequence[Path]) -> None:
    """Give each of these checkpoints, whose trunk is about to be written over, a file with the whole network."""
    for user in users:
        checkpoints.whole_again(user)
        described(user)


def share_again(users: Sequence[Path], folder: Path) -> None:
    """Let those of these checkpoints store the head alone whose network is still that in ``folder``."""
    made = checkpoints.load_folder(folder)
    for user in users:
        if not checkpoints.read_config(folder).trunk and checkpoints.same_arrays(checkpoints.load_folder(user), made):
            share(user, folder / checkpoints.MODEL)


def share(folder: Path, file: Path) -> None:
    """Let a checkpoint store the head alone, beside a file with all else of its network."""
    checkpoints.share_trunk(folder, file)
    described(folder)


def described(folder: Path) -> None:
    """Write the card and the index entry of a checkpoint anew."""
    card = model_card(checkpoints.read_config(folder))
    write_file(folder / checkpoints.CARD, card.encode())
    checkpoints.register(folder)


def known_checkpoints() -> list[checkpoints.Entry]:
    """Those in the weights folder, which may have no index yet."""
    return checkpoints.bundled() if checkpoints.has_index(checkpoints.weights_folder()) else []
