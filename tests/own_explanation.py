"""An explanation of somebody's own, all in one file: how much the network saw at each place, whatever it made of it."""

import numpy as np

from resnet_demo.explain.case import Case
from resnet_demo.explain.registry import LAST, explanation
from resnet_demo.tasks.spec import CLASSIFICATION


@explanation("activity", {CLASSIFICATION: LAST})
def activity(case: Case) -> np.ndarray:
    return case.features.mean(axis=0)
