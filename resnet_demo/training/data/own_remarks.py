"""What is worth saying of somebody's pictures before training, each in one sentence with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from resnet_demo.training.data.own_items import Item

TIMES = 20  # as many pictures as of the rarest class, from which on the rare one is hardly learnt
BLACK, SHARE = 16, 0.05  # values below which a picture is nearly black; share of such pictures


def remarks_on(items: Sequence[Item], photos: Sequence[np.ndarray], classes: Sequence[str]) -> Iterator[str]:
    """The sentences on these items and their photos, uint8 (rows, columns, 3)."""
    if classes:
        counts = np.bincount([int(item.label) for item in items if item.part == "train"], minlength=len(classes))
        most, least = int(counts.argmax()), int(counts.argmin())
        if counts[most] > TIMES * counts[least]:
            yield (
                f"{classes[most]} has {counts[most]:,} pictures in train and {classes[least]} only {counts[least]:,}, "
                f"so that {classes[least]} will hardly be named: add pictures of it, or pass --set "
                f"class_cap={max(TIMES, int(np.median(counts)))}."
            )
    black = [index for index, photo in enumerate(photos) if photo.max() < BLACK]
    if len(black) > SHARE * len(photos):
        yield (
            f"{len(black):,} of {len(photos):,} pictures have no value above {BLACK - 1} of 255, such as "
            f"{items[black[0]].name}; 12-bit data in 16-bit colour files look so: multiply their values by 16 and save "
            "them anew."
        )
