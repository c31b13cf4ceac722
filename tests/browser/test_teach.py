"""The tab Teach: three classes of real photos, an answer, heat, the matrix's photos, and the checkpoint."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from conftest import EXAMPLES
from playwright.sync_api import Request, expect
from species import write_species

from resnet_demo import checkpoints

EACH = 10  # photos of a class


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Folders of classes: to teach, and to test with."""
    return write_species(tmp_path_factory.mktemp("species"), EACH, 1)


def give(page, name: str, folder: Path) -> None:
    page.locator("#teach-class").get_by_role("textbox").fill(name)
    page.locator("#teach-files input[type=file]").set_input_files(sorted(folder.iterdir()))
    expect(page.locator("#teach-classes .teach-name", has_text=name)).to_be_visible()
    expect(page.locator("#teach-class").get_by_role("textbox")).to_have_value("")


def open_tab(visit, **how):
    page = visit(**how)
    page.get_by_role("tab", name="Teach", exact=True).click()
    expect(page.locator("#teach-class")).to_be_visible()
    return page


def test_classes_are_taught_tried_and_taken_along(visit, photos, tmp_path, capsys):
    teaching, testing = photos
    *first, last = sorted(teaching.iterdir())[:3]
    page = open_tab(visit)
    expect(page.locator("#teach-download")).to_be_disabled()
    for folder in first:
        give(page, folder.name, folder)
    start = time.perf_counter()
    give(page, last.name, last)
    photo = next((testing / last.name).iterdir())
    page.locator("#teach-photo input[type=file]").set_input_files(photo)
    expect(page.locator("#teach-found .classes-top")).to_have_text(last.name)
    with capsys.disabled():
        print(f"\nFrom the last class's upload to the first answer: {time.perf_counter() - start:.1f} s")
    expect(page.locator("#teach-overlay canvas").first).to_be_visible()
    # All that were given, and the photos of a cell appear below the matrix.
    counts = [int(button.inner_text()) for button in page.locator("#teach-matrix button").all()]
    assert sum(counts) == EACH * (len(first) + 1)
    cell = page.locator("#teach-matrix button.right").first
    cell.click()
    expect(page.locator("#teach-matrix .confusion-cell:visible img")).to_have_count(int(cell.inner_text()))
    cell.click()
    expect(page.locator("#teach-matrix .confusion-cell:visible")).to_have_count(0)
    # A portrait is none of them.
    page.locator("#teach-photo").get_by_role("button", name="Remove Image").click()
    page.locator("#teach-photo input[type=file]").set_input_files(EXAMPLES / "astronaut.jpg")
    expect(page.locator("#teach-tried")).to_contain_text("Probably none of these")
    page.locator("#teach-name").get_by_role("textbox").fill("species")
    with page.expect_download() as download:
        page.locator("#teach-download").click()
    assert download.value.suggested_filename == "species-resnet50.zip"
    download.value.save_as(tmp_path / "species.zip")
    shutil.unpack_archive(tmp_path / "species.zip", tmp_path)
    checkpoint = checkpoints.load_folder(tmp_path / "species")
    assert checkpoint.spec.labels == tuple(folder.name for folder in (*first, last))
    page.locator("#teach-classes button").first.click()
    expect(page.locator("#teach-classes .teach-name")).to_have_count(len(first))


def taken_in(request: Request, name: str) -> bool:
    """Whether the page sends photos to be looked at, with the name that was typed for them."""
    return "/queue/join" in request.url and name in (sent := request.post_data or "") and "orig_name" in sent


def test_photos_given_while_others_are_looked_at_have_their_turn(visit, photos):
    teaching, _ = photos
    page = open_tab(visit)
    given = sorted(teaching.iterdir())[:3]
    for folder in given:
        page.locator("#teach-class").get_by_role("textbox").fill(folder.name)
        with page.expect_request(lambda request, name=folder.name: taken_in(request, name)):
            page.locator("#teach-files input[type=file]").set_input_files(sorted(folder.iterdir()))
        expect(page.locator("#teach-files").get_by_role("table")).to_have_count(0)
    names = page.locator("#teach-classes .teach-name")
    expect(names).to_have_count(3)
    assert [name.inner_text() for name in names.all()] == [folder.name for folder in given]
    expect(page.locator("#teach-classes")).to_contain_text(str(EACH))


def test_a_name_typed_as_soon_as_a_class_is_there_stays(visit, photos):
    """Though answers that are due then come late."""
    teaching, _ = photos
    page = open_tab(visit)
    first, second = sorted(teaching.iterdir())[:2]
    name, late, sent = page.locator("#teach-class").get_by_role("textbox"), [], []

    def hold(route):
        if sent or taken_in(route.request, first.name):
            sent.append(route)
        if len(sent) <= 2:  # Until the photos come, and are looked at.
            route.continue_()
        else:
            late.append(route)

    name.fill(first.name)
    page.route("**/queue/join*", hold)
    page.locator("#teach-files input[type=file]").set_input_files(sorted(first.iterdir()))
    expect(page.locator("#teach-classes .teach-name")).to_have_count(1)
    while not late:
        page.wait_for_timeout(50)
    name.fill(second.name)
    page.unroute("**/queue/join*", hold)  # What was held back goes on.
    give(page, second.name, second)
    names = page.locator("#teach-classes .teach-name")
    assert [name.inner_text() for name in names.all()] == [first.name, second.name]


def test_photos_without_a_name_wait_and_bad_files_are_listed(visit, photos, tmp_path):
    teaching, _ = photos
    page = open_tab(visit)
    bad = tmp_path / "letter.txt"
    bad.write_text("dear")
    files = [*sorted(next(teaching.iterdir()).iterdir())[:3], bad]
    page.locator("#teach-files input[type=file]").set_input_files(files)
    expect(page.locator("#teach-note")).to_contain_text("Which class is this")
    page.locator("#teach-class").get_by_role("textbox").fill("<b>Cats</b>")
    page.locator("#teach-class").get_by_role("textbox").press("Enter")
    expect(page.locator("#teach-classes .teach-name")).to_have_text("<b>Cats</b>")
    expect(page.locator("#teach-note li")).to_contain_text("letter.txt")
    expect(page.locator("#teach-download")).to_be_disabled()
