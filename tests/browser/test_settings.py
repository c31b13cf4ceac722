"""Settings outlive a reload, and an address restores them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from browser.acts import Held, choose, open_tab
from browser.conftest import forget

# Every line of facts that was ever to be seen.
FACTS = """window.facts = new Set();
new MutationObserver(() => {
    for (const line of document.querySelectorAll("#flowers-note .facts")) window.facts.add(line.textContent);
}).observe(document, {childList: true, subtree: true, characterData: true});"""


def address(page: Page) -> dict[str, str]:
    """What the page's address says."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items() if name != "__theme"}


def test_settings_are_kept_over_a_reload(visit, own_server):
    page = visit(address=own_server)
    page.locator("#flowers-depth").get_by_label("34", exact=True).check()
    page.locator("#flowers-top-k input[type=number]").fill("3")
    page.locator("#flowers-top-k input[type=number]").press("Enter")
    open_tab(page, "faces")
    expect(page.locator("#faces-region")).to_have_count(0)
    choose(page, "faces-task", "Face keypoints")
    expect(page.locator("#faces-region")).to_be_visible()
    page.wait_for_function("JSON.parse(localStorage['resnet-demo'])['faces.task'] === 'faces68'")
    # How the viewer looks, too.
    open_tab(page, "flowers")
    viewer = page.locator("#flowers-overlay")
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    viewer.locator(".viewer-look summary").click()
    viewer.locator(".colours").select_option("viridis")
    viewer.locator(".opacity").fill("80")
    viewer.locator(".opacity").dispatch_event("change")
    open_tab(page, "faces")
    page.wait_for_function("JSON.parse(localStorage['resnet-demo']).tab === 'faces'")
    page.reload()
    # The open tab and its task, and what belongs to the task.
    expect(page.locator("#faces-task input")).to_have_value("Face keypoints")
    expect(page.locator("#faces-task")).to_be_visible()
    expect(page.locator("#faces-region")).to_be_visible()
    open_tab(page, "flowers")
    expect(page.locator("#flowers-depth").get_by_label("34", exact=True)).to_be_checked()
    expect(page.locator("#flowers-top-k input[type=number]")).to_have_value("3")
    page.locator("#flowers-examples .gallery-item").nth(1).click()
    expect(page.locator("#flowers-note .facts")).to_contain_text("ResNet-34")
    expect(page.locator("#flowers-classes li button")).to_have_count(3)
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    expect(viewer.locator(".colours")).to_have_value("viridis")
    expect(viewer.locator(".opacity")).to_have_value("80")


def test_settings_are_there_before_the_first_answer_and_leave_what_was_chosen_meanwhile(visit, window, own_server):
    """Whoever is quick chooses a photo and an option while the kept settings are on their way."""
    forget(window, own_server)
    window.evaluate("""localStorage["resnet-demo"] = JSON.stringify({"flowers.depth": 34, "flowers.top_k": 3})""")
    with Held(window, "**/queue/join*") as settings:
        page = visit(address=own_server, settled=False)
        settings.wait()
        page.evaluate(FACTS)
        page.locator("#flowers-top-k input[type=number]").fill("2")
        page.locator("#flowers-top-k input[type=number]").press("Enter")
        page.locator("#flowers-examples .gallery-item").nth(1).click()
    expect(page.locator("#flowers-classes li button")).to_have_count(2)
    expect(page.locator("#flowers-depth").get_by_label("34", exact=True)).to_be_checked()
    expect(page.locator("#flowers-top-k input[type=number]")).to_have_value("2")
    page.wait_for_function("JSON.parse(localStorage['resnet-demo'])['flowers.top_k'] === 2")
    depths = {fact.split(" · ")[0] for fact in page.evaluate("[...window.facts]")}
    assert depths == {"ResNet-34"}


def test_back_returns_to_the_tab_before_and_the_address_is_of_this_window(visit, own_server):
    page = visit(address=own_server)
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    # Another window opens another tab.
    page.evaluate("localStorage['resnet-demo'] = JSON.stringify({...window.resnet.kept(), tab: 'faces'})")
    page.locator("#flowers-depth").get_by_label("34", exact=True).check()
    page.wait_for_function("new URL(location).searchParams.get('depth') === '34'")
    assert address(page)["tab"] == "flowers"

    open_tab(page, "faces")
    page.wait_for_function("new URL(location).searchParams.get('tab') === 'faces'")
    page.locator("#tab-many-button").click()
    page.wait_for_function("new URL(location).searchParams.get('tab') === 'many'")
    page.go_back()
    expect(page.locator("#faces-photo")).to_be_visible()
    assert address(page)["tab"] == "faces"
    page.go_back()
    expect(page.locator("#flowers-photo")).to_be_visible()
    page.go_forward()
    expect(page.locator("#faces-photo")).to_be_visible()


def test_a_link_restores_tab_task_depth_and_options(visit, own_server):
    page = visit(address=own_server)
    open_tab(page, "compare")
    choose(page, "compare-task", "pets")
    expect(page.locator("#compare-depths").get_by_label("18", exact=True)).to_be_checked()
    page.wait_for_function("new URL(location).searchParams.get('depths') === '18'")
    assert address(page) == {"tab": "compare", "task": "pets", "depths": "18"}

    # Another visitor, with settings of their own.
    other = visit(address=own_server, query="tab=flowers&task=pets&depth=18&top_k=2")
    expect(other.locator("#flowers-task input")).to_have_value("pets")
    other.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(other.locator("#flowers-classes li button")).to_have_count(2)
    other.goto(f"{own_server}/?tab=compare&task=flowers102&depths=34")
    expect(other.locator("#compare-depths").get_by_label("34", exact=True)).to_be_checked()
    expect(other.locator("#compare-depths").get_by_label("18", exact=True)).not_to_be_checked()


def test_nonsense_in_the_address_is_left_aside(visit, own_server):
    page = visit(address=own_server, query="tab=kitchen&task=%3Cb%3E&depth=7&top_k=-1&region=ears")
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(page.locator("#flowers-note .facts")).to_contain_text("ResNet-18")
    page.goto(f"{own_server}/?tab=flowers&task=birds&depth=152")
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(page.locator("#flowers-note .facts")).to_contain_text("ResNet-18")
