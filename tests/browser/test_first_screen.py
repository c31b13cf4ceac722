"""The first screen does the whole job: what is asked, the picture with its heat, and the answer, without scrolling."""

from __future__ import annotations

import pytest
from conftest import EXAMPLES
from playwright.sync_api import expect

from browser.acts import drawn, off_screen, open_tab, resize, state, upload

SIZES = {"phone": (390, 844), "laptop": (1280, 720), "desk": (1440, 900)}
# What has moved of itself while the page came up; scores of shifts after a tap do not count.
SHIFTS = """() => {
    const look = new PerformanceObserver(() => {});
    look.observe({type: "layout-shift", buffered: true});
    return look.takeRecords().filter(one => !one.hadRecentInput).reduce((sum, one) => sum + one.value, 0);
}"""
# A touch in a quarter of the canvas, which the browser takes for scrolling.
SCROLLING_FINGER = """(canvas) => {
    const box = canvas.getBoundingClientRect(), more = {pointerType: "touch", buttons: 1, bubbles: true};
    const at = {clientX: box.left + box.width / 4, clientY: box.top + box.height / 2};
    for (const kind of ["pointerdown", "pointermove", "pointercancel"])
        canvas.dispatchEvent(new PointerEvent(kind, {...more, ...at}));
}"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_examples_answer_is_on_the_first_screen(visit, language):
    page = visit(*SIZES["phone"], query=f"language={language}")
    page.locator("#flowers-examples .gallery-item").nth(1).click()
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    expect(page.locator("#flowers-classes li button")).to_have_count(5)
    assert page.evaluate("window.scrollY") == 0
    parts = ["photo .photo-new", "examples", "task", "depth", "overlay .viewer-canvas", "classes h2"]
    parts += [f"classes li:nth-child({bar})" for bar in (1, 2, 3)]
    for name, (width, height) in SIZES.items():
        resize(page, width, height)
        assert off_screen(page, *(f"#flowers-{part}" for part in parts)) == [], name


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


def test_the_page_begins_with_an_example_that_says_so_and_is_answered_once_for_all(visit):
    page = visit()
    expect(page.locator("#flowers-overlay .viewer-badge")).to_have_text("Example: Daffodil")
    first = state(page, "flowers-overlay")
    expect(page.locator("#flowers-classes li button")).to_have_count(5)
    expect(page.locator("#flowers-examples [aria-pressed=true]")).to_have_attribute("aria-label", "Daffodil")
    # What the viewer drew has the name of the answer: the next visitor gets the same one.
    expect(visit().locator("#flowers-overlay")).to_have_attribute("data-drawn", first)


def test_what_is_no_flower_is_said_to_be_probably_none_of_these(visit):
    page = visit()
    upload(page, "flowers", EXAMPLES / "astronaut.jpg")
    expect(page.locator("#flowers-note [role=alert]")).to_contain_text("Probably none of these")
    # What it is not sure of has no name and no facts, and is no example.
    expect(page.locator("#flowers-classes h2")).to_have_text("Not sure")
    expect(page.locator("#flowers-classes .classes-lead")).to_have_text("Looks most like:")
    expect(page.locator("#flowers-classes li button")).to_have_count(5)
    expect(page.locator("#flowers-classes .classes-facts")).to_be_hidden()
    expect(page.locator("#flowers-overlay .viewer-badge")).to_have_text("")
    expect(page.locator("#flowers-examples [aria-pressed=true]")).to_have_count(0)
    open_tab(page, "compare")
    expect(page.locator("#compare-cards")).to_contain_text("probably none of these")
    open_tab(page, "flowers")
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(page.locator("#flowers-note [role=status]")).to_contain_text("ResNet-50")
    expect(page.locator("#flowers-note [role=alert]")).to_have_count(0)


def test_the_line_is_dragged_between_photo_and_heat(visit):
    page = visit()
    whole = drawn(page, "flowers-overlay")
    canvas = page.locator("#flowers-overlay .viewer-canvas")
    box = canvas.bounding_box()
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
    # A finger that scrolls leaves it where it was.
    split = page.locator("#flowers-overlay .split")
    where = split.input_value()
    canvas.evaluate(SCROLLING_FINGER)
    assert split.input_value() == where
    assert (drawn(page, "flowers-overlay") == half).all()


def test_a_broken_file_gets_a_sentence_and_a_button_to_try_again(visit, tmp_path, shoot):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes((EXAMPLES / "dahlia.jpg").read_bytes()[:5000])
    page = visit()
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    retry = page.locator("#flowers-retry")
    expect(retry).to_have_count(0)
    page.locator("#flowers-top-k input[type=number]").fill("4")
    page.locator("#flowers-top-k input[type=number]").press("Enter")
    upload(page, "flowers", broken)
    said = page.locator("#flowers-note [role=alert]")
    expect(said).to_contain_text("'broken.jpg' is cut off or damaged")
    expect(page.locator(".toast-body")).to_contain_text("cut off or damaged")
    expect(retry).to_be_visible()
    shoot(page, "broken-file")
    with page.expect_response("**/queue/join*"):
        retry.click()
    expect(said).to_contain_text("broken.jpg")
    # The page goes on, with what was chosen.
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(retry).to_have_count(0)
    expect(said).to_have_count(0)
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    expect(page.locator("#flowers-classes li button")).to_have_count(4)
