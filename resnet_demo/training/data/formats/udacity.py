"""Udacity's facial keypoints: ``training_frames_keypoints.csv`` with ``training/``, and the same for test.

Frames of films of 347 people, who are in both parts; the name of a picture begins with the person's.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from resnet_demo.tasks import KEYPOINTS
from resnet_demo.training.data.formats.format import Format
from resnet_demo.training.data.own_items import Found, Item
from resnet_demo.training.data.own_keypoints import read_points
from resnet_demo.training.data.tables import files_below, read_table

TABLES = {"train": ("training_frames_keypoints.csv", "training"), "test": ("test_frames_keypoints.csv", "test")}


def find(data: Path) -> Path | None:
    return next((folder for folder in (data, data / "data") if (folder / TABLES["train"][0]).is_file()), None)


def read(folder: Path) -> Found:
    """Both tables; without the second one, the split is made by people."""
    parts = {part: names for part, names in TABLES.items() if (folder / names[0]).is_file()}
    items = []
    for part, (name, pictures) in parts.items():
        table = read_table(folder / name)
        if (folder / pictures).is_dir():  # A name may be in both folders.
            table = replace(table, files=files_below(folder / pictures))
        for row in read_points(table):
            person = re.sub(r"[_\d]+$", "", Path(row.name).stem)
            item = Item(row.path, row.path.relative_to(folder).as_posix(), row.points, group=person, unit=row.unit)
            items.append(replace(item, part=part if len(parts) > 1 else ""))
    remarks = () if len(parts) == 1 else ("The people of its test pictures are in its training pictures too.",)
    return Found(items, remarks=remarks)


FORMAT = Format("Udacity's facial keypoints (training_frames_keypoints.csv)", KEYPOINTS, find, read)
