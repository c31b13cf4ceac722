"""The folder of a training run: what it is called inside, and whose run it is."""

from __future__ import annotations

import json
from pathlib import Path

from resnet_demo.errors import UserError
from resnet_demo.training.data.own_images import OwnPictures

RESUME = "resume.safetensors"
MARK = "own.json"


def claim(out: Path, own: OwnPictures, depth: int, init: str) -> None:
    """Mark a run's folder as that of these pictures and this start, so that only the same command goes on in it.

    Raises:
        UserError: it is that of others.
    """
    mark = {"pictures": own.record.fingerprint, "depth": depth, "init": init}
    path = out / MARK
    if (out / RESUME).exists():
        before = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        if changed := [key for key in mark if before.get(key) != mark[key]]:
            raise UserError(
                f"{out} holds a run with other {' and '.join(changed)}: choose another --out, or remove that folder."
            )
    path.write_text(json.dumps(mark) + "\n", "utf-8")
