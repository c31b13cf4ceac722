"""Names of timm's pre-activation networks (``resnetv2.py``) and ours, which follow torchvision's."""

from __future__ import annotations

import re


def from_timm(name: str) -> str:
    """``stages.0.blocks.1.norm2.weight`` → ``layer1.1.norm2.weight``; other names stay as they are."""
    name = re.sub(r"^stem\.conv\.", "conv1.", name)
    if match := re.fullmatch(r"stages\.(\d+)\.blocks\.(\d+)\.(.+)", name):
        stage, block, rest = match.groups()
        return f"layer{int(stage) + 1}.{block}.{rest.replace('downsample.conv.', 'downsample.0.')}"
    return re.sub(r"^head\.fc\.", "fc.", name)


def to_timm(name: str) -> str:
    """The way back."""
    name = re.sub(r"^conv1\.", "stem.conv.", name)
    if match := re.fullmatch(r"layer(\d+)\.(\d+)\.(.+)", name):
        stage, block, rest = match.groups()
        return f"stages.{int(stage) - 1}.blocks.{block}.{rest.replace('downsample.0.', 'downsample.conv.')}"
    return re.sub(r"^fc\.", "head.fc.", name)
