"""What the hardware of a Space takes: its name for the Hub, its Python, and which PyTorch it is given.

ZeroGPU lends GPUs to Spaces of Gradio 4 or newer with PyTorch 2.8.0, 2.9.1, 2.10.0 or 2.11.0 ("almost all versions from
2.8.0 to latest") on Python 3.12.12 or 3.10.13: huggingface/hub-docs, ``docs/hub/spaces-zerogpu.md``, at commit 242f4a1
(2026-08-22), read on 2026-11-29. The Hub calls it ``zero-a10g`` (``huggingface_hub.SpaceHardware``), as the heads of
public Spaces do.
"""

from __future__ import annotations

import re

FIRST = "cpu-basic"  # what the Hub gives a new Space
ZERO = "zero-a10g"
ZERO_PYTHON, ZERO_TORCH = "3.12.12", "torch>=2.8,<2.12"
TORCH = re.compile(r"^torch[<>=].*\n", re.MULTILINE)


def hub_name(hardware: str | None) -> str | None:
    """The Hub's name for what the user may call ``zero-gpu``."""
    return ZERO if hardware and hardware.lower().replace("-", "") == "zerogpu" else hardware


def requirements_for(hardware: str, text: str) -> str:
    """``requirements.txt`` for this hardware: no PyTorch and its CUDA on a CPU, one that it has on ZeroGPU."""
    if hardware == ZERO:
        return TORCH.sub(f"{ZERO_TORCH}\n", text)
    if hardware.startswith("cpu"):
        return TORCH.sub("", text)
    return text


def head_for(hardware: str) -> dict[str, str]:
    """What the head of the Space's README.md says of it."""
    python = {"python_version": ZERO_PYTHON} if hardware == ZERO else {}
    return {**python, "suggested_hardware": hardware}
