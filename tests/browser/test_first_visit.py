"""What travels at somebody's first visit, until a photo can be chosen."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from playwright.sync_api import Browser, Page, expect

MOST = 550_000  # bytes on the line


@pytest.fixture(scope="module")
def first_visit(chromium: Browser, server: str):
    """The page in a window with nothing in its cache, its HTML, and what it asked for: address → bytes that came."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    addresses: dict[str, str] = {}
    asked: list[str] = []
    came: Counter[str] = Counter()

    def sent(event: dict) -> None:
        addresses[event["requestId"]] = event["request"]["url"].removeprefix(f"{server}/")
        asked.append(addresses[event["requestId"]])

    session.on("Network.requestWillBeSent", sent)
    session.on(
        "Network.loadingFinished",
        lambda event: came.update({addresses[event["requestId"]]: int(event["encodedDataLength"])}),
    )
    html = page.goto(server).text()
    page.locator("#flowers-photo input[type=file]").wait_for(state="attached")
    asked_until_then, came_until_then = list(asked), dict(came)
    yield page, html, asked_until_then, came_until_then
    context.close()


def linked(html: str, kind: str, ending: str = "") -> list[str]:
    """Files that the page's HTML names itself."""
    return re.findall(rf'<link rel="{kind}" crossorigin href="\./(assets/[^"]+)"{ending}>', html)


def test_it_is_little(first_visit):
    came = first_visit[3]
    assert sum(came.values()) < MOST
    assert max(came.values()) < 100_000, came  # The page holds 0.4 MB of configuration.


def test_everything_is_asked_for_at_once_and_once(first_visit):
    _, html, asked, _ = first_visit
    assets = [address for address in asked if address.startswith("assets/")]
    assert [address for address, times in Counter(assets).items() if times > 1] == []
    scripts = linked(html, "modulepreload")
    assert {address for address in assets if address.endswith(".js")} == set(scripts)
    assert html.index(scripts[-1]) < html.index("window.gradio_config")


def test_the_page_names_what_gradios_front_end_would_ask_for_step_by_step(first_visit, chromium, server):
    """The same page without our links."""
    html = first_visit[1]
    files = re.compile(
        r'<link rel="\w+" crossorigin href="\./(assets/[^"]+)"(?: disabled)?>|<link [^>]+components-[^>]+>'
    )
    page = chromium.new_page()
    try:
        page.route(f"{server}/", lambda route: route.fulfill(body=files.sub("", html), content_type="text/html"))
        asked = []
        page.on("request", lambda request: asked.append(request.url.removeprefix(f"{server}/")))
        page.goto(f"{server}/")
        page.locator("#flowers-photo input[type=file]").wait_for(state="attached")
    finally:
        page.close()
    entry_style = set(re.findall(r'href="\./(assets/index-[^"]+\.css)"', html))
    named = set(files.findall(html)) - {""}
    assert len(named) > 60
    assert {address for address in asked if address.startswith("assets/")} - entry_style == named - entry_style


def test_the_components_styles_come_as_one(first_visit):
    page, html, asked, _ = first_visit
    (sheet,) = {address for address in asked if address.startswith("components-")}
    alone = linked(html, "stylesheet", " disabled")
    assert len(alone) > 20
    assert set(alone).isdisjoint(asked)
    assert asked.count(sheet) == 1
    sheets = page.evaluate(
        """[...document.styleSheets].filter(one => !one.disabled).map(
            one => one.href ? one.href.split("/").pop() : one.ownerNode.textContent.slice(0, 40))"""
    )
    # The last one counts: the theme, the components, and what we say of both.
    theme, components = (
        next(n for n, name in enumerate(sheets) if name.startswith(start)) for start in ("theme", "comp")
    )
    ours = next(n for n, name in enumerate(sheets) if "--serif" in name)
    assert theme < components < ours
    assert sum(name.startswith("theme") for name in sheets) == 1


def test_a_component_of_another_tab_is_styled_when_it_comes(first_visit):
    """The gallery is not among the first files."""
    page: Page = first_visit[0]
    page.locator("#tab-many-button").click()
    expect(page.locator("#many-files")).to_be_visible()
    assert page.evaluate("[...document.styleSheets].every(one => !one.href || one.disabled || one.cssRules.length > 0)")
