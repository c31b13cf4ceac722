"""Is the heat true? For the viewer's folded part: a hidden piece of the photo, the curves of deletion and insertion.

Its script and texts come when it is first opened, so that the page is no larger for those who never do.
"""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.inference import results
from resnet_demo.page import result_cache
from resnet_demo.page.i18n import class_names
from resnet_demo.page.i18n.errors import sentence
from resnet_demo.page.i18n.format import percent
from resnet_demo.page.i18n.texts import label, say
from resnet_demo.page.widgets import truth_plot

FOLDER = Path(__file__).parent
CELLS = 56  # a side of the mask over what the network saw
TEXTS = ("lead", "fifth", "brush", "brush_keys", "undo", "clear", "draw", "drawing")


def truth_part(data: dict) -> dict:
    """For the browser: {} → {script, texts, cells} of the part."""
    texts = {key: label(f"truth_{key}") for key in TEXTS}
    return {"script": (FOLDER / "truth.js").read_text("utf-8"), "texts": texts, "cells": CELLS}


def truth_hidden(data: dict) -> dict:
    """For the browser: the classes with a part hidden, {token, what, mask} → {shares, percents, words} or {error}.

    ``mask`` has a digit 0 or 1 for each of ``CELLS`` × ``CELLS`` cells, row by row; ``shares`` and ``percents`` have
    those of all classes of the task by index.
    """
    try:
        found, what = prediction(data), int(data["what"])
        probabilities = found.hidden(read_mask(str(data["mask"])))
        best = int(probabilities.argmax())
        values = {
            "label": shown(found, what),
            "before": percent(float(found.probabilities[what])),
            "after": percent(float(probabilities[what])),
            "best": shown(found, best),
            "share": percent(float(probabilities[best])),
        }
        return {
            "shares": [round(float(value), 4) for value in probabilities],
            "percents": [percent(float(value)) for value in probabilities],
            "words": say("truth_same" if best == what else "truth_moved", **values),
        }
    except Exception as error:
        return {"error": html.unescape(sentence(error))}


def truth_curves(data: dict) -> dict:
    """For the browser: the curves of a class's map at a stage as HTML, {token, what, stage} → {html} or {error}."""
    try:
        found, what = prediction(data), int(data["what"])
        return {"html": truth_plot.figures(found.faithfulness(what, str(data["stage"])), shown(found, what))}
    except Exception as error:
        return {"error": html.unescape(sentence(error))}


def prediction(data: dict) -> results.Prediction:
    """The answer that a request names.

    Raises:
        UserError: it is gone, or has no classes.
    """
    found = result_cache.find(str(data["token"]))
    if not isinstance(found, results.Prediction):
        raise UserError(say("answer_gone"))
    return found


def read_mask(text: str) -> np.ndarray:
    """Digits → bool (``CELLS``, ``CELLS``).

    Raises:
        UserError: they are something else.
    """
    if len(text) != CELLS * CELLS or set(text) - {"0", "1"}:
        raise UserError(say("http_bad"))
    return (np.frombuffer(text.encode(), np.uint8) == ord("1")).reshape(CELLS, CELLS)


def shown(found: results.Prediction, index: int) -> str:
    """A class's name in the visitor's language."""
    return class_names.shown(found.spec.name, found.spec.labels[index])
