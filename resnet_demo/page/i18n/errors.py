"""One sentence for whatever goes wrong, in the visitor's language."""

from __future__ import annotations

import logging

import gradio as gr

from resnet_demo.errors import UserError
from resnet_demo.page.i18n.errors_zh import translate
from resnet_demo.page.i18n.texts import say

log = logging.getLogger(__name__)


def sentence(error: Exception) -> str:
    """What to tell people about a failure."""
    if isinstance(error, UserError):
        return translate(str(error))
    if isinstance(error, gr.Error):
        return error.message
    log.error("A request failed.", exc_info=error)
    return say("unexpected")
