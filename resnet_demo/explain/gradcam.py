"""Grad-CAM (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391): where the photo speaks for a class.

The network ends in global average pooling and a linear head, so the gradient of output k with respect to the last
feature map is the constant W[k] / (rows · columns). Grad-CAM of the last stage therefore needs no backward pass:
a weighted sum of the feature map that the prediction has made already. Earlier stages need a backward pass."""

import numpy as np

from resnet_demo.explain.autograd import by_autograd as by_autograd
from resnet_demo.explain.case import Case
from resnet_demo.explain.registry import LAST, explanation
from resnet_demo.explain.targets import Target
from resnet_demo.models.architecture import STAGES
from resnet_demo.tasks.spec import CLASSIFICATION, KEYPOINTS, REGRESSION
from resnet_demo.utils.linalg import products


def last_stage(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Last feature map (C, r, c) and rows of the head (k, C) → maps (k, r, c), not negative, on autograd's scale."""
    return np.maximum(signed_last_stage(features, weights), 0)


def signed_last_stage(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """As ``last_stage``, with what speaks against an output kept as negative values."""
    channels, rows, columns = features.shape
    maps = products(weights, features.reshape(channels, rows * columns).T)  # (k, r · c)
    return maps.reshape(-1, rows, columns) / np.float32(rows * columns)


def evidence(case: Case, target: Target) -> np.ndarray:
    """The map (r, c) of a target at the case's stage; what speaks against it is negative."""
    rows = case.weights[target.outputs]
    if case.layer in LAST:
        return target.combined(signed_last_stage(case.features, rows))
    directions = target.directions(rows)
    maps = case.stage_maps(case.picture, target.outputs, case.layer, directions)
    return target.combined(np.tensordot(directions.T, maps, 1))


@explanation("grad-cam", {CLASSIFICATION: STAGES, KEYPOINTS: STAGES, REGRESSION: STAGES})
def grad_cam(case: Case) -> np.ndarray:
    cam = evidence(case, case.target)
    return cam if case.target.signed else np.maximum(cam, 0)
