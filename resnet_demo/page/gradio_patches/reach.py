"""What every reach into Gradio's inside begins with: a look whether the thing is still there.

A version of Gradio that has it no more then fails when the page is built, in one sentence that says where to look, and
not later in front of a visitor. ``make test-newest`` runs the suite with the newest version that ``pyproject.toml``
allows.
"""

from __future__ import annotations

from typing import Any

import gradio as gr


def inside(owner: object, name: str, file: str) -> Any:
    """``getattr(owner, name)``.

    Args:
        owner: a component, a page, a module or an event of Gradio's.
        name: what is replaced or read there.
        file: the module in this folder that does it, as ``__name__``.

    Raises:
        RuntimeError: Gradio has it no more.
    """
    try:
        return getattr(owner, name)
    except AttributeError:
        kind = owner.__name__ if hasattr(owner, "__name__") else type(owner).__name__
        raise RuntimeError(
            f"Gradio {gr.__version__} has no {name} in {kind}, on which {file} relies: install the version in "
            "requirements.lock, or see there what it is for."
        ) from None
