"""The page in a real Chromium, on the real weights: what people do, and what they must see."""

from __future__ import annotations

import csv
import io
import json
import re
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES, data_folder
from gradio_client import Client, handle_file
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from resnet_demo import checkpoints, render, tasks


def upload(page: Page, tab: str, path: str | Path) -> None:
    page.locator(f"#{tab}-photo input[type=file]").set_input_files(str(path))


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name.capitalize()).click()
    page.locator(f"#{name}-photo").wait_for()


def choose(page: Page, elem_id: str, name: str) -> None:
    """Open a list and choose from it."""
    page.locator(f"#{elem_id} input").click()
    page.get_by_role("option", name=name, exact=True).click()


def shown(page: Page, locator: Locator) -> np.ndarray:
    """The picture that a part of the page shows, int (H, W, 3)."""
    image = locator.locator("img").first
    image.wait_for()
    content = page.request.get(image.get_attribute("src")).body()
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)


def photo_of(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), int)


def heat_of(photo: np.ndarray, overlay: np.ndarray, cells: int = 32) -> np.ndarray:
    """The heat 0..1 that turns one picture into the other, (cells, cells): of all levels, the one that fits best.

    How much the pixels change says less: red heat hardly changes a red flower.
    """
    small = [
        np.asarray(Image.fromarray(picture.astype(np.uint8)).resize((cells, cells), Image.Resampling.BOX), float)
        for picture in (photo, overlay)
    ]
    before, after = (picture[:, :, None] for picture in small)  # (row, column, 1, channel)
    opacity = 0.5 * np.minimum(np.linspace(0, 1, 256) * 1.5, 1)[:, None]  # as render.overlay has it
    levels = before * (1 - opacity) + render.colour_table("turbo") * opacity
    return np.square(levels - after).sum(axis=3).argmin(axis=2) / 255


@pytest.fixture(scope="session")
def flower() -> tuple[Path, str]:
    """A flower photo that the network was not trained on, and a word of its name: a rose of the test split where the
    data set is there, else the shipped dahlia."""
    if not data_folder():
        return EXAMPLES / "dahlia.jpg", "Dahlia"
    root = data_folder() / "flowers102"
    names = {row["label"]: row["name"] for row in csv.DictReader((root / "classes.csv").open(encoding="utf-8"))}
    rows = csv.DictReader((root / "labels.csv").open(encoding="utf-8"))
    roses = [row["image"] for row in rows if row["split"] == "test" and names[row["label"]] == "Rose"]
    return root / roses[0], "Rose"


# --- Flowers ----------------------------------------------------------------------------------------------------------


def test_a_flower_is_named_and_the_heat_lies_on_it(visit, flower, screenshots):
    path, name = flower
    page = visit()
    upload(page, "flowers", path)
    expect(page.locator("#flowers-classes h2")).to_contain_text(name)
    expect(page.locator("#flowers-note")).to_contain_text("Heat for")
    photo, overlay = photo_of(path), shown(page, page.locator("#flowers-overlay"))
    page.screenshot(path=screenshots / "flower-uploaded.png", full_page=True)
    assert overlay.shape == photo.shape

    spec = checkpoints.load("flowers102", 50).spec
    window = tasks.window_of(spec, photo.shape[1], photo.shape[0])
    seen = slice(int(window.top) + 1, int(window.bottom)), slice(int(window.left) + 1, int(window.right))
    heat = heat_of(photo[seen], overlay[seen])
    rows, columns = (np.arange(length) / length for length in heat.shape)
    centre = (heat.sum(axis=1) @ rows / heat.sum(), heat.sum(axis=0) @ columns / heat.sum())
    assert np.abs(np.subtract(centre, 0.5)).max() < 0.15
    quarter = heat.shape[0] // 4, heat.shape[1] // 4
    middle = heat[quarter[0] : -quarter[0], quarter[1] : -quarter[1]]
    border = (heat.sum() - middle.sum()) / (heat.size - middle.size)
    assert middle.mean() > 3 * border


def test_an_example_works_with_one_click_and_controls_answer_at_once(visit):
    page = visit()
    page.locator("#flowers-examples .gallery-item").nth(1).click()
    bars = page.locator("#flowers-classes button")
    expect(bars).to_have_count(5)
    overlay = page.locator("#flowers-overlay img")
    first = overlay.get_attribute("src")
    # A click on a class moves the heat to it.
    other = re.sub(r"\s*\d+\s*%.*", "", bars.nth(2).inner_text(), flags=re.S).strip()
    bars.nth(2).click()
    expect(page.locator("#flowers-note b")).to_have_text(other)
    expect(page.locator("#flowers-target input")).to_have_value(other)
    expect(overlay).not_to_have_attribute("src", first)
    # Another number of classes.
    page.locator("#flowers-top-k input[type=number]").fill("3")
    page.locator("#flowers-top-k input[type=number]").press("Enter")
    page.locator("#flowers-run").click()
    expect(bars).to_have_count(3)
    expect(page.locator("#flowers-note b")).to_have_text(other)
    # Another photo starts with its own top class again.
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(page.locator("#flowers-target input")).to_have_value("Top class")
    expect(page.locator("#flowers-note b")).to_have_text(page.locator("#flowers-classes h2").inner_text())


def test_the_page_says_what_it_runs_on(visit):
    expect(visit().locator("#status")).to_contain_text(re.compile(r"Running on \w+ · (OpenVINO|PyTorch) \w+"))


def test_a_broken_file_gets_a_sentence_and_the_page_goes_on(visit, tmp_path, screenshots):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes((EXAMPLES / "dahlia.jpg").read_bytes()[:5000])
    page = visit()
    page.locator("#flowers-top-k input[type=number]").fill("4")
    page.locator("#flowers-top-k input[type=number]").press("Enter")
    upload(page, "flowers", broken)
    expect(page.locator("#flowers-note [role=alert]")).to_contain_text("'broken.jpg' is cut off or damaged")
    expect(page.locator(".toast-body")).to_contain_text("cut off or damaged")
    page.screenshot(path=screenshots / "broken-file.png", full_page=True)
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(page.locator("#flowers-classes button")).to_have_count(4)
    expect(page.locator("#flowers-note [role=alert]")).to_have_count(0)


def test_a_depth_without_weights_gets_a_sentence_and_nothing_is_lost(visit, own_server, screenshots):
    page = visit(address=own_server)
    radio = page.locator("#flowers-depth")
    expect(radio).to_contain_text("No weights yet for 50, 101, 152")
    page.locator("#flowers-examples .gallery-item").nth(1).click()
    facts = page.locator("#flowers-note .facts")
    expect(facts).to_contain_text("ResNet-18")
    radio.get_by_text("34", exact=True).click()
    expect(facts).to_contain_text("ResNet-34")
    result = page.locator("#flowers-overlay img")
    before = result.get_attribute("src")
    radio.get_by_text("152", exact=True).click()
    expect(page.locator("#flowers-note [role=alert]")).to_contain_text("no ResNet-152")
    expect(page.locator(".toast-body")).to_contain_text("still to be trained")
    page.screenshot(path=screenshots / "depth-not-available.png", full_page=True)
    expect(radio.get_by_label("34", exact=True)).to_be_checked()  # What is on screen is of this depth.
    assert result.get_attribute("src") == before


def test_a_task_of_own_pictures_is_offered(visit, own_server):
    page = visit(address=own_server)
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(page.locator("#flowers-classes button")).to_have_count(4)
    choose(page, "flowers-task", "pets")
    expect(page.locator("#flowers-classes button")).to_have_count(3)
    expect(page.locator("#flowers-classes h2")).to_have_text(re.compile("cat|dog|hamster"))
    expect(page.locator("#flowers-depth")).to_contain_text("No weights yet for 34, 50, 101, 152")
    choose(page, "flowers-target", "hamster")
    expect(page.locator("#flowers-note b")).to_have_text("hamster")
    # Its depths are compared like the others'.
    open_tab(page, "compare")
    page.locator("#compare-examples .gallery-item").nth(0).click()
    expect(page.locator("#compare-gallery .thumbnail-lg")).to_have_count(2)
    choose(page, "compare-task", "pets")
    expect(page.locator("#compare-note")).to_contain_text("One depth has weights so far")
    expect(page.locator("#compare-gallery .thumbnail-lg")).to_have_count(1)


def test_keypoints_of_own_pictures_have_no_face_regions(visit, own_server):
    page = visit(address=own_server)
    open_tab(page, "faces")
    expect(page.locator("#faces-region")).to_be_visible()
    choose(page, "faces-task", "hands")
    expect(page.locator("#faces-region")).to_have_count(0)
    expect(page.locator("#faces-depth").get_by_label("18", exact=True)).to_be_checked()
    page.locator("#faces-examples .gallery-item").nth(1).click()
    expect(page.locator("#faces-note")).to_contain_text("5 points")


# --- Faces ------------------------------------------------------------------------------------------------------------


def test_every_face_of_a_group_gets_68_points(visit, server, tmp_path):
    path = EXAMPLES / "two-people.jpg"
    page = visit()
    open_tab(page, "faces")
    upload(page, "faces", path)
    expect(page.locator("#faces-note")).to_contain_text("2 faces, 68 points each")
    photo, marked = photo_of(path), shown(page, page.locator("#faces-keypoints"))
    assert marked.shape == photo.shape  # The photo's own resolution.

    details = Client(server, download_files=tmp_path, verbose=False).predict(
        handle_file(path), 50, "all", api_name="/keypoints"
    )[2]
    assert len(details["faces"]) == 2
    changed = np.abs(marked - photo).max(axis=2) > 40
    drawn = np.zeros_like(changed)
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
            drawn[max(0, y - 30) : y + 31, max(0, x - 30) : x + 31] = True
    # Elsewhere only the small plate with each face's number.
    assert (changed & ~drawn).mean() < 0.005


def test_the_heat_follows_the_region(visit):
    page = visit()
    open_tab(page, "faces")
    page.locator("#faces-examples .gallery-item").nth(1).click()
    expect(page.locator("#faces-note")).to_contain_text("1 face, 68 points")
    whole = shown(page, page.locator("#faces-overlay"))
    page.locator("#faces-region").get_by_text("Mouth", exact=True).click()
    expect(page.locator("#faces-note")).to_contain_text("mouth")
    mouth = shown(page, page.locator("#faces-overlay"))
    assert np.abs(mouth - whole).max() > 30


def test_no_face_is_a_friendly_sentence_and_the_photo_stays(visit):
    page = visit()
    open_tab(page, "faces")
    upload(page, "faces", EXAMPLES / "dahlia.jpg")
    expect(page.locator("#faces-note")).to_contain_text("No face found in this photo")
    expect(page.locator("#faces-note [role=alert]")).to_have_count(0)
    assert np.abs(shown(page, page.locator("#faces-keypoints")) - photo_of(EXAMPLES / "dahlia.jpg")).mean() < 4
    expect(page.locator("#faces-photo img")).to_be_visible()


# --- Compare ----------------------------------------------------------------------------------------------------------


def test_compare_shows_every_available_depth(visit):
    page = visit()
    open_tab(page, "compare")
    page.locator("#compare-examples .gallery-item").nth(1).click()
    depths = checkpoints.available()["flowers102"]
    expect(page.locator("#compare-gallery .thumbnail-lg")).to_have_count(len(depths))
    for depth in depths:
        expect(page.locator("#compare-gallery")).to_contain_text(f"ResNet-{depth} · ")
        expect(page.locator("#compare-depths").get_by_label(str(depth), exact=True)).to_be_checked()
    expect(page.locator("#compare-table")).to_contain_text("23.7" if 50 in depths else str(depths[0]))


# --- Other programs ---------------------------------------------------------------------------------------------------


def test_the_three_endpoints_by_python_client(server, flower, tmp_path):
    path, name = flower
    client = Client(server, download_files=tmp_path, verbose=False)
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


def test_endpoints_answer_trouble_with_a_sentence(server, tmp_path):
    client = Client(server, download_files=tmp_path, verbose=False)
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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("name", "width", "height"), [("wide", 1440, 900), ("phone", 390, 844)])
def test_each_tab_fits_the_window(visit, screenshots, name, width, height, theme):
    page = visit(width, height, theme)
    for tab, result, sentence in (
        ("flowers", "#flowers-overlay img", "Heat for"),
        ("faces", "#faces-overlay img", "faces"),
        ("compare", "#compare-gallery img", "depth"),
    ):
        open_tab(page, tab)
        page.locator(f"#{tab}-examples .gallery-item").nth(0).click()
        page.locator(result).first.wait_for()
        expect(page.locator(f"#{tab}-note")).to_contain_text(sentence)
        # Cards below the window would wait until they are scrolled to.
        page.evaluate("[...document.images].forEach(image => image.loading = 'eager')")
        page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        page.mouse.move(0, 0)
        page.screenshot(path=screenshots / f"{tab}-{name}-{theme}.png", full_page=True, animations="disabled")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        dark = page.evaluate("document.documentElement.matches('.dark') || !!document.querySelector('.dark')")
        assert dark == (theme == "dark")
