"""Gathering training pictures: what is like a known picture, or like another one, is left out."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from conftest import EXAMPLES
from PIL import Image, ImageOps

from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.training.data.datasets import NO_LABEL, labelled_pictures
from resnet_demo.training.recipe import Recipe
from resnet_demo.training.train import training_pictures


@pytest.fixture
def data(tmp_path, real_flowers):
    """A data set of two classes whose test split holds a real photo, and a folder of photos to gather from."""
    known = [each.photo for each in real_flowers(4)]
    root = tmp_path / "data" / "two"
    root.mkdir(parents=True)
    with (root / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("image", "label", "split"))
        for index, (photo, split) in enumerate(zip(known, ("train", "val", "test", "test"), strict=True)):
            photo.save(root / f"{index}.png")
            rows.writerow((f"{index}.png", index % 2, split))
    (root / "classes.csv").write_text("label,name\n0,rose\n1,daisy\n")
    one, other = tmp_path / "web" / "someone+flowers", tmp_path / "web" / "another+photos"
    (one / "Roses").mkdir(parents=True)
    (other / "misc").mkdir(parents=True)
    with Image.open(EXAMPLES / "president.jpg") as photo:
        photo.convert("RGB").save(one / "Roses" / "new.png")
        ImageOps.mirror(photo.convert("RGB")).resize((300, 400)).save(other / "misc" / "the-same-again.jpg", quality=70)
    with Image.open(EXAMPLES / "astronaut.jpg") as photo:
        photo.convert("RGB").save(other / "misc" / "also-new.jpg")
    copy = known[3].resize([side * 2 // 3 for side in known[3].size])
    copy.save(one / "Roses" / "copy-of-a-test-picture.jpg", quality=60)
    Image.new("RGB", (90, 400)).save(one / "Roses" / "too-small.png")
    (one / "Roses" / "broken.jpg").write_bytes(b"no picture")
    return tmp_path


def test_new_photos_are_kept_sorted_and_counted_and_copies_are_not(data, capsys):
    command = ["gather", str(data / "web"), "--out", str(data / "more"), "--apart", "two", "--classes", "two"]
    assert main([*command, "--data", str(data / "data")]) == 0
    record = json.loads((data / "more" / "gathered.json").read_text())
    assert json.loads(capsys.readouterr().out) == record
    assert {key: record[key] for key in ("files", "unusable", "near known", "near one another", "pictures")} == {
        "files": 6,
        "unusable": 2,
        "near known": 1,
        "near one another": 1,
        "pictures": 2,
    }
    # By name of their folders: the photo in Roses may be the one that stays or the one that came again.
    files = sorted(path.relative_to(data / "more").parts[0] for path in (data / "more").rglob("*.jpg"))
    assert files in (["other", "rose"], ["other", "other"])
    assert sum(record["by source"].values()) == sum(record["by class"].values()) == 2
    assert set(record["by source"]) <= {"someone+flowers", "another+photos"}
    for path in (data / "more").rglob("*.jpg"):
        with Image.open(path) as photo:
            assert min(photo.size) <= 256
    # How well copies are told is measured on the known pictures themselves.
    assert all(0 <= row["found"] <= 100 and row["n"] == 4 for row in record["copies"].values())
    assert record["copies"]["mirrored"]["found"] == 100

    more = ["gather", str(data / "web"), "--out", str(data / "again"), "--data", str(data / "data")]
    assert main([*more, "--apart", "two", str(data / "more")]) == 0
    record = json.loads((data / "again" / "gathered.json").read_text())
    assert (record["pictures"], record["near known"]) == (0, 4)

    assert main([*command, "--data", str(data / "data")]) == 2
    assert "is not empty: choose a new folder" in capsys.readouterr().err


def test_a_folder_without_pictures_is_refused(data, capsys):
    (data / "empty").mkdir()
    assert main(["gather", str(data / "empty"), "--out", str(data / "more"), "--data", str(data / "data")]) == 2
    assert "There are no pictures in" in capsys.readouterr().err
    assert not (data / "more").exists()

    (data / "empty" / "broken.jpg").write_bytes(b"no picture")
    command = ["gather", str(data / "empty"), "--out", str(data / "more"), "--apart", "two"]
    assert main([*command, "--data", str(data / "data")]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("None of the 1 pictures can be read and has 100 pixels")
    assert not (data / "more").exists()


def test_further_labelled_pictures_lie_in_folders_named_as_the_classes(data):
    for number, name in enumerate(("daisy", "daisy", "other")):
        (data / "more" / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (120, 120)).save(data / "more" / name / f"{number}.jpg")
    found = labelled_pictures(data / "more", ("rose", "daisy"))
    assert [path.name for path in found.paths] == ["0.jpg", "1.jpg"]
    assert found.labels.tolist() == [1, 1]
    with pytest.raises(UserError, match="named as a class, such as .*web/rose"):
        labelled_pictures(data / "web", ("rose", "daisy"))

    together = training_pictures(
        Recipe("two"), data / "data", "imagenet", [str(data / "more" / "other")], [data / "more"]
    )
    assert together.labels.tolist() == [0, 1, 1, NO_LABEL]
    assert together.sources == ["two", "more", "more", "other"]
    assert np.array_equal([path.name for path in together.paths], ["0.png", "0.jpg", "1.jpg", "2.jpg"])
    alone = training_pictures(Recipe("two"), data / "data", None, [], [data / "more"])
    assert alone.labels.tolist() == [0, 1, 1]


def test_listed_photos_get_the_classes_of_the_lists_and_no_others_are_taken(data, capsys):
    listed, more = data / "photos.csv", data / "more.csv"
    listed.write_text("repository,commit,path,class\nanother/photos,0123,misc/also-new.jpg,daisy\n")
    more.write_text("repository,commit,path,class\nanother/photos,0123,misc/*,rose\n")
    command = ["gather", str(data / "web"), "--out", str(data / "more"), "--apart", "two", "--data", str(data / "data")]
    assert main([*command, "--listed", str(listed), str(more)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["by class"] == {"daisy": 1, "rose": 1}
    assert record["listed"] == ["photos.csv", "more.csv"]
    assert record["command"].endswith("--listed photos.csv more.csv")
    assert record["by source"] == {"another+photos": 2}
    listed.write_text("repository,commit,path,class\nsomeone/else,0123,*,rose\n")
    assert main([*command[:3], str(data / "none"), *command[4:], "--listed", str(listed)]) == 2
    assert "There are no pictures in" in capsys.readouterr().err


def test_a_shared_data_set_gives_its_train_pictures_to_the_classes_that_the_recipe_names(data):
    recipe = Recipe("two", shared={"two": {"daisy": "rose"}})
    together = training_pictures(recipe, data / "data", None, [])
    assert together.labels.tolist() == [0]  # the only train picture is a rose, which is not shared
    recipe = Recipe("two", shared={"two": {"rose": "daisy"}})
    assert training_pictures(recipe, data / "data", None, []).labels.tolist() == [0, 1]
    with pytest.raises(UserError, match="shares tulip of two as rose: one of them is no class there"):
        training_pictures(Recipe("two", shared={"two": {"tulip": "rose"}}), data / "data", None, [])
