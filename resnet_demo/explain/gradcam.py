"""Grad-CAM (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391): where the photo speaks for a class.

The network ends in global average pooling and a linear head, so the gradient of output k by the last feature map is
the constant W[k] / (rows · columns): a weighted sum of that map, no backward pass. Earlier stages need one."""

import numpy as np

from resnet_demo.explain.autograd import by_autograd as by_autograd
from resnet_demo.explain.case import Case
from resnet_demo.explain.registry import LAST, explanation
from resnet_demo.explain.targets import Target
from resnet_demo.models.architecture import STAGES
from resnet_demo.tasks.spec import CLASSIFICATION, KEYPOINTS, REGRESSION
from resnet_demo.utils.linalg import in_pieces


def last_stage(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Last feature map (C, r, c) and rows of the head (k, C) → maps (k, r, c), not negative, on autograd's scale."""
    return np.maximum(signed_last_stage(features, weights), 0)


def signed_last_stage(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """As ``last_stage``, with what speaks against an output kept as negative values."""
    maps = in_pieces(weights, features.reshape(len(features), -1))  # (k, r · c)
    return maps.reshape(-1, *features.shape[1:]) / np.float32(maps.shape[1])


def evidence(case: Case, target: Target) -> np.ndarray:
    """The map (r, c) of a target at the case's stage; what speaks against it is negative."""
    rows = case.weights[target.outputs]
    if case.layer in LAST:
        return target.combined(signed_last_stage(case.features, rows))
    directions = target.directions(rows)
    found = case.stage_maps(case.picture, target.outputs, case.layer, directions)
    return target.combined(np.tensordot(directions.T, found, 1))


@explanation("grad-cam", {CLASSIFICATION: STAGES, KEYPOINTS: STAGES, REGRESSION: STAGES})
def grad_cam(case: Case) -> np.ndarray:
    return evidence(case, case.target).clip(-np.inf if case.target.signed else 0)
