"""Memory: networks and answers that nobody asks for any more are let go, and what was freed is handed back."""

from __future__ import annotations

import logging
import threading

from resnet_demo.backends import zerogpu_lease
from resnet_demo.backends.base import gated_networks, gradient_networks
from resnet_demo.inference import predictor
from resnet_demo.page import catalog, lessons, result_cache
from resnet_demo.page.limits import Limits
from resnet_demo.utils import memory

log = logging.getLogger(__name__)

EVERY = 10  # seconds
ANSWERS = 900  # seconds that an answer can be asked about
BETWEEN = 5  # seconds in which a network that was just asked for is not let go


def start(limits: Limits) -> None:
    """Look after the memory of this process, in a thread."""
    threading.Thread(target=_run, args=(limits,), name="memory", daemon=True).start()


def tidy(limits: Limits) -> int:
    """Let go of what is old, and of more where the process has too much memory → number of networks."""
    result_cache.forget(ANSWERS)
    lessons.forget(limits.teach_minutes * 60)
    # What was placed at the start travels to the lent GPU; networks that are loaded later cannot be placed.
    if zerogpu_lease.is_lent():
        memory.release()
        return 0
    keep = {(task, catalog.default_depth(task)) for task in catalog.first_tasks()}
    count = predictor.unload(limits.unload_seconds, keep)
    beside = (gradient_networks, gated_networks)
    for networks in beside:
        networks.unload(limits.unload_seconds)
    memory.release()
    for networks in beside:  # They first: they are made again in the shortest time.
        if (memory.resident() or 0) > limits.memory_mb * 1_000_000 and networks.unload(BETWEEN):
            memory.release()
    while (memory.resident() or 0) > limits.memory_mb * 1_000_000:
        if not predictor.unload(BETWEEN, keep, most=1):
            break
        result_cache.forget(BETWEEN)
        memory.release()
        count += 1
    return count


def _run(limits: Limits) -> None:
    wake = threading.Event()
    while not wake.wait(EVERY):
        try:
            tidy(limits)
        except Exception:
            log.exception("Memory could not be looked after.")
