"""Many photos at once: nothing is lost, a broken one is a line of its own, and the table can be trusted."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES
from PIL import Image

from resnet_demo import checkpoints
from resnet_demo.errors import UserError
from resnet_demo.images import archives, pixel_budget
from resnet_demo.inference import batch, predictor, results
from resnet_demo.inference.classifier import Classifier
from resnet_demo.page.i18n import texts
from resnet_demo.page.tabs import batch as page
from resnet_demo.page.tabs import batch_similar, batch_truth
from resnet_demo.tasks import TaskSpec

FLOWERS = TaskSpec("flowers102", "classification", labels=("Rose", "<i>Daisy", "=Tulip"), size=32, resize=36)
HANDS = TaskSpec("hands", "keypoints", points=5, size=32, fit="squash", detector="")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random networks for classes, faces and points."""
    with tiny.page_weights(tmp_path_factory, (FLOWERS, 18), (tiny.FACES, 18), (HANDS, 18)) as root:
        yield root


def content(seed: int, width: int = 80, height: int = 60, format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    tiny.photo(width + seed, height, seed).save(buffer, format)
    return buffer.getvalue()


def source(name: str, what: bytes | Exception) -> archives.Source:
    def read():
        if isinstance(what, Exception):
            raise what
        return what

    return archives.Source(name, read)


def lines_of(table: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"))))


def test_photos_of_which_two_are_too_many_are_all_answered(weights, monkeypatch):
    monkeypatch.setattr(pixel_budget.budget, "most", 200_000)
    files = []
    for seed in range(6):
        file = io.BytesIO()
        tiny.photo(400, 300, seed).save(file, "PNG")
        files.append(source(f"{seed}.png", file.getvalue()))
    found = [row for portion in batch.rows(predictor.load("flowers102", 18), files) for row in portion]
    assert [row.reason for row in found] == [""] * 6


def test_whoever_stops_does_not_wait_for_photos_that_wait_for_memory(weights, monkeypatch):
    refused = []
    monkeypatch.setattr(pixel_budget.budget, "most", 200_000)
    monkeypatch.setattr(pixel_budget, "SECONDS", 1)
    monkeypatch.setattr(pixel_budget, "too_large_now", lambda subject: refused.append(subject) or UserError("late"))
    files = [source(f"{seed}.png", content(seed, 400, 300)) for seed in range(6)]
    opened = batch.opened_photos(files, None, str)
    held = next(photo for photo in opened if photo)
    assert held[1].size == (400, 300)
    del held
    opened.close()
    assert not refused and pixel_budget.budget.used == 0


def test_a_photo_whose_end_did_not_come_keeps_its_turn(weights, monkeypatch):
    """While it is read once more, the next ones must not take its memory."""
    monkeypatch.setattr(pixel_budget.budget, "most", 200_000)
    monkeypatch.setattr(pixel_budget, "SECONDS", 1)
    files = [source(f"{seed}.jpg", content(seed, 400, 300, "JPEG")[: -200 if seed % 2 else None]) for seed in range(6)]
    found = [row for portion in batch.rows(predictor.load("flowers102", 18), files) for row in portion]
    assert [row.reason for row in found] == [""] * 6
    assert [row.missing_rows > 0 for row in found] == [False, True] * 3


def test_every_picture_is_answered_in_order_as_if_alone(weights):
    network = predictor.load("flowers102", 18)
    sources = [source(f"{seed}.png", content(seed)) for seed in range(9)]
    portions = list(batch.rows(network, sources))
    assert len(portions[0]) == 1  # The first answer does not wait for others.
    assert max(map(len, portions)) > 1
    rows = [row for portion in portions for row in portion]
    assert [row.name for row in rows] == [f"{seed}.png" for seed in range(9)]
    for seed, row in enumerate(rows):
        alone = network(content(seed), 2).top_k
        assert [score.label for score in row.scores] == [score.label for score in alone]
        np.testing.assert_allclose(
            [score.probability for score in row.scores], [score.probability for score in alone], atol=0.02
        )
        assert row.thumbnail.size == (80 + seed, 60)


def test_large_photos_are_named_as_one_by_one():
    """Though they are decoded at a part of their size: no probability moves by more than a close call's."""
    files = []
    for path in sorted(EXAMPLES.glob("*.jpg")):
        photo = Image.open(path)
        scale = 1536 / min(photo.size)
        buffer = io.BytesIO()
        photo.resize([round(side * scale) for side in photo.size], Image.Resampling.BICUBIC).save(buffer, "JPEG")
        files.append((path.name, buffer.getvalue()))
    checkpoint = checkpoints.load_folder(EXAMPLES.parents[1] / "weights" / "flowers102" / "resnet50")
    network = Classifier("flowers102", 50, checkpoint=checkpoint)
    found = [row for portion in batch.rows(network, [source(*file) for file in files]) for row in portion]
    assert len(found) == len(files) > 3
    for row, (name, photo) in zip(found, files, strict=True):
        alone = network(photo)
        assert row.name == name and row.unknown == alone.unknown
        if not row.unknown:
            probabilities = {score.label: score.probability for score in row.scores}
            assert abs(probabilities[alone.scores[0].label] - alone.scores[0].probability) < 0.05
    assert sum(not row.unknown for row in found) > 2


def test_what_cannot_be_read_is_a_row_with_its_reason(weights):
    network = predictor.load("flowers102", 18)
    cut = content(1)[:-400]
    sources = [
        source("good.png", content(0)),
        source("cut.png", cut),
        source("text.txt", b"hello, this is text"),
        source("encrypted.jpg", UserError("This file is encrypted.")),
        source("odd.png", RuntimeError("unexpected")),
        source("last.png", content(2)),
    ]
    rows = [row for portion in batch.rows(network, sources, lambda error: f"Sorry: {error}") for row in portion]
    assert [bool(row.scores) for row in rows] == [True, False, False, False, False, True]
    assert "cut off or damaged" in rows[1].reason
    assert "not a picture" in rows[2].reason
    assert rows[3].reason == "Sorry: This file is encrypted."
    assert rows[4].reason == "Sorry: unexpected"


def test_a_picture_on_which_the_network_fails_spoils_no_other(weights, monkeypatch):
    network = predictor.make_predictor("flowers102", 18)
    run = network.many

    def fails(photos, top_k):
        if any(photo.width == 83 for photo in photos):
            raise RuntimeError("no")
        return run(photos, top_k)

    monkeypatch.setattr(network, "many", fails)
    sources = [source(f"{seed}.png", content(seed)) for seed in range(6)]
    rows = [row for portion in batch.rows(network, sources) for row in portion]
    assert [row.reason for row in rows] == ["", "", "", "no", "", ""]


def test_large_photos_wait_in_small_portions(weights, monkeypatch):
    monkeypatch.setattr(batch, "PORTION_PIXELS", 9000)  # two pictures of these
    sources = [source(f"{seed}.png", content(seed)) for seed in range(9)]
    portions = list(batch.rows(predictor.load("flowers102", 18), sources))
    assert [len(portion) for portion in portions] == [1, 2, 2, 2, 2]


def test_pictures_are_read_when_their_turn_comes(weights):
    """Stopping reads hardly further, and no more than a portion and a few lie in memory."""
    read = []

    def reading(seed):
        def read_():
            read.append(seed)
            return content(seed)

        return archives.Source(str(seed), read_)

    portions = batch.rows(predictor.load("flowers102", 18), [reading(seed) for seed in range(40)])
    done = next(portions) + next(portions)
    assert len(done) <= len(read) <= len(done) + batch.AHEAD < 40


def test_the_csv_is_for_spreadsheets():
    score = results.Score
    rows = [
        batch.Row("鳥.jpg", (score("Rose, wild", 0.98765), score("=Tulip", 0.01))),
        batch.Row("=cmd|'/c calc'!A1.jpg", (score("Rose", 1.0),), unknown=True),
        batch.Row('a "b".jpg', reason="The file is cut off."),
    ]
    table = batch.to_csv(rows, "classification")
    assert table.startswith("\ufeff".encode())
    assert lines_of(table) == [
        ["file", "label", "probability", "second label", "second probability", "unknown", "error"],
        ["鳥.jpg", "Rose, wild", "0.9877", "'=Tulip", "0.0100", "no", ""],
        ["'=cmd|'/c calc'!A1.jpg", "Rose", "1.0000", "", "", "yes", ""],
        ['a "b".jpg', "", "", "", "", "", "The file is cut off."],
    ]
    rows = [batch.Row("a.jpg", count=0), batch.Row("b.jpg", count=2), batch.Row("c.jpg", reason="No.")]
    assert lines_of(batch.to_csv(rows, "keypoints")) == [
        ["file", "faces", "error"],
        ["a.jpg", "0", ""],
        ["b.jpg", "2", ""],
        ["c.jpg", "", "No."],
    ]


def test_a_photo_of_something_else_is_marked_in_the_table():
    row = batch.Row("cat.jpg", (results.Score("Rose", 0.4), results.Score("Iris", 0.1)), unknown=True)
    assert "<small>probably none of these</small>" in page.table_line(row, "", "flowers102", page.CLASSES)
    assert "none of these" not in page.table_line(replace(row, unknown=False), "", "flowers102", page.CLASSES)


def test_missing_rows_and_a_gpu_that_did_not_answer_are_said_in_the_table():
    row = batch.Row("cut.jpg", (results.Score("Rose", 0.9),), missing_rows=0.021, gpu_full=True)
    line = page.table_line(row, "", "flowers102", page.CLASSES)
    assert "2.1 % of the photo's rows are missing." in line and "The GPU's memory is full" in line
    whole = replace(row, missing_rows=0.0, gpu_full=False)
    assert "The GPU failed" in page.table_line(replace(whole, gpu_failed=True), "", "flowers102", page.CLASSES)
    assert "<small>" not in page.table_line(whole, "", "flowers102", page.CLASSES)


def test_folders_named_as_classes_are_the_truth():
    """By label or in Chinese; the matrix has their classes, and what else there is in one column."""

    def row(name: str, label: str = "", reason: str = "") -> batch.Row:
        return batch.Row(name, (results.Score(label, 0.9),) if label else (), reason=reason)

    rows = [
        row("a/black-eyed_susan/1.jpg", "Black-Eyed Susan"),
        row("a/Black-Eyed Susan/2.jpg", "Rose"),
        row("a/玫瑰/3.jpg", "Rose"),
        row("a/ROSE/4.jpg", "Oxeye Daisy"),
        row("rose.jpg", "Rose"),
        row("a/garden/5.jpg", "Rose"),
        row("a/rose/broken.jpg", reason="The file is cut off."),
    ]
    spec = replace(FLOWERS, labels=("Black-Eyed Susan", "Rose", "Oxeye Daisy"))
    truths = [batch_truth.truth(row.name, spec) for row in rows]
    assert truths == ["Black-Eyed Susan", "Black-Eyed Susan", "Rose", "Rose", None, None, "Rose"]
    words = batch_truth.words(rows, truths)
    assert "<b>2 of 4</b>" in words and "50.0 %" in words and "In no such folder: 2." in words
    shown = batch_truth.matrix(rows, truths, [f"<i>{number}</i>" for number in range(7)], "flowers102")
    heads = re.findall(r'<th scope="col"><span title="([^"]*)"', shown)
    assert heads == ["Black-Eyed Susan", "Rose", "others"]
    cells = dict(re.findall(r'data-photos="(.*?)".*?<div class="small-photos">(.*?)</div>', shown))
    assert cells == {"0-0": "<i>0</i>", "0-1": "<i>1</i>", "1-1": "<i>2</i>", "1-2": "<i>3</i>"}
    assert [line[-1] for line in lines_of(batch.to_csv(rows, "classification", truths=truths))][:3] == [
        "truth",
        "Black-Eyed Susan",
        "Black-Eyed Susan",
    ]
    assert (
        batch_truth.words(rows[4:6], truths[4:6])
        == batch_truth.matrix(rows[4:6], truths[4:6], ["", ""], "flowers102")
        == ""
    )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1"])
def test_no_cell_begins_as_a_formula(text):
    assert batch.harmless(text) == f"'{text}"


# --- The page ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def upload(tmp_path):
    """(path, name) of a zip with three pictures, one broken file and a name that means ill."""
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for seed in range(3):
            archive.writestr(f"day/{seed}.png", content(seed))
        archive.writestr("<img src=x onerror=alert(1)>.png", b"not a picture")
    return str(path), "photos.zip"


def test_the_table_fills_and_ends_with_a_summary(weights, upload):
    runs = list(page.look([upload], "flowers102", 18))
    assert [len(run.rows) for run in runs][:2] == [0, 1]
    assert "0 of 4 done" in page.words(runs[0])
    last = runs[-1]
    assert "<b>3 of 4</b> named, 1 could not be read." in page.words(last)
    assert "Stopped" not in page.words(last)
    table = page.table(last)
    assert table.count("<tr>") == 5
    assert table.count("<img ") == 3
    assert "<i>" not in table and "onerror=alert(1)&gt;" in table  # class and file names are text
    assert 'scope="row">day/0.png<' in table
    with open(page.csv_file(last), "rb") as file:
        lines = lines_of(file.read())
    assert [line[0] for line in lines[1:]] == [
        "day/0.png",
        "day/1.png",
        "day/2.png",
        "<img src=x onerror=alert(1)>.png",
    ]
    assert page.csv_file(last).endswith("/flowers102-resnet18.csv")


def test_a_stopped_run_keeps_what_is_done(weights, upload):
    runs = page.look([upload], "flowers102", 18)
    next(runs)
    run = next(runs)
    runs.close()
    said = page.words(run, stopped=True)
    assert "Stopped after 1 of 4" in said and "<b>1 of 1</b> named." in said
    with open(page.csv_file(run), "rb") as file:
        assert [line[0] for line in lines_of(file.read())] == ["file", "day/0.png"]


def test_faces_are_counted(weights):
    paths = [(str(EXAMPLES / f"{name}.jpg"), f"{name}.jpg") for name in ("astronaut", "two-people", "dahlia")]
    *_, run = page.look(paths, "faces68", 18)
    assert [row.count for row in run.rows] == [1, 2, 0]
    assert "<b>3 of 3</b> looked at: 3 faces." in page.words(run)
    assert texts.say("many_faces") in page.table(run)


def test_points_of_own_tasks_are_counted(weights, upload):
    *_, run = page.look([upload], "hands", 18)
    assert [row.count for row in run.rows] == [5, 5, 5, None]
    assert "<b>3 of 4</b> marked, 1 could not be read." in page.words(run)
    with open(page.csv_file(run), "rb") as file:
        assert lines_of(file.read())[0] == ["file", "points", "error"]


def test_thumbnails_are_small(weights, tmp_path):
    path = tmp_path / "large.jpg"
    tiny.photo(2000, 1000).save(path)
    *_, run = page.look([(str(path), "large.jpg")], "flowers102", 18)
    shown = page.table(run).split('src="gradio_api/file=')[1].split('"')[0]
    with Image.open(shown) as picture:
        assert (picture.format, picture.size) == ("JPEG", (160, 80))
    assert run.rows[0].thumbnail is None  # The page keeps no pictures in memory.


def test_it_says_what_is_wrong(weights, tmp_path):
    with pytest.raises(UserError, match="Choose photos first"):
        next(page.look([], "flowers102", 18))
    with pytest.raises(UserError, match="no longer on the server"):
        next(page.look([("gone.jpg", "gone.jpg")], "flowers102", 18))
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(UserError, match="no file in this archive"):
        next(page.look([(str(tmp_path / "empty.zip"), "empty.zip")], "flowers102", 18))
    with pytest.raises(UserError, match="no ResNet-50"):
        next(page.look([(str(EXAMPLES / "dahlia.jpg"), "dahlia.jpg")], "flowers102", 50))


def test_look_alikes_are_the_nearest_others_and_only_photos_have_some():
    vectors = np.float32([(1, 0), (0, 1), (0.8, 0.6), (1, 0)])
    rows = [batch.Row(f"<{index}>", embedding=vector) for index, vector in enumerate(vectors)]
    rows.insert(1, batch.Row("broken", reason="no photo"))
    assert [[index for index, _ in others] for others in batch_similar.alike(rows)] == [
        [4, 3, 2],
        [],
        [3, 0, 4],
        [0, 4, 2],
        [0, 3, 2],
    ]
    assert batch_similar.alike(rows)[0][1][1] == pytest.approx(0.8)
    assert batch_similar.alike(rows[:2]) == [[], []]
    assert batch_similar.alike([]) == []
    first, none, *_ = batch_similar.buttons(rows, ["<img 0>", "", "<img 2>", "<img 3>", "<img 4>"])
    assert 'data-alike="4:1.00 3:0.80 2:0.00"' in first and "<img 0>" in first and "&lt;0&gt;" in first
    assert none == ""


def test_a_photo_is_compared_by_the_features_of_the_same_pass(weights):
    network = predictor.load("flowers102", 18)
    (portion,) = batch.rows(network, [source("a.png", content(1))])
    np.testing.assert_allclose(portion[0].embedding, network.embed(content(1)), rtol=1e-4, atol=1e-5)
