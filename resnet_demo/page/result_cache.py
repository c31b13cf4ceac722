"""The answers of the last minutes, so that another question about one needs no second forward pass."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast

from resnet_demo.errors import UserError
from resnet_demo.inference import results
from resnet_demo.page.i18n.texts import say

if TYPE_CHECKING:
    from PIL import Image

Kind = TypeVar("Kind", bound=results.Result)
MAX_ANSWERS = 64  # About half a megabyte each: feature maps, not photos.

_answers: OrderedDict[str, tuple[float, Any]] = OrderedDict()  # with the time when it was last asked for
_lock = threading.Lock()


@dataclass(frozen=True)
class Extent:
    """A photo's size in pixels without its pixels: all that placing a map needs."""

    width: int
    height: int
    info: Mapping[str, Any]

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


def keep(result: results.Result) -> str:
    """Keep an answer, less its photo; returns the name to ask for it with, which cannot be guessed."""
    name = secrets.token_urlsafe(12)
    _keep(name, light(result))
    return name


def _keep(name: str, answer: Any) -> None:
    with _lock:
        _answers[name] = monotonic(), answer
        while len(_answers) > MAX_ANSWERS:
            _answers.popitem(last=False)


def light(result: Kind) -> Kind:
    """An answer without its photo's pixels: a map asks for its size only."""
    photo = result.photo
    said = {key: photo.info[key] for key in ("missing_rows",) if key in photo.info}
    return replace(result, photo=cast("Image.Image", Extent(*photo.size, said)))


def remembered(question: tuple, ask: Callable[[], Any]) -> tuple[Any, str]:
    """What ``ask`` answers, or has answered to the same question, and the name under which it is kept.

    For questions that every visitor asks, those about the examples.
    """
    name = f"shared-{hashlib.sha256(repr(question).encode()).hexdigest()[:24]}"
    with _lock:
        if name in _answers:
            _answers.move_to_end(name)
            _answers[name] = monotonic(), _answers[name][1]
            return _answers[name][1], name
    answer = ask()
    _keep(name, answer)
    return answer, name


def has(name: str) -> bool:
    """Whether the answer of this name is kept still."""
    with _lock:
        return name in _answers


def find(name: str) -> results.Result:
    """The answer that was kept under ``name``.

    Raises:
        UserError: it was kept too long ago.
    """
    with _lock:
        if name not in _answers:
            raise UserError(say("answer_gone"))
        _answers.move_to_end(name)
        found = _answers[name][1]
        _answers[name] = monotonic(), found
        return cast(results.Result, found)


def drop(names: Iterable[str]) -> None:
    """Let go of these answers, as their visitor has gone."""
    with _lock:
        for name in names:
            _answers.pop(name, None)


def forget(seconds: float) -> None:
    """Let go of the answers that nobody asked about within so many seconds; they hold their networks in memory."""
    with _lock:
        while _answers and monotonic() - next(iter(_answers.values()))[0] >= seconds:
            _answers.popitem(last=False)
