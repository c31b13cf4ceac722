"""One Chromium for all browser tests, and the page on the bundled weights and on weights of the tests' own.

Screenshots go to the folder that ``RESNET_DEMO_SCREENSHOTS`` names, such as ``tests/browser/screenshots``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import tiny
from conftest import free_port
from playwright.sync_api import Browser, Page, expect, sync_playwright

from resnet_demo.bench.harness import chromium as bench_chromium
from resnet_demo.bench.harness.chromium import PATIENCE, SWITCHES
from resnet_demo.models.architecture import ARCHITECTURES
from resnet_demo.tasks import REGRESSION, TaskSpec

ROOT = Path(__file__).resolve().parents[2]
OWN_TAB = ROOT / "tests" / "own_tab.py"
# What a program of somebody's own says before it serves the page.
PROGRAM = f"import runpy; runpy.run_path({str(OWN_TAB)!r}); from resnet_demo.page import serve; serve()"
PETS = TaskSpec("pets", "classification", labels=("cat", "dog", "hamster"), size=64, resize=64)
MOTHS = TaskSpec("moths", "classification", labels=("hawk", "tiger"), size=32, resize=36)
AGE = TaskSpec("age", REGRESSION, size=64, resize=64)
HANDS = TaskSpec("hands", "keypoints", points=5, size=64, fit="squash", detector="")
# The pages of the tests trust one another, and two cores have enough to do.
FEWER_PROCESSES = (
    "--renderer-process-limit=1",
    "--disable-features=site-per-process,Translate",
    "--num-raster-threads=1",
)
expect.set_options(timeout=PATIENCE)


@contextmanager
def served(folder: Path, *program: str, **settings: str) -> Iterator[str]:
    """The address of the page, started as people start it or by another Python ``program``, with further environment
    variables; ``folder`` takes its log and pictures."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in ("RESNET_DEMO_WEIGHTS", "SPACE_ID")}
    environment |= {"HOST": "127.0.0.1", "PORT": str(port), "GRADIO_TEMP_DIR": str(folder / "gradio"), **settings}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *(program or ["app.py"])], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(4800):
            try:
                urllib.request.urlopen(address, timeout=60).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
        else:
            pytest.fail(f"The page did not start:\n{(folder / 'log').read_text()}")
        yield address
        _, fault, lines = (folder / "log").read_text().partition("Traceback")
        assert not fault, fault + lines
    finally:
        process.kill()  # ``test_serving`` asks it to stop, which takes longer.
        process.wait()


@pytest.fixture(scope="package")
def server(tmp_path_factory) -> Iterator[str]:
    """The page on the bundled weights."""
    with served(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture(scope="package")
def own_server(tmp_path_factory) -> Iterator[str]:
    """The page on weights of its own, networks that have learned nothing: flowers102 with the depths 18 and 34 only,
    and tasks of somebody's own pictures; with a tab of somebody's own."""
    weights = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_DEMO_WEIGHTS", str(weights))
        own = (PETS, 18), (AGE, 18), (HANDS, 18), (MOTHS, ARCHITECTURES["resnet20"])
        tiny.weights_folder(weights, (tiny.FLOWERS, 18), (tiny.FLOWERS, 34), *own)
    folder = tmp_path_factory.mktemp("own-server")
    with served(folder, "-c", PROGRAM, RESNET_DEMO_WEIGHTS=str(weights)) as address:
        yield address


@pytest.fixture(scope="package")
def chromium_path() -> str:
    """The system's Chromium, without its windows where there is one so."""
    path = shutil.which("chromium-headless-shell") or bench_chromium.path()
    assert path, "There is no Chromium: install the system's package, or run `make test`, which does."
    return path


@pytest.fixture(scope="package")
def chromium(chromium_path) -> Browser:
    """The system's Chromium, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=[*SWITCHES, *FEWER_PROCESSES])
        yield browser
        browser.close()


def forget(page: Page, address: str) -> None:
    """Leave the page at this address, and nothing that it stored."""
    page.goto(f"{address}/robots.txt")  # Of the same origin, and nothing runs in it.
    page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.context.clear_cookies()


@pytest.fixture(scope="package")
def window(chromium) -> Iterator[Page]:
    """The one window of all visits: a page that comes again into the same window takes a third of the time."""
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()


@pytest.fixture
def visit(server, window):
    """A function that opens the page as somebody who was never here: ``visit(width, height, theme, address, query)``; a
    second visit ends the first. Whoever gives a query, which the address says besides, waits for what it opens; without
    one the kept settings are there, where ``settled`` says so.
    Afterwards: no request to another host, no error of the page's scripts, nothing that its security policy forbids."""
    visited, hosts, errors = set(), set(), []
    listeners = {
        "request": lambda request: hosts.add(urlsplit(request.url).hostname),
        "pageerror": lambda error: errors.append(str(error)),
        "console": lambda line: errors.extend([line.text] if "Content Security Policy" in line.text else []),
    }

    def open_page(
        width: int = 1440,
        height: int = 900,
        theme: str = "light",
        address: str = server,
        query: str = "",
        settled: bool = True,
    ) -> Page:
        if visited:
            forget(window, address)
        visited.add(address)
        window.set_viewport_size({"width": width, "height": height})
        window.goto(f"{address}/?__theme={theme}&{query}".rstrip("&"))
        if not query:
            window.locator("#flowers-photo").wait_for()
            if settled:
                window.wait_for_function("window.resnet.settled")
        return window

    for event, listener in listeners.items():
        window.on(event, listener)
    yield open_page
    window.context.set_offline(False)
    for event, listener in listeners.items():
        window.remove_listener(event, listener)
    for address in visited:
        forget(window, address)
    window.mouse.move(0, 0)
    assert hosts - {None} <= {"127.0.0.1"}  # None: data: and blob: addresses
    assert errors == []


@pytest.fixture(scope="package")
def shoot() -> Callable[[Page, str], None]:
    """A function that takes a screenshot for people to look at: ``shoot(page, name)``. It takes its time, so it does so
    only where ``RESNET_DEMO_SCREENSHOTS`` names a folder."""
    folder = os.environ.get("RESNET_DEMO_SCREENSHOTS")

    def take(page: Page, name: str) -> None:
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, animations="disabled")

    return take
