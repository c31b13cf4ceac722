"""One sentence for whatever goes wrong, in the visitor's language."""

from __future__ import annotations

import errno
import logging
import re
from pathlib import PurePosixPath

import gradio as gr

from resnet_demo.errors import Text, UserError
from resnet_demo.page.i18n.errors_zh import translate
from resnet_demo.page.i18n.texts import say

log = logging.getLogger(__name__)


# A path of this machine, or a file of a checkpoint: nothing for visitors.
SERVER_FILE = re.compile(
    r"(?<![\w:/.<])/[\w.~-]+/[^\s'\"]|[A-Za-z]:\\\\|\b(index|config)\.json\b|\bmodel\.safetensors\b"
)


def sentence(error: Exception) -> str:
    """What to tell people about a failure; what only the operator can mend goes to the log."""
    if isinstance(error, UserError):
        text = without_folders(error.text)
        if names_server_file(str(text)):
            log.error("%s", text)
            return say("server_file")
        return translate(text)
    if isinstance(error, gr.Error):
        return error.message
    if is_disk_trouble(error):
        log.error("%s", error)
        return say("disk_full")
    if isinstance(error, MemoryError):
        log.error("There was not enough memory for a request.")
        return say("too_large_now")
    log.error("A request failed.", exc_info=error)
    return say("unexpected")


def without_folders(text: Text) -> Text:
    """What is quoted is a photo's: of its path the name alone is the visitor's own."""
    quoted = {name for name, _, conversion in text.places() if conversion == "r"}

    def shown(name: str, value: object) -> object:
        if isinstance(value, Text):
            return without_folders(value)
        if name in quoted and isinstance(value, str) and value.startswith("/"):
            return PurePosixPath(value).name
        return value

    return Text(text.template, **{name: shown(name, value) for name, value in text.values.items()})


def names_server_file(text: str) -> bool:
    """Whether a text names a file of this machine; what stands in an address is the visitor's own."""
    return bool(SERVER_FILE.search(re.sub(r"https?://\S+", "", text)))


def is_disk_trouble(error: BaseException) -> bool:
    """Whether the disk is full, or cannot be written."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
