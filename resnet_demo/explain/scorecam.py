"""Score-CAM (Wang et al. 2020, https://arxiv.org/abs/1910.01279): which parts alone make the class, without gradients.

Each channel's map, scaled up and to 0..1, masks the picture; the softmax of the class's logits then, over the channels,
weighs the channels. A baseline, as in the paper, would lower all logits alike, which a softmax does not notice."""

import numpy as np

from resnet_demo.explain.case import Case
from resnet_demo.explain.registry import LAST, explanation
from resnet_demo.tasks.decode import softmax
from resnet_demo.tasks.spec import CLASSIFICATION
from resnet_demo.utils.linalg import products


def stretch(cells: int, size: int) -> np.ndarray:
    """(size, cells): what each pixel takes of each cell, bilinear, the first and last cell at the picture's edges.

    The softmax makes much of small differences, so this is as pytorch-grad-cam has it."""
    return np.maximum(0, 1 - np.abs(np.linspace(0, cells - 1, size)[:, None] - np.arange(cells))).astype(np.float32)


@explanation("score-cam", {CLASSIFICATION: LAST})
def score_cam(case: Case) -> np.ndarray:
    # A channel that is zero everywhere adds nothing to the map, whatever its weight.
    channels = case.features[case.features.any(axis=(1, 2))]
    if not len(channels):
        return channels.sum(axis=0)
    down, across = (stretch(cells, case.spec.size) for cells in channels.shape[1:])
    mean = np.multiply(case.spec.mean, 255).astype(np.float32)
    difference = case.picture - mean  # float32 (S, S, 3)

    def masked(channel: np.ndarray) -> np.ndarray:
        mask = products(products(down, channel.T), across)
        mask = (mask - mask.min()) / (mask.max() - mask.min() + np.float32(1e-8))
        return np.rint(mean + mask[..., None] * difference).astype(np.uint8)

    logits = case.logits(map(masked, channels), len(channels))[:, case.target.outputs[0]]
    return (softmax(logits)[:, None, None] * channels).sum(axis=0)
