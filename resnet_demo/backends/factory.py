"""The engine for a checkpoint on the best device there is.

On a CPU that is OpenVINO, without importing torch; on CUDA and Apple MPS it is PyTorch; ``reference`` is plain float32
PyTorch on the CPU, which the others are tested against.
"""

from __future__ import annotations

from resnet_demo.backends import zerogpu_lease
from resnet_demo.backends.base import Engine
from resnet_demo.backends.devices import resolve_device
from resnet_demo.checkpoints import Checkpoint


def make_engine(checkpoint: Checkpoint, device: str = "auto") -> Engine:
    """The engine for a checkpoint on a device, see ``resolve_device``.

    Raises:
        UserError: the device does not exist here, or needs PyTorch, which is not installed.
    """
    device = resolve_device(device)
    if device == "cpu":
        from resnet_demo.backends.openvino import OpenVinoEngine

        return OpenVinoEngine(checkpoint)
    if device.startswith("cuda") and zerogpu_lease.is_lent():
        from resnet_demo.backends.zerogpu import ZeroGpuEngine

        return ZeroGpuEngine(checkpoint)
    from resnet_demo.backends.torch import TorchEngine

    return TorchEngine(checkpoint, device)
