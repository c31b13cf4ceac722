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

# What fades in has little contrast for a moment: it is brought to its end; what turns for ever, such as a spinner, not.
STAND_STILL = """() => document.getAnimations().forEach((each) => {
    if (each.effect.getComputedTiming().endTime != Infinity) each.finish();
})"""
# Nothing is written about what is as it should be, which takes time too.
FINDINGS = """([context, options]) =>
    axe.run(context, {...options, resultTypes: ["violations"]}).then(results => results.violations)"""


def findings(page: Page, *parts: str) -> list[str]:
    """What axe-core finds serious or critical of what is on screen, or of these parts of it; in the dark theme of its
    colours only."""
    found = []
    # Gradio shows what an event may still change in a fifth of its opacity: at first the answer the page begins with.
    expect(page.locator(".pending")).to_have_count(0)
    context = GRADIOS | ({"include": [[part] for part in parts]} if parts else {})
    for theme, options in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
        page.evaluate(STAND_STILL)
        found += [
            f"{theme}: {violation['impact']}: {violation['id']}: {node['target']}"
            for violation in page.evaluate(FINDINGS, [context, options])
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
    """The whole page once, then each tab's own part."""
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    page = visit(theme="light")
    page.evaluate(Axe().axe_script)
    page.locator(RESULTS["flowers"]).wait_for()
    found = {"the page": findings(page)}
    for tab, name in list(TABS.items())[1:]:
        page.get_by_role("tab", name=tab, exact=True).click()
        parts = "[role=tablist]", f"#tab-{name}"
        if name in ("many", "teach"):  # The others begin with an answer.
            found[f"{tab}, empty"] = findings(page, *parts)
        if name == "many":
            photos = [EXAMPLES / "dahlia.jpg", EXAMPLES / "marigold.jpg", broken]
            page.locator("#many-files input[type=file]").set_input_files(photos)
        elif name == "teach":
            page.locator("#teach-files input[type=file]").set_input_files(taught_archive(tmp_path))
            page.locator("#teach-matrix button").first.click()
            page.locator("#teach-photo input[type=file]").set_input_files(EXAMPLES / "dahlia.jpg")
        if name in RESULTS:
            expect(page.locator(RESULTS[name]).first).to_be_visible()
        expect(page.locator(".toast-body")).to_have_count(0)
        found[tab] = findings(page, *parts)
    assert {where: what for where, what in found.items() if what} == {}


def test_axe_finds_nothing_serious_in_the_tab_of_a_number(visit, own_server):
    """It is there where a task gives one."""
    page = visit(address=own_server, query="tab=number")
    page.evaluate(Axe().axe_script)
    page.locator("#number-photo input[type=file]").set_input_files(EXAMPLES / "dahlia.jpg")
    expect(page.locator("#number-overlay img")).to_be_visible()
    assert findings(page, "[role=tablist]", "#tab-number") == []


# Whether the outline is seen of what has the focus, or of the label around it.
OUTLINE = """() => {
    const part = document.activeElement, parts = [part, part.closest("label"), part.nextElementSibling];
    const styles = parts.filter(Boolean).flatMap(one => [getComputedStyle(one), getComputedStyle(one, "::after")]);
    return styles.some(style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
}"""
# Where the tab key stops: in which of these groups, with which value; nothing at the end of the page.
STOP = """(groups) => {
    const part = document.activeElement;
    if (part.matches("body, footer *")) return null;
    return {html: part.outerHTML.slice(0, 100), group: groups.find(one => part.closest(one)), value: part.value};
}"""
# Tab, its groups of radios in the order of the page, and their values in the order of the arrows.
RADIOS = {
    "flowers": {"#flowers-depth": ["18", "34"], "#flowers-overlay .stage": ["layer4", "layer3", "layer2"]},
    "faces": {"#faces-overlay .direction": ["any", "across", "down", "any"], "#faces-region": ["all", "jaw", "brows"]},
}


@pytest.mark.parametrize("tab", RADIOS)
def test_the_tab_key_is_seen_wherever_it_stops_and_does_so_once_in_a_group(visit, tab):
    """Inside a group arrows move."""
    page = visit(query=f"tab={tab}&depth=18")
    page.locator(f"#{tab}-overlay[data-drawn]").wait_for()
    page.locator(f"#{tab}-photo .photo-new").focus()
    groups, unseen, reached, stops = RADIOS[tab], [], [], 0
    while (stop := page.evaluate(STOP, list(groups))) and stops < 60:
        if not page.evaluate(OUTLINE):
            unseen.append(stop["html"])
        if group := stop.get("group"):
            reached.append(group)
            assert stop["value"] == groups[group][0], "the chosen one has the stop"
            for value in groups[group][1:]:
                page.keyboard.press("ArrowRight")
                expect(page.locator(f"{group} input[value='{value}']:focus")).to_be_checked()
                assert page.evaluate(OUTLINE)
            if group == f"#{tab}-depth":  # What is answered next may be the viewer, with its own stops.
                expect(page.locator(f"#{tab}-note .facts")).to_contain_text(f"ResNet-{value}")
        page.keyboard.press("Tab")
        stops += 1
    assert unseen == [] and 10 < stops < 60
    assert reached == list(groups)


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press the tab key until what it reaches is that."""
    reached = []
    for _ in range(most):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(REACHED, selector))
        if not reached[-1]:
            return
    pytest.fail(f"The tab key does not reach {selector}, but {reached}")


# What has the focus, or nothing where it is what was looked for.
REACHED = """selector =>
    document.activeElement.matches(selector) ? "" : document.activeElement.outerHTML.slice(0, 80)"""


def test_everything_of_an_answer_is_reached_by_keyboard(visit):
    page = visit()
    overlay, canvas = page.locator("#flowers-overlay"), page.locator("#flowers-overlay .viewer-canvas")
    picture = "canvas => canvas.toDataURL()"

    page.locator("#flowers-overlay[data-drawn]").wait_for()
    start = overlay.get_attribute("data-drawn")
    tab_to(page, '#flowers-examples .gallery-item[aria-label="Dahlia"]')
    page.keyboard.press("Enter")
    expect(overlay).not_to_have_attribute("data-drawn", start)
    buttons = page.locator("#flowers-classes button")
    expect(buttons).to_have_count(5)
    expect(page.locator("#flowers-overlay[data-drawn]")).to_be_visible()
    first = canvas.evaluate(picture)

    tab_to(page, "#flowers-overlay .opacity")
    before = int(page.locator("#flowers-overlay .opacity").input_value())
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#flowers-overlay .opacity")).to_have_value(str(before + 5))
    second = canvas.evaluate(picture)
    assert second != first

    tab_to(page, "#flowers-classes li:nth-child(2) button")
    page.keyboard.press("Enter")
    expect(buttons.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(overlay).to_have_attribute("data-what", buttons.nth(1).get_attribute("data-index"))
    assert canvas.evaluate(picture) != second
