"""``embed``, ``index`` and ``search``: photos that look alike are found."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from conftest import EXAMPLES
from PIL import Image

import resnet_demo
from resnet_demo.cli.main import main
from resnet_demo.page.tabs import classify

INDEX = ["--task", "flowers102", "--depth", "18"]


@pytest.fixture
def photos(tmp_path):
    """The shipped photos, some in a subfolder, and a file that is none."""
    folder = tmp_path / "photos"
    (folder / "people").mkdir(parents=True)
    for name in ("dahlia", "marigold", "yellow-daisy", "people/astronaut"):
        content = (EXAMPLES / f"{name.split('/')[-1]}.jpg").read_bytes()
        (folder / f"{name}.jpg").write_bytes(content)
    (folder / "notes.txt").write_text("no photo")
    return folder


def found(capsys, photo, index, *options: str) -> list[str]:
    """The names of the photos that ``search`` prints, the most alike first."""
    capsys.readouterr()
    assert main(["search", str(photo), "--index", str(index), "--json", *options]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    values = [record["similarity"] for record in records]
    assert values == sorted(values, reverse=True)
    return [os.path.basename(record["image"]) for record in records]


def test_a_photo_is_found_by_a_smaller_copy_and_an_index_follows_its_folder(photos, tmp_path, capsys):
    index = tmp_path / "index"
    assert main(["index", str(photos), "--out", str(index), *INDEX]) == 0
    said = capsys.readouterr()
    assert "4 photos are in" in said.out
    assert "Skipped" in said.err and "notes.txt" in said.err
    small = tmp_path / "small.jpg"
    Image.open(photos / "marigold.jpg").convert("RGB").resize((400, 300)).save(small)
    assert found(capsys, small, index)[0] == "marigold.jpg"
    assert len(found(capsys, small, index, "--top-k", "2")) == 2
    # One is gone, one is another photo now, one is new.
    (photos / "marigold.jpg").unlink()
    (photos / "dahlia.jpg").write_bytes((EXAMPLES / "president.jpg").read_bytes())
    Image.open(small).rotate(180).save(photos / "turned.png")
    assert main(["index", str(photos), "--out", str(index), *INDEX]) == 0
    assert set(found(capsys, small, index)) == {"turned.png", "yellow-daisy.jpg", "astronaut.jpg", "dahlia.jpg"}
    assert found(capsys, EXAMPLES / "two-people.jpg", index)[0] in ("dahlia.jpg", "astronaut.jpg")


def test_only_new_photos_are_looked_at_again(photos, tmp_path, monkeypatch):
    index = tmp_path / "index"
    assert main(["index", str(photos), "--out", str(index), *INDEX]) == 0
    predict, seen = resnet_demo.load("flowers102", 18), []
    run = predict.engine.run
    monkeypatch.setattr(predict.engine, "run", lambda pictures: seen.extend(pictures) or run(pictures))
    assert main(["index", str(photos), "--out", str(index), *INDEX]) == 0
    assert not seen
    (photos / "again.jpg").write_bytes((EXAMPLES / "president.jpg").read_bytes())
    assert main(["index", str(photos), "--out", str(index), *INDEX]) == 0
    assert len(seen) == 1


def test_an_embedding_has_length_1_and_turns_little_with_the_photos_size():
    predict = resnet_demo.load("flowers102", depth=18)
    photo = Image.open(EXAMPLES / "dahlia.jpg").convert("RGB")
    embedding, smaller, other = map(predict.embed, (photo, photo.reduce(2), EXAMPLES / "president.jpg"))
    assert embedding.shape == (512,) and embedding.dtype == np.float32
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)
    assert embedding @ smaller > 0.98 > embedding @ other


def test_the_endpoint_gives_the_numbers_that_python_gives():
    """2,048 of a network of bottlenecks; what comes over HTTP is in ``test_page.py``."""
    photo = str(EXAMPLES / "dahlia.jpg")
    given = classify.embed(photo, "flowers102", 50)
    assert (given["task"], given["depth"], len(given["embedding"])) == ("flowers102", 50, 2048)
    assert np.linalg.norm(given["embedding"]) == pytest.approx(1, abs=1e-4)
    expected = resnet_demo.load("flowers102", depth=50).embed(photo)
    np.testing.assert_allclose(given["embedding"], expected, rtol=0, atol=1e-5)


def test_odd_names_and_links_to_nowhere_cost_no_other_photo(photos, tmp_path, capsys):
    with open(os.fsencode(photos) + b"/caf\xe9.jpg", "wb") as file:
        file.write((EXAMPLES / "daffodil.jpg").read_bytes())
    (photos / "gone.jpg").symlink_to(tmp_path / "nowhere")
    index = tmp_path / "index"
    for _ in range(2):
        assert main(["index", str(photos), "--out", str(index), *INDEX]) == 0
        said = capsys.readouterr()
        assert "5 photos are in" in said.out and "gone.jpg" in said.err
    assert found(capsys, EXAMPLES / "daffodil.jpg", index)[0].startswith("caf")


def test_trouble_is_one_sentence(photos, tmp_path, capsys):
    index = tmp_path / "index"
    assert main(["search", str(EXAMPLES / "dahlia.jpg"), "--index", str(index)]) == 2
    assert "There is no index in" in capsys.readouterr().err
    assert main(["index", str(tmp_path / "none"), "--out", str(index), *INDEX]) == 2
    assert "There is no folder" in capsys.readouterr().err
    assert main(["index", str(photos), "--out", str(index), "--task", "faces68", "--depth", "18"]) == 2
    assert "choose another task" in capsys.readouterr().err
    assert main(["index", str(photos), "--out", str(index), *INDEX]) == 0
    assert main(["index", str(photos), "--out", str(index), "--depth", "34"]) == 2
    assert "is of flowers102 at depth 18" in capsys.readouterr().err
    (index / "photos.usearch").write_bytes(b"no index")
    assert main(["search", str(EXAMPLES / "dahlia.jpg"), "--index", str(index)]) == 2
    assert "is damaged" in capsys.readouterr().err
