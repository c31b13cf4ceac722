"""The pictures of a split: of a data set, or of the pictures of one's own that a checkpoint was trained with."""

from __future__ import annotations

from pathlib import Path

from resnet_demo.checkpoints import Config
from resnet_demo.errors import UserError
from resnet_demo.training.data.datasets import Pictures, load_pictures
from resnet_demo.training.data.own_images import OwnPictures, read_own


def split_pictures(config: Config, split: str, data: Path | None, own: OwnPictures | None = None) -> Pictures:
    """A split of the pictures that the checkpoint of ``config`` is for.

    Args:
        own: the user's own pictures, where they are in memory still.
    """
    if own:
        return own.parts[split]
    if config.is_own:
        return own_part(config, split, data)
    return load_pictures(config.task.name, (split,), data)


def own_part(config: Config, split: str, data: Path | None) -> Pictures:
    """A part of the pictures that the checkpoint of ``config`` was trained with.

    Raises:
        UserError: no or other pictures in ``data``, or no such part.
    """
    part = own_pictures(config, data).parts.get(split)
    if not part:
        raise UserError(f"{data} has no pictures in {split}: the splits are train, val, test.")
    return part


def own_pictures(config: Config, data: Path | None) -> OwnPictures:
    """The pictures that the checkpoint of ``config`` was trained with.

    Raises:
        UserError: no or other pictures in ``data``.
    """
    name = config.task.name
    if config.head:
        from resnet_demo.training.data.own_heads import moved_to, read_heads, sources_in

        found = read_heads(moved_to(sources_in(config.head.tasks, data), data)).tasks[config.head.name]
        return same_pictures(config, found, data)
    if data is None:
        raise UserError(f"{name} was trained on pictures of your own: pass their folder with --data.")
    return same_pictures(config, read_own(data, name), data)


def same_pictures(config: Config, own: OwnPictures, data: Path | None) -> OwnPictures:
    """The pictures, if they are those that the checkpoint of ``config`` was trained with; else raises a UserError."""
    name, before = config.task.name, config.own
    if before is None or own.record.fingerprint != before.fingerprint:
        was, now = (sum(record.counts.values()) if record else 0 for record in (before, own.record))
        raise UserError(
            f"The pictures in {data or 'its data sets'} ({now}) are not those that {name} was trained with ({was}), so "
            "some of its test pictures could be known to it: restore them, or train again."
        )
    return own
