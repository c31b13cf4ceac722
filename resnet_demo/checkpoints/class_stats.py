"""What was measured of one class, for its fact card: how often it is named right, and what it is mostly taken for.

``bundle`` and ``calibrate`` count it on the test split with the stored file, and keep it in ``config.json`` under
``classes``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from resnet_demo import tasks
from resnet_demo.checkpoints import index as checkpoint_index
from resnet_demo.checkpoints.config import read_config
from resnet_demo.errors import UserError


@dataclass(frozen=True)
class ClassFacts:
    """A class on the test split.

    Attributes:
        label: its name.
        right: how many of its ``shown`` pictures were named right.
        shown: its pictures in the test split; 0 where nothing was counted.
        taken_for: the class that it was most often mistaken for, or None where it never was.
        times: how often that happened.
    """

    label: str
    right: int = 0
    shown: int = 0
    taken_for: str | None = None
    times: int = 0


def facts_of_classes(task: str, depth: int) -> list[ClassFacts]:
    """The facts of every class, in the order of the labels; with ``shown`` 0 where this checkpoint has none.

    Raises:
        UserError: no such task or depth.
    """
    entry = checkpoint_index.find(task, depth)
    # Weights that are not here are not fetched for this. Another depth of the task may have other classes.
    config = None if entry.is_remote else read_config(entry.config.parent)
    labels = config.task.labels if config else checkpoint_index.spec(task).labels
    rows = config.classes if config else ()
    known = [
        ClassFacts(label, row.right, row.shown, None if row.taken_for is None else labels[row.taken_for], row.times)
        for label, row in zip(labels, rows, strict=False)
    ]
    return known + [ClassFacts(label) for label in labels[len(known) :]]


def facts(task: str, depth: int, label: str | int) -> ClassFacts:
    """The facts of a class, see ``facts_of_classes``.

    Args:
        label: the class's name (any case) or index.

    Raises:
        UserError: no such task, depth or class.
    """
    known = facts_of_classes(task, depth)
    spec = replace(checkpoint_index.spec(task), labels=tuple(each.label for each in known))
    index = tasks.class_index(spec, label)
    if index is None:
        raise UserError("Name the class whose facts you want.")
    return known[index]
