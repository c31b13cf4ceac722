"""The page in Chinese, in a real Chromium: no English is left, the switch overrides the browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from conftest import EXAMPLES
from gradio_client import Client, handle_file
from playwright.sync_api import Page, expect

from browser.conftest import forget

# Names, units and formats that are written so in Chinese too; and the other language in the switch.
NAMES = {
    "ResNet",
    "ImageNet",
    "CPU",
    "CUDA",
    "MPS",
    "OpenVINO",
    "PyTorch",
    "JSON",
    "API",
    "MCP",
    "English",
    "Grad",
    "CAM",
}
UNITS = {"ms", "GFLOPs", "NME", "AFW", "top", "M", "MB", "int8", "bf16", "float32", "k"}
PEOPLE = {"vultilion", "CC", "BY", "GPL", "Charles", "Barbin", "Pete", "Souza", "NASA"}
PEOPLE |= {"Caroline", "Ford", "St", "Stéfan", "fan", "van", "der", "Walt", "CC0"}
FILES = {"jpg", "broken", "PNG", "CSV", "NumPy", "ZIP", "Python", "curl", "Shell"}
FILES |= {"marigold", "daffodil", "dahlia", "two", "people"}  # examples
CHOICES = {"turbo", "viridis", "inferno", "layer1", "layer2", "layer3", "layer4"}


@pytest.fixture(scope="module")
def windows(chromium) -> Iterator[Callable[[str], Page]]:
    """A function: the window of a browser with these languages."""
    contexts = {}

    def window(locale: str) -> Page:
        if locale not in contexts:
            contexts[locale] = chromium.new_context(locale=locale, viewport={"width": 1440, "height": 900})
            contexts[locale].new_page().set_default_timeout(120_000)
        return contexts[locale].pages[0]

    yield window
    for context in contexts.values():
        context.close()


@pytest.fixture
def open_page(windows, own_server):
    """A function: the page as a browser with these languages opens it for the first time."""
    hosts, opened = set(), []

    def listener(request) -> None:
        hosts.add(re.sub(r"^\w+:(//)?([^/:]*).*", r"\2", request.url))

    def open_in(locale: str, query: str = "") -> Page:
        page = windows(locale)
        opened.append(page)
        page.on("request", listener)
        page.goto(f"{own_server}/{query}")
        page.locator("#flowers-photo").wait_for()
        return page

    yield open_in
    for page in opened:
        page.remove_listener("request", listener)
        forget(page, own_server)
    assert {host for host in hosts if "." in host} <= {"127.0.0.1"}


def english_words(page: Page) -> set[str]:
    """The words in Latin letters that can be seen, heard by a screen reader or read in a tip, but for known names."""
    shown = page.evaluate(
        """() => [document.title, document.body.innerText, ...[...document.querySelectorAll("*")]
            .filter(part => part.offsetParent)
            .flatMap(part => [part.placeholder, part.alt, part.title, part.ariaLabel,
                              part.type === "text" && part.value])]
            .filter(text => typeof text === "string")"""
    )
    words = set(re.findall(r"[A-Za-z][A-Za-z0-9]*", " ".join(shown)))
    return words - NAMES - UNITS - PEOPLE - FILES - CHOICES


def open_tab(page: Page, name: str) -> None:
    page.locator(f"#tab-{name}-button").click()
    page.locator(f"#{name}-photo").wait_for()


def test_a_chinese_browser_sees_chinese_and_no_english(open_page, tmp_path, shoot):
    page = open_page("zh-CN")
    assert page.title() == "残差网络看到了什么"
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    expect(page.locator("#status")).to_contain_text("运行于")
    for tab in ("flowers", "faces", "compare"):
        open_tab(page, tab)
        # The page begins with an answer; the tests' own classes have no other names.
        assert english_words(page) - {"Daisy", "Tulip", "Iris", "hands"} == set(), f"in the tab {tab} at first"
    open_tab(page, "flowers")
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(page.locator("#flowers-classes button")).to_have_count(4)
    expect(page.locator("#flowers-classes")).to_contain_text("热图")
    expect(page.locator("#flowers-classes")).to_contain_text("月季（玫瑰）")
    words = english_words(page) - {"Daisy", "Tulip", "Iris"}  # The tests' own classes, of which only Rose has a name.
    assert words == set(), "with a result"
    shoot(page, "flowers-chinese")

    # A class that was clicked has its heat, and the details keep the labels of programs.
    page.locator("#flowers-classes button").filter(has_text="月季（玫瑰）").click()
    expect(page.locator("#flowers-classes .classes-heat")).to_contain_text("“月季（玫瑰）”")
    expect(page.locator("#flowers-target input")).to_have_value("月季（玫瑰）")

    # Errors, in the line and in the corner.
    broken = tmp_path / "broken.jpg"
    broken.write_bytes((EXAMPLES / "dahlia.jpg").read_bytes()[:5000])
    page.locator("#flowers-photo input[type=file]").set_input_files(str(broken))
    expect(page.locator("#flowers-note [role=alert]")).to_contain_text("文件“broken.jpg”不完整或已损坏")
    expect(page.locator(".toast-body")).to_contain_text("请注意")
    assert english_words(page) == set(), "with an error"
    page.locator("#flowers-depth").get_by_text("152", exact=True).click()
    expect(page.locator("#flowers-note [role=alert]")).to_contain_text("102 种花卉任务尚无 ResNet-152")

    open_tab(page, "compare")
    page.locator("#compare-examples .gallery-item").nth(0).click()
    expect(page.locator("#compare-cards .card-name")).to_have_count(2)
    expect(page.locator("#compare-cards")).to_contain_text("top-1 准确率")
    expect(page.locator("#compare-curve")).to_contain_text("top-1 准确率")
    assert english_words(page) - {"Daisy", "Tulip", "Iris"} == set(), "compared"


def test_what_gradio_says_while_files_are_sent_is_chinese_too(open_page):
    """Gradio's front end says some things itself, and only for a moment."""
    page = open_page("zh-CN")
    page.locator("#flowers-overlay[data-drawn]").wait_for()  # The example that the page begins with is answered.
    page.locator("#tab-many-button").click()
    files = page.locator("#many-files input[type=file]")
    files.wait_for(state="attached")
    assert english_words(page) - {"zip"} == set(), "at first"
    # All texts and names of buttons that come up from now on.
    page.evaluate(
        """() => {
            window.said = new Set();
            const note = (node) => said.add(node.nodeType === 3 ? node.data : node.ariaLabel || "");
            new MutationObserver((changes) => changes.forEach(one => requestAnimationFrame(() => {
                for (const node of [one.target, ...one.addedNodes])
                    if (node.isConnected) for (const walk = document.createTreeWalker(node); walk.currentNode;) {
                        note(walk.currentNode);
                        if (!walk.nextNode()) break;
                    }
            }))).observe(document.body, {subtree: true, childList: true, characterData: true});
        }"""
    )
    files.set_input_files([EXAMPLES / "dahlia.jpg", EXAMPLES / "marigold.jpg"])
    expect(page.locator("#many-table tbody tr")).to_have_count(2)
    said = page.evaluate("[...said].map(text => text.trim()).filter(text => text && text.length < 200)")
    words = set(re.findall(r"[A-Za-z]{3,}", " ".join(said)))
    assert words - NAMES - UNITS - FILES - CHOICES - {"Rose", "Daisy", "Tulip", "Iris"} == set()


def test_the_switch_overrides_the_browser_and_stays(open_page):
    page = open_page("zh-CN", "?__theme=dark")
    current = page.locator("#language [aria-current]")
    expect(current).to_have_text("中文")
    link = page.locator("#language a")
    expect(link).to_have_attribute("lang", "en")
    # By the keyboard alone.
    link.focus()
    page.keyboard.press("Enter")
    expect(current).to_have_text("English")
    assert page.title() == "What a ResNet sees"
    assert page.evaluate("document.documentElement.lang") == "en"
    assert "__theme=dark" in page.url
    # A new visit, without the choice in the address.
    page.goto(page.url.split("?")[0])
    expect(page.locator("#flowers-note")).to_contain_text("The photo shows: Daffodil")
    expect(current).to_have_text("English")
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(page.locator("#flowers-classes")).to_contain_text("Heat for")
    # And back.
    page.locator("#language a").click()
    expect(current).to_have_text("中文")
    page.locator("#flowers-examples .gallery-item").nth(0).click()
    expect(page.locator("#flowers-classes")).to_contain_text("的热图")


def test_other_languages_see_english(open_page):
    page = open_page("fr-FR")
    assert page.evaluate("document.documentElement.lang") == "en"
    expect(page.locator("#flowers-note")).to_contain_text("The photo shows: Daffodil")
    assert not re.search(r"[\u4e00-\u9fff]", page.inner_text("body").replace("中文", ""))


def test_programs_get_english(own_server, tmp_path):
    client = Client(own_server, download_files=tmp_path, verbose=False)
    photo = handle_file(EXAMPLES / "dahlia.jpg")
    label, _, details = client.predict(photo, "flowers102", 18, 4, "", api_name="/classify")
    assert {score["label"] for score in label["confidences"]} == {"Rose", "Daisy", "Tulip", "Iris"}
    gallery, table, _ = client.predict(photo, "flowers102", [18], api_name="/compare")
    assert table["headers"][:3] == ["Depth", "Top label", "Probability"]
    everything = json.dumps([label, details, gallery, table, client.view_api(return_format="dict")], ensure_ascii=False)
    assert not re.search(r"[\u4e00-\u9fff]|__i18n__", everything)
    with pytest.raises(Exception, match="There is no class 'Rosa'"):
        client.predict(photo, "flowers102", 18, 4, "Rosa", api_name="/classify")


def test_programs_may_ask_for_chinese(own_server, tmp_path):
    client = Client(own_server, download_files=tmp_path, verbose=False, headers={"Accept-Language": "zh-CN"})
    photo = handle_file(EXAMPLES / "dahlia.jpg")
    with pytest.raises(Exception, match="没有类别“Rosa”"):
        client.predict(photo, "flowers102", 18, 4, "Rosa", api_name="/classify")
    details = client.predict(photo, "flowers102", 18, 4, "", api_name="/classify")[2]
    assert details["top_k"][0]["label"] in {"Rose", "Daisy", "Tulip", "Iris"}
