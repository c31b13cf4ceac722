"""What networks are trained in: bf16 where the device computes in it, float32 elsewhere.

A CPU without bf16 instructions (AVX2 only, as many laptops' and servers') emulates them, many times slower than it
multiplies in float32.
"""

from __future__ import annotations

from functools import cache

import torch


@cache
def training_type(device_type: str) -> torch.dtype:
    """The type of a device type's feature maps and products (``cpu``, ``cuda``), parameters being float32."""
    if device_type == "cuda":  # Those before Ampere emulate it too.
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device_type != "cpu":
        return torch.bfloat16
    from resnet_demo.backends.openvino import float_precision

    return torch.bfloat16 if float_precision() == "bf16" else torch.float32


def autocast(device_type: str, dtype: torch.dtype | None = None, halves_cells: bool = False) -> torch.autocast:
    """The context in which a network is trained, or a teacher asked, on a device of this kind.

    Args:
        dtype: float32 or bfloat16 (``training_type``).
        halves_cells: whether a convolution of stride 2 sees maps of a single cell. On a CPU that takes float32: in bf16
            PyTorch 2.14.1 leaves a part of the gradient of its 3×3 weights unwritten, so that it holds whatever was in
            that memory (its oneDNN, seen on an AMD EPYC with AVX512-BF16; maps of two cells and more are right).
    """
    dtype = dtype or training_type(device_type)
    enabled = dtype == torch.bfloat16 and not (halves_cells and device_type == "cpu")
    return torch.autocast(device_type, torch.bfloat16, enabled=enabled)
