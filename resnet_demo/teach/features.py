"""The pooled features of photos: all that a linear head learns from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from resnet_demo import tasks
from resnet_demo.images import overlay
from resnet_demo.images.archives import Source
from resnet_demo.inference.base import BATCH, Predictor
from resnet_demo.inference.batch import THUMBNAIL_SIDE, draft_side, opened_photos


@dataclass(frozen=True, eq=False)
class Photo:
    """What teaching keeps of a photo.

    Attributes:
        name: the file's.
        features: float32 (C,), the last feature map's means; None where the file cannot be used.
        reason: why it cannot, one sentence; else empty.
        thumbnail: the picture, at most ``THUMBNAIL_SIDE`` pixels, or None.
    """

    name: str
    features: np.ndarray | None = field(default=None, repr=False)
    reason: str = ""
    thumbnail: Image.Image | None = field(default=None, repr=False)


def look(network: Predictor, sources: Iterable[Source], explain: Callable[[Exception], str] = str) -> Iterator[Photo]:
    """Photos through a network, in the order of the sources, a batch at a time.

    As the network sees a photo at first: of a long one its middle.

    Args:
        explain: what to say about a file that cannot be used.
    """
    spec = network.spec
    waiting: list[tuple[Photo, np.ndarray | None]] = []
    for item in opened_photos(sources, draft_side(spec), explain):
        if item is None:
            continue
        name, photo = item
        if isinstance(photo, str):
            waiting.append((Photo(name, reason=photo), None))
        else:
            # Small copies only: a whole class of photos would not fit into the memory.
            small = Photo(name, thumbnail=overlay.fit_within(photo, THUMBNAIL_SIDE))
            waiting.append((small, tasks.preprocess(spec, photo)[0]))
        del item, photo
        if len(waiting) == BATCH:
            yield from _with_features(network, waiting)
            waiting = []
    yield from _with_features(network, waiting)


def _with_features(network: Predictor, waiting: list[tuple[Photo, np.ndarray | None]]) -> Iterator[Photo]:
    pictures = [picture for _, picture in waiting if picture is not None]
    pooled = iter(network.engine.run(np.stack(pictures)).features.mean(axis=(2, 3)) if pictures else ())
    for photo, picture in waiting:
        yield photo if picture is None else Photo(photo.name, next(pooled).copy(), thumbnail=photo.thumbnail)
