"""Kept values, which anybody may have written into an address → updates of the controls that can take them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from resnet_demo.page import catalog
from resnet_demo.page.widgets.inputs import depth_look, target_choices

LONGEST_TEXT = 1000  # characters


def control(component: Component, value: object) -> dict | None:
    """The update of a control that depends on no other; None where it has no such value, or is of no kind that is
    kept."""
    taken = None if value is None else _taken(component, value)
    return None if taken is None else gr.update(value=taken)


def _taken(component: Component, value: object) -> object:
    choices = [known for _, known in getattr(component, "choices", None) or ()]
    if isinstance(component, gr.CheckboxGroup):
        given = value if isinstance(value, list) else str(value).split("-")
        return [known for known in choices if str(known) in map(str, given)] or None
    if isinstance(component, gr.Radio | gr.Dropdown):
        return next((known for known in choices if str(known) == str(value)), None)
    if isinstance(component, gr.Slider):
        return next(iter(numbers(value, range(int(component.minimum), int(component.maximum) + 1))), None)
    if isinstance(component, gr.Checkbox):
        return {"true": True, "false": False}.get(str(value).lower())
    return value[:LONGEST_TEXT] if isinstance(component, gr.Textbox) and isinstance(value, str) else None


def task_and_depths(values: Mapping[str, object], usual: str, *kinds: str) -> dict[str, Any]:
    """The updates of a tab's task, and of what depends on it: depth or depths, target and region.

    Args:
        usual: the task that the tab has at first.
        kinds: of the tasks that it offers.
    """
    found: dict[str, Any] = {}
    task = values.get("task")
    if task != usual and task in [name for _, name in catalog.task_choices(*kinds)]:
        task = str(task)
        found["task"] = gr.update(value=task)
        found["last_task"] = task
        found["target"] = gr.update(choices=target_choices(task))
        found["region"] = gr.update(visible=catalog.has_regions(task))
    else:
        task = usual
    available = catalog.available(task)
    one, several = numbers(values.get("depth"), available), numbers(values.get("depths"), available)
    look = depth_look(task) if task != usual else {}
    if one or look:
        found["depth"] = gr.update(value=one[0] if one else catalog.default_depth(task), **look)
    if several or look:
        found["depths"] = gr.update(value=several or catalog.compared_depths(task), **look)
    return found


def numbers(value: object, known: Collection[int]) -> list[int]:
    """50, "50", [18, 50] or "18-50" → those of ``known``."""
    parts = value if isinstance(value, list) else str(value).split("-")
    return [int(part) for part in map(str, parts) if part.isdecimal() and int(part) in known]
