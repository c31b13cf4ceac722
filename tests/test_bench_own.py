"""``bench own``: photos are drawn, both programs learn them, and seconds and accuracy stand in the table. The programs
are stand-ins: what ``train`` does is tested in test_own.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from resnet_demo.bench.cases import own
from resnet_demo.bench.harness.programs import output_of
from resnet_demo.bench.settings import Settings
from resnet_demo.errors import UserError


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Seven classes, one of them with one photo alone, in two splits as they may come."""
    monkeypatch.setattr(own, "SPLITS", {"train": 2, "val": 1, "test": 2})
    for number in range(own.CLASSES + 1):
        for index in range(5 if number else 1):
            path = tmp_path / "photos" / ("train" if index % 2 else "test") / f"class-{number}" / f"{index}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (20 * number, 40 * index, 0)).save(path)
    return tmp_path / "photos"


def test_own_compares_the_command_with_a_script(photos, monkeypatch, capsys):
    seen = []

    def learnt(command: list[str], environment: dict[str, str] | None = None) -> str:
        if "train" not in command:
            seen.append(Path(command[3]))
            return "0.4\n"
        seen.append(Path(command[command.index("--data") + 1]))
        folder = Path(environment["RESNET_DEMO_WEIGHTS"]) / own.NAME / f"resnet{own.DEPTH}"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"metrics": {"top1": {"value": 62.5}}}))
        files = sorted(path.relative_to(seen[-1]) for path in seen[-1].rglob("*.jpg"))
        assert {len([file for file in files if file.parts[0] == split]) for split in ("train", "test")} == {12}
        assert len({file.parts[1] for file in files}) == own.CLASSES and "class-0" not in {f.parts[1] for f in files}
        return ""

    monkeypatch.setattr(own, "output_of", learnt)
    monkeypatch.setattr(own.Script, "__init__", lambda self, weights: setattr(self, "weights", weights))
    ours, script, quick, _ = own.measure(Settings((50,), rounds=2, photos=photos))
    assert ours["ours"] and ours["note"] == "62.5% right" and script["note"] == "40.0% right"
    assert script["limit_ratio"] == own.REACH and "seconds" not in ours
    assert quick["ours"] and quick["what"] == own.SOON and quick["note"] == ours["note"]
    assert len(seen) == 9 and len(set(seen)) == 9  # a warm-up and two rounds of each, no folder twice
    assert "classes of photos: 32 photos of each" in capsys.readouterr().out


def test_own_needs_photos_enough(photos, capsys):
    assert own.measure(Settings((50,))) == []
    assert "pass --photos" in capsys.readouterr().out
    for path in photos.rglob("class-3/*"):
        path.unlink()
    with pytest.raises(UserError, match="needs 6 subfolders of 5 photos"):
        own.measure(Settings((50,), photos=photos))


def test_a_program_that_fails_is_said():
    with pytest.raises(UserError, match="-c failed: no luck"):
        output_of([sys.executable, "-I", "-c", "raise SystemExit('no luck')"])
