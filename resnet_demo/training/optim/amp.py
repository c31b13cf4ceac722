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


def autocast(device_type: str) -> torch.autocast:
    """The context in which a network is trained, or a teacher asked, on a device of this kind."""
    return torch.autocast(device_type, torch.bfloat16, enabled=training_type(device_type) == torch.bfloat16)
