"""Which tabs the page has.

Each is a function in a file of its own, here or anywhere, under ``tab``: that is all that makes the page show it, keep
its controls over a reload, and restore them from an address.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import gradio as gr
from gradio.components import Component

from resnet_demo.page.i18n import texts

# The tabs of this folder, in the order in which the page shows them; those that others have imported come last.
MODULES = ("classify", "faces", "number", "compare", "batch", "teach", "live", "lab", "how_it_works")

Build = Callable[[], Mapping[str, Component]]
Restore = Callable[[Mapping[str, object]], dict[str, Any]]


@dataclass(frozen=True)
class Tab:
    """A tab of the page.

    Attributes:
        id: in the address (``?tab=``) and in ids of elements (``tab-…``).
        build: makes it inside the page that is being built → its controls by name, as they stand in the address.
        restore: kept values by name, which anybody may have written → updates by name; for controls that depend on each
            other. The others are restored each by itself: see ``restore.control``.
        derived: names of controls that follow from others, so that they are not kept.
        left: told when a visitor has closed or left the page.
        shown: whether the page shows it; its endpoints are there in any case.
    """

    id: str
    build: Build
    restore: Restore | None = None
    derived: Collection[str] = ()
    left: Callable[[gr.Request], None] | None = None
    shown: Callable[[], bool] = lambda: True

    @property
    def title(self) -> str:
        return texts.label(f"tab_{self.id}")


_tabs: dict[str, Tab] = {}


def tab(
    id: str,
    *,
    restore: Restore | None = None,
    derived: Collection[str] = (),
    left: Callable[[gr.Request], None] | None = None,
    shown: Callable[[], bool] = lambda: True,
    english: Mapping[str, str] | None = None,
    chinese: Mapping[str, str] | None = None,
) -> Callable[[Build], Build]:
    """Show what the function below builds as a tab, see ``Tab``.

    Args:
        english, chinese: its own texts by key, for ``label`` and ``say``; ``tab_<id>`` is its title. The texts of this
            folder's tabs are in ``i18n`` with all others.
    """
    texts.add(english or {}, chinese or {})

    def keep(build: Build) -> Build:
        _tabs[id] = Tab(id, build, restore, derived, left, shown)
        return build

    return keep


def tabs() -> list[Tab]:
    """All tabs, in the order of the page."""
    ours = [f"{__package__}.{module}" for module in MODULES]
    for module in ours:
        import_module(module)
    place = {module: index for index, module in enumerate(ours)}
    return sorted(_tabs.values(), key=lambda one: place.get(one.build.__module__, len(ours)))
