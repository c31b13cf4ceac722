"""One sentence for whatever goes wrong, in the visitor's language."""

from __future__ import annotations

import errno
import logging
import re

import gradio as gr

from resnet_demo.errors import UserError
from resnet_demo.page.i18n.errors_zh import translate
from resnet_demo.page.i18n.texts import say

log = logging.getLogger(__name__)


# A path of this machine, or a file of a checkpoint: nothing for visitors.
SERVER_FILE = re.compile(
    r"(?<![\w:/.<])/[\w.~-]+/[^\s'\"]|[A-Za-z]:\\\\|\b(index|config)\.json\b|\bmodel\.safetensors\b"
)

# A photo's: its name is the visitor's own.
QUOTED_PATH = re.compile(r"'/(?:[^'/]*/)*([^'/]+)'")


def sentence(error: Exception) -> str:
    """What to tell people about a failure; what only the operator can mend goes to the log."""
    if isinstance(error, UserError):
        error = UserError(QUOTED_PATH.sub(r"'\1'", str(error)))
        if names_server_file(str(error)):
            log.error("%s", error)
            return say("server_file")
        return translate(str(error))
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


def names_server_file(text: str) -> bool:
    """Whether a text names a file of this machine; what stands in an address is the visitor's own."""
    return bool(SERVER_FILE.search(re.sub(r"https?://\S+", "", text)))


def is_disk_trouble(error: BaseException) -> bool:
    """Whether the disk is full, or cannot be written."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
