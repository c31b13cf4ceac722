"""Where Gradio keeps the files of requests, and how an address becomes such a file.

Seen in Gradio 6.31: ``Block.async_move_resource_to_block_cache(place)`` takes a path or an address into the folder
``Block.GRADIO_CACHE``. It is wrapped for one component, because Gradio reads an answer of any size into memory and
speaks of its failure in technical words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from gradio.components import Component

from resnet_demo.page.gradio_patches.reach import inside

Kind = TypeVar("Kind", bound=Component)


def folder(component: Component) -> str:
    """The folder of the component's files."""
    return inside(component, "GRADIO_CACHE", __name__)


def bring_with(component: Kind, bring: Callable[[Any], Awaitable[Any]]) -> Kind:
    """The component, whose files and addresses pass ``bring`` before Gradio takes them into its cache."""
    keep = inside(component, "async_move_resource_to_block_cache", __name__)

    async def take(place: Any) -> Any:
        return await keep(await bring(place))

    component.async_move_resource_to_block_cache = take  # type: ignore[method-assign,assignment]
    return component
