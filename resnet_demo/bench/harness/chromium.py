"""A headless Chromium for what only a browser can tell. It and Playwright come with what the tests need, so a user's
environment may lack them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell")
# Nothing that a visitor's Chromium does besides: no looking for updates, no first words.
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 120_000  # milliseconds; a busy machine is no failure


def path() -> str | None:
    """The system's Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def missing() -> str:
    """What is missing for ``launched``, as a sentence; empty where nothing is."""
    if find_spec("playwright") is None:
        return "it needs the Python package playwright (pip install -r tests/requirements.txt)."
    if path() is None:
        return "it needs Chromium (install the system's package chromium)."
    return ""


@contextmanager
def launched(switches: Sequence[str] = ()) -> Iterator[Browser]:
    """The system's Chromium, headless, with further switches."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path(), args=[*SWITCHES, *switches])
        try:
            yield browser
        finally:
            browser.close()
