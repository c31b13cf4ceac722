"""Sessions that weigh little: Gradio 6.31 describes all components anew for each, 0.16 MB and 4 ms.

The descriptions are for links to a page's state, which this page does not offer, and would hold what visitors saw.
"""

from __future__ import annotations

import time
from copy import copy
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState

from resnet_demo.page.gradio_patches.reach import inside

MAX_SESSIONS = 2000  # sessions; the one that was used last goes last


class NoDescriptions(dict):
    """Takes nothing in."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


def lighten() -> None:
    """Make the sessions of all pages light."""
    for name, function in (
        ("__init__", _init),
        ("_update_config", _describe_nothing),
        ("_update_value_in_config", _describe_nothing),
    ):
        inside(SessionState, name, __name__)
        setattr(SessionState, name, function)


def _init(self: SessionState, blocks: gr.Blocks) -> None:
    self.blocks_config = copy(blocks.default_config)
    self.config_values = NoDescriptions()
    self.state_data, self._state_ttl = {}, {}
    self.is_closed, self.STATE_TTL_WHEN_CLOSED = False, 3600


def _describe_nothing(self: SessionState, *values: Any) -> None:
    pass


def end(page: gr.Blocks, session: str) -> None:
    """Forget a session, where there is one."""
    holder = page.app.state_holder
    with holder.lock:
        holder.session_data.pop(session, None)
        holder.time_last_used.pop(session, None)


def end_old(page: gr.Blocks, seconds: float) -> None:
    """Forget sessions whose browser has gone and that were not used for a time, and what the queue keeps of them."""
    holder, queue = page.app.state_holder, page._queue
    for session, used in list(holder.time_last_used.items()):
        found = holder.session_data.get(session)
        if (found is None or found.is_closed) and time.time() - used.timestamp() > seconds:
            end(page, session)
    for session, events in list(queue.pending_event_ids_session.items()):
        if not events and not holder.session_data.get(session):
            queue.pending_event_ids_session.pop(session, None)
