"""Scripts of widgets that stand on the page more than once: each is sent once, in the page's head.

A script is the body of a function of what Gradio 6.31 gives ``js_on_load``: ``element``, ``props``, ``trigger``,
``watch`` and, where the component has functions on the server, ``server``.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = ("viewer", "photo", "class_list", "confusion", "similar")
HELPERS = ("smaller",)  # what widgets call; each sets what it is in ``window.resnet``


def once(name: str) -> str:
    """What goes into ``js_on_load`` of such a widget."""
    assert name in NAMES, name
    server = "typeof server === 'undefined' ? null : server"
    return f"window.resnet.widgets.{name}(element, props, trigger, watch, {server});"


def head() -> str:
    """The scripts, for the page's head; after ``settings.SCRIPT``."""
    bodies = {name: (FOLDER / f"{name}.js").read_text("utf-8") for name in NAMES}
    functions = [f"{name}(element, props, trigger, watch, server) {{\n{body}\n}}" for name, body in bodies.items()]
    helpers = "".join((FOLDER / f"{name}.js").read_text("utf-8") for name in HELPERS)
    return f"<script>{helpers}window.resnet.widgets = {{\n{', '.join(functions)}\n}};</script>"
