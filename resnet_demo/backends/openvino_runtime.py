"""OpenVINO, made ready for threads; import it from here.

OpenVINO makes its table of element types at the first use. Two threads whose first use comes at the same time wait for
each other for ever, and hold Python's lock meanwhile, so that the whole process stands still (seen with 2026.4: one
thread in the guard of a C++ static, the other one inside it, waiting for Python). So the table is made here, where the
import lock lets one thread in.

All networks are compiled by one ``core``, which is never let go. The CPU plugin of a Core exchanges the alternate
signal stack (sigaltstack) of the thread that first compiles with it, and puts the former one back when the Core goes.
Cores that go in another order than the reverse of their coming, as those of networks in a cache do, thus leave the
thread with a stack that was given back long ago, and the next signal that Python has a handler for (a child process
that ends, SIGTERM) kills the process without a word (seen with 2026.4; ``intel_cpu/src/plugin.cpp``).
"""

from __future__ import annotations

import openvino as ov

from resnet_demo.utils.cpu import cpu_count

ov.Type.u8.to_dtype()

core = ov.Core()

__all__ = ["core", "hints", "ov"]


def hints(precision: str, streams: int = 1) -> dict[str, object]:
    """How a network is compiled for the CPU.

    Args:
        precision: ``int8``, ``bf16`` or ``f32``. In an ``int8`` graph it is that of what is not rounded: bf16 there
            would have to be turned into float32 before each rounding.
        streams: pictures that are computed at a time; the threads are shared out among them.
    """
    return {
        **({"PERFORMANCE_HINT": "LATENCY"} if streams == 1 else {"NUM_STREAMS": streams}),
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": cpu_count(),
        # The hint alone leaves out the second thread of a core, which are half the CPUs of many containers.
        "ENABLE_HYPER_THREADING": True,
    }
