"""The tab Many: what looks like each photo among the others of its batch, shown where the photo is pressed."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from resnet_demo.inference import batch
from resnet_demo.page.i18n.texts import say
from resnet_demo.utils.linalg import products

MAX_SHOWN = 8  # look-alikes that are shown
Alike = list[tuple[int, float]]


def alike(rows: Sequence[batch.Row]) -> list[Alike]:
    """(index of the row, cosine of both embeddings) of those most like each photo, the most alike first; none of a row
    without an embedding, or where it is the only one."""
    found: list[Alike] = [[] for _ in rows]
    known = [index for index, row in enumerate(rows) if row.embedding is not None]
    if not known:
        return found
    vectors = np.stack([row.embedding for row in rows if row.embedding is not None])
    for place, index in enumerate(known):
        cosines = products(vectors[place : place + 1], vectors)[0]
        cosines[place] = -np.inf  # Itself; of two copies of a file the other one is its look-alike.
        best = np.argsort(-cosines, kind="stable")[: min(MAX_SHOWN, len(known) - 1)]
        found[index] = [(known[other], float(cosines[other])) for other in best]
    return found


def buttons(rows: Sequence[batch.Row], pictures: Sequence[str]) -> list[str]:
    """Each row's picture as a button for the script ``similar``, where there are look-alikes.

    Args:
        pictures: each row's, HTML.
    """
    made = []
    for index, (row, shown, others) in enumerate(zip(rows, pictures, alike(rows), strict=True)):
        if not others or not shown:
            made.append(shown)
            continue
        data = " ".join(f"{other}:{cosine:.2f}" for other, cosine in others)
        caption = html.escape(say("many_alike", name=row.name))
        made.append(
            f'<button type="button" class="many-alike" data-row="{index}" data-alike="{data}" aria-expanded="false" '
            f'aria-label="{caption}" title="{caption}">{shown}</button>'
        )
    return made
