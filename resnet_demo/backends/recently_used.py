"""Something large beside an engine, of those engines alone that were asked for it last."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Owner = TypeVar("Owner")
Part = TypeVar("Part")


class RecentlyUsed(Generic[Owner, Part]):
    """Parts by their owner; a part goes with its owner, when others were used since, or when it is let go.

    Args:
        most: parts that are kept.
    """

    def __init__(self, most: int):
        self.most = most
        self._lock = threading.Lock()
        self._parts: WeakKeyDictionary[Owner, tuple[float, Part]] = WeakKeyDictionary()  # the last used one last

    def get(self, owner: Owner, make: Callable[[], Part]) -> Part:
        """The owner's part, which must not refer to it; ``make`` must be quick, as all wait for it."""
        with self._lock:
            part = self._parts.pop(owner)[1] if owner in self._parts else make()
            self._parts[owner] = monotonic(), part
            while len(self._parts) > self.most:
                del self._parts[next(iter(self._parts.keys()))]
            return part

    def forget(self, owner: Owner) -> None:
        """Let go of an owner's part. Whoever uses it just now can go on."""
        with self._lock:
            self._parts.pop(owner, None)

    def unload(self, seconds: float) -> int:
        """Let go of what nobody asked for within so many seconds → how many."""
        with self._lock:
            old = [owner for owner, (used, _) in self._parts.items() if monotonic() - used >= seconds]
            for owner in old:
                del self._parts[owner]
            return len(old)
