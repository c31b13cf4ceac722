"""ZeroGPU: Spaces whose GPU is lent for the length of a call (https://huggingface.co/docs/hub/spaces-zerogpu).

What ``spaces.GPU`` decorates runs there in a forked process, the only one with the GPU, and its arguments and results
are pickled. So as little as possible goes through ``run``: the forward pass, pictures in, last feature map out. What
the thread that imported ``spaces`` places on "cuda" at the start comes along with the fork. Elsewhere ``spaces.GPU``
changes nothing, and without the package ``prepare`` does not either.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import TypeVar

Made = TypeVar("Made")

# Seconds that a call may take. Visitors need that much left of their quota, and pay what is really used: starting the
# process takes most of it.
DURATION = 15
DEVICE = "cuda"

_lent: Callable | None = None
_home: int | None = None  # the thread in which torch behaves as if there were a GPU


def prepare() -> bool:
    """Import ``spaces`` where it is installed, and decorate what ``run`` calls; call it before torch is imported.

    Returns:
        Whether this is a ZeroGPU Space.
    """
    global _lent, _home
    if _lent is None and find_spec("spaces"):
        import spaces

        if hasattr(spaces, "GPU"):  # Any folder of that name can be imported.
            _lent = spaces.GPU(duration=DURATION)(call_there)
            _home = threading.get_ident()
    return is_lent()


def is_lent() -> bool:
    """Whether this is a ZeroGPU Space, and ``prepare`` was called."""
    return _lent is not None and os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def can_place() -> bool:
    """Whether networks can be placed on the GPU before it is there: only by the thread that called ``prepare``."""
    return is_lent() and threading.get_ident() == _home


def run(function: Callable[..., Made], *arguments: object) -> Made:
    """``function(*arguments)``, in the process that has the GPU where one is lent.

    Args:
        function: of a module's top level, as only its name is sent.
        arguments: what can be pickled.
    """
    return (_lent or call_there)(function, *arguments)


def call_there(function: Callable[..., Made], *arguments: object) -> Made:
    """What is decorated; it is sent by its name and runs in the forked process."""
    return function(*arguments)
