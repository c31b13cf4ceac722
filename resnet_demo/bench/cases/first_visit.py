"""The first visit over a slow line: what travels until a photo can be chosen, and how long that takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from resnet_demo.bench import results
from resnet_demo.bench.cases.slow_line import LATENCY, RATE, slow_down
from resnet_demo.bench.harness import chromium, servers
from resnet_demo.bench.harness.clients import beside_nothing, both
from resnet_demo.bench.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EXPLANATION = f"""
From the address to a page that takes a photo, in headless Chromium without anything in its cache, whose developer tools
hold the line at {RATE / 1e6:g} Mbit/s each way and {LATENCY} ms. Bytes are those of the line, compressed as the app
sends them.
"""
# What takes a photo, by the app: there once the page's own program has made it.
TAKES = {servers.OURS: "#flowers-photo input[type=file]", servers.NOTHING: "#photo input[type=file]"}
WHATS = {"s": "first visit over a slow line, until a photo can be chosen", "MB": "what travels until then"}


def measure(settings: Settings) -> list[dict]:
    """Print the table, and return its rows for JSON; none where there is no browser.

    Raises:
        UserError: an app does not start, or answers with an error.
    """
    if missing := chromium.missing():
        print(f"\nThe first visit is left out: {missing}", flush=True)
        return []
    depth = servers.depth_of(settings.depths)
    print(EXPLANATION, flush=True)
    figures: dict[str, dict[str, list[float]]] = {unit: {name: [] for name in TAKES} for unit in WHATS}
    with both(depth) as apps, chromium.launched() as browser:
        for _ in range(settings.rounds):
            for server in apps:
                seconds, megabytes = visit(browser, server)
                figures["s"][server.app.name].append(seconds)
                figures["MB"][server.app.name].append(megabytes)
    found = [
        row
        for unit, what in WHATS.items()
        for row in beside_nothing(figures[unit], depth, {}, what=what, unit=unit, lower_is_better=True)
    ]
    print(results.table(found), flush=True)
    return results.to_dicts(found)


def visit(browser: Browser, server: servers.Server) -> tuple[float, float]:
    """Seconds and megabytes until the page takes a photo."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    try:
        page = context.new_page()
        page.set_default_timeout(chromium.PATIENCE)
        slow_down(page)
        travelled = []
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", lambda event: travelled.append(event["encodedDataLength"]))
        start = time.perf_counter()
        page.goto(server.address, wait_until="commit")
        page.locator(TAKES[server.app.name]).wait_for(state="attached")
        return time.perf_counter() - start, sum(travelled) / 1e6
    finally:
        context.close()
