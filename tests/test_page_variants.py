"""Other residual networks on the page: a task's further depths are offered, and each network goes by its own name."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
import tiny
from gradio_client import Client, handle_file

from resnet_demo import tasks
from resnet_demo.errors import UserError
from resnet_demo.inference import predictor
from resnet_demo.models.architecture import ARCHITECTURES, DEPTHS
from resnet_demo.page import app, catalog, lessons, restore
from resnet_demo.page.lessons import Upload
from resnet_demo.page.tabs import batch, classify, compare, lab, live, teach
from resnet_demo.page.widgets import inputs
from resnet_demo.tasks import TaskSpec

PETS = TaskSpec("pets", "classification", labels=("cat", "dog"), size=32, resize=36)
BIRDS = TaskSpec("birds", "classification", labels=("heron", "wren"), size=32, resize=36)


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory):
    """Random networks: a ResNet-20 and a ResNet-18 for pets, a ResNeXt-50 for birds, usual ones for the bundled."""
    models = (PETS, ARCHITECTURES["resnet20"]), (PETS, 18), (BIRDS, ARCHITECTURES["resnext50_32x4d"])
    with tiny.page_weights(tmp_path_factory, *models, (tiny.FLOWERS, 18), (tiny.FACES, 18)) as root:
        yield root


@pytest.fixture
def photo(tmp_path) -> str:
    path = tmp_path / "garden.jpg"
    tiny.photo(60, 40).save(path)
    return str(path)


# --- Depths -----------------------------------------------------------------------------------------------------------


def test_a_further_depth_of_a_task_is_offered_beside_the_usual_five():
    assert catalog.available("pets") == [18, 20]
    with gr.Blocks():
        one = inputs.depth_input("pets", "one-depth")
        several = inputs.depth_input("pets", "more-depths", several=True)
        usual = inputs.depth_input("flowers102", "usual-depth")
    assert [value for _, value in one.choices] == [value for _, value in several.choices] == [18, 20, *DEPTHS[1:]]
    assert (one.value, several.value) == (18, [18, 20])
    assert one.elem_classes == ["depths", "many-depths", "off-3", "off-4", "off-5", "off-6"]
    assert [value for _, value in usual.choices] == [*DEPTHS]
    assert usual.elem_classes == ["depths", "off-2", "off-3", "off-4", "off-5"]
    assert catalog.depth_info("pets") == "No weights yet for 34, 50, 101, 152."
    assert one.api_info()["enum"] == usual.api_info()["enum"] == [18, 20, *DEPTHS[1:]]  # any task may be asked for


def test_a_task_with_no_usual_depth_says_what_is_missing_and_begins_with_what_there_is(monkeypatch, tmp_path):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    tiny.weights_folder(tmp_path, (PETS, ARCHITECTURES["resnet20"]))
    assert catalog.default_depth("pets") == 20
    assert catalog.depth_info("pets") == "No weights yet for 18, 34, 50, 101, 152."
    assert catalog.first_task(tasks.CLASSIFICATION) == "pets"
    with gr.Blocks():
        assert inputs.depth_input("pets", "depth").value == 20


def test_another_task_and_a_kept_depth_bring_their_choices():
    found = restore.task_and_depths({"task": "pets", "depth": "20"}, "flowers102", tasks.CLASSIFICATION)
    assert found["depth"]["value"] == 20 and ("20", 20) in found["depth"]["choices"]
    found = restore.task_and_depths({"depth": "20"}, "flowers102", tasks.CLASSIFICATION)
    assert "depth" not in found  # The first task has no such weights.


def test_a_depth_that_only_another_task_has_gets_a_sentence(photo):
    with pytest.raises(UserError, match="no ResNet-20 for 102 flowers yet.* Choose ResNet-18"):
        classify.classify(photo, "flowers102", 20, 2, "")
    assert inputs.read_depth("20") == 20
    with pytest.raises(gr.Error, match="21 is no depth of a ResNet here. Choose 18, 20, 34, 50, 101 or 152"):
        inputs.read_depth(21)


def test_it_answers_in_all_tabs(photo):
    scores, _, details = classify.classify(photo, "pets", 20, 2, "dog")
    assert set(scores) == set(PETS.labels) and details["depth"] == 20
    assert len(classify.embed(photo, "pets", 20)["embedding"]) == 64
    gallery, table, _ = compare.compare(photo, "pets", [20, 18])
    assert [caption.split(" · ")[0] for _, caption in gallery] == ["ResNet-18", "CIFAR ResNet-20"]
    assert [line[0] for line in table] == [18, 20]
    *_, run = batch.look([(photo, "garden.jpg")], "pets", 20)
    assert run.rows[0].scores and "pets · CIFAR ResNet-20" in batch.words(run)
    shown = lab.answer(lab.Question(photo, "pets", 20))
    assert list(shown["board"]["stages"]) == ["layer1", "layer2", "layer3"]
    left_out = lab.Question(photo, "pets", 20, lab.Board("pets/20", ("layer2.1",)))
    assert "CIFAR ResNet-20" in lab.answer(left_out)["line"]


def test_it_answers_over_http(photo, tmp_path):
    page = app.build()
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", ssr_mode=False)
    try:
        client = Client(address, download_files=tmp_path, verbose=False)
        label, _, details = client.predict(handle_file(photo), "pets", 20, 2, "", api_name="/classify")
        assert label["label"] in PETS.labels and (details["task"], details["depth"]) == ("pets", 20)
        with pytest.raises(Exception, match="no ResNet-20 for 102 flowers yet"):
            client.predict(handle_file(photo), "flowers102", 20, 2, "", api_name="/classify")
    finally:
        page.close()


# --- Names ------------------------------------------------------------------------------------------------------------


def test_a_network_goes_by_its_own_name(photo):
    assert "ResNeXt-50 · " in classify.words(classify.predict(photo, "birds", 50, 2))
    assert "ResNet-18 · " in classify.words(classify.predict(photo, "flowers102", 18, 2))
    assert "Choose ResNeXt-50." in catalog.no_weights("birds", 18)
    waiting, filled, _ = compare.answer(compare.Question(photo, "birds", [50]))
    assert "<h2>ResNeXt-50</h2>" in waiting["cards"] and "Take blocks out of ResNeXt-50" in filled["cards"]
    (card,) = compare.answers(photo, "birds", [50])
    header, row = Path(compare.table_file([card])).read_text("utf-8-sig").splitlines()
    assert header.endswith(",Network") and row.startswith("50,") and row.endswith(",ResNeXt-50")
    assert teach.title("birds", 50) == "birds · ResNeXt-50"
    assert catalog.network_title("birds", 18) == "ResNet-18"  # There is none to ask.


def test_the_camera_offers_each_network_by_its_name():
    with gr.Blocks() as page:
        live.build()
    (element,) = (block for block in page.blocks.values() if getattr(block, "elem_id", None) == "live")
    assert element.props["titles"] == {"18": "ResNet-18"}


def test_what_was_taught_names_its_network_and_how_such_a_one_is_trained(photo, tmp_path):
    network = predictor.load("birds", 50, "cpu")
    lesson = lessons.Lesson()
    for number, name in enumerate(("cat", "dog")):
        sent = []
        for index in range(2):
            path = tmp_path / f"{name}-{index}.png"
            tiny.photo(seed=10 * number + index).save(path)
            sent.append((str(path), path.name))
        assert list(lesson.add(Upload(sent, name), network, str, lambda small: photo))[-1] == (2, 2)
    lesson.solve(network, "pets")
    said = teach.commands(lesson, "pets")
    assert "predict PHOTO --task pets --depth 50" in said
    assert "train --data PHOTOS --arch resnext50_32x4d --name pets" in said
    assert "ResNeXt-50 · " in classify.words(teach.answer(lesson, network, photo))
