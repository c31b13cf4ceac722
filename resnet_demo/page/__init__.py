"""The page: the only folder that knows Gradio. ``build`` makes it, ``serve`` shows it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from resnet_demo.page.gradio_patches import no_stubs

if TYPE_CHECKING:
    import gradio as gr

__all__ = ["build", "serve"]

# Gradio reads these when it is imported. No calls to outside hosts; no statistics over all past events after each one.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "100")
no_stubs.leave_out()


def build() -> gr.Blocks:
    """The page, not yet launched."""
    from resnet_demo.page.app import build

    return build()


def serve() -> None:
    """Launch the page and wait until it is stopped. ``PORT`` (7860) and ``HOST`` (this machine only; on a Space, all)
    say where it listens.

    Raises:
        SystemExit: ``PORT`` is no port, or taken; the sentence says which.
    """
    from resnet_demo.page.server import serve

    serve()
