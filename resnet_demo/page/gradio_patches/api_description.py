"""How the page of endpoints, the clients and MCP describe our inputs.

Seen in Gradio 6.31: ``Component.api_info`` and ``example_inputs`` of one component are replaced (Gradio describes the
values that the browser sends, among them the classes of one task alone, and its example photo is a bus), and
``Blocks.get_api_info`` is wrapped, as it lists labels in the form that the browser translates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import gradio as gr
from gradio.components import Component

from resnet_demo.page.gradio_patches.reach import inside

Kind = TypeVar("Kind", bound=Component)


def describe(
    component: Kind, schema: Mapping[str, object] | None = None, example: Mapping[str, object] | None = None
) -> Kind:
    """The component with another JSON schema or another example, or both."""
    if schema is not None:
        inside(component, "api_info", __name__)
        component.api_info = lambda: dict(schema)  # type: ignore[method-assign]
    if example is not None:
        inside(component, "example_inputs", __name__)
        component.example_inputs = lambda: dict(example)  # type: ignore[method-assign]
    return component


def describe_page(page: gr.Blocks, change: Callable[[Any], Any]) -> None:
    """Pass the description of all endpoints through ``change`` before anyone sees it."""
    made = inside(page, "get_api_info", __name__)
    page.get_api_info = lambda *options, **named: change(made(*options, **named))  # type: ignore[method-assign]
