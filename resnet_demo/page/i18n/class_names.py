"""Class names in Chinese and Latin, from the tables in ``class_names``; programs always get the English labels.

Where a label of the data set names another plant than its pictures show (those of Oxford's "Watercress" are garden
nasturtiums, those of "Ball Moss" pink quills, those of "Pelargonium" lilac hibiscus), the table has what they show.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from resnet_demo.page.i18n.texts import fixed, language
from resnet_demo.tasks import BUNDLED

FOLDER = Path(__file__).parent / "class_names"


def chinese(task: str, label: str) -> str | None:
    """The Chinese name of a class, or None where there is none."""
    return _names(task).get(label, (None, None))[0]


def latin(task: str, label: str) -> str | None:
    """The botanical name of a class, of a species, genus or family as far as the class is that narrow, or None."""
    return _names(task).get(label, (None, None))[1]


def shown(task: str, label: str) -> str:
    """The name of a class in the visitor's language; the label where there is none."""
    name = chinese(task, label)
    if name is None:
        return label
    return fixed(lambda: name if language() == "zh" else label)


def label_of(task: str, name: str | None) -> str | None:
    """What ``shown`` gives, or what somebody typed → the label; a name that is not Chinese stays as it is."""
    wanted = (name or "").strip()
    return next((label for label, (title, _) in _names(task).items() if title == wanted), name)


@cache
def _names(task: str) -> dict[str, tuple[str, str]]:
    """Label → (Chinese, Latin); of classes that a task takes over from another's pictures, theirs."""
    file = FOLDER / f"{Path(task).name}.csv"
    if not file.is_file():
        return {}
    before = BUNDLED[task].pictures if task in BUNDLED else ""
    names = dict(_names(before)) if before else {}
    with file.open(encoding="utf-8", newline="") as lines:
        return names | {row["label"]: (row["chinese"], row["latin"]) for row in csv.DictReader(lines)}
