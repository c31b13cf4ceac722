"""What the tabs have in common: how the page answers another photo, task or depth."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, overload

import gradio as gr
from gradio.components import Component

from resnet_demo.page import catalog
from resnet_demo.page.endpoints import complain
from resnet_demo.page.i18n.texts import label
from resnet_demo.page.widgets import browser_images
from resnet_demo.page.widgets.inputs import depth_look, note

Updates = dict[Component, Any]
Plan = tuple[Updates, tuple | None]

# Gradio reports an input of a dropdown too when the tab key only passes it. So each tab keeps the task that its
# controls are set to, and an answer is made only to another one.


@dataclass(frozen=True)
class Plans:
    """What a tab shows whose controls are a photo, a task, a depth (or several) and others, in this order.

    Attributes:
        answer: photo's path and controls → what the outputs show, all at once or step by step; may raise.
        photo, depth: the components.
        line: the line that says in words what came out, or what went wrong.
        hint: key of its text while there is no photo.
        empty: the outputs as they are without a photo; where that depends on the language, a function.
    """

    answer: Callable[..., Any]
    photo: Component
    depth: Component
    line: Component
    hint: str
    empty: Mapping[Component, Any]

    # What changes at once, and the controls to answer with, if there is to be an answer.

    def plan_photo(self, image: str | None, task: str, chosen: int | list[int], *others) -> Plan:
        if image and (copy := browser_images.jpeg_of(image)):
            return {self.photo: copy}, None  # This changes the photo, which comes back here.
        # Whoever is quick sends the depth of the task before, while the answer to the new task is on its way.
        empty = {part: value() if callable(value) else value for part, value in self.empty.items()}
        return empty, (task, usable(task, chosen), *others)

    def plan_task(self, task: str, chosen: int | list[int], *others) -> Plan:
        chosen = catalog.compared_depths(task) if isinstance(chosen, list) else usable(task, chosen)
        return {self.depth: gr.update(value=chosen, **depth_look(task))}, (task, chosen, *others)

    def plan_depth(self, task: str, chosen: int | list[int], *others) -> Plan:
        *controls, details = others
        available = catalog.available(task)
        depths = chosen if isinstance(chosen, list) else [chosen]
        missing = [depth for depth in depths if depth not in available]
        if not missing:
            return {}, (task, chosen, *controls)
        sentence = html.escape(catalog.no_weights(task, missing[0]))
        gr.Info(sentence, title=label("notice"))
        back = usable(task, chosen if isinstance(chosen, list) else (details or {}).get("depth"))
        return {self.depth: back, self.line: note(sentence, alert=True)}, None


@dataclass(frozen=True)
class Events(Plans):
    """The answers of such a tab."""

    def show(self, image: str | None, *controls: Any) -> Updates:
        """To a changed control: trouble is said in words, and what is on screen stays."""
        if not image:
            return {self.line: note(label(self.hint))}
        try:
            return self.answer(image, *controls)
        except Exception as error:
            return {self.line: complain(error)}

    def show_photo(self, image: str | None, *controls: Any) -> Updates:
        """To another photo: nothing of the photo before it stays."""
        return self._follow(image, *self.plan_photo(image, *controls))

    def show_task(self, image: str | None, *controls: Any) -> Updates:
        """To another task: the same depth where it has weights; of several depths all that are at hand."""
        return self._follow(image, *self.plan_task(*controls))

    def show_depth(self, image: str | None, *controls: Any) -> Updates:
        """To another depth: where it has no weights, a sentence, and the choice goes back to what is on screen.

        The last of ``controls`` are the details on screen.
        """
        return self._follow(image, *self.plan_depth(*controls))

    def _follow(self, image: str | None, now: Updates, controls: tuple | None) -> Updates:
        return {**now, **(self.show(image, *controls) if controls else {})}


@dataclass(frozen=True)
class Stepwise(Plans):
    """The same where the answer comes in steps: ``answer`` and all reactions are generators."""

    def show(self, image: str | None, *controls) -> Iterator[Updates]:
        if not image:
            yield {self.line: note(label(self.hint))}
            return
        try:
            yield from self.answer(image, *controls)
        except Exception as error:
            yield {self.line: complain(error)}

    def show_photo(self, image: str | None, *controls) -> Iterator[Updates]:
        yield from self._follow(image, *self.plan_photo(image, *controls))

    def show_task(self, image: str | None, *controls) -> Iterator[Updates]:
        yield from self._follow(image, *self.plan_task(*controls))

    def show_depth(self, image: str | None, *controls) -> Iterator[Updates]:
        yield from self._follow(image, *self.plan_depth(*controls))

    def _follow(self, image: str | None, now: Updates, controls: tuple | None) -> Iterator[Updates]:
        if now:  # Gradio takes an empty dictionary for a value.
            yield now
        if controls:
            yield from self.show(image, *controls)


@overload
def usable(task: str, chosen: list[int]) -> list[int]: ...
@overload
def usable(task: str, chosen: int | None) -> int: ...
def usable(task: str, chosen: int | list[int] | None) -> int | list[int]:
    """The chosen depth, or several, where a task has weights of it; else the task's default."""
    available = catalog.available(task)
    if isinstance(chosen, list):
        return [depth for depth in chosen if depth in available] or (catalog.compared_depths(task) if chosen else [])
    return chosen if chosen is not None and chosen in available else catalog.default_depth(task)
