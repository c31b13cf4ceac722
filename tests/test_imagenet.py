"""ImageNet-1k: names, photos to measure on, and the bundled ResNet-50."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES

import resnet_demo
from resnet_demo import checkpoints, tasks
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.tasks.imagenet_names import names, synsets
from resnet_demo.training.data import imagenet

SMALL = replace(imagenet.imagenet_spec(), size=32, resize=36)


def write_photos(folder, *paths: str):
    for seed, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        tiny.photo(60, 40, seed).save(folder / path, "JPEG")
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with a random ResNet-18 of 1,000 classes for small pictures."""
    return tiny.weights_folder(tmp_path_factory.mktemp("weights"), (SMALL, 18))


# --- Names ------------------------------------------------------------------------------------------------------------


def test_a_thousand_different_names_in_the_usual_order():
    assert len(names()) == len(synsets()) == 1000
    assert len({name.lower() for name in names()}) == 1000
    assert list(synsets()) == sorted(set(synsets()))
    known = {0: "tench", 207: "golden retriever", 281: "tabby", 534: "dishwasher", 954: "banana", 999: "toilet tissue"}
    assert {index: names()[index] for index in known} == known
    assert synsets()[207] == "n02099601" and synsets()[954] == "n07753592"


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("crane (bird)", 134),
        ("Crane (machine)", 517),
        ("Cardigan Welsh corgi", 264),
        ("cardigan (garment)", 474),
        ("maillot (swimsuit)", 638),
        ("maillot (tank suit)", 639),
    ],
)
def test_classes_of_one_word_are_told_apart_by_name(name, index):
    assert tasks.class_index(imagenet.imagenet_spec(), name) == index


# --- Photos to measure on ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deep", [False, True])
def test_photos_are_read_with_the_class_of_their_synset(tmp_path, deep):
    between = "/" if deep else "_"
    write_photos(tmp_path, f"n07753592{between}banana.JPEG", f"n01440764{between}tench.JPEG", "other.JPEG")
    (tmp_path / "README.md").write_text("n01440764")
    photos = imagenet.read_photos(tmp_path)
    assert photos.labels.tolist() == [0, 954]
    assert photos.picture(1).size == (60, 40)
    assert not photos.cache
    assert len({band.tobytes() for band in photos.picture(1).split()}) == 3
    photos.grey = True
    assert len({band.tobytes() for band in photos.picture(1).split()}) == 1


def test_photos_of_other_classes_and_no_photos_are_refused(tmp_path):
    with pytest.raises(UserError, match="There are no ImageNet photos in .*: their names"):
        imagenet.read_photos(tmp_path)
    write_photos(tmp_path, "n01440764_tench.JPEG", "n00000001_nothing.JPEG")
    with pytest.raises(UserError, match="n00000001, which is no class of ImageNet-1k"):
        imagenet.read_photos(tmp_path)


def test_evaluate_measures_a_folder_of_photos(tmp_path, weights, monkeypatch, capsys):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(weights))
    folder = write_photos(tmp_path, *(f"{synset}_x.JPEG" for synset in synsets()[:20]))
    assert main(["evaluate", "imagenet1k", "--depth", "18", "--data", str(folder), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["metrics"]["top1"]["n"] == 20 and {"low", "high"} <= record["metrics"]["top5"].keys()


def test_evaluate_all_says_what_it_leaves_out(tmp_path, weights, monkeypatch, capsys):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(weights))
    monkeypatch.setenv("RESNET_DEMO_DATA", str(tmp_path))
    assert main(["evaluate", "--all"]) == 0
    printed = capsys.readouterr()
    assert "imagenet1k" not in printed.out
    assert printed.err.startswith("Left out imagenet1k: There is no folder")
    assert main(["evaluate", "imagenet1k", "--depth", "18"]) == 2
    write_photos(tmp_path / "imagenet1k", "n01440764/a.jpg", "n01440764/b.jpg")
    assert main(["evaluate", "--all"]) == 0
    printed = capsys.readouterr()
    assert "| imagenet1k | 18 | top-1 accuracy |" in printed.out and "Left out" not in printed.err


# --- Bundling ---------------------------------------------------------------------------------------------------------


def test_bundling_stores_measures_and_describes_what_convert_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(imagenet, "imagenet_spec", lambda: SMALL)
    state = tiny.random_state(18, 1000)
    monkeypatch.setattr("resnet_demo.training.bundle.read_state", lambda init: (state, "v1"))
    (tmp_path / "weights").mkdir()
    photos = write_photos(tmp_path / "photos", "n01440764_a.jpg", "n07753592_b.jpg")
    assert main(["bundle", "imagenet", "--data", str(photos)]) == 0
    entry = checkpoints.find("imagenet1k", 18)
    loaded = checkpoints.load_entry(entry)
    assert loaded.variant == "v1" and loaded.spec.labels == names()
    assert loaded.stored["fc.weight"].dtype == np.int8
    assert entry.metrics["top1"].n == 2
    card = (entry.path.parent / "README.md").read_text(encoding="utf-8")
    assert "python -m resnet_demo evaluate imagenet1k --depth 18 --data imagenet-sample-images" in card
    assert "python -m resnet_demo bundle imagenet" in card
    assert "This is not the validation accuracy" in card
    assert main(["report", "--no-timing"]) == 0
    assert (entry.path.parent / "README.md").read_text(encoding="utf-8") == card
    table = (tmp_path / "weights" / "README.md").read_text(encoding="utf-8")
    assert "but for `imagenet1k`: see the card" in table


def test_the_bundled_network_names_what_is_in_a_photo(monkeypatch):
    monkeypatch.delenv("RESNET_DEMO_WEIGHTS", raising=False)
    predict = resnet_demo.load("imagenet1k", depth=50)
    assert predict.checkpoint.variant == "v1"
    assert predict.spec == imagenet.imagenet_spec()
    labels = {score.label for score in predict(str(EXAMPLES / "two-people.jpg")).top_k}
    assert {"suit", "Windsor tie"} <= labels
