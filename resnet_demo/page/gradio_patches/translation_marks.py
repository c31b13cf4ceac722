"""The marks in texts that the browser replaces by what they say in the visitor's language.

Seen in Gradio 6.31: ``str(gradio.i18n.I18nData(key))`` is ``__i18n__{"key": "…"}`` with further fields, and the front
end translates it wherever it stands in a text, in HTML too. ``gr.I18n`` documents its use for whole labels alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MARK = re.compile(r'__i18n__\{.*?"key": "(.*?)"\}')


def mark(key: str) -> str:
    """The mark of a key of ``gr.I18n``, to stand anywhere in a text.

    Raises:
        RuntimeError: Gradio's marks look otherwise, so that programs would see them.
    """
    from gradio.i18n import I18nData

    made = str(I18nData(key))
    if MARK.fullmatch(made) is None:
        import gradio as gr

        raise RuntimeError(
            f"Gradio {gr.__version__} marks texts as {made!r}, which {__name__} does not know: see there."
        )
    return made


def unmark(text: str, say: Callable[[str], str | None]) -> str:
    """A text with what ``say`` says of each key in place of its mark; marks of keys that it does not know stay."""
    return MARK.sub(lambda found: say(found[1]) or found[0], text)
