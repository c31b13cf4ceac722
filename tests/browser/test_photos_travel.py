"""A photo is easy to replace, and goes along: to another tab, another language and over a reload."""

from __future__ import annotations

import base64
import re

from conftest import EXAMPLES
from PIL import Image
from playwright.sync_api import Page, expect

from browser.acts import Held, drawn, open_tab, state, upload
from browser.conftest import forget

PEOPLE = EXAMPLES / "two-people.jpg"
# A file as the browser gets it from another program: dropped on an element, or pasted.
HAND_OVER = """([selector, kind, content]) => {
    const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0)), data = new DataTransfer();
    data.items.add(new File([bytes], "two-people.jpg", {type: "image/jpeg"}));
    const target = selector ? document.querySelector(selector) : document;
    const event = kind === "paste" ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true})
                                   : new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true});
    target.dispatchEvent(event);
}"""


def hand_over(page: Page, kind: str, selector: str = "") -> None:
    page.evaluate(HAND_OVER, [selector, kind, base64.b64encode(PEOPLE.read_bytes()).decode()])


def test_one_tap_opens_the_chooser_also_where_there_is_a_photo(visit):
    page = visit()
    for file in ("marigold.jpg", "yellow-daisy.jpg"):
        with page.expect_file_chooser() as chooser:
            page.locator("#flowers-photo .photo-new").click()
        chooser.value.set_files(EXAMPLES / file)
        expect(page.locator("#flowers-overlay .viewer-canvas")).to_have_attribute(
            "aria-label", re.compile(file.removesuffix(".jpg"))
        )


def test_a_photo_is_dropped_or_pasted_anywhere_in_the_tab(visit):
    page = visit()
    open_tab(page, "faces")
    note, alone = page.locator("#faces-note"), page.locator("#faces-examples .gallery-item").nth(1)
    alone.click()
    expect(note).to_contain_text("1 face")
    hand_over(page, "dragover", "#faces-note")
    expect(page.locator("#tab-faces.is-dropping")).to_be_visible()
    hand_over(page, "drop", "#faces-note")
    expect(page.locator("#tab-faces.is-dropping")).to_have_count(0)
    expect(note).to_contain_text("2 faces")
    alone.click()
    expect(note).to_contain_text("1 face")
    hand_over(page, "paste")
    expect(note).to_contain_text("2 faces")


def test_a_photo_that_is_chosen_before_the_page_begins_is_the_one_that_is_shown(visit, window):
    """The page begins with an example once it knows its settings; an upload may be on its way by then."""
    with Held(window, "**/queue/join*") as settings, Held(window, "**/gradio_api/upload*") as sent:
        page = visit(settled=False)
        settings.wait()
        upload(page, "flowers", EXAMPLES / "astronaut.jpg")
        sent.wait()
        settings.release()
        page.evaluate("window.resnet.restored.then(() => new Promise(requestAnimationFrame))")
    expect(page.locator("#flowers-classes h2")).to_have_text("Not sure")
    expect(page.locator("#flowers-overlay .viewer-badge")).to_have_text("")
    canvas = page.locator("#flowers-overlay .viewer-canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile("astronaut"))
    height, width = drawn(page, "flowers-overlay").shape[:2]
    with Image.open(EXAMPLES / "astronaut.jpg") as photo:
        assert (width, height) == photo.size


def test_an_example_that_is_chosen_while_a_photo_is_sent_is_the_one_that_stays(visit):
    page = visit()
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    with Held(page, "**/gradio_api/upload*") as sent:
        upload(page, "flowers", EXAMPLES / "astronaut.jpg")
        sent.wait()
        page.locator("#flowers-examples .gallery-item").nth(2).click()
        expect(page.locator("#flowers-overlay .viewer-canvas")).to_have_attribute("aria-label", re.compile("cat"))
        before = state(page, "flowers-overlay")
        with page.expect_response("**/gradio_api/upload*"):
            sent.release()
        page.evaluate("new Promise((done) => setTimeout(done))")
    assert page.evaluate("window.resnet.asked['flowers-overlay'].example") == "cat"
    assert state(page, "flowers-overlay") == before
    expect(page.locator("#flowers-overlay .viewer-badge")).to_contain_text("Example")


def test_a_photo_that_is_sent_late_does_not_replace_what_another_tab_chose_meanwhile(visit):
    page = visit()
    open_tab(page, "faces")
    expect(page.locator("#faces-overlay[data-drawn]")).to_be_visible()
    with Held(page, "**/gradio_api/upload*") as sent:
        upload(page, "faces", PEOPLE)
        sent.wait()
        open_tab(page, "flowers")
        page.locator("#flowers-examples .gallery-item").nth(2).click()
    page.wait_for_function("window.resnet.asked['faces-overlay'].path")
    assert page.evaluate("window.resnet.photo().example") == "cat"
    expect(page.locator("#flowers-overlay .viewer-canvas")).to_have_attribute("aria-label", re.compile("cat"))


def test_the_photo_goes_along_to_another_tab_and_back(visit):
    page = visit()
    upload(page, "flowers", PEOPLE)
    expect(page.locator("#flowers-classes h2")).to_have_text("Not sure")
    open_tab(page, "faces")
    expect(page.locator("#faces-note")).to_contain_text("2 faces")
    upload(page, "faces", EXAMPLES / "astronaut.jpg")
    expect(page.locator("#faces-note")).to_contain_text("1 face")
    before = page.locator("#flowers-overlay").get_attribute("data-drawn")
    open_tab(page, "flowers")
    canvas = page.locator("#flowers-overlay .viewer-canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile("astronaut"))
    assert page.locator("#flowers-overlay[data-drawn]").get_attribute("data-drawn") != before


def test_an_example_goes_along_where_it_makes_sense_and_by_the_link_anywhere(visit, own_server):
    page = visit(address=own_server)
    pressed = page.locator("#compare-examples [aria-pressed=true]")
    page.locator("#flowers-examples .gallery-item").nth(1).click()
    open_tab(page, "faces")
    expect(page.locator("#faces-overlay .viewer-badge")).to_have_text("Example: Two people")
    open_tab(page, "compare")
    expect(pressed).to_have_attribute("aria-label", "Dahlia")
    picture = page.locator("#compare-cards img").first
    before = picture.get_attribute("src")

    open_tab(page, "flowers")
    page.locator("#flowers-examples .gallery-item").nth(2).click()
    expect(page.locator("#flowers-overlay .viewer-badge")).to_have_text("Example: A cat")
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    page.locator("#flowers-overlay .to-compare").click()
    expect(page.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true")
    expect(pressed).to_have_count(0)
    expect(picture).not_to_have_attribute("src", before)
    expect(page.locator("#compare-cards .card-name")).to_have_count(2)
    assert page.evaluate("window.resnet.asked['compare-photo'].path").endswith("cat.jpg")
    # Other tabs keep to what they have.
    open_tab(page, "faces")
    assert page.evaluate("window.resnet.asked['faces-photo'].example") == "two-people"
    open_tab(page, "flowers")
    expect(page.locator("#flowers-examples [aria-pressed=true]")).to_have_attribute("aria-label", "A cat")


def test_the_photo_survives_another_language_and_a_reload(visit):
    page = visit()
    open_tab(page, "faces")
    upload(page, "faces", PEOPLE)
    expect(page.locator("#faces-note")).to_contain_text("2 faces")
    page.reload()
    expect(page.locator("#faces-note")).to_contain_text("2 faces")
    page.locator("#language a").click()
    expect(page.locator("#faces-note")).to_contain_text("2 张人脸")
    canvas = page.locator("#faces-overlay .viewer-canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile("two-people"))


def test_a_photo_that_is_gone_from_the_server_gets_a_sentence(visit, window, server):
    forget(window, server)
    window.evaluate("sessionStorage['resnet-demo-photo'] = JSON.stringify({path: '/etc/passwd', name: 'a.jpg'})")
    page = visit()
    expect(page.locator("#flowers-note [role=alert]")).to_contain_text("no longer on the server")
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    page.locator("#flowers-overlay[data-drawn]").wait_for()
