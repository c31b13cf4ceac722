"""What ``gather`` leaves beside the pictures: a record of where they are from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from resnet_demo.checkpoints.records import Gathered

RECORD = "gathered.json"
OTHER = "other"  # subfolder of the pictures of no known class


def records(folders: Iterable[str | Path]) -> dict[str, Gathered]:
    """Folder → its record, of those that ``gather`` made."""
    files = {Path(folder).as_posix(): Path(folder) / RECORD for folder in folders}
    return {
        name: Gathered.from_json(json.loads(file.read_text("utf-8"))) for name, file in files.items() if file.is_file()
    }
