"""What a running program and its children take of the machine, from ``/proc``; Linux only."""

from __future__ import annotations

import os
import time
from pathlib import Path

PROC = Path("/proc")
IDLE = 0.25  # share of one core; an idle Gradio app looks a thousand times a second for work, which takes 0.05
LOOK = 0.25  # seconds between two looks


def readable() -> bool:
    """Whether this system says what a program takes."""
    return (PROC / "self" / "statm").exists()


def family(pid: int) -> list[int]:
    """A process and all its descendants that live."""
    found = [pid]
    try:
        threads = list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return found
    for thread in threads:
        try:
            children = (thread / "children").read_text().split()
        except OSError:  # It ended meanwhile.
            continue
        for child in children:
            found += family(int(child))
    return found


def resident(pid: int) -> int:
    """Bytes of memory that a process and its descendants have resident (RSS). Pages they share count once for each."""
    return sum(_pages(member) for member in family(pid)) * os.sysconf("SC_PAGE_SIZE")


def peak(pid: int) -> int:
    """The most bytes that a process, without its children, has had resident so far; 0 where it has ended."""
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and its descendants have used so far."""
    return sum(_ticks(member) for member in family(pid)) / os.sysconf("SC_CLK_TCK")


def settle(pids: list[int], patience: float = 30.0) -> None:
    """Wait until processes do nothing any more, for ``patience`` seconds at most."""
    end = time.monotonic() + patience
    before = sum(map(cpu_seconds, pids)) if readable() else 0.0
    while readable() and time.monotonic() < end:
        time.sleep(LOOK)
        now = sum(map(cpu_seconds, pids))
        if now - before <= IDLE * LOOK:
            return
        before = now


def _pages(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1])
    except OSError:
        return 0


def _ticks(pid: int) -> int:
    try:
        # The program's name stands in brackets and may hold spaces; time of user and system are fields 14 and 15.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
