"""How many pixels of photos are in memory at a time, over all threads: who comes when there are too many waits."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PIL import Image

from resnet_demo.errors import Text, UserError

SECONDS = 20  # Longest wait: after that a sentence is kinder.


class PixelBudget:
    """Counts the pixels of decoded photos until nobody holds them any more.

    Args:
        most: pixels at a time; None: as many as come, as on the command line. One photo alone may have more.
    """

    def __init__(self, most: int | None = None):
        self.most, self.used = most, 0
        self._waiting: deque[object] = deque()
        # Re-entrant: the garbage collector may give back a photo while this thread counts another one.
        self._changed = threading.Condition(threading.RLock())
        self._thread = threading.local()

    @property
    def is_tight(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    @contextmanager
    def told(self, taken: Callable[[], object]) -> Iterator[None]:
        """Call ``taken`` once this thread's photo has its memory, or at the end."""
        self._thread.taken = taken
        try:
            yield
        finally:
            del self._thread.taken
            taken()

    @contextmanager
    def reserved(self, size: tuple[int, int], subject: str | Text) -> Iterator[Callable[[Image.Image], Image.Image]]:
        """While a picture of this size (width, height) is decoded; inside, give the photo that came out to the function
        that this gives, so that it counts as long as it lives.

        Raises:
            UserError: it did not fit within ``SECONDS``, or memory ended; ``subject`` begins the sentence.
        """
        pixels, kept = self._take(size[0] * size[1], subject), False
        getattr(self._thread, "taken", lambda: None)()

        def keep(photo: Image.Image) -> Image.Image:
            nonlocal kept
            kept = True
            weakref.finalize(photo, self._give_back, pixels).atexit = False
            return photo

        try:
            yield keep
        except MemoryError as error:
            raise too_large_now(subject) from error
        finally:
            if not kept:
                self._give_back(pixels)

    def _take(self, pixels: int, subject: str | Text) -> int:
        with self._changed:
            if self.most is None:
                self.used += pixels
                return pixels
            pixels = min(pixels, self.most)
            if self._waiting or self.used + pixels > self.most:
                gc.collect()  # A photo may hang in an exception's circle.
            ticket = object()
            self._waiting.append(ticket)
            most = self.most
            try:
                # In turns, so that a large photo does not wait for ever behind small ones.
                free = self._changed.wait_for(
                    lambda: self._waiting[0] is ticket and self.used + pixels <= most, SECONDS
                )
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
            if not free:
                raise too_large_now(subject)
            self.used += pixels
            return pixels

    def _give_back(self, pixels: int) -> None:
        with self._changed:
            self.used -= pixels
            self._changed.notify_all()


def too_large_now(subject: str | Text) -> UserError:
    return UserError(
        "{subject} is too large for this server just now: try again in a minute, or choose a smaller one.",
        subject=subject,
    )


budget = PixelBudget()
