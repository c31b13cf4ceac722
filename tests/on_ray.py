"""``batch --engine ray`` on a real Ray, beside ``batch``: ``make test-ray``; the name keeps it out of ``make test``."""

from __future__ import annotations

import os

from conftest import EXAMPLES

from resnet_demo.cli.main import main

PHOTOS = 2000


def test_both_engines_make_the_same_table_of_two_thousand_photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    names = [path for path in sorted(EXAMPLES.iterdir()) if path.suffix in (".jpg", ".md", ".txt")]
    for index in range(PHOTOS):
        source = names[index % len(names)]
        os.symlink(source, folder / f"{index:04}{source.suffix}")
    tables = [tmp_path / "here.csv", tmp_path / "ray.csv"]
    for table, engine in zip(tables, ("local", "ray"), strict=True):
        command = ["batch", str(folder), "--output", str(table), "--engine", engine]
        assert main([*command, "--task", "flowers102", "--depth", "18", "--device", "cpu"]) == 0
    here, ray = (table.read_text(encoding="utf-8").splitlines() for table in tables)
    assert len(here) == 1 + PHOTOS and here == ray
