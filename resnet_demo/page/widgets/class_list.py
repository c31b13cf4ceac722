"""The most likely classes as bars to click, and a card of facts about the one that is explained."""

from __future__ import annotations

import gradio as gr

from resnet_demo import tasks
from resnet_demo.checkpoints import class_stats
from resnet_demo.errors import UserError
from resnet_demo.inference import results
from resnet_demo.page.i18n import class_names
from resnet_demo.page.i18n.format import percent
from resnet_demo.page.i18n.texts import label, language, say
from resnet_demo.page.widgets.scripts import once


def class_list(elem_id: str, viewer_id: str) -> gr.HTML:
    """The component. Its value is ``listing`` of an answer, or ``blank``.

    A click shows that class in the viewer at once and triggers ``select`` with the class' index and label.
    """
    return gr.HTML(
        blank(),
        html_template='<div class="classes"><h2 class="classes-top" aria-live="polite"></h2>'
        '<p class="classes-lead"></p><ol></ol><p class="classes-heat"></p>'
        '<details class="classes-facts"><summary></summary><div></div></details></div>',
        js_on_load=once("class_list"),
        viewer=viewer_id,
        title=label("facts_title"),
        elem_id=elem_id,
        elem_classes=["classes-holder"],
    )


def blank() -> dict:
    """The list without a photo."""
    return {"classes": []}


def listing(result: results.Prediction, target: str | int | None) -> dict:
    """What the list shows of an answer: its best classes, and the target's below them where it is none of these."""
    spec = result.spec
    shown = [spec.labels.index(score.label) for score in result.top_k]
    index = tasks.class_index(spec, target)
    if index is not None and index not in shown:
        shown.append(index)
    try:
        measured = class_stats.facts_of_classes(result.task, result.depth)
    except UserError:  # Its checkpoint is not a bundled one.
        measured = [class_stats.ClassFacts(label) for label in spec.labels]
    rows = [entry(result, number, measured[number]) for number in shown]
    value = {
        "file": result.image,
        "classes": rows,
        "shown": shown[0] if index is None else index,
        "heading": rows[0]["name"],
        "lead": "",
    }
    if result.unknown:  # How often it is right about flowers says nothing of what is none.
        value |= {"heading": say("unsure"), "lead": say("unsure_lead")}
        value["classes"] = [row | {"facts": []} for row in rows]
    return value


def entry(result: results.Prediction, index: int, measured: class_stats.ClassFacts) -> dict:
    """A class as the list wants it."""
    known, probability = result.spec.labels[index], float(result.probabilities[index])
    name, share = class_names.shown(result.task, known), percent(probability)
    return {
        "index": index,
        "label": known,
        "name": name,
        "probability": round(probability, 4),
        "percent": share,
        "sentence": say("heat_none" if result.is_blank(index) else "heat_for", label=name, probability=share),
        "facts": card_of(result.task, measured),
    }


def card_of(task: str, measured: class_stats.ClassFacts) -> list[list[str]]:
    """What is known of a class, as pairs of a term and a fact."""
    found, known = [], measured.label
    chinese = class_names.chinese(task, known)
    other = known if chinese and language() == "zh" else chinese
    if names := " · ".join(filter(None, (other, class_names.latin(task, known)))):
        found.append([say("fact_name"), names])
    if measured.shown:
        share = percent(measured.right / measured.shown)
        found.append([say("fact_right"), say("fact_share", right=measured.right, shown=measured.shown, share=share)])
        if measured.taken_for:
            other = class_names.shown(task, measured.taken_for)
            found.append([say("fact_taken"), say("fact_times", label=other, count=measured.times)])
    return found
