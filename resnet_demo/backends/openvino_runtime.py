"""OpenVINO, made ready for threads; import it from here.

OpenVINO makes its table of element types at the first use. Two threads whose first use comes at the same time wait for
each other for ever, and hold Python's lock meanwhile, so that the whole process stands still (seen with 2026.4: one
thread in the guard of a C++ static, the other one inside it, waiting for Python). So the table is made here, where the
import lock lets one thread in.
"""

from __future__ import annotations

import openvino as ov

ov.Type.u8.to_dtype()

__all__ = ["ov"]
