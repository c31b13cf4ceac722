"""What is said of somebody's pictures before training: copies, rare classes, dark files, too many for the memory."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tiny import FLOWERS

from resnet_demo.errors import UserError
from resnet_demo.training.cards.card import own_data
from resnet_demo.training.data import own_decode
from resnet_demo.training.data.own_copies import groups_of_copies
from resnet_demo.training.data.own_images import read_own


def photo(seed: int, size=(120, 90)) -> Image.Image:
    """A picture with forms and detail, as photos have them."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    fine = Image.fromarray(rng.integers(0, 255, (45, 60, 3), dtype=np.uint8)).resize(size)
    return Image.blend(coarse, fine.filter(ImageFilter.GaussianBlur(1)), 0.3)


def classes(root, **counts):
    """A folder with so many pictures of each class."""
    for number, (name, count) in enumerate(counts.items()):
        for index in range(count):
            path = root / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            photo(1000 * number + index).save(path)
    return root


def test_copies_are_found_whatever_was_done_to_them_and_other_photos_are_not(tmp_path):
    photos = [photo(seed) for seed in range(6)]
    photos[1].save(tmp_path / "a.jpg", quality=40)
    made = [Image.open(tmp_path / "a.jpg"), photos[2].resize((60, 45)), photos[3].point(lambda value: value * 0.8)]
    flat = [Image.new("RGB", (120, 90), (value, value, value)) for value in (10, 11, 11)]
    arrays = [np.asarray(one) for one in (*photos, *made, photos[1], *flat)]
    assert groups_of_copies(arrays) == [[1, 6, 9], [2, 7], [3, 8], [11, 12]]


def test_what_copies_a_test_picture_is_left_out_of_training_and_listed(tmp_path, capsys):
    for number, part in enumerate(("train", "val", "test")):
        for label, name in enumerate(("cherry", "lime")):
            for index in range(3):
                path = tmp_path / part / name / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                photo(100 * number + 10 * label + index).save(path)
    photo(200).save(tmp_path / "train" / "cherry" / "again.jpg", quality=50)
    photo(211).save(tmp_path / "val" / "lime" / "again.png")
    photo(1).save(tmp_path / "val" / "lime" / "other.png")
    own = read_own(tmp_path, "fruit")
    assert own.record.counts == {"train": 6, "val": 7, "test": 6} and own.record.copies == 2
    said = capsys.readouterr().err
    assert "Left out train/cherry/again.jpg of train: it copies test/cherry/0.png of test." in said
    assert "Left out val/lime/again.png of val: it copies test/lime/1.png of test." in said
    assert "The same photo is in two classes: train/cherry/1.png and val/lime/other.png: remove the wrong" in said
    assert "2 that copy one of the test pictures were left out" in own_data(own.record, FLOWERS).about


def test_a_test_folder_that_is_the_training_folder_again_is_refused(tmp_path):
    for part in ("train", "test"):
        classes(tmp_path / part, cherry=3, lime=3)
    with pytest.raises(UserError, match="All pictures of cherry in train are in test too"):
        read_own(tmp_path, "fruit")


def test_a_rare_class_and_nearly_black_pictures_are_said(tmp_path, capsys):
    classes(tmp_path, cherry=66, lime=3)
    black = (np.asarray(photo(1)) // 17).astype(np.uint8)
    for index in range(4):
        Image.fromarray(np.roll(black, 20 * index, axis=1)).save(tmp_path / "cherry" / f"{index}.png")
    read_own(tmp_path, "fruit")
    said = capsys.readouterr().err
    assert "cherry has 46 pictures in train and lime only 2, so that lime will hardly be named: add" in said
    assert "4 of 69 pictures have no value above 15 of 255, such as cherry/0.png; 12-bit data" in said


def test_balanced_bright_pictures_need_no_remark(tmp_path, capsys):
    read_own(classes(tmp_path, cherry=4, lime=4), "fruit")
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip() and "reading" not in line]
    assert lines == ["Found one folder a class: 8 files."]


def test_more_pictures_than_fit_into_memory_are_refused_by_their_real_size(tmp_path, monkeypatch):
    classes(tmp_path, cherry=4, lime=4)
    monkeypatch.setattr(own_decode, "available", lambda: 1_000_000)  # Eight usual ones would not fit, these do.
    read_own(tmp_path, "fruit")
    monkeypatch.setattr(own_decode, "available", lambda: 200_000)
    with pytest.raises(UserError, match="These 8 pictures take 0.0 GB in memory, and 0.0 GB are free: close other"):
        read_own(tmp_path, "fruit")
