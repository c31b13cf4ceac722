"""The folder of a training run: what it is called inside, and whose run it is."""

from __future__ import annotations

import json
from pathlib import Path

from resnet_demo.errors import UserError
from resnet_demo.models.architecture import Architecture, architecture_of
from resnet_demo.training.data.own_images import OwnPictures

RESUME = "resume.safetensors"
MARK = "own.json"


def claim(out: Path, own: OwnPictures, depth: Architecture | int, init: str) -> None:
    """Mark a run's folder as that of these pictures and this start, so that only the same command goes on in it.

    Raises:
        UserError: it is that of others.
    """
    network = architecture_of(depth)
    usual = network.name == f"resnet{network.depth}"
    mark = {"pictures": own.record.fingerprint, "depth": network.depth if usual else network.name, "init": init}
    path = out / MARK
    if (out / RESUME).exists():
        before = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        if changed := [key for key in mark if before.get(key) != mark[key]]:
            raise UserError(
                f"{out} holds a run with other {' and '.join(changed)}: choose another --out, or remove that folder."
            )
    path.write_text(json.dumps(mark) + "\n", "utf-8")
