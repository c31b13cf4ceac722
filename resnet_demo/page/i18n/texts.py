"""Every text of the page, in one place: English and Chinese, two tables with the same keys.

``label`` is for texts that are fixed when the page is built: Gradio's front end puts in those of the visitor's language
(``gr.I18n``). ``say`` is for sentences made while it runs.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING

from resnet_demo.page.gradio_patches import running_event, translation_marks
from resnet_demo.page.i18n.gradio_zh import LOOKED_UP
from resnet_demo.page.i18n.language import LANGUAGES, of_event

if TYPE_CHECKING:
    import gradio as gr
from resnet_demo.page.i18n.en import EN
from resnet_demo.page.i18n.zh import ZH

TABLES = {"en": EN, "zh": ZH}
_added: dict[str, dict[str, str]] = {name: {} for name in TABLES}  # of tabs that bring their own

# The texts of the pages that were built, by the key in Gradio's mark: language → key → text.
_built: dict[str, dict[str, str]] = {name: {} for name in LANGUAGES}
_made_for: ContextVar[str | None] = ContextVar("_made_for", default=None)


def language() -> str:
    """``en`` or ``zh``: the language of the visitor whose event is running, English where none is."""
    return _made_for.get() or of_event()


def label(key: str) -> str:
    """The fixed text of a part of the page: while it is built, a mark that the browser replaces; else as ``say``."""
    return fixed(lambda: say(key), key)


def say(key: str, **values: object) -> str:
    """A sentence in the language of the running event, with its values filled in."""
    text = say_in(language(), key)
    return text.format(**values) if values else text


def say_in(name: str, key: str) -> str:
    """A sentence without values in a language, for what is answered outside of an event."""
    return TABLES[name][key] if key in TABLES[name] else _added[name][key]


def add(english: Mapping[str, str], chinese: Mapping[str, str]) -> None:
    """Texts of a tab that is not among ours.

    Raises:
        ValueError: a text is missing in one of the languages, or has the key of another one.
    """
    if missing := english.keys() ^ chinese.keys():
        raise ValueError(f"These texts are there in one language only: {', '.join(sorted(missing))}.")
    if taken := english.keys() & EN.keys():
        raise ValueError(f"The page has texts of these keys already: {', '.join(sorted(taken))}.")
    _added["en"].update(english)
    _added["zh"].update(chinese)


def fixed(make: Callable[[], str], key: str | None = None) -> str:
    """What ``make`` says. While the page is built, a mark that the browser replaces by what it says in the visitor's
    language; ``key`` names it there."""
    if _made_for.get() or not running_event.building():
        return make()
    texts = {name: _made(make, name) for name in LANGUAGES}
    key = key or f"text_{zlib.crc32(repr(texts).encode()):08x}"
    for name, text in texts.items():
        _built[name][key] = text
    return translation_marks.mark(key)


def translations() -> gr.I18n:
    """The marked texts of what has been built, for ``launch``."""
    import gradio as gr

    # The page's title is not marked, since programs read it too.
    more = {name: {"title": table["title"], **LOOKED_UP[name]} for name, table in TABLES.items()}
    return gr.I18n(**{tag: _built[name] | more[name] for name, tag in LANGUAGES.items()})


def in_english(part):
    """A structure for programs, such as a description of the endpoints, with English in place of the marks."""
    if isinstance(part, str):
        return translation_marks.unmark(part, _built["en"].get)
    if isinstance(part, dict):
        return {key: in_english(value) for key, value in part.items()}
    return [in_english(value) for value in part] if isinstance(part, list | tuple) else part


def _made(make: Callable[[], str], name: str) -> str:
    token = _made_for.set(name)
    try:
        return make()
    finally:
        _made_for.reset(token)
