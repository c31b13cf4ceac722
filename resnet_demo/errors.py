"""The one exception whose text is meant for the person at the page or the terminal."""

from __future__ import annotations

import string
from collections.abc import Iterator


class Text:
    """A sentence, or a part of one, as a template and what fills its places.

    ``str`` gives it in English. Whoever speaks another language has a template of its own with the same places, see
    ``page.i18n.errors_zh``. A list is written with commas; without values the template may hold braces.
    """

    def __init__(self, template: str, /, **values: object):
        self.template, self.values = template, values

    def __str__(self) -> str:
        values = {name: ", ".join(map(str, v)) if isinstance(v, list) else v for name, v in self.values.items()}
        return self.template.format(**values) if values else self.template

    def places(self) -> Iterator[tuple[str, str, str]]:
        """Name, format and conversion (``r`` or nothing) of each place."""
        if self.values:
            for _, name, spec, conversion in string.Formatter().parse(self.template):
                if name is not None:
                    yield name, spec or "", conversion or ""


class UserError(ValueError):
    """What went wrong and what to do next, in one sentence; the page and the command line show it as it is.

    Args: those of ``Text``, which ``text`` holds.
    """

    def __init__(self, template: str, /, **values: object):
        self.text = Text(template, **values)
        super().__init__(str(self.text))
