"""The page for people who cannot see it, see little contrast, or use no mouse."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import EXAMPLES
from playwright.sync_api import Page, expect

TABS = {
    "Classify": "flowers",
    "Faces": "faces",
    "Compare": "compare",
    "Many photos": "many",
    "Teach": "teach",
    "Camera": "live",
    "Lab": "lab",
    "How it works": "how",
}
# What shows that an answer is there.
RESULTS = {
    "flowers": "#flowers-overlay[data-drawn]",
    "faces": "#faces-overlay[data-drawn]",
    "compare": "#compare-cards .card-name",
    "many": "#many-table tbody tr:nth-child(3)",
    "teach": "#teach-found .classes-top:not(:empty)",
    "lab": "#lab-pair img",
}
# Parts of Gradio's own that the page cannot change.
GRADIOS = {
    "exclude": [
        # Its placeholder of a picture that is still to come, a div without a role, is labelled "Empty value".
        [".empty"],
    ]
}

# Nothing is written about what is as it should be, which takes time too.
FOUND = {"resultTypes": ["violations"]}


# What fades in has little contrast for a moment; what turns for ever, such as a spinner, is not waited for.
NOTHING_MOVES = """() => document.getAnimations().every(
    each => each.playState != "running" || each.effect.getComputedTiming().endTime == Infinity
)"""


def findings(page: Page) -> list[str]:
    """What axe-core finds serious or critical of what is on screen, once nothing moves any more; in the dark theme
    of its colours only."""
    found = []
    # Gradio shows what an event may still change in a fifth of its opacity: at first the answer the page begins with.
    expect(page.locator(".pending")).to_have_count(0)
    for theme, options in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
        page.wait_for_function(NOTHING_MOVES)
        violations = Axe().run(page, context=GRADIOS, options=options | FOUND).response["violations"]
        found += [
            f"{theme}: {violation['impact']}: {violation['id']}: {node['target']}"
            for violation in violations
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]
    page.evaluate("document.body.classList.remove('dark')")
    return found


def taught_archive(folder: Path) -> Path:
    """A zip of two classes of two photos."""
    path = folder / "flowers.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(("dahlia", "marigold", "dahlia", "marigold")):
            archive.write(EXAMPLES / f"{name}.jpg", f"{name}/{number}.jpg")
    return path


def test_axe_finds_nothing_serious_in_any_tab(visit, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    page = visit(theme="light")
    found = {}
    for tab, name in TABS.items():
        page.get_by_role("tab", name=tab, exact=True).click()
        if name in RESULTS:
            if name not in ("many", "teach"):  # They begin with an answer, which may not even have been asked for yet.
                expect(page.locator(RESULTS[name]).first).to_be_visible()
            found[f"{tab}, empty"] = findings(page)
            if name == "many":
                photos = [EXAMPLES / "dahlia.jpg", EXAMPLES / "marigold.jpg", broken]
                page.locator("#many-files input[type=file]").set_input_files(photos)
            elif name == "teach":
                page.locator("#teach-files input[type=file]").set_input_files(taught_archive(tmp_path))
                page.locator("#teach-matrix button").first.click()
                page.locator("#teach-photo input[type=file]").set_input_files(EXAMPLES / "dahlia.jpg")
            else:
                page.locator(f"#{name}-examples .gallery-item").first.click()
            expect(page.locator(RESULTS[name]).first).to_be_visible()
        expect(page.locator(".toast-body")).to_have_count(0)
        found[tab] = findings(page)
    assert {where: what for where, what in found.items() if what} == {}


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press the tab key until what it reaches is that."""
    reached = []
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        reached.append(page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))
    pytest.fail(f"The tab key does not reach {selector}, but {reached}")


# The outline of what has the focus, or of the label around it.
OUTLINE = """() => {
    const part = document.activeElement, parts = [part, part.closest("label"), part.nextElementSibling];
    const styles = parts.filter(Boolean).flatMap(one => [getComputedStyle(one), getComputedStyle(one, "::after")]);
    return styles.some(style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
}"""


@pytest.mark.parametrize(
    ("tab", "group", "order"),
    [
        ("flowers", "#flowers-depth", ["50", "101", "152", "18"]),
        ("flowers", "#flowers-overlay .stage", ["layer4", "layer3", "layer2"]),
        ("faces", "#faces-region", ["all", "jaw", "brows"]),
        ("faces", "#faces-overlay .direction", ["any", "across", "down", "any"]),
    ],
)
def test_radios_are_one_stop_and_arrows_move_among_them(visit, tab, group, order):
    page = visit()
    page.get_by_role("tab", name={"flowers": "Classify", "faces": "Faces"}[tab]).click()
    page.locator(f"#{tab}-overlay[data-drawn]").wait_for()
    focused = "document.activeElement.value"
    tab_to(page, f"{group} input")
    assert page.evaluate(focused) == order[0], "the chosen one has the stop"
    for value in order[1:]:
        page.keyboard.press("ArrowRight")
        assert page.evaluate(focused) == value
        expect(page.locator(f"{group} input[value='{value}']")).to_be_checked()
        assert page.evaluate(OUTLINE)
    page.keyboard.press("Tab")
    assert not page.evaluate("group => !!document.activeElement.closest(group)", group)


def test_the_focus_is_seen_wherever_the_tab_key_stops(visit):
    page = visit()
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    page.locator("#flowers-photo .photo-new").focus()
    unseen, stops = [], 0
    end = "document.activeElement === document.body || !!document.activeElement.closest('footer')"
    while not page.evaluate(end) and stops < 60:
        if not page.evaluate(OUTLINE):
            unseen.append(page.evaluate("document.activeElement.outerHTML.slice(0, 100)"))
        page.keyboard.press("Tab")
        stops += 1
    assert unseen == [] and 10 < stops < 60


def test_everything_of_an_answer_is_reached_by_keyboard(visit):
    page = visit()
    overlay, canvas = page.locator("#flowers-overlay"), page.locator("#flowers-overlay .viewer-canvas")
    picture = "canvas => canvas.toDataURL()"

    expect(page.locator("#flowers-examples").get_by_role("button", name="Dahlia")).to_be_visible()
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    start = overlay.get_attribute("data-drawn")
    tab_to(page, '#flowers-examples .gallery-item[aria-label="Dahlia"]')
    page.keyboard.press("Enter")
    expect(overlay).not_to_have_attribute("data-drawn", start)
    buttons = page.locator("#flowers-classes button")
    expect(buttons).to_have_count(5)
    expect(page.locator("#flowers-overlay[data-drawn]")).to_be_visible()
    first = canvas.evaluate(picture)

    tab_to(page, "#flowers-classes li:nth-child(2) button")
    page.keyboard.press("Enter")
    expect(buttons.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(overlay).to_have_attribute("data-what", buttons.nth(1).get_attribute("data-index"))
    second = canvas.evaluate(picture)
    assert second != first

    tab_to(page, "#flowers-overlay .opacity")
    before = int(page.locator("#flowers-overlay .opacity").input_value())
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#flowers-overlay .opacity")).to_have_value(str(before + 5))
    assert canvas.evaluate(picture) != second
