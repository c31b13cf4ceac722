"""What a component hands to our functions, in place of its own check of what was sent.

Seen in Gradio 6.31: ``Component.preprocess`` of one component is replaced. Its own check answers with a technical
sentence (a depth that is none of the choices), or fails before our function is reached (a broken photo). A subclass
would do the same by documented means, but Gradio writes a stub file beside the module of every subclass, and a Space's
folder cannot be written to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gradio.components import Component

from resnet_demo.page.gradio_patches.reach import inside

Kind = TypeVar("Kind", bound=Component)


def read_with(component: Kind, read: Callable[[Any], Any]) -> Kind:
    """The component, whose value now is ``read(what was sent)``. It must be quick: it keeps others waiting, see
    ``fewer_threads``."""
    inside(component, "preprocess", __name__)
    read.is_quick = True  # type: ignore[attr-defined]
    component.preprocess = read  # type: ignore[method-assign,assignment]
    return component
