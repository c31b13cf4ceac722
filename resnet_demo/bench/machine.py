"""The machine that measured: without it no figure means anything."""

from __future__ import annotations

import os
import platform

import torch
import torchvision

from resnet_demo.backends.openvino_int8 import NARROW, WIDE
from resnet_demo.utils import cpu

BUSY = 0.3  # load of an idle machine, whose last minute may have seen a build


def describe() -> dict:
    """CPU, cores, threads, instructions, device, versions and the load before the measurements, for JSON."""
    gpu = torch.cuda.is_available()
    flags = cpu.processor_properties().get("flags", "").split()
    return {
        "cpu": cpu.processor_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "bf16": [flag for flag in flags if "bf16" in flag],
        "int8": [flag for flag in flags if flag in WIDE] or [flag for flag in flags if flag in NARROW],
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def as_line(machine: dict) -> str:
    """The description for people, and a warning where other programs are at work."""
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, bf16 instructions: {', '.join(machine['bf16']) or 'not known'}",
        f"device {machine['device']}, {machine['threads']} threads, torch {machine['torch']}, "
        f"torchvision {machine['torchvision']}, Python {machine['python']}",
    ]
    if (machine["load"] or 0) > BUSY * machine["cores"]:
        lines.append(
            f"The load is {machine['load']}: other programs are at work, so the figures are not to be trusted."
        )
    return "\n".join(lines)
