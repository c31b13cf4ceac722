"""The first screen does the whole job: what is asked, the picture with its heat, and the answer, without scrolling."""

from __future__ import annotations

import pytest
from conftest import EXAMPLES
from playwright.sync_api import Locator, Page, expect

from browser.acts import drawn, open_tab, upload
from browser.conftest import forget

SIZES = {"phone": (390, 844), "laptop": (1280, 720), "desk": (1440, 900)}
# What moves of itself while the page comes up; scores of shifts after a tap do not count.
SHIFTS = """() => new Promise((resolve) => new PerformanceObserver((list) => {
    resolve(list.getEntries().filter(one => !one.hadRecentInput).reduce((sum, one) => sum + one.value, 0));
}).observe({type: "layout-shift", buffered: true}) || setTimeout(() => resolve(0), 500))"""


def is_on_screen(page: Page, part: Locator) -> bool:
    """Whether all of it is in the window, without scrolling."""
    box = part.bounding_box()
    size = page.viewport_size
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", SIZES)
def test_an_examples_answer_is_on_the_first_screen(visit, server, size, language):
    page = visit(*SIZES[size])
    page.goto(f"{server}/?language={language}")
    page.locator("#flowers-examples .gallery-item").nth(1).click()
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    expect(page.locator("#flowers-classes li button")).to_have_count(5)
    assert page.evaluate("window.scrollY") == 0
    parts = {
        "new photo": page.locator("#flowers-photo .photo-new"),
        "examples": page.locator("#flowers-examples"),
        "task": page.locator("#flowers-task"),
        "depth": page.locator("#flowers-depth"),
        "picture": page.locator("#flowers-overlay .viewer-canvas"),
        "name": page.locator("#flowers-classes h2"),
        **{f"bar {n}": page.locator("#flowers-classes li").nth(n) for n in range(3)},
    }
    assert [name for name, part in parts.items() if not is_on_screen(page, part)] == []


def test_at_200_percent_nothing_is_cut_off(visit):
    """1280 × 720 at 200 % are 640 × 360 pixels of the page."""
    page = visit(640, 360)
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    for tab in ("flowers", "faces", "compare"):
        open_tab(page, tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640
        for part in ("#{}-photo .photo-new", "#{}-depth", "#{}-depths"):
            for found in page.locator(part.format(tab)).all():
                assert is_on_screen(page, found)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_jumps_while_the_page_comes_up(chromium, server, size):
    """Cumulative layout shift, in a window without a cache."""
    width, height = SIZES[size]

    def shift() -> float:
        context = chromium.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        try:
            page.goto(server)
            page.locator("#flowers-overlay[data-drawn]").wait_for()
            return page.evaluate(SHIFTS)
        finally:
            context.close()

    # A busy machine may draw a frame that others never see; what jumps always does so three times.
    assert any(shift() < 0.05 for _ in range(3))


def test_the_page_begins_with_an_answered_example_that_says_so(visit):
    page = visit()
    expect(page.locator("#flowers-overlay .viewer-badge")).to_have_text("Example: Daffodil")
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    expect(page.locator("#flowers-classes li button")).to_have_count(5)
    expect(page.locator("#flowers-examples [aria-pressed=true]")).to_have_attribute("aria-label", "Daffodil")
    upload(page, "flowers", EXAMPLES / "astronaut.jpg")
    expect(page.locator("#flowers-note")).to_contain_text("Probably none of these")
    expect(page.locator("#flowers-overlay .viewer-badge")).to_have_text("")
    expect(page.locator("#flowers-examples [aria-pressed=true]")).to_have_count(0)


def test_visitors_of_the_start_share_one_answer(visit, server):
    """What the viewer drew has the name of the answer: the same for both, so it was computed once."""
    page = visit()
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    first = page.locator("#flowers-overlay").get_attribute("data-drawn")
    forget(page, server)
    page.goto(server)
    expect(page.locator("#flowers-overlay")).to_have_attribute("data-drawn", first)


def test_what_it_is_not_sure_of_has_no_name_and_no_facts(visit):
    page = visit()
    upload(page, "flowers", EXAMPLES / "astronaut.jpg")
    expect(page.locator("#flowers-classes h2")).to_have_text("Not sure")
    expect(page.locator("#flowers-classes .classes-lead")).to_have_text("Looks most like:")
    expect(page.locator("#flowers-classes li button")).to_have_count(5)
    expect(page.locator("#flowers-classes .classes-facts")).to_be_hidden()


def test_the_line_is_dragged_between_photo_and_heat(visit):
    page = visit()
    whole = drawn(page, "flowers-overlay")
    box = page.locator("#flowers-overlay .viewer-canvas").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 5, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
    page.mouse.up()
    half = drawn(page, "flowers-overlay")
    width = half.shape[1]
    assert (half[:, width // 2 + 8 :] == whole[:, width // 2 + 8 :]).all()
    assert (half[:, : width // 2 - 8] != whole[:, : width // 2 - 8]).mean() > 0.5
    line = page.locator("#flowers-overlay .viewer-line").bounding_box()
    assert abs(line["x"] + line["width"] / 2 - (box["x"] + box["width"] / 2)) < 8


def test_there_is_a_button_to_try_again_after_an_error_only(visit, tmp_path):
    page = visit()
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    expect(page.locator("#flowers-retry")).to_have_count(0)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    upload(page, "flowers", broken)
    retry = page.locator("#flowers-retry")
    expect(retry).to_be_visible()
    retry.click()
    expect(page.locator("#flowers-note [role=alert]")).to_contain_text("broken.jpg")
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(retry).to_have_count(0)
    page.locator("#flowers-overlay[data-drawn]").wait_for()
