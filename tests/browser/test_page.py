"""The page in a real Chromium, on the real weights: what people do, and what they must see."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES, data_folder
from gradio_client import Client, handle_file
from PIL import Image
from playwright.sync_api import Page, expect

import resnet_demo
from browser.acts import Held, choose, drawn, off_screen, open_tab, resize, state, upload
from resnet_demo import checkpoints, tasks
from resnet_demo.checkpoints import class_stats
from resnet_demo.images import colormaps
from resnet_demo.page.i18n import class_names


def photo_of(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), int)


def heat_of(photo: np.ndarray, overlay: np.ndarray, cells: int = 32) -> np.ndarray:
    """The heat 0..1 that turns the photo, in darker greys, into the other picture, (cells, cells): of all levels, the
    one that fits best."""
    greys = np.repeat(0.8 * photo @ [[0.3], [0.59], [0.11]], 3, axis=2)
    small = [
        np.asarray(Image.fromarray(picture.astype(np.uint8)).resize((cells, cells), Image.Resampling.BOX), float)
        for picture in (greys, overlay)
    ]
    before, after = (picture[:, :, None] for picture in small)  # (row, column, 1, channel)
    opacity = 0.55 * np.minimum(np.linspace(0, 1, 256) * 1.5, 1)[:, None]  # as the viewer has it at first
    levels = before * (1 - opacity) + colormaps.colour_table("inferno") * opacity
    return np.square(levels - after).sum(axis=3).argmin(axis=2) / 255


@pytest.fixture(scope="package")
def flower() -> tuple[Path, str]:
    """A flower photo that the network was not trained on, and a word of its name: a rose of the test split where the
    data set is there, else the shipped dahlia, which is a hard one."""
    if not data_folder():
        dahlia = EXAMPLES / "dahlia.jpg"
        return dahlia, resnet_demo.load("garden", 50)(dahlia).top_k[0].label
    root = data_folder() / "flowers102"
    names = {row["label"]: row["name"] for row in csv.DictReader((root / "classes.csv").open(encoding="utf-8"))}
    rows = csv.DictReader((root / "labels.csv").open(encoding="utf-8"))
    roses = [row["image"] for row in rows if row["split"] == "test" and names[row["label"]] == "Rose"]
    return root / roses[0], "Rose"


@pytest.fixture(scope="module")
def client(server, tmp_path_factory) -> Client:
    """Gradio's client for Python."""
    return Client(server, download_files=tmp_path_factory.mktemp("downloads"), verbose=False)


# --- Flowers ----------------------------------------------------------------------------------------------------------


def test_a_flower_is_named_and_the_heat_lies_on_it(visit, flower, shoot):
    path, name = flower
    page = visit()
    expect(page.locator("#status")).to_contain_text(re.compile(r"Running on \w+ · (OpenVINO|PyTorch) \w+"))
    upload(page, "flowers", path)
    expect(page.locator("#flowers-classes h2")).to_contain_text(name)
    expect(page.locator("#flowers-classes")).to_contain_text("Heat for")
    photo, overlay = photo_of(path), drawn(page, "flowers-overlay")
    shoot(page, "flower-uploaded")
    assert overlay.shape == photo.shape

    spec = checkpoints.load("garden", 50).spec
    window = tasks.crop_box(spec, photo.shape[1], photo.shape[0])
    seen = slice(int(window.top) + 1, int(window.bottom)), slice(int(window.left) + 1, int(window.right))
    heat = heat_of(photo[seen], overlay[seen])
    rows, columns = (np.arange(length) / length for length in heat.shape)
    centre = (heat.sum(axis=1) @ rows / heat.sum(), heat.sum(axis=0) @ columns / heat.sum())
    assert np.abs(np.subtract(centre, 0.5)).max() < 0.15
    quarter = heat.shape[0] // 4, heat.shape[1] // 4
    middle = heat[quarter[0] : -quarter[0], quarter[1] : -quarter[1]]
    border = (heat.sum() - middle.sum()) / (heat.size - middle.size)
    assert middle.mean() > 2.5 * border


def test_an_example_works_with_one_click_and_controls_answer_at_once(visit):
    page = visit()
    page.locator("#flowers-examples .gallery-item").nth(1).click()
    bars = page.locator("#flowers-classes li button")
    expect(bars).to_have_count(5)
    heat_for = page.locator("#flowers-classes .classes-heat")
    # A click on a class moves the heat to it.
    first = drawn(page, "flowers-overlay")
    other = bars.nth(2).locator(".name").inner_text()
    bars.nth(2).click()
    expect(heat_for).to_contain_text(f"Heat for {other}")
    expect(bars.nth(2)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#flowers-target input")).to_have_value(other)
    assert np.abs(drawn(page, "flowers-overlay") - first).mean() > 1
    # Another number of classes.
    page.locator("#flowers-top-k input[type=number]").fill("3")
    page.locator("#flowers-top-k input[type=number]").press("Enter")
    expect(bars).to_have_count(3)
    expect(heat_for).to_contain_text(f"Heat for {other}")
    # Another photo starts with its own top class again.
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(page.locator("#flowers-target input")).to_have_value("Most likely")
    expect(page.locator("#flowers-classes h2")).to_have_text("Daffodil")
    expect(heat_for).to_contain_text("Heat for Daffodil")
    # A class has a card of facts.
    facts = page.locator("#flowers-classes .classes-facts")
    labels = checkpoints.load("garden", 50).spec.labels
    for index in (0, 2):
        bars.nth(index).click()
        known = labels[int(bars.nth(index).get_attribute("data-index"))]
        measured = class_stats.facts("garden", 50, known)
        expect(facts).to_contain_text(class_names.latin("garden", known))
        expect(facts).to_contain_text(class_names.chinese("garden", known))
        expect(facts).to_contain_text(f"right on {measured.right} of {measured.shown} photos of this class")


def test_the_heat_answers_without_the_server(visit):
    """Class, opacity, colours and before/after, while no request goes out."""
    page = visit()
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    full = drawn(page, "flowers-overlay")
    expect(page.locator("#flowers-classes li button")).to_have_count(5)
    page.context.set_offline(True)
    viewer = page.locator("#flowers-overlay")
    viewer.locator(".viewer-look summary").click()
    viewer.locator(".opacity").fill("0")
    plain = drawn(page, "flowers-overlay")
    viewer.locator(".opacity").fill("55")
    np.testing.assert_array_equal(drawn(page, "flowers-overlay"), full)
    viewer.locator(".colours").select_option("viridis")
    assert np.abs(drawn(page, "flowers-overlay") - full).mean() > 2
    viewer.locator(".colours").select_option("inferno")
    # Under the heat the photo is grey, unless its colours are wanted.
    viewer.locator(".greys").uncheck()
    assert np.abs(drawn(page, "flowers-overlay") - full).mean() > 2
    viewer.locator(".greys").check()
    # Left of the slider stands the photo itself, undimmed; right of it nothing changes.
    viewer.locator(".split").fill("50")
    half = drawn(page, "flowers-overlay")
    width = half.shape[1]
    np.testing.assert_array_equal(half[:, width // 2 + 5 :], full[:, width // 2 + 5 :])
    assert np.abs(half[:, : width // 2 - 5] - plain[:, : width // 2 - 5])[80:-80, 80:].mean() < 2
    viewer.locator(".split").fill("0")
    other = page.locator("#flowers-classes li button").nth(3)
    other.click()
    assert state(page, "flowers-overlay").endswith(f"/{other.get_attribute('data-index')}/layer4")
    assert np.abs(drawn(page, "flowers-overlay") - full).mean() > 1
    page.context.set_offline(False)


def taken(page: Page, viewer: str, name: str, folder: Path) -> Path:
    """What a viewer gives to take away, under the name that it suggests."""
    with page.expect_download() as download:
        page.locator(f"#{viewer} .take-{name}").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_what_is_on_screen_can_be_taken_away(visit, tmp_path):
    page = visit(query="tab=flowers&depth=18")
    canvas = drawn(page, "flowers-overlay")
    page.locator("#flowers-overlay .viewer-take summary").click()
    overlay, heat, numbers = (taken(page, "flowers-overlay", name, tmp_path) for name in ("overlay", "heat", "npy"))
    np.testing.assert_array_equal(np.asarray(Image.open(overlay).convert("RGB"), int), canvas)
    label = page.locator("#flowers-classes li .name").first.inner_text()
    assert overlay.name == f"daffodil-{label.replace(' ', '-')}-overlay.png"
    assert Image.open(heat).mode == "RGBA"
    predicted = resnet_demo.load("garden", depth=18)(EXAMPLES / "daffodil.jpg")
    found = np.load(numbers)
    np.testing.assert_allclose(found, predicted.cam(label, size=found.shape), atol=0.02)

    page.locator("#flowers-overlay .viewer-code summary").click()
    code = page.locator("#flowers-overlay pre")
    expect(code).to_have_count(3)
    expect(code.nth(0)).to_contain_text(f'result.cam("{label}", layer="layer4")')
    expect(code.nth(2)).to_contain_text("predict daffodil.jpg --task garden --depth 18 --top-k 5")
    # The second is meant for a shell, in the photo's folder.
    curl = subprocess.run(["bash", "-c", code.nth(1).inner_text()], cwd=EXAMPLES, capture_output=True, text=True)
    assert "event: complete" in curl.stdout and label in curl.stdout, curl

    # An earlier stage shows finer heat.
    page.locator("#flowers-overlay .stage").get_by_label("fine", exact=True).check()
    page.locator("#flowers-overlay[data-drawn$=layer2]").wait_for()
    assert np.abs(drawn(page, "flowers-overlay") - canvas).mean() > 2
    finer = np.asarray(Image.open(taken(page, "flowers-overlay", "heat", tmp_path)).getchannel("A"), float)
    cam = predicted.cam(label, "layer2", finer.shape)
    assert np.corrcoef(finer.ravel(), np.minimum(cam / np.percentile(cam, 99), 1).ravel())[0, 1] > 0.9


def test_a_depth_without_weights_gets_a_sentence_and_nothing_is_lost(visit, own_server, shoot):
    page = visit(address=own_server)
    radio = page.locator("#flowers-depth")
    expect(radio).to_contain_text("No weights yet for 50, 101, 152")
    page.locator("#flowers-examples .gallery-item").nth(1).click()
    facts = page.locator("#flowers-note .facts")
    expect(facts).to_contain_text("ResNet-18")
    radio.get_by_text("34", exact=True).click()
    expect(facts).to_contain_text("ResNet-34")
    before = state(page, "flowers-overlay")
    radio.get_by_text("152", exact=True).click()
    expect(page.locator("#flowers-note [role=alert]")).to_contain_text("no ResNet-152")
    expect(page.locator(".toast-body")).to_contain_text("still to be trained")
    shoot(page, "depth-not-available")
    expect(radio.get_by_label("34", exact=True)).to_be_checked()  # What is on screen is of this depth.
    assert state(page, "flowers-overlay") == before


def test_the_last_of_several_quick_choices_counts(visit):
    page = visit()
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    facts = page.locator("#flowers-note .facts")
    expect(facts).to_contain_text("ResNet-50")
    for depth in ("101", "18", "34"):
        page.locator("#flowers-depth").get_by_label(depth, exact=True).check()
    expect(facts).to_contain_text("ResNet-34")
    expect(page.locator("#flowers-depth").get_by_label("34", exact=True)).to_be_checked()


def test_a_task_of_own_pictures_is_offered(visit, own_server):
    page = visit(address=own_server)
    upload(page, "flowers", EXAMPLES / "marigold.jpg")
    expect(page.locator("#flowers-classes li button")).to_have_count(4)
    choose(page, "flowers-task", "pets")
    expect(page.locator("#flowers-classes li button")).to_have_count(3)
    expect(page.locator("#flowers-classes h2")).to_have_text(re.compile("cat|dog|hamster"))
    expect(page.locator("#flowers-depth")).to_contain_text("No weights yet for 34, 50, 101, 152")
    choose(page, "flowers-target", "cat")
    expect(page.locator("#flowers-classes .classes-heat")).to_contain_text("Heat for cat")
    choose(page, "flowers-target", "dog")
    expect(page.locator("#flowers-classes .classes-heat")).to_contain_text("Nothing in this photo speaks for dog")
    # Its depths are compared like the others'.
    with Held(page, "**/queue/join*"):
        open_tab(page, "compare")
        expect(page.locator("#compare-csv")).to_be_attached()
        expect(page.locator("#compare-csv")).to_be_hidden()
    page.locator("#compare-examples .gallery-item").nth(0).click()
    expect(page.locator("#compare-cards .card-name")).to_have_count(2)
    expect(page.locator("#compare-csv")).to_be_visible()  # Once there is a table.
    choose(page, "compare-task", "pets")
    expect(page.locator("#compare-note")).to_contain_text("One depth has weights so far")
    expect(page.locator("#compare-cards .card-name")).to_have_count(1)


def test_a_further_depth_of_an_own_task_is_chosen_restored_and_named(visit, own_server, shoot):
    page = visit(address=own_server)
    radio, facts = page.locator("#flowers-depth"), page.locator("#flowers-note .facts")
    expect(radio.get_by_label("20", exact=True)).to_have_count(0)
    upload(page, "flowers", EXAMPLES / "marigold.jpg")
    expect(facts).to_contain_text("ResNet-18")
    choose(page, "flowers-task", "moths")
    expect(radio.get_by_label("20", exact=True)).to_be_checked()
    expect(radio).to_contain_text("No weights yet for 18, 34, 50, 101, 152")
    expect(facts).to_contain_text("CIFAR ResNet-20")
    expect(radio.locator(".wrap label")).to_have_count(6)
    assert len({label.bounding_box()["y"] for label in radio.locator(".wrap label").all()}) == 1  # in one line
    shoot(page, "depth-of-ones-own")
    choose(page, "flowers-task", "102 flowers")
    expect(radio.get_by_label("20", exact=True)).to_have_count(0)
    expect(radio.get_by_label("18", exact=True)).to_be_checked()
    expect(facts).not_to_contain_text("CIFAR")

    other = visit(address=own_server, query="tab=compare&task=moths&depths=20")
    expect(other.locator("#compare-depths").get_by_label("20", exact=True)).to_be_checked()
    other.locator("#compare-examples .gallery-item").nth(0).click()
    expect(other.locator("#compare-cards h2")).to_have_text("CIFAR ResNet-20")


def test_keypoints_of_own_pictures_have_no_face_regions(visit, own_server):
    page = visit(address=own_server)
    open_tab(page, "faces")
    # The tab opens on the task that has weights; that of faces, which has none here, says so.
    expect(page.locator("#faces-task input")).to_have_value("hands")
    expect(page.locator("#faces-region")).to_have_count(0)
    choose(page, "faces-task", "Face keypoints")
    expect(page.locator("#faces-region")).to_be_visible()
    choose(page, "faces-task", "hands")
    expect(page.locator("#faces-region")).to_have_count(0)
    expect(page.locator("#faces-depth").get_by_label("18", exact=True)).to_be_checked()
    page.locator("#faces-examples .gallery-item").nth(1).click()
    expect(page.locator("#faces-note")).to_contain_text("5 points")


# --- Faces ------------------------------------------------------------------------------------------------------------


def test_every_face_of_a_group_gets_68_points(visit, client, tmp_path):
    page = visit()
    open_tab(page, "faces")  # It begins with two people.
    expect(page.locator("#faces-note")).to_contain_text("2 faces, 68 points each")
    # How steady they are is drawn as rings.
    before, spread = drawn(page, "faces-overlay"), page.locator("#faces-overlay .spread")
    spread.check()
    while np.array_equal(with_rings := drawn(page, "faces-overlay"), before):
        page.wait_for_timeout(50)
    assert 200 < np.abs(with_rings - before).max(axis=2).astype(bool).sum() < 0.05 * before[..., 0].size
    spread.uncheck()
    assert np.array_equal(drawn(page, "faces-overlay"), before)

    path = EXAMPLES / "two-people.jpg"
    page.locator("#faces-overlay .heat").uncheck()
    photo, marked = photo_of(path), drawn(page, "faces-overlay")
    assert marked.shape == photo.shape  # The photo's own resolution.
    details = client.predict(handle_file(path), 50, "all", api_name="/keypoints")[2]
    assert len(details["faces"]) == 2
    changed = np.abs(marked - photo).max(axis=2) > 40
    near_points = np.zeros_like(changed)
    for face in details["faces"]:
        points = np.array(face["keypoints"])
        assert points.shape == (68, 2)
        assert (points >= 0).all() and (points < photo.shape[1::-1]).all()
        x0, y0, x1, y1 = face["box"]
        centre = points.mean(axis=0)
        assert x0 < centre[0] < x1 and y0 < centre[1] < y1
        left_eye, right_eye, mouth = points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[48:].mean(axis=0)
        assert left_eye[0] < right_eye[0] and max(left_eye[1], right_eye[1]) < mouth[1]
        for x, y in points.astype(int):
            near = np.s_[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5]
            assert changed[near].any()
            near_points[max(0, y - 30) : y + 31, max(0, x - 30) : x + 31] = True
    # Elsewhere only the small plate with each face's number.
    assert (changed & ~near_points).mean() < 0.005

    page.locator("#faces-overlay .viewer-take summary").click()
    table, lists = (taken(page, "faces-overlay", name, tmp_path) for name in ("csv", "json"))
    rows, faces = list(csv.DictReader(table.open())), json.loads(lists.read_text())
    assert [len(face) for face in faces] == [68, 68]
    assert [[float(row["x0"]), float(row["y67"])] for row in rows] == [[face[0][0], face[67][1]] for face in faces]

    upload(page, "faces", EXAMPLES / "dahlia.jpg")
    expect(page.locator("#faces-note")).to_contain_text("No face found in this photo")
    expect(page.locator("#faces-note [role=alert]")).to_have_count(0)
    assert np.abs(drawn(page, "faces-overlay") - photo_of(EXAMPLES / "dahlia.jpg")).mean() < 4  # It stays.


def test_the_heat_follows_the_region(visit):
    page = visit()
    open_tab(page, "faces")
    region, note = page.locator("#faces-region"), page.locator("#faces-note")
    page.locator("#faces-overlay[data-drawn]").wait_for()
    # What is chosen while an answer is on its way is shown, too.
    with Held(page, "**/queue/join*") as asked:
        page.locator("#faces-depth").get_by_label("18", exact=True).check()
        asked.wait()
        region.get_by_text("Mouth", exact=True).click()
    expect(note.locator(".facts")).to_contain_text("ResNet-18")
    expect(page.locator("#faces-overlay")).to_have_attribute("data-what", "mouth")
    page.locator("#faces-examples .gallery-item").nth(1).click()
    expect(note).to_contain_text("1 face, 68 points")
    region.get_by_text("Whole face", exact=True).click()
    page.locator("#faces-overlay[data-drawn$='all/any/layer4']").wait_for()
    whole = drawn(page, "faces-overlay")
    region.get_by_text("Mouth", exact=True).click()
    page.locator("#faces-overlay[data-drawn$='mouth/any/layer4']").wait_for()
    mouth = drawn(page, "faces-overlay")
    assert np.abs(mouth - whole).max() > 30
    # Which way: blue pulls up, red down.
    page.locator("#faces-overlay .direction").get_by_label("up and down", exact=True).check()
    page.locator("#faces-overlay[data-drawn$='mouth/down/layer4']").wait_for()
    coarse = drawn(page, "faces-overlay")
    assert np.abs(coarse - mouth).max() > 30
    expect(page.locator("#faces-overlay .viewer-legend")).to_contain_text("pulls down")
    small = page.locator("#faces-overlay .stage [value=layer1] ~ canvas")
    before = small.evaluate("canvas => canvas.toDataURL()")
    page.locator("#faces-overlay .stage").get_by_label("fine", exact=True).check()
    page.locator("#faces-overlay[data-drawn$='mouth/down/layer2']").wait_for()
    assert np.abs(drawn(page, "faces-overlay") - coarse).max() > 30
    assert small.evaluate("canvas => canvas.toDataURL()") != before, "one pass gives all stages"


# --- Compare ----------------------------------------------------------------------------------------------------------


# Keeps all that Compare says, as far as it can be seen.
READ_ALOUD = """() => {
  const line = document.querySelector("#compare-note");
  window.said = [];
  const isSeen = () => getComputedStyle(line.querySelector(".note")).visibility === "visible";
  const see = () => isSeen() && window.said.push(line.textContent);
  new MutationObserver(see).observe(line, { childList: true, subtree: true, characterData: true });
}"""


def test_compare_shows_every_available_depth(visit, tmp_path):
    page = visit()
    open_tab(page, "compare")  # With the example of the first tab: one answer, so that no other one is read for it.
    depths = checkpoints.available()["flowers102"]
    expect(page.locator("#compare-cards .card-name")).to_have_count(len(depths))
    for depth in depths:
        expect(page.locator("#compare-cards")).to_contain_text(f"ResNet-{depth}")
        expect(page.locator("#compare-depths").get_by_label(str(depth), exact=True)).to_be_checked()
    expect(page.locator("#compare-curve .chosen")).to_have_count(len(depths))
    names = page.locator("#compare-cards .card-name").all_inner_texts()
    words = page.locator("#compare-note")
    expect(words).to_contain_text("say the same" if len(set(names)) == 1 else "disagree")
    with page.expect_download() as download:
        page.locator("#compare-csv").click()
    download.value.save_as(tmp_path / "comparison.csv")
    rows = list(csv.reader((tmp_path / "comparison.csv").open(encoding="utf-8-sig")))
    assert [row[:2] for row in rows[1:]] == [[str(depth), name] for depth, name in zip(depths, names, strict=True)]
    # Fewer depths: the others stay on the curve, hollow.
    page.locator("#compare-depths").get_by_label("18", exact=True).uncheck()
    expect(page.locator("#compare-cards .card-name")).to_have_count(len(depths) - 1)
    expect(page.locator("#compare-curve .other")).to_have_count(1)
    # Passing a list by the tab key changes nothing.
    page.locator("#compare-task input").focus()
    with page.expect_response("**/queue/join*"):  # Gradio reports it all the same.
        page.keyboard.press("Tab")
    picture = page.locator("#compare-cards .card img").first
    before = picture.get_attribute("src")
    page.evaluate(READ_ALOUD)
    page.locator("#compare-examples .gallery-item").nth(1).click()
    expect(picture).not_to_have_attribute("src", before)
    page.wait_for_function("window.said.some((words) => words.includes('depths have looked'))")
    expect(page.locator("#compare-curve .chosen")).to_have_count(len(depths) - 1)
    expect(page.locator("#compare-depths").get_by_label("18", exact=True)).not_to_be_checked()


def test_compare_says_how_far_the_depths_points_lie_apart(visit):
    page = visit(query="tab=compare&task=faces68&depths=18-34")
    expect(page.locator("#compare-depths input:checked")).to_have_count(2)
    page.locator("#compare-examples .gallery-item").nth(2).click()
    expect(page.locator("#compare-note")).to_contain_text("of the distance between the eyes")
    expect(page.locator("#compare-cards .card-name")).to_have_count(2)
    expect(page.locator("#compare-cards .card").first).to_contain_text("From the mean")


# --- Other programs ---------------------------------------------------------------------------------------------------


def test_the_three_endpoints_by_python_client(client, flower):
    path, name = flower
    label, overlay, details = client.predict(handle_file(path), "flowers102", 50, 3, "", api_name="/classify")
    assert name in label["label"]
    assert [score["label"] for score in label["confidences"]] == [score["label"] for score in details["top_k"]]
    assert len(details["top_k"]) == 3
    assert details["image"] == path.name
    assert Image.open(overlay).size == Image.open(path).size

    people = handle_file(EXAMPLES / "two-people.jpg")
    marked, heat, details = client.predict(people, 50, "mouth", api_name="/keypoints")
    assert Image.open(marked).size == Image.open(heat).size == (1024, 569)
    assert [len(face["keypoints"]) for face in details["faces"]] == [68, 68]

    gallery, table, details = client.predict(handle_file(path), "flowers102", [50], api_name="/compare")
    assert len(gallery) == len(table["data"]) == len(details["results"]) == 1
    assert table["data"][0][0] == 50
    assert table["data"][0][1] == details["results"][0]["top_k"][0]["label"]
    assert gallery[0]["caption"].startswith("ResNet-50 · ")


def test_endpoints_answer_trouble_with_a_sentence(client, tmp_path):
    photo = handle_file(EXAMPLES / "dahlia.jpg")
    with pytest.raises(Exception, match="birds"):
        client.predict(photo, "birds", 50, 3, "", api_name="/classify")
    with pytest.raises(Exception, match="18, 34, 50, 101 or 152"):
        client.predict(photo, 51, "all", api_name="/keypoints")
    with pytest.raises(Exception, match="no face region 'ears'"):
        client.predict(photo, 50, "ears", api_name="/keypoints")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(Exception, match="damaged"):
        client.predict(handle_file(broken), "flowers102", [50], api_name="/compare")


def test_a_link_shows_the_pages_own_title_sentence_and_picture(server):
    """To the readers of chats, which take the first tag of each kind."""
    text = urllib.request.urlopen(server).read().decode()
    tags = re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', text)
    assert [value for name, value in tags if name == "title"] == ["What a ResNet sees"]
    assert [value for name, value in tags if name == "description"] == [
        re.search('name="description" content="(.*?)"', text)[1]
    ]
    (picture,) = [value for name, value in tags if name == "image"]
    assert picture.startswith(server)
    assert Image.open(io.BytesIO(urllib.request.urlopen(picture).read())).size == (1200, 630)


def test_classify_by_raw_http(server):
    """As curl does it: upload, call, and read the event stream."""
    boundary = "photo-boundary"
    content = (EXAMPLES / "marigold.jpg").read_bytes()
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="marigold.jpg"\r\n'
    body = head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + content + f"\r\n--{boundary}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    path = post(f"{server}/gradio_api/upload", body, kind)[0]
    inputs = [{"path": path, "meta": {"_type": "gradio.FileData"}}, "flowers102", 50, 2, ""]
    call = post(
        f"{server}/gradio_api/call/classify",
        json.dumps({"data": inputs}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(f"{server}/gradio_api/call/classify/{call['event_id']}", timeout=120) as stream:
        text = stream.read().decode()
    assert "event: complete" in text
    label, overlay, details = json.loads(text.split("event: complete\ndata: ")[1].split("\n")[0])
    assert len(label["confidences"]) == 2
    assert details["top_k"][0]["label"] == label["label"]
    with urllib.request.urlopen(overlay["url"], timeout=120) as picture:
        assert picture.headers["Content-Type"] == "image/jpeg"
        assert Image.open(io.BytesIO(picture.read())).size == (1024, 1024)


def post(url: str, body: bytes, headers: dict[str, str]):
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=120) as answer:
        return json.load(answer)


# --- Looks ------------------------------------------------------------------------------------------------------------


# 1280 × 720 at 200 % are 640 × 360 pixels of the page.
SIZES = {"wide": (1440, 900), "phone": (390, 844), "zoomed": (640, 360)}
# What can be pressed and is smaller than 24 × 24 pixels.
TOO_SMALL = """() => [...document.querySelectorAll("button, summary, select, [role=tab], fieldset label")]
    .filter(part => part.checkVisibility() && part.closest("footer, .hide") === null)
    .map(part => [part.getBoundingClientRect(), part.outerHTML.slice(0, 80)])
    .filter(([box]) => box.width && (box.width < 24 || box.height < 24)).map(([, html]) => html)"""


@pytest.mark.parametrize(
    ("theme", "names"), [("light", ("wide", "zoomed", "phone")), ("dark", ("phone", "zoomed", "wide"))]
)
def test_each_tab_fits_the_window(visit, shoot, theme, names):
    """In a window that was opened in one size and then gets others, as a phone that is turned."""
    page = visit(*SIZES[names[0]], theme)
    for tab, result, sentence in (
        ("flowers", "#flowers-overlay[data-drawn]", "ResNet-50"),
        ("faces", "#faces-overlay[data-drawn]", "faces"),
        ("compare", "#compare-curve svg", "depths"),
    ):
        open_tab(page, tab)  # It begins with an answer.
        page.locator(result).first.wait_for()
        expect(page.locator(f"#{tab}-note")).to_contain_text(sentence)
        expect(page.locator(".viewer.is-empty:visible")).to_have_count(0)
        # Cards below the window would wait until they are scrolled to.
        page.evaluate("[...document.images].forEach(image => image.loading = 'eager')")
        page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        page.mouse.move(0, 0)
        for name in names:
            width, height = SIZES[name]
            resize(page, width, height)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert off_screen(page, f"#{tab}-photo .photo-new", f"#{tab}-depth, #{tab}-depths") == [], (tab, name)
            if name == "phone":
                assert page.evaluate(TOO_SMALL) == [], tab
            shoot(page, f"{tab}-{name}-{theme}")
        dark = page.evaluate("document.documentElement.matches('.dark') || !!document.querySelector('.dark')")
        assert dark == (theme == "dark")
        resize(page, *SIZES[names[0]])
