"""``batch``: any number of photos to a table, gone on with after a stop, with the same answers as ``predict``'s."""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
from pyarrow import parquet

from resnet_demo.bulk import engines, job, pictures, rows
from resnet_demo.cli.main import main
from resnet_demo.faces.alignment import TEMPLATE, Detection
from resnet_demo.inference import predictor
from resnet_demo.tasks import TaskSpec

FLOWERS = TaskSpec("flowers102", "classification", labels=("Rose", "Daisy", "Tulip"), size=32, resize=36)
PHOTOS, DIFFERENT = 1000, 5
DEPTH = ["--depth", "18"]

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def weights(tmp_path_factory, narrow):
    with tiny.page_weights(tmp_path_factory, (FLOWERS, 18), (tiny.FACES, 18)) as root:
        yield root


@pytest.fixture
def network(weights, monkeypatch):
    """The shared network, which counts the pictures that it sees."""
    network = predictor.load("flowers102", 18)
    run, network.seen = network.engine.run, 0

    def counted(pictures):
        network.seen += len(pictures)
        return run(pictures)

    monkeypatch.setattr(network.engine, "run", counted)
    return network


def folder_of(root: Path, count: int) -> Path:
    """Photos in two folders, links to a few different ones; one is none."""
    folder = root / "photos"
    (folder / "more").mkdir(parents=True)
    for seed in range(DIFFERENT):
        tiny.photo(40 + seed, 36, seed).save(root / f"{seed}.jpg")
    (root / "0.jpg").write_bytes(b"no photo")
    for index in range(count):
        where = folder if index % 2 else folder / "more"
        os.link(root / f"{index % DIFFERENT}.jpg", where / f"{index}.jpg")
    return folder


def said(capsys) -> str:
    return capsys.readouterr().out


def test_a_thousand_photos_stopped_and_gone_on_with_are_what_predict_says(network, tmp_path, monkeypatch, capsys):
    folder, table = folder_of(tmp_path, PHOTOS), tmp_path / "table.parquet"
    command = ["batch", str(folder), "--output", str(table), *DEPTH, "--top-k", "2"]
    keep = job.Job.keep

    def stop(self, number, lines):
        if number == 3:
            (self.folder / "00000003.jsonl.new").write_text("{")  # as a kill would leave it
            raise KeyboardInterrupt
        keep(self, number, lines)

    with monkeypatch.context() as patch:
        patch.setattr(job.Job, "keep", stop)
        assert main(command) == 130
    assert not table.exists()
    (folder / "later.jpg").write_bytes((tmp_path / "1.jpg").read_bytes())  # The list of pictures is that of the start.
    network.seen = 0
    assert main(command) == 0
    names = sorted((str(index) for index in range(PHOTOS)), key=lambda name: (int(name) % 2 == 0, f"{name}.jpg"))
    assert network.seen == sum(int(name) % DIFFERENT > 0 for name in names[3 * job.PART :])
    assert "1,000 pictures are in" in said(capsys)
    found = parquet.read_table(table).to_pylist()
    expected = {seed: network(str(tmp_path / f"{seed}.jpg"), top_k=2).to_json() for seed in range(1, DIFFERENT)}
    assert len(found) == PHOTOS
    for row, name in zip(found, names, strict=True):
        assert row["image"] == str(folder / ("" if int(name) % 2 else "more") / f"{name}.jpg")
        assert (row["task"], row["depth"], row["note"], row["unknown"]) == ("flowers102", 18, None, None)
        if seed := int(name) % DIFFERENT:
            for place, best in enumerate(expected[seed]["top_k"], 1):
                assert row[f"label_{place}"] == best["label"]
                assert row[f"probability_{place}"] == pytest.approx(best["probability"], abs=2e-6)
            assert row["error"] is None
        else:
            assert row["label_1"] is None and "is not a picture" in row["error"]
    # It is finished, and says so; nothing is left beside it but its record.
    network.seen = 0
    assert main(command) == 0
    assert "is finished: it has all 1,000 pictures of its first run; delete it" in said(capsys) and not network.seen
    assert {path.name for path in tmp_path.glob("table*")} == {"table.parquet", "table.parquet.json"}


def test_a_list_a_zip_and_the_standard_input_in_every_format(network, tmp_path, monkeypatch, capsys):
    folder = folder_of(tmp_path, 4)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(folder / "1.jpg", "a/é.jpg")
        archive.writestr("__MACOSX/._é.jpg", b"")
    listed = tmp_path / "list.txt"
    listed.write_text(f"\ufeff{folder / '3.jpg'}\r\n\r\n{folder / 'more' / '2.jpg'}\n", encoding="utf-8")
    given = io.TextIOWrapper(io.BytesIO(os.fsencode(folder / "1.jpg")))
    names = [f"{tmp_path / 'photos.zip'}/a/é.jpg", str(folder / "3.jpg"), str(folder / "more" / "2.jpg")]
    tables = {}
    for ending in ("csv", "jsonl", "parquet"):
        table = tmp_path / f"table.{ending}"
        monkeypatch.setattr("sys.stdin", given)
        given.seek(0)
        asked = [str(tmp_path / "photos.zip"), str(listed), "-"]
        assert main(["batch", *asked, "--output", str(table), *DEPTH]) == 0
        tables[ending] = table
    with tables["csv"].open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    records = [json.loads(line) for line in tables["jsonl"].read_text("utf-8").splitlines()]
    assert records == parquet.read_table(tables["parquet"]).to_pylist()
    assert lines == [{k: "" if v is None else str(v) for k, v in record.items()} for record in records]
    assert [record["image"] for record in records] == [*names, str(folder / "1.jpg")]
    assert len({record["probability_1"] for record in records}) == 3  # The first and the last are one photo.


def test_keypoints_are_a_row_a_face(weights, tmp_path, monkeypatch, capsys):
    boxes = (4.0, 4.0, 30.0, 30.0), (8.0, 8.0, 30.0, 28.0)
    two = [Detection(box, 0.9, np.float32(TEMPLATE)) for box in boxes]
    detector = SimpleNamespace(detect=lambda photo: two if photo.width == 50 else [])
    monkeypatch.setattr(predictor.load("faces68", 18), "detector", detector)
    table, photos = tmp_path / "faces.jsonl", [str(tmp_path / name) for name in ("two.jpg", "none.jpg")]
    for path, width in zip(photos, (50, 40), strict=True):
        tiny.photo(width, 36).save(path)
    assert main(["batch", *photos, "--output", str(table), "--task", "faces68", *DEPTH]) == 0
    first, second, none = (json.loads(line) for line in table.read_text("utf-8").splitlines())
    assert main(["predict", photos[0], "--task", "faces68", *DEPTH, "--json"]) == 0
    faces = json.loads(said(capsys).splitlines()[-1])["faces"]
    for row, face in zip((first, second), faces, strict=True):
        assert [row[edge] for edge in rows.BOX] == face["box"] and row["score"] == face["score"]
        points = [value for k in range(68) for value in (row[f"x{k}"], row[f"y{k}"])]
        assert points == pytest.approx([value for point in face["keypoints"] for value in point], abs=0.02)
    assert (first["face"], second["face"], none["face"], none["error"]) == (1, 2, None, None)


def test_a_worker_of_ray_says_the_same(network, tmp_path):
    """What Ray runs, without Ray; ``make test-ray`` runs it on a real one."""
    items = [str(path) for path in sorted(folder_of(tmp_path, 12).glob("*.jpg"))]
    worker = engines.Worker("flowers102", 18, "auto", 2)
    answer = worker({"part": [7, 8], "pictures": [json.dumps(items[:5]), json.dumps(items[5:])]})
    parts = engines.here(network, 2)(iter([(7, items[:5]), (8, items[5:])]))
    assert answer["part"] == [7, 8]
    assert [json.loads(lines) for lines in answer["rows"]] == [lines for _, lines in parts]


def test_names_are_in_order_however_many(monkeypatch):
    monkeypatch.setattr(pictures, "SORTED", 3)
    names = [*"hgfedcba", "é", "\udcff"]
    assert list(pictures.in_order(names)) == sorted(names)
    assert list(pictures.in_order([])) == []


def test_a_table_among_the_pictures_is_none_of_them(network, tmp_path, monkeypatch, capsys):
    folder = folder_of(tmp_path, 4)
    table = folder / "table.csv"
    for _ in range(2):
        assert main(["batch", str(folder), "--output", str(table), *DEPTH]) == 0
        assert "4 pictures" in capsys.readouterr().out
        assert len(table.read_text().splitlines()) == 5
        table.unlink()


def test_trouble_is_one_sentence(network, tmp_path, monkeypatch, capsys):
    folder, table = folder_of(tmp_path, 4), tmp_path / "table.csv"

    def complaint(*arguments: str) -> str:
        assert main(["batch", *arguments, *DEPTH]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line

    assert "let --output end in .parquet" in complaint(str(folder), "--output", str(tmp_path / "t.xlsx"))
    (tmp_path / "empty").mkdir()
    assert "There are no pictures in" in complaint(str(tmp_path / "empty"), "--output", str(table))
    table.write_text("mine")
    assert "is of another command" in complaint(str(folder), "--output", str(table))
    assert table.read_text() == "mine"
    other = tmp_path / "other.csv"
    assert main(["batch", str(folder), "--output", str(other), *DEPTH]) == 0
    capsys.readouterr()
    assert "is of another command" in complaint(str(folder), "--output", str(other), "--top-k", "1")
    asked = job.Asked((str(folder),), "flowers102", 18, "", 5)
    work = job.Job(asked, tmp_path / "third.csv")
    with work.opened(), monkeypatch.context() as patch:
        patch.setattr("resnet_demo.checkpoints.find", lambda task, depth: SimpleNamespace(sha256=""))
        patch.setattr(predictor, "load", lambda *_: network)
        assert "Another run is at work" in complaint(str(folder), "--output", str(work.output))
