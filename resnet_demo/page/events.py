"""What the tabs with a photo have in common: how the page answers another photo, task or depth.

A tab says what it is asked in one record, whose fields are its photo and its controls by name. Gradio hands over the
values by component, so that no order of inputs has to be kept.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar, overload

import gradio as gr
from gradio.components import Component

from resnet_demo.page import catalog, result_cache
from resnet_demo.page.endpoints import complain
from resnet_demo.page.i18n.texts import label
from resnet_demo.page.widgets.inputs import LATEST, PRIVATE, depth_look, note

Updates = dict[Component, Any]
Values = Mapping[Component, Any]
# Gradio shows what an event may change in a fifth of its opacity: the viewer says itself that it looks.
QUIET: dict[str, Any] = {"show_progress": "hidden", **PRIVATE}


class Asked(Protocol):
    """What every tab is asked: a photo's path, a task, and in ``depth`` one depth or several."""

    @property
    def photo(self) -> str | None: ...
    @property
    def task(self) -> str: ...
    @property
    def depth(self) -> Any: ...


Question = TypeVar("Question", bound=Asked)


@dataclass(frozen=True)
class Last:
    """How the last answer ended: whether it failed, and the name under which ``result_cache`` has it."""

    failed: bool = False
    token: str | None = None

    @property
    def stands(self) -> bool:
        return not self.failed and (self.token is None or result_cache.has(self.token))


@dataclass(frozen=True)
class Form(Generic[Question]):
    """What a tab is asked with, and where its answer appears.

    Attributes:
        record: the class of its questions, a frozen dataclass.
        parts: the component of each of its fields.
        shown: the components of an answer by name; ``line`` says in words what came out, or what went wrong.
        empty: what these show without a photo, as far as it is known.
        hint: key of the line's text then.
        retry: asks once more; to be seen after an error only.
        viewer: element that is told when an answer is on its way, see ``widgets.viewer``.
        of_photo: what fields begin with that belong to a photo.
        of_task: a task → updates of the fields that belong to it, with their values.
    """

    record: type[Question]
    parts: Mapping[str, Component]
    shown: Mapping[str, Component]
    empty: Mapping[str, Callable[[], Any]]
    hint: str
    retry: Component
    viewer: str = ""
    of_photo: Mapping[str, Any] = field(default_factory=dict)
    of_task: Callable[[str], Mapping[str, dict[str, Any]]] = lambda _: {}
    # What the answer on screen was asked, and the task that the controls are set to. Gradio reports an input of a
    # dropdown too when the tab key only passes it, and an answer is made only to another question.
    answered: gr.State = field(default_factory=gr.State)
    # In the browser, as the controls are: two inputs that come at once are both sent before the first is answered, and
    # a task kept here would be newer than the depths that the second one still has of the task before.
    last_task: gr.Textbox = field(default_factory=lambda: gr.Textbox(visible=False))
    # An answer that failed, or that the server no longer has, is made anew though the question is the same.
    last: gr.State = field(default_factory=lambda: gr.State(Last()))

    def read(self, values: Values) -> Question:
        return self.record(**{name: values[part] for name, part in self.parts.items()})

    @property
    def inputs(self) -> set[Component]:
        return {*self.parts.values(), self.answered, self.last_task, self.last}

    @property
    def outputs(self) -> list[Component]:
        controls = [part for name, part in self.parts.items() if name != "photo"]
        found = [*controls, *self.shown.values(), self.retry, self.answered, self.last_task, self.last]
        return list(dict.fromkeys(found))  # A control may be shown anew by an answer.


@dataclass(frozen=True)
class Plan(Generic[Question]):
    """What changes at once, and what is to be answered, if anything is."""

    now: Updates
    question: Question | None = None


def plan(form: Form[Question], values: Values) -> Plan[Question]:
    """What follows from the controls as they are now. One listener answers to all of them, with the values of then: so
    an answer that took longer never has the last word over what was asked later."""
    asked, before = form.read(values), values[form.answered]
    now: Updates = {}
    if asked.task != (values[form.last_task] or form.parts["task"].value):
        asked, now = of_another_task(form, asked)
    same_photo = before is None or asked.photo == before.photo
    missing = [depth for depth in as_list(asked.depth) if depth not in catalog.available(asked.task)]
    if missing and same_photo and not now and catalog.available(asked.task):
        return without_weights(form, asked, before, missing[0])
    if before is None or not same_photo:
        asked, fresh = of_another_photo(form, asked)
        return Plan({**fresh, **now}, asked)
    stands = (values.get(form.last) or Last()).stands
    return Plan(now, None if asked == before and stands else asked)


def changed(update: dict[str, Any], before: object) -> dict[str, Any]:
    """An update without a value that is there already: what the visitor chose since would be overwritten."""
    return {key: value for key, value in update.items() if key != "value" or value != before}


def depths_of(task: str, depth: int) -> dict[str, Any]:
    """The choice of depths for a task that was chosen: ``depth`` stays where the task has weights of it."""
    return changed(gr.update(value=usable(task, depth), **depth_look(task)), depth)


def of_another_task(form: Form[Question], asked: Question) -> tuple[Question, Updates]:
    """The same depth where the task has weights of it; of several depths all that are at hand."""
    several = isinstance(asked.depth, list)
    depth = catalog.compared_depths(asked.task) if several else usable(asked.task, asked.depth)
    updates = {"depth": gr.update(value=depth, **depth_look(asked.task)), **form.of_task(asked.task)}
    values = {name: update["value"] for name, update in updates.items()}
    now = {form.parts[name]: changed(update, getattr(asked, name)) for name, update in updates.items()}
    return replace(asked, **values), {**now, form.last_task: asked.task}  # type: ignore[type-var]


def of_another_photo(form: Form[Question], asked: Question) -> tuple[Question, Updates]:
    """Nothing of the photo before it stays."""
    fresh = {form.parts[name]: value for name, value in form.of_photo.items() if value != getattr(asked, name)}
    # Whoever is quick sends the depth of the task before, while the answer to the new task is on its way.
    asked = replace(asked, depth=usable(asked.task, asked.depth), **form.of_photo)  # type: ignore[type-var]
    empty = {form.shown[name]: value() for name, value in form.empty.items()}
    return asked, {**empty, **fresh, form.answered: None}


def without_weights(form: Form[Question], asked: Question, before: Question | None, missing: int) -> Plan[Question]:
    """A sentence about a depth that has no weights; the choice goes back to what is on screen."""
    sentence = html.escape(catalog.no_weights(asked.task, missing))
    gr.Info(sentence, title=label("notice"))
    back = asked.depth if isinstance(asked.depth, list) else before.depth if before else None
    depth = usable(asked.task, back)
    return Plan({form.parts["depth"]: depth, form.shown["line"]: note(sentence, alert=True)})


@dataclass(frozen=True)
class Listener(Generic[Question]):
    """The answers of a tab, each at once.

    Attributes:
        answer: a question → what is shown, by the names of ``Form.shown``; may raise.
    """

    form: Form[Question]
    answer: Callable[[Question], Mapping[str, Any]]

    def react(self, values: dict[Component, Any]) -> Any:
        """The listener."""
        planned = plan(self.form, values)
        shown = {**planned.now, **(self.show(planned.question) if planned.question else {})}
        return shown or gr.skip()  # Gradio takes an empty dictionary for a value.

    def show(self, asked: Question) -> Updates:
        """The answer, or in words what is wrong; what is on screen stays then."""
        if not asked.photo:
            return without_photo(self.form)
        try:
            shown = self.answer(asked)
        except Exception as error:
            return failed(self.form, error)
        return {**placed(self.form, shown), **succeeded(self.form, asked, shown)}


@dataclass(frozen=True)
class StreamingListener(Generic[Question]):
    """The same where the answer comes in steps."""

    form: Form[Question]
    answer: Callable[[Question], Iterator[Mapping[str, Any]]]

    def react(self, values: dict[Component, Any]) -> Iterator[Any]:
        """The listener."""
        planned = plan(self.form, values)
        yield planned.now or gr.skip()
        if planned.question:
            yield from self.show(planned.question)

    def show(self, asked: Question) -> Iterator[Updates]:
        if not asked.photo:
            yield without_photo(self.form)
            return
        try:
            for shown in self.answer(asked):
                yield placed(self.form, shown)
        except Exception as error:
            yield failed(self.form, error)
            return
        yield succeeded(self.form, asked, {})


def placed(form: Form[Any], shown: Mapping[str, Any]) -> Updates:
    return {form.shown[name]: value for name, value in shown.items()}


def without_photo(form: Form[Any]) -> Updates:
    return {form.shown["line"]: note(label(form.hint))}


def succeeded(form: Form[Question], asked: Question, shown: Mapping[str, Any]) -> Updates:
    view = shown.get("view")
    token = view.get("token") if isinstance(view, dict) else None
    return {form.answered: asked, form.retry: gr.update(visible=False), form.last: Last(token=token)}


def failed(form: Form[Any], error: Exception) -> Updates:
    return {form.shown["line"]: complain(error), form.retry: gr.update(visible=True), form.last: Last(failed=True)}


def connect(listener: Listener[Question] | StreamingListener[Question], *others: Callable[..., Any]) -> None:
    """Let the page react to its photo, task and depth, to the events ``others`` of its other controls, and to Retry,
    while the viewer says that it looks."""
    form = listener.form
    controls = [form.parts[name].input for name in ("photo", "task", "depth")]  # type: ignore[attr-defined]
    answered = gr.on(
        [*controls, *others, form.retry.click],  # type: ignore[attr-defined]
        listener.react,
        form.inputs,
        form.outputs,
        js=f"(...values) => {{ window.resnet.busy('{form.viewer}', true); return values; }}",
        **QUIET,
        **LATEST,
    )
    answered.then(None, None, None, js=f"() => {{ window.resnet.busy('{form.viewer}', false); }}", **QUIET)


def as_list(depth: int | list[int]) -> list[int]:
    return depth if isinstance(depth, list) else [depth]


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
