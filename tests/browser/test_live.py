"""Live keypoints in a real Chromium, whose camera is a file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import EXAMPLES
from PIL import Image
from playwright.sync_api import Page, Route, expect

from browser.acts import drawn, resize
from browser.conftest import forget
from resnet_demo.bench.harness.chromium import PATIENCE, SWITCHES

# Keeps what the page gets of the camera, so that the test can see whether it was let go.
KEEP_TRACKS = """
  window.tracks = [];
  const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async wish => {
    const stream = await get(wish);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
"""
# How many pixels of the drawing have a region's colour, and where they lie on the screen: 0 left, 1 right.
DRAWN = """
  canvas => {
    const {width, height} = canvas, data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    const colours = {jaw: [86, 204, 255], eyes: [255, 105, 220], mouth: [255, 104, 66]}, found = {};
    for (const [region, [r, g, b]] of Object.entries(colours)) {
      let count = 0, sum = 0;
      for (let at = 0; at < data.length; at += 4)
        if (data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3] === 255) {
          count++;
          sum += (at / 4) % width;
        }
      found[region] = [count, 1 - sum / count / width];
    }
    return found;
  }
"""


@pytest.fixture(scope="module")
def camera(chromium, chromium_path, tmp_path_factory) -> Iterator[Page]:
    """A window of a Chromium that may use its camera, which shows the astronaut left of the middle."""
    photo = Image.open(EXAMPLES / "astronaut.jpg").convert("RGB").resize((480, 480))
    picture = Image.new("RGB", (640, 480), "grey")
    picture.paste(photo)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    path = tmp_path_factory.mktemp("camera") / "astronaut.mjpeg"
    path.write_bytes(file.getvalue() * 20)
    switches = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    switches.append(f"--use-file-for-fake-video-capture={path}")
    browser = chromium.browser_type.launch(executable_path=chromium_path, args=[*SWITCHES, *switches])
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.add_init_script(KEEP_TRACKS)
    yield page
    browser.close()


def open_live(page: Page) -> Page:
    page.get_by_role("tab", name="Camera").click()
    expect(page.locator("#live .live-words")).to_contain_text("Start the camera")
    return page


def released(page: Page) -> bool:
    return page.evaluate("tracks.length > 0 && tracks.every(track => track.readyState === 'ended')")


def test_points_follow_the_camera_until_it_is_stopped(camera, server, shoot):
    errors = []
    camera.on("pageerror", lambda error: errors.append(str(error)))
    camera.set_viewport_size({"width": 1000, "height": 900})
    camera.goto(f"{server}/?__theme=light")
    page = open_live(camera)
    live, button = page.locator("#live .live"), page.locator("#live .live-switch")
    assert page.evaluate("tracks.length") == 0  # Nothing before the visitor wants it.

    button.click()
    expect(live).to_have_attribute("data-faces", "1")
    expect(page.locator("#live .live-facts")).to_contain_text(
        re.compile(r"[1-9]\d*(\.\d)? frames a second · network \d+ ms of \d+ ms · faces: 1")
    )
    expect(button).to_have_text("Stop the camera")
    drawn = page.locator("#live canvas").evaluate(DRAWN)
    assert all(count > 20 for count, _ in drawn.values())
    assert all(0.55 < place < 0.85 for _, place in drawn.values())  # As in a mirror: left is on the right.
    shoot(page, "live")

    button.click()
    expect(page.locator("#live .live-words")).to_have_text("The camera is off.")
    assert released(page)
    assert page.locator("#live canvas").evaluate(DRAWN)["jaw"][0] == 0
    expect(button).to_have_text("Start the camera")

    # Another tab of the page stops it too.
    button.click()
    expect(live).to_have_attribute("data-state", "on")
    assert not released(page)
    page.get_by_role("tab", name="Faces").click()
    page.wait_for_function("tracks.length === 2 && tracks.every(track => track.readyState === 'ended')")
    assert errors == []


def test_a_photo_is_taken_with_the_whole_button_and_not_mirrored(camera, server, shoot):
    page = camera
    page.set_viewport_size({"width": 390, "height": 844})
    forget(page, server)
    page.goto(f"{server}/?__theme=light")
    page.get_by_role("tab", name="Faces").click()
    photo = page.locator("#faces-photo")
    page.locator("#faces-overlay[data-drawn]").wait_for()
    photo.get_by_role("button", name="Take a photo").click()
    capture = photo.get_by_role("button", name="Take the photo")
    expect(capture).to_be_visible()
    page.wait_for_function("document.querySelector('#faces-photo video').videoWidth > 0")
    for width, height in ((390, 844), (1280, 720)):
        resize(page, width, height)
        shoot(page, f"capture-{width}")
        box = capture.bounding_box()
        for share in (0.1, 0.5, 0.9):
            at = [box["x"] + box["width"] / 2, box["y"] + box["height"] * share]
            assert page.evaluate("at => !!document.elementFromPoint(...at).closest('.photo-capture')", at)
    capture.click(position={"x": box["width"] / 2, "y": box["height"] * 0.9})
    expect(photo.locator("dialog")).to_be_hidden()
    page.wait_for_function("tracks.every(track => track.readyState === 'ended')")
    canvas = page.locator("#faces-overlay .viewer-canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile("camera"))
    expect(page.locator("#faces-note .facts")).to_contain_text("ResNet-50")
    page.locator("#faces-overlay .heat").uncheck()
    page.locator("#faces-overlay .points").uncheck()
    picture = Image.fromarray(drawn(page, "faces-overlay").astype(np.uint8)).convert("L")
    # The right quarter of what the camera sees is plain grey.
    quarter = picture.width // 4
    right, left = (picture.crop((start, 0, start + quarter, picture.height)) for start in (3 * quarter, 0))
    assert np.std(np.asarray(right)) < 15 < np.std(np.asarray(left))


def test_without_a_camera_there_is_a_sentence(visit):
    page = open_live(visit())
    button, words = page.locator("#live .live-switch"), page.locator("#live .live-words")
    button.click()  # It is refused.
    expect(words).to_contain_text(re.compile("Allow it beside the address|Connect one"))
    expect(button).to_have_text("Start the camera")
    # On a page that is not secure there is none to ask for.
    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})")
    button.click()
    expect(words).to_contain_text("open this page by https")


def test_a_photo_of_a_class_is_taken_while_the_one_before_is_looked_at(camera, server):
    page = camera
    page.set_viewport_size({"width": 1280, "height": 900})
    forget(page, server)
    page.goto(f"{server}/?__theme=light")
    page.get_by_role("tab", name="Teach", exact=True).click()
    page.locator("#teach-class").get_by_role("textbox").fill("Astronaut")
    page.get_by_role("button", name="Take photos with the camera").click()
    box = page.locator("#teach-camera")
    capture = box.get_by_role("button", name="capture photo")
    joined: list[Route] = []

    def hold(route: Route) -> None:
        joined.append(route)
        if len(joined) != 2:  # The first photo is taken in, but not looked at yet.
            route.continue_()

    page.route("**/queue/join*", hold)
    for photos in (1, 2):
        box.get_by_text("Access Webcam").click()
        page.wait_for_function("document.querySelector('#teach-camera video')?.videoWidth > 0")
        capture.click()
        expect(box.get_by_text("Access Webcam")).to_be_visible()
        for _ in range(PATIENCE // 20):
            if len(joined) >= 2 * photos:
                break
            page.wait_for_timeout(20)
        assert len(joined) >= 2 * photos
    joined[1].continue_()
    page.unroute("**/queue/join*", hold)
    expect(page.locator("#teach-classes")).to_contain_text("2 photos")
