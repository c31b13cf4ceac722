"""The processor that measured: without it no milliseconds mean anything."""

from __future__ import annotations

import platform
from pathlib import Path


def properties() -> dict[str, str]:
    """What Linux says of the first processor, by its own keys; empty on other systems."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def name() -> str:
    """The processor's name as the system gives it."""
    return properties().get("model name") or platform.processor() or platform.machine()
