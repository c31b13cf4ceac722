"""Folders of classes of real photographs, to teach and to test with."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from conftest import FLOWERS, data_folder, from_examples

SPECIES = ("76", "73", "50", "45", "3")  # passion flower, rose, petunia, wallflower, sweet pea in labels.csv


def write_species(folder: Path, each: int, tested: int) -> tuple[Path, Path]:
    """The folders ``photos`` and ``test`` inside ``folder``, a subfolder a class with so many photos.

    Five flowers102 species, of which train and val have 20 photos each; without the data set the shipped photographs
    of flowers with seeded augmentation.
    """
    parts = {"photos": each, "test": tested}
    for part, name, index, take in _real(parts) if data_folder() else _shipped(parts):
        target = folder / part / name / f"{index}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        take(target)
    return folder / "photos", folder / "test"


def _real(parts):
    root = data_folder() / "flowers102"
    with (root / "classes.csv").open(encoding="utf-8", newline="") as file:
        names = {row["label"]: row["name"] for row in csv.DictReader(file)}
    left = {(part, label): count for part, count in parts.items() for label in SPECIES}
    with (root / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for index, row in enumerate(rows):
        key = "test" if row["split"] == "test" else "photos", row["label"]
        if left.get(key):
            left[key] -= 1
            yield key[0], names[row["label"]], index, lambda target, row=row: shutil.copy(root / row["image"], target)


def _shipped(parts):
    pictures = iter(from_examples(FLOWERS, len(FLOWERS) * sum(parts.values())))
    for part, count in parts.items():
        for index in range(len(FLOWERS) * count):
            yield part, FLOWERS[index % len(FLOWERS)], index, next(pictures).photo.save
