"""Contrast: why this class and not that one. The difference of the two maps adds up to the difference of the logits
(less that of the biases), so each place says for which of the two it counts, and how much; without another pass."""

from __future__ import annotations

import numpy as np

from resnet_demo.explain.case import Case
from resnet_demo.explain.gradcam import evidence
from resnet_demo.explain.registry import LAST, explanation
from resnet_demo.tasks.spec import CLASSIFICATION, KEYPOINTS


@explanation("contrast", {CLASSIFICATION: LAST, KEYPOINTS: LAST}, signed=True, compares=True)
def contrast(case: Case) -> np.ndarray:
    """Positive where the photo speaks for the target, or moves it, more than what it is compared with."""
    assert case.against is not None
    return evidence(case, case.target) - evidence(case, case.against)
