"""Large photos are scaled in the browser: less travels, and the answer is the same."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES
from PIL import Image
from playwright.sync_api import Page, expect

from browser.acts import open_tab, upload

STAYED = """async (input) => {
    const found = {};
    for (const one of input.files) {
        const file = new File([one], "photo");
        found[one.name] = await window.resnet.smaller(file) === file;
    }
    return found;
}"""
ON_ITS_SIDE = 6  # EXIF's orientation: to be turned by a quarter


def sent(page: Page) -> Path:
    """The file that the server got."""
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    return Path(page.evaluate("window.resnet.asked['flowers-overlay'].path"))


def answer(page: Page) -> dict[str, float]:
    """The classes on screen and their percentages."""
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    lines = page.locator("#flowers-classes li").evaluate_all("items => items.map(one => one.innerText)")
    return {re.split(r"\s*\n", line)[0]: float(re.search(r"([\d.]+)\s*%", line).group(1)) for line in lines}


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A shipped photograph as a camera would have taken it: 7 megapixels, grain, on its side."""
    with Image.open(EXAMPLES / "yellow-daisy.jpg") as photo:
        pixels = np.asarray(photo.convert("RGB").resize((3200, 2136), Image.Resampling.BICUBIC), np.int16)
    grain = np.random.default_rng(0).integers(-8, 9, (*pixels.shape[:2], 1), np.int16)
    exif = Image.Exif()
    exif[0x0112] = ON_ITS_SIDE
    path = tmp_path_factory.mktemp("large") / "garden.jpeg"
    turned = Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)).transpose(Image.Transpose.ROTATE_90)
    turned.save(path, quality=90, exif=exif)
    return path


def test_a_large_photo_is_scaled_and_the_answer_stays(visit, large):
    page = visit()
    upload(page, "flowers", large)
    full = page.locator("#flowers-photo .photo-full")
    expect(full).to_be_visible()
    scaled, small = answer(page), sent(page)
    with Image.open(small) as photo:
        assert photo.size == (1600, 1068)
    assert small.name == "garden.jpg" and small.stat().st_size < large.stat().st_size / 4
    open_tab(page, "faces")  # The photo is to be had in full there too.
    expect(page.locator("#faces-photo .photo-full")).to_be_visible()
    page.locator("#faces-examples .gallery-item").nth(1).click()
    expect(page.locator("#faces-photo .photo-full")).to_be_hidden()
    upload(page, "faces", large)
    open_tab(page, "flowers")
    full.click()
    expect(full).to_be_hidden()
    whole = answer(page)
    assert sent(page).read_bytes() == large.read_bytes()
    # Those of a few percent may change their places.
    likely = [name for name in scaled if scaled[name] >= 5]
    assert likely and list(whole)[: len(likely)] == likely
    assert [whole[name] for name in likely] == pytest.approx([scaled[name] for name in likely], abs=1)


def unusual() -> dict[str, bytes]:
    """Photos whose look might change, one of each kind."""
    noise = np.random.default_rng(0).integers(0, 256, (220, 1700, 4), np.uint8)
    found = {
        "transparent": encoded(Image.fromarray(noise), "PNG"),
        "16 bits": encoded(Image.fromarray(noise.view(np.uint16)[..., 0]), "PNG"),
        "CMYK": encoded(Image.fromarray(noise, "CMYK"), "JPEG"),
        "TIFF": encoded(Image.fromarray(noise), "TIFF"),
    }
    usual = encoded(Image.fromarray(noise[..., :3]), "JPEG")
    return found | {"cut off": usual[:-20000], "not large": usual[:399_999]}


def encoded(picture: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    picture.save(file, kind, quality=95, compress_level=0)
    assert len(file.getvalue()) > 420_000
    return file.getvalue()


def test_what_might_change_goes_as_it_is(visit, tmp_path):
    page = visit()
    photos = unusual()
    for kind, content in photos.items():
        (tmp_path / kind).write_bytes(content)
    chosen = page.evaluate_handle("Object.assign(document.createElement('input'), {type: 'file', multiple: true})")
    chosen.as_element().set_input_files([tmp_path / kind for kind in photos])
    assert chosen.evaluate(STAYED) == dict.fromkeys(photos, True)
