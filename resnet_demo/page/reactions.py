"""What the tabs have in common: how the page answers another photo, task or depth."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from resnet_demo.page import choices, showable
from resnet_demo.page.answers import complain
from resnet_demo.page.components import depth_look, note
from resnet_demo.page.strings import label

Updates = dict[Component, Any]


@dataclass(frozen=True)
class Reactions:
    """The answers of a tab whose controls are a photo, a task, a depth (or several) and others, in this order.

    Attributes:
        answer: photo's path and controls → what the outputs show; may raise.
        photo, depth: the components.
        line: the line that says in words what came out, or what went wrong.
        hint: key of its text while there is no photo.
        empty: the outputs as they are without a photo.
    """

    answer: Callable[..., Updates]
    photo: Component
    depth: Component
    line: Component
    hint: str
    empty: Mapping[Component, Any]

    def show(self, image: str | None, *controls) -> Updates:
        """To a changed control: trouble is said in words, and what is on screen stays."""
        if not image:
            return {self.line: note(label(self.hint))}
        try:
            return self.answer(image, *controls)
        except Exception as error:
            return {self.line: complain(error)}

    def show_photo(self, image: str | None, task: str, chosen: int | list[int], *others) -> Updates:
        """To another photo: nothing of the photo before it stays."""
        if image and (copy := showable.jpeg_of(image)):
            return {self.photo: copy}  # This changes the photo, which comes back here.
        # Whoever is quick sends the depth of the task before, while the answer to the new task is on its way.
        return {**self.empty, **self.show(image, task, usable(task, chosen), *others)}

    def show_task(self, image: str | None, task: str, chosen: int | list[int], *others) -> Updates:
        """To another task: the same depth where it has weights; of several depths all that are at hand."""
        chosen = choices.compared_depths(task) if isinstance(chosen, list) else usable(task, chosen)
        look = gr.update(value=chosen, **depth_look(task))
        return {self.depth: look, **self.show(image, task, chosen, *others)}

    def show_depth(self, image: str | None, task: str, chosen: int | list[int], *others) -> Updates:
        """To another depth: where it has no weights, a sentence, and the choice goes back to what is on screen.

        The last of ``others`` are the details on screen.
        """
        *others, details = others
        available = choices.available(task)
        several = isinstance(chosen, list)
        missing = [depth for depth in (chosen if several else [chosen]) if depth not in available]
        if not missing:
            return self.show(image, task, chosen, *others)
        sentence = html.escape(choices.no_weights(task, missing[0]))
        gr.Info(sentence, title=label("notice"))
        back = usable(task, chosen if several else (details or {}).get("depth"))
        return {self.depth: back, self.line: note(sentence, alert=True)}


def usable(task: str, chosen: int | list[int]) -> int | list[int]:
    """The chosen depth, or several, where a task has weights of it; else the task's default."""
    available = choices.available(task)
    if isinstance(chosen, list):
        return [depth for depth in chosen if depth in available] or (choices.compared_depths(task) if chosen else [])
    return chosen if chosen in available else choices.default_depth(task)
