"""SIGTERM and Ctrl-C: nothing new is taken, what is running comes to its end, and what is visitors' is deleted."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

    from resnet_demo.page.serving.requests import Requests
    from resnet_demo.page.serving.temp_folder import Sweeper

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def catch_signals() -> list[int] | None:
    """From now on, signals go into the list that is returned; None where none is heard, as in another thread than the
    main one."""
    if threading.current_thread() is not threading.main_thread():
        return None
    asked: list[int] = []
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: asked.append(number))
    return asked


def wait(page: gr.Blocks, requests: Requests, sweeper: Sweeper, seconds: float, asked: list[int] | None) -> None:
    """Wait for a signal, then stop a launched page. A second signal ends what is running at once.

    Args:
        seconds: time that running requests have.
        asked: the signals that came, see ``catch_signals``.
    """
    if asked is None:
        page.block_thread()
        return
    while not asked and page.is_running:
        time.sleep(0.1)
    requests.stopping = True
    end = time.monotonic() + seconds
    while requests.running and time.monotonic() < end and len(asked) < 2:
        time.sleep(0.02)
    computing = requests.running or any(thread.name in ("warm-up", "streams") for thread in threading.enumerate())
    logging.getLogger("uvicorn.error").disabled = True  # It would report each request that it cuts off.
    page.close(verbose=False)
    sweeper.stop()
    if computing:
        # The interpreter's own end would wait for a network that computes, or take its memory from under it.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
