"""What all formats share: the folder to write to, and the arrays as other programs expect them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from resnet_demo.errors import UserError

FLOAT32, FP16, INT8 = PRECISIONS = ("float32", "fp16", "int8")


def check_precision(kind: str, precision: str) -> None:
    """Refuse a precision that a format is not written in.

    Raises:
        UserError: it is not, or there is none of that name.
    """
    if precision not in PRECISIONS:
        raise UserError(f"There is no precision {precision!r}: choose {', '.join(PRECISIONS)}.")
    if precision != FLOAT32 and kind != "onnx":
        raise UserError(f"Only onnx is written in {precision}: leave out the precision, or choose onnx.")


def check_parent(out: Path) -> None:
    """A misspelt folder must not be made.

    Raises:
        UserError: the folder that ``out`` is to lie in is not there.
    """
    if not out.parent.exists():
        raise UserError(f"There is no folder {out.parent}: make it first, or name another --out.")


def with_counters(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A state with the counter of batches of each norm, as PyTorch's ``state_dict()`` has it."""
    counters = {
        key.replace("running_mean", "num_batches_tracked"): np.zeros((), np.int64)
        for key in state
        if key.endswith("running_mean")
    }
    return {**state, **counters}


def half_matrices(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights of two and more dimensions in float16: an eighth of the rounding to eight bits, at most.

    Norms stay float32, as a variance may be smaller than what float16 can hold.
    """
    return {key: value.astype(np.float16) if value.ndim > 1 else value for key, value in state.items()}
