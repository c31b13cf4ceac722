"""The tab Many in a real Chromium, on the real weights: a zip, a broken file in it, Stop, and the CSV."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import pytest
from conftest import EXAMPLES
from PIL import Image
from playwright.sync_api import Page, expect

import resnet_demo
from browser.acts import resize

# In folders: two are named as classes.
NAMED = ("pink-yellow_dahlia/dahlia", "Marigold/marigold", "garden/yellow-daisy")


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """A zip of the flower photos in folders, a broken one, and what macOS adds."""
    path = tmp_path_factory.mktemp("zip") / "garden.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in NAMED:
            file.write(EXAMPLES / f"{name.split('/')[1]}.jpg", f"garden/{name}.jpg")
        file.writestr("garden/<b>broken.jpg", (EXAMPLES / "dahlia.jpg").read_bytes()[:5000])
        file.writestr("__MACOSX/garden/._dahlia.jpg", b"x")
    return path


@pytest.fixture(scope="module")
def long_archive(tmp_path_factory) -> Path:
    """So many large photos that there is time to press Stop."""
    path = tmp_path_factory.mktemp("zip") / "long.zip"
    with Image.open(EXAMPLES / "marigold.jpg") as photo:
        large = io.BytesIO()
        photo.resize((2400, 1800)).save(large, "JPEG", quality=30)
    with zipfile.ZipFile(path, "w") as file:
        for number in range(300):
            file.writestr(f"{number:03}.jpg", large.getvalue())
    return path


def drop(page: Page, *paths: Path) -> None:
    page.get_by_role("tab", name="Many photos").click()
    page.locator("#many-files input[type=file]").set_input_files([str(path) for path in paths])


def downloaded(page: Page) -> list[list[str]]:
    button = page.locator("#many-csv")
    expect(button).to_be_enabled()
    with page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename.endswith(".csv")
    content = Path(download.value.path()).read_bytes()
    assert content.startswith("\ufeff".encode())
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def fits(page: Page) -> bool:
    """The page is no wider than the window, on a phone either."""
    widths = []
    for width in (390, 1440):
        resize(page, width, 900)
        widths.append(page.evaluate("document.documentElement.scrollWidth"))
    return widths[0] <= 390 and widths[1] <= 1440


def test_a_zip_fills_the_table(visit, archive, shoot):
    page = visit()
    drop(page, archive)
    expect(page.locator("#many-note")).to_contain_text("3 of 4 named, 1 could not be read.")
    rows = page.locator("#many-table tbody tr")
    expect(rows).to_have_count(4)
    predict = resnet_demo.load("garden")
    for row, name in enumerate(NAMED):
        expect(rows.nth(row).get_by_role("rowheader")).to_have_text(f"garden/{name}.jpg")
        found = predict(EXAMPLES / f"{name.split('/')[1]}.jpg").top_k[0].label
        expect(rows.nth(row)).to_contain_text(found)
        picture = rows.nth(row).locator("img")
        picture.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete", arg=picture.element_handle())
        assert picture.evaluate("image => image.naturalWidth") > 50
    expect(rows.nth(3)).to_contain_text("garden/<b>broken.jpg")
    expect(rows.nth(3)).to_contain_text("cut off or damaged")
    assert fits(page)
    shoot(page, "many")

    table = downloaded(page)
    assert table[0][:3] == ["file", "label", "probability"]
    assert [line[0] for line in table[1:]] == [*(f"garden/{name}.jpg" for name in NAMED), "garden/<b>broken.jpg"]
    assert table[1][1] == rows.nth(0).locator("td").nth(1).inner_text()
    assert 0 < float(table[1][2]) <= 1
    assert "cut off" in table[4][6]
    # The folders' names are the truth where they are classes.
    assert [line[7] for line in table] == ["truth", "Pink-Yellow Dahlia", "Marigold", "", ""]
    expect(page.locator("#many-note")).to_contain_text("of 2 are named right")
    cells = page.locator("#many-matrix button")
    expect(cells).to_have_count(2)
    cells.first.click()
    expect(page.locator("#many-matrix .confusion-cell:visible img")).to_have_count(1)
    # A photo that is pressed shows the others, the most alike first.
    button = page.get_by_role("button", name="Most like garden/Marigold/marigold.jpg")
    button.click()
    alike = page.locator("#many-table .many-alikes")
    expect(alike.locator("li img")).to_have_count(2)
    values = [float(text) for text in alike.locator("b").all_inner_texts()]
    assert 1 > values[0] >= values[1]
    expect(button).to_have_attribute("aria-expanded", "true")
    assert fits(page)
    shoot(page, "many-alike")
    button.press("Enter")
    expect(alike).to_have_count(0)


def test_stop_keeps_what_is_done(visit, long_archive, shoot):
    page = visit()
    stop = page.locator("#many-stop")
    drop(page, long_archive)
    rows = page.locator("#many-table tbody tr")
    rows.nth(1).wait_for()
    expect(page.locator("#many-note progress")).to_be_visible()
    shoot(page, "many-running")
    expect(stop).to_be_enabled()
    stop.focus()
    with page.expect_response("**/gradio_api/reset"):  # The last that Gradio's client says of a run.
        page.keyboard.press("Enter")  # With the keyboard, as some people do.
    note = page.locator("#many-note")
    expect(note).to_contain_text(re.compile(r"Stopped after \d+ of 300"))
    expect(stop).to_be_disabled()
    done = int(re.search(r"Stopped after (\d+)", note.inner_text())[1])
    assert 1 < done < 300
    expect(rows).to_have_count(done)
    assert len(downloaded(page)) == done + 1
    expect(rows).to_have_count(done)  # Nothing has come meanwhile.
    # The page is ready for the next ones.
    page.locator("#many-files").get_by_role("button", name="Clear").click()
    expect(note).to_contain_text("Drop many photos")
    expect(rows).to_have_count(0)
    drop(page, EXAMPLES / "dahlia.jpg")
    expect(note).to_contain_text("1 of 1 named")
    expect(rows).to_have_count(1)


def test_without_files_it_asks_for_some_and_their_faces_are_counted(visit):
    page = visit()
    page.get_by_role("tab", name="Many photos").click()
    page.locator("#many-run").click()
    expect(page.locator("#many-note [role=alert]")).to_contain_text("Choose photos first")
    page.locator("#many-task input").click()
    page.get_by_role("option", name="Face keypoints", exact=True).click()
    drop(page, EXAMPLES / "two-people.jpg", EXAMPLES / "astronaut.jpg", EXAMPLES / "dahlia.jpg")
    expect(page.locator("#many-note")).to_contain_text("3 of 3 looked at: 3 faces.")
    rows = page.locator("#many-table tbody tr")
    assert [rows.nth(row).locator("td").nth(1).inner_text() for row in range(3)] == ["2", "1", "0"]
    more = page.locator("#many-files button:not([role=none])")
    assert "Click to upload or drop files" in [more.nth(at).get_attribute("aria-label") for at in range(more.count())]
    expect(page.locator("#many-files [title^='common.']")).to_have_count(0)
    assert downloaded(page) == [
        ["file", "faces", "error"],
        ["two-people.jpg", "2", ""],
        ["astronaut.jpg", "1", ""],
        ["dahlia.jpg", "0", ""],
    ]
