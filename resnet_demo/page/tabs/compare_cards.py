"""Compare's cards, one a depth, which fill as their answers are ready, and what the depths agree on in words."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

import numpy as np

from resnet_demo.inference import results
from resnet_demo.page.endpoints import photo_lines
from resnet_demo.page.i18n.format import percent
from resnet_demo.page.i18n.language import PARAMETER
from resnet_demo.page.i18n.texts import language, say
from resnet_demo.page.widgets.inputs import address, note

EYES = (36, 45)  # the outer corners, whose distance is the face's measure (NME's, see training.evaluation)


class Line(NamedTuple):
    """A line of the table; its columns have these names.

    Attributes:
        label: the top one, or the number of faces.
        probability: of the top label, 0..1; None for keypoints.
        milliseconds: of the whole answer.
        parameters: in millions.
        gflops: 10⁹ multiply-adds of a picture.
        metric: what was measured of the network, in words.
    """

    depth: int
    label: str
    probability: float | None
    milliseconds: float
    parameters: float
    gflops: float
    metric: str


@dataclass(frozen=True)
class Card:
    """What a depth says of the photo.

    Attributes:
        picture: path of the photo with its heat.
        name: the top label, or the number of faces.
        probability: of the top label, 0..1; None for keypoints.
        line: the table's line.
        result: the answer itself.
    """

    depth: int
    picture: str
    name: str
    probability: float | None
    line: Line
    result: results.Result


Titles = Mapping[int, str]  # depth → what its network is called, in the order of the cards


def cards_html(titles: Titles, cards: dict[int, Card]) -> str:
    """A card for each depth: filled where there is one, else a place that is kept free for it."""
    odd = outliers(cards) if len(cards) == len(titles) else set()
    spreads = spread(cards)
    parts = [
        filled(cards[depth], title, depth in odd, spreads.get(depth)) if depth in cards else waiting(title)
        for depth, title in titles.items()
    ]
    return f'<div class="cards" aria-live="polite">{"".join(parts)}</div>'


def waiting(title: str) -> str:
    return f'<article class="card is-waiting"><h2>{html.escape(title)}</h2><div class="card-picture"></div></article>'


def filled(card: Card, title: str, odd: bool, spread_: float | None) -> str:
    """A card's HTML; ``odd`` marks one that disagrees, ``spread_`` is its points' distance from the depths' mean."""
    name = html.escape(card.name)
    facts = [
        (say("card_time"), f"{card.line.milliseconds:,.0f} ms"),
        (say("card_parameters"), f"{card.line.parameters:.1f} M"),
        (say("card_gflops"), f"{card.line.gflops:.1f}"),
        (say("card_metric"), html.escape(card.line.metric)),
    ]
    if spread_ is not None:
        facts.insert(0, (say("card_spread"), f"{spread_:.1f} %"))
    value = ""
    if card.probability is not None:
        value = (
            f'<p class="card-value">{percent(card.probability)}</p>'
            f'<div class="card-bar" style="--share:{card.probability:.4f}"></div>'
        )
    if card.result.unknown:
        value += f'<p class="card-unknown">{html.escape(say("unknown_short"))}</p>'
    mark = f'<span class="card-mark">{html.escape(say("card_differs"))}</span>' if odd else ""
    alt = html.escape(say("caption", network=title, label=card.name), quote=True)
    rows = "".join(f"<div><dt>{term}</dt><dd>{fact}</dd></div>" for term, fact in facts)
    link = "" if card.probability is None else to_lab(card, title)
    return (
        f'<article class="card{" is-odd" if odd else ""}"><h2>{html.escape(title)}{mark}</h2>'
        f'<div class="card-picture"><img src="{html.escape(address(card.picture), quote=True)}" alt="{alt}"></div>'
        f'<p class="card-name">{name}</p>{value}<dl>{rows}</dl>{link}</article>'
    )


def to_lab(card: Card, title: str) -> str:
    """A link to the Lab with this network; the photo goes along."""
    address_ = "?" + urlencode({"tab": "lab", "task": card.result.task, "depth": card.depth, PARAMETER: language()})
    said = html.escape(say("lab_from_compare", network=title))
    return f'<a class="card-lab" href="{html.escape(address_, quote=True)}" target="_self">{said}</a>'


def outliers(cards: dict[int, Card]) -> set[int]:
    """The depths whose top label is not the most common one; all of them where none is."""
    counts = Counter(card.name for card in cards.values()).most_common()
    if len(counts) < 2:
        return set()
    tied = counts[0][1] == counts[1][1]
    return {depth for depth, card in cards.items() if tied or card.name != counts[0][0]}


def spread(cards: dict[int, Card]) -> dict[int, float]:
    """How far each depth's keypoints lie from the mean of all depths, in percent of the distance between the eyes.

    The detector is the same, so the faces are too. Empty where fewer than two depths marked a face, or for points other
    than the 68.
    """
    marked = {depth: np.stack(points) for depth, card in cards.items() if (points := card.result.keypoints)}
    if len(marked) < 2 or len({points.shape for points in marked.values()}) > 1:
        return {}
    mean = np.mean(list(marked.values()), axis=0)  # (face, point, xy)
    if mean.shape[1] != 68:
        return {}
    eyes = np.linalg.norm(mean[:, EYES[0]] - mean[:, EYES[1]], axis=-1)
    return {
        depth: float(100 * (np.linalg.norm(points - mean, axis=-1).mean(axis=1) / eyes).mean())
        for depth, points in marked.items()
    }


def words(titles: Titles, cards: dict[int, Card], available: int) -> str:
    """What the depths agree on, for the line above the cards."""
    if len(cards) < len(titles):
        return note(say("comparing", done=len(cards), count=len(titles)))
    said = photo_lines(*(card.result for card in cards.values()))
    if len(cards) == 1:
        return note(say("compared_one" if available < 2 else "compared_alone"), *said)
    distances = spread(cards)
    by_name: dict[str, list[str]] = {}
    for depth in sorted(cards):
        by_name.setdefault(cards[depth].name, []).append(titles[depth])
    if len(by_name) == 1:
        lines = [say("agree", count=len(cards), label=html.escape(next(iter(by_name))))]
    else:
        groups = [
            say("says", depths=html.escape(listed(found)), label=html.escape(name))
            for name, found in sorted(by_name.items(), key=lambda item: -len(item[1]))
        ]
        lines = [say("disagree"), say("clause").join(groups) + say("stop")]
    if distances:
        furthest = max(distances, key=distances.__getitem__)
        mean = f"{np.mean(list(distances.values())):.1f}"
        lines.append(say("spread", mean=mean, network=html.escape(titles[furthest])))
    return note(*lines, *said)


def listed(titles: Sequence[str]) -> str:
    """["ResNet-18", "ResNet-34", "ResNeXt-50"] → "ResNet-18, 34 and ResNeXt-50"."""
    said, before = [], ""
    for title in titles:
        family, _, depth = title.rpartition("-")
        said.append(depth if family == before else title)
        before = family
    return said[0] if len(said) == 1 else say("listed", most=", ".join(said[:-1]), last=said[-1])
