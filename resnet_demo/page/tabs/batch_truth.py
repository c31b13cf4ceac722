"""The tab Many: of photos in folders named as classes, how many are named right, and what the others are taken for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from resnet_demo import tasks
from resnet_demo.checkpoints.proportion import proportion
from resnet_demo.inference import batch
from resnet_demo.page.i18n import class_names
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.widgets.confusion import confusion


def truth(name: str, spec: tasks.TaskSpec) -> str | None:
    """The class that the folder of a file names, as its label or in Chinese; ``_`` and ``-`` are spaces. None where it
    names none."""
    folder = name.replace("\\", "/").rpartition("/")[0].rpartition("/")[2]
    return _labels(spec.name, spec.labels).get(_plain(folder)) if folder else None


@lru_cache(maxsize=16)
def _labels(task: str, labels: tuple[str, ...]) -> dict[str, str]:
    """Plain name → label; of a Chinese name with another one in brackets each."""
    names: dict[str, str] = {}
    for label in labels:
        title = class_names.chinese(task, label) or ""
        names |= {_plain(name): label for name in (title, *re.split("[（）]", title)) if name}
    return names | {_plain(label): label for label in labels}


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def judged(rows: Sequence[batch.Row], truths: Sequence[str | None]) -> list[tuple[int, str, str]]:
    """(index of the row, true label, most probable label) of each photo that has both."""
    pairs = enumerate(zip(rows, truths, strict=True))
    return [(index, true, row.scores[0].label) for index, (row, true) in pairs if true and row.scores]


def words(rows: Sequence[batch.Row], truths: Sequence[str | None]) -> str:
    """How many are right, in a line; empty where no folder names a class."""
    found = judged(rows, truths)
    if not found:
        return ""
    right = sum(true == label for _, true, label in found)
    share = proportion(right, len(found))
    low, value, high = (say("percent", value=f"{number:.1f}") for number in (share.low, share.value, share.high))
    line = say("many_right", right=right, total=len(found), share=value, low=low, high=high)
    others = sum(bool(row.scores) for row in rows) - len(found)
    return f"{line} {say('many_no_truth', count=others)}" if others else line


def matrix(rows: Sequence[batch.Row], truths: Sequence[str | None], pictures: Sequence[str], task: str) -> str:
    """The confusion matrix of the classes whose folders there are; whatever else photos are taken for is one column.

    Args:
        pictures: each row's, HTML.
    """
    found = judged(rows, truths)
    if not found:
        return ""
    names = sorted({true for _, true, _ in found})
    column = {name: index for index, name in enumerate(names)}
    photos: dict[tuple[int, int], list[str]] = {}
    for index, true, label in found:
        photos.setdefault((column[true], column.get(label, len(names))), []).append(pictures[index])
    shown = [class_names.shown(task, name) for name in names]
    others = [say("many_other")] if any(place[1] == len(names) for place in photos) else []
    return confusion(shown, [*shown, *others], photos)
