"""The answers of the last minutes, so that another question about one needs no second forward pass."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, cast

from resnet_demo.errors import UserError
from resnet_demo.inference import results
from resnet_demo.page.i18n.texts import say

if TYPE_CHECKING:
    from PIL import Image

MOST = 64  # About half a megabyte each: feature maps, not photos.

_answers: OrderedDict[str, tuple[float, results.Result]] = OrderedDict()  # with the time when it was last asked for
_lock = threading.Lock()


@dataclass(frozen=True)
class Extent:
    """A photo's size in pixels without its pixels: all that placing a map needs."""

    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


def keep(result: results.Result) -> str:
    """Keep an answer, less its photo; returns the name to ask for it with, which cannot be guessed."""
    name = secrets.token_urlsafe(12)
    # A map asks a photo for its size only.
    light = replace(result, photo=cast("Image.Image", Extent(*result.photo.size)))
    with _lock:
        _answers[name] = monotonic(), light
        while len(_answers) > MOST:
            _answers.popitem(last=False)
    return name


def find(name: str) -> results.Result:
    """The answer that was kept under ``name``.

    Raises:
        UserError: it was kept too long ago.
    """
    with _lock:
        if name not in _answers:
            raise UserError(say("answer_gone"))
        _answers.move_to_end(name)
        _answers[name] = monotonic(), _answers[name][1]
        return _answers[name][1]


def forget(seconds: float) -> None:
    """Let go of the answers that nobody asked about within so many seconds; they hold their networks in memory."""
    with _lock:
        while _answers and monotonic() - next(iter(_answers.values()))[0] >= seconds:
            _answers.popitem(last=False)
