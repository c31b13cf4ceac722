"""Answers about the examples are made once for all visitors: the page begins with one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from resnet_demo import checkpoints
from resnet_demo.page import result_cache
from resnet_demo.page.widgets.photo import is_example

Answer = TypeVar("Answer")


def once(
    image: str, question: tuple, ask: Callable[[], Answer], light: Callable[[Answer], Answer] = lambda answer: answer
) -> tuple[Answer, str | None]:
    """What ``ask`` answers about a photo, and the name under which it is kept; about other photos than the examples it
    is asked each time, and the name is None.

    Args:
        image: the photo's path.
        question: all else on which the answer depends.
        light: what is kept of an answer.
    """
    if not is_example(image):
        return ask(), None
    folder = checkpoints.weights_folder()
    weights = str(folder), checkpoints.index_version(folder)
    return result_cache.remembered((weights, image, *question), lambda: light(ask()))
