"""What a measurement returns: figures of one thing, done our way and other ways, and the table of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median

from resnet_demo.utils import markdown

COLUMNS = ("what", "way", "median", "lowest to highest", "ours against it", "asked", "note")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way of doing one thing, and how it fared.

    Attributes:
        what: the thing that is done; rows of the same ``what`` and unit are compared. One of them at most is ours.
        way: who does it how, for people, such as ``ours, OpenVINO bf16`` or ``pytorch-grad-cam, eager float32``.
        unit: of the figures, for people: ``ms``, ``MB``, ``pictures a second``.
        lower_is_better: true for times and sizes, false for rates.
        median, lowest, highest: of the rounds; all the same where there is only one figure.
        ours: this is our own way.
        target_ratio: the goal. On a peer's row: how many times better than this one ours should be (15 = a
            fifteenth of its time, or fifteen times its rate). On our own row: the figure itself, in the unit. None: no
            goal.
        limit_ratio: the goal beside what nobody can beat, on a peer's row only: our figure divided by this one's
            should be at most this (1.15 = at most 1.15 times its time). None: not such a row.
        note: anything a reader must know, such as other sizes or a missing step; may be empty. Names stand in
            the Chinese README as they are, so no more than five English words without a sign between them.
    """

    what: str
    way: str
    unit: str
    lower_is_better: bool
    median: float
    lowest: float
    highest: float
    ours: bool = False
    target_ratio: float | None = None
    limit_ratio: float | None = None
    note: str = ""


def measured(figures: Sequence[float], **row) -> Row:
    """A row of the rounds' figures, one at least; ``row`` is the rest of its attributes."""
    return Row(median=median(figures), lowest=min(figures), highest=max(figures), **row)


def our_row(row: Row, rows: Iterable[Row]) -> Row | None:
    """What a row is compared with: our own row of the same thing; None for our own rows and where there is none."""
    if row.ours:
        return None
    same = (other for other in rows if other.ours and (other.what, other.unit) == (row.what, row.unit))
    return next(same, None)


def ratio(row: Row, rows: Iterable[Row]) -> float | None:
    """How many times better ours is than a peer: above 1 is better, for times as for rates; None: not comparable.

    Where the row has a ``limit_ratio``, it is our figure divided by the peer's instead: smaller is better for times.
    """
    ours = our_row(row, rows)
    if ours is None or not ours.median or not row.median:
        return None
    if row.limit_ratio is not None:
        return ours.median / row.median
    return row.median / ours.median if row.lower_is_better else ours.median / row.median


def met(row: Row, rows: Iterable[Row]) -> bool | None:
    """Whether the row's goal was reached; None where it has none, or nothing to compare it with."""
    if row.ours:
        if row.target_ratio is None:
            return None
        return row.median <= row.target_ratio if row.lower_is_better else row.median >= row.target_ratio
    value = ratio(row, rows)
    if value is None:
        return None
    if row.limit_ratio is not None:
        return value <= row.limit_ratio
    return None if row.target_ratio is None else value >= row.target_ratio


def to_dicts(rows: Sequence[Row]) -> list[dict]:
    """For JSON, and what ``measure`` returns: the rows' attributes, and ``ratio`` and ``met`` for other readers."""
    return [{**asdict(row), "ratio": ratio(row, rows), "met": met(row, rows)} for row in rows]


def from_dicts(records: Iterable[dict]) -> list[Row]:
    """The rows again; further keys are left out.

    Raises:
        TypeError: a record is not one of ``to_dicts``.
    """
    names = {field.name for field in fields(Row)}
    return [Row(**{key: value for key, value in record.items() if key in names}) for record in records]


def table(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown, without a line end."""
    return "\n".join([markdown.head(COLUMNS), *(markdown.row(cells(row, rows)) for row in rows)])


def cells(row: Row, rows: Sequence[Row]) -> list[str]:
    """A row's cells, in the order of ``COLUMNS``."""
    way = f"**{row.way}**" if row.ours else row.way
    figure = f"{number(row.median)} {row.unit}"
    spread = "" if row.lowest == row.highest else f"{number(row.lowest)} to {number(row.highest)}"
    return [row.what, way, figure, spread, against(row, rows), target_value(row, rows), row.note]


def against(row: Row, rows: Sequence[Row]) -> str:
    """``16.2× better``, ``1.2× worse``, ``1.08× of it``; nothing for our own rows and those without one to compare."""
    value = ratio(row, rows)
    if value is None:
        return ""
    if row.limit_ratio is not None:
        return f"{number(value)}× of it"
    return f"{number(value)}× better" if value >= 1 else f"{number(1 / value)}× worse"


def target_value(row: Row, rows: Sequence[Row]) -> str:
    """The goal and whether it was reached, such as ``15× ✓``; nothing where there is none."""
    goal = row.limit_ratio if row.limit_ratio is not None else row.target_ratio
    if goal is None:
        return ""
    mark = {True: " ✓", False: " ✗", None: ""}[met(row, rows)]
    if row.ours:
        return f"{'at most' if row.lower_is_better else 'at least'} {number(goal)} {row.unit}{mark}"
    return f"{'at most ' if row.limit_ratio is not None else ''}{number(goal)}×{mark}"


def number(value: float) -> str:
    """Three digits, as no measurement on a shared machine has more: 0.871, 7.83, 41.2, 310, 12,000."""
    if not value:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
