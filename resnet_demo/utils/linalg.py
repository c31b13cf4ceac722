"""Dot products without BLAS, or without its threads.

The small products behind a network are done in well under a millisecond either way, but the threads with which
OpenBLAS does them go on spinning for tens of milliseconds, and take the cores from the network's next picture: on two
cores with other work on them a ResNet-50 with its head took 54 ms a picture so, and 34 ms without, as long as without
its head.
"""

from __future__ import annotations

import numpy as np


def products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, C) and (k, C) → the dot product of each row with each row, (n, k)."""
    return np.einsum("nc,kc->nk", a, b)


ALONE = 262_144  # multiplications: up to here OpenBLAS takes one thread (65,536 · 4 in its interface/gemm.c)


def in_pieces(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix product (m, k) · (k, n) → (m, n), rows by rows in pieces for each of which OpenBLAS takes no threads.

    For products that are too large for ``products``: beside other work, its threads made them ten times slower.
    """
    found = np.empty((len(a), b.shape[1]), np.result_type(a, b))
    rows = max(1, ALONE // b.size)
    for first in range(0, len(a), rows):
        np.matmul(a[first : first + rows], b, out=found[first : first + rows])
    return found
