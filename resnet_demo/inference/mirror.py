"""One pass of a network, as its task's answers have it: with mirror images where the task says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from resnet_demo.backends.base import Engine, Outputs


def outputs_of(engine: Engine, pictures: np.ndarray) -> Outputs:
    """What an engine makes of uint8 (b, S, S, 3); of a ``mirrored`` task the logits are the mean of those of each
    picture and of its mirror image. The feature maps are those of the pictures as they are."""
    if not engine.checkpoint.spec.mirrored:
        return engine.run(pictures)
    count = len(pictures)
    both = engine.run(np.concatenate([pictures, pictures[:, :, ::-1]]))
    return replace(both, logits=(both.logits[:count] + both.logits[count:]) / 2, features=both.features[:count])
