"""Is the heat true? A part of the photo is hidden and the bars move; the curves are drawn when asked for."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from browser.acts import drawn


def test_a_part_is_hidden_undone_and_the_curves_are_drawn(visit):
    page = visit(390, 844, query="tab=flowers&depth=18")
    expect(page.locator("#flowers-note .facts")).to_contain_text("ResNet-18")
    whole = drawn(page, "flowers-overlay")
    page.locator("#flowers-overlay .viewer-truth summary").click()
    top = page.locator("#flowers-classes li .percent").first
    before = top.inner_text()
    page.locator("#flowers-overlay .truth-fifth").click()
    expect(page.locator("#flowers-overlay .truth-words")).to_contain_text(before)
    expect(top).to_have_text(re.compile(f"^{before} → "))
    changed = (drawn(page, "flowers-overlay") != whole).any(axis=-1)
    assert 0.02 < changed.mean() < 0.2  # a fifth of the bright part
    page.locator("#flowers-overlay .truth-undo").click()
    expect(top).to_have_text(before)
    page.locator("#flowers-overlay .truth-brush").check()
    box = page.locator("#flowers-overlay .viewer-canvas").bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] < 844  # It stays in sight, below which the part is scrolled to.
    page.locator("#flowers-overlay .viewer-canvas").press("ArrowUp")
    page.locator("#flowers-overlay .viewer-canvas").press("Enter")
    expect(top).to_contain_text("→")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 20, steps=4)
    page.mouse.up()
    assert ((drawn(page, "flowers-overlay") != whole).any(axis=-1) & ~changed).mean() > 0.01
    page.locator("#flowers-overlay .truth-clear").click()
    expect(top).to_have_text(before)
    expect(page.locator("#flowers-overlay .truth-undo")).to_be_disabled()

    page.locator("#flowers-overlay .truth-draw").click()
    for way in ("deletion", "insertion"):
        figure = page.locator(f"#flowers-overlay .truth-{way}")
        expect(figure).to_contain_text("area 0.")
        expect(figure.locator("polyline")).to_have_count(2)
    # They are of this network,
    page.locator("#flowers-depth").get_by_label("34", exact=True).check()
    expect(page.locator("#flowers-note .facts")).to_contain_text("ResNet-34")
    expect(page.locator("#flowers-overlay .truth-deletion")).to_have_count(0)
    page.locator("#flowers-overlay .truth-draw").click()
    expect(page.locator("#flowers-overlay .truth-deletion")).to_contain_text("area 0.")
    # of this class alone, and what is hidden is of this photo.
    page.locator("#flowers-overlay .truth-fifth").click()
    page.locator("#flowers-classes li button").nth(1).click()
    expect(page.locator("#flowers-overlay .truth-deletion")).to_have_count(0)
    page.locator("#flowers-examples .gallery-item").nth(1).click()
    expect(page.locator("#flowers-overlay .truth-words")).to_be_empty()
    expect(page.locator("#flowers-classes li .percent").first).not_to_contain_text("→")
