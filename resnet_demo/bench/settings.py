"""What the measurements of the command ``bench`` share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What the measurements share; each one takes what it needs.

    Attributes:
        depths: of the networks.
        rounds: how often the ways take turns.
        seconds: a way's turn takes as many steps as begin within this time, and one at least.
        batch: pictures a step, 2 or more (None: as the measurement has it for a depth).
        size: side of the square pictures in pixels, 32 or more.
        workers: processes that prepare pictures (0: none, the measuring one does it).
        pictures: number of photos in the folder of ``bulk`` and ``batch``.
        photos: folder of photos for ``own``, a subfolder a class (None: it is left out).
        data: folder of the data sets (None: the usual one, and drawn pictures where there is none).
    """

    depths: tuple[int, ...]
    rounds: int = 3
    seconds: float = 2.0
    batch: int | None = None
    size: int = 224
    workers: int = 1
    pictures: int = 2000
    photos: Path | None = None
    data: Path | None = None
