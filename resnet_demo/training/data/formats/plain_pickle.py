"""Pickles of plain values and NumPy arrays; whatever else one asks for is refused, so nothing of it is run."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

# What NumPy and Python's bytes are pickled with, under the names that old and new versions write.
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_ALLOWED = {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}
_ALLOWED |= {(module, "_reconstruct") for module in _MULTIARRAY}


class PlainUnpickler(pickle.Unpickler):
    """An unpickler that finds the makers of arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no plain value")
        if module in _MULTIARRAY:
            from numpy._core import multiarray

            return multiarray._reconstruct
        return getattr(np, name) if module == "numpy" else super().find_class(module, name)


def loads(content: bytes) -> Any:
    """The value in a pickle; text of Python 2 becomes bytes.

    Raises:
        pickle.UnpicklingError, and what a broken pickle raises.
    """
    return PlainUnpickler(io.BytesIO(content), encoding="bytes").load()
