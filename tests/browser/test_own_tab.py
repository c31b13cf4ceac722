"""A tab that is one file of somebody's own is a tab of the page like the others."""

from __future__ import annotations

import runpy
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from browser.conftest import OWN_TAB
from resnet_demo.page import app, settings
from resnet_demo.page.i18n import texts
from resnet_demo.page.tabs import registry


def test_it_is_one_short_file():
    assert len(OWN_TAB.read_text(encoding="utf-8").splitlines()) <= 40


def test_it_is_shown_last_and_works_in_both_languages(visit, own_server):
    page = visit(address=own_server)
    tabs = page.get_by_role("tab")
    expect(tabs.last).to_have_text("Echo")
    tabs.last.click()
    page.locator("#echo-word textarea").fill("petal")
    expect(page.locator("#echo-said textarea")).to_have_value("The echo says: petal petal")
    page.goto(f"{own_server}/?language=zh&tab=echo")
    expect(page.get_by_role("tab", selected=True)).to_have_text("回声")
    expect(page.locator("#echo-word textarea")).to_have_value("petal")  # What was kept comes once the page is there.
    page.locator("#echo-word textarea").fill("花")
    expect(page.locator("#echo-said textarea")).to_have_value("回声说：花 花")


def test_the_address_restores_it_with_its_controls(visit, own_server):
    page = visit(address=own_server, query="tab=echo&word=leaf&times=3")
    expect(page.get_by_role("tab", selected=True)).to_have_text("Echo")
    expect(page.locator("#echo-said textarea")).to_have_value("The echo says: leaf leaf leaf")
    page.locator("#echo-word textarea").fill("stem")
    page.wait_for_function("new URL(location).searchParams.get('word') === 'stem'")
    said = parse_qs(urlsplit(page.url).query)
    assert said == {"__theme": ["light"], "tab": ["echo"], "word": ["stem"], "times": ["3"]}


@pytest.fixture
def own(monkeypatch) -> settings.Built:
    """The tab and its controls, for one test in this process."""
    monkeypatch.setattr(registry, "_tabs", {one.id: one for one in registry.tabs()})
    monkeypatch.setattr(texts, "_added", {"en": {}, "zh": {}})
    runpy.run_path(str(OWN_TAB))
    tab = registry.tabs()[-1]
    with app.gr.Blocks():
        return settings.Built(tab, tab.build())


def test_nonsense_in_its_settings_is_left_aside(own):
    nonsense: dict[str, object] = {"echo.times": "9", "echo.word": ["a"], "echo.other": "1", "flowers.times": "3"}
    assert settings.restored(nonsense, own) == {}
    assert settings.restored({"echo.times": "4"}, own)["times"]["value"] == 4


def test_texts_in_one_language_or_with_a_key_that_is_taken_are_refused(own):
    with pytest.raises(ValueError, match="one language only: tab_half"):
        registry.tab("half", english={"tab_half": "Half"})
    with pytest.raises(ValueError, match="keys already: photo"):
        registry.tab("photo", english={"photo": "Photo"}, chinese={"photo": "照片"})


def test_our_own_tabs_stand_in_their_order_whatever_was_imported_first():
    assert [one.build.__module__.rpartition(".")[2] for one in registry.tabs()] == list(registry.MODULES)
