"""A large photo over a slow line: scaled in the browser before it travels, and as it is."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from resnet_demo.bench import results
from resnet_demo.bench.cases.visible import OUR_RESULT, open_ours
from resnet_demo.bench.harness import chromium, servers, uploads
from resnet_demo.bench.harness.clients import running
from resnet_demo.bench.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

WHAT = "a photo of {megabytes:.1f} MB over a slow line, to the visible result"
RATE, LATENCY = 1.5e6, 200  # bits a second each way, milliseconds
EXPLANATION = f"""
From the choice of a photo of 12 megapixels to the frame that shows its result, in headless Chromium, whose developer
tools hold the line at {RATE / 1e6:g} Mbit/s each way and {LATENCY} ms. ResNet-{{depth}}, other grain each time.
- ours: the page scales the photo to a long side of 1600 pixels before it travels.
- in full resolution: the same page, told to send the photo as it is.
"""
SIZES = """() => {
  bench.sent = [];
  const send = window.fetch;
  window.fetch = (address, options) => {
    if (options?.body instanceof FormData) bench.sent.push(options.body.get("files").size);
    return send(address, options);
  };
  bench.smaller = window.resnet.smaller;
}"""
WAYS = {
    "ours": "() => { window.resnet.smaller = bench.smaller; }",
    "in full resolution": "() => { window.resnet.smaller = async (file) => file; }",
}


def measure(settings: Settings) -> list[dict]:
    """Print the table, and return its rows for JSON; none where there is no browser.

    Raises:
        UserError: the page does not start, or answers with an error.
    """
    if missing := chromium.missing():
        print(f"\nThe slow line is left out: {missing}", flush=True)
        return []
    depth = servers.depth_of(settings.depths)
    print(EXPLANATION.format(depth=depth), flush=True)
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    bytes_: dict[str, list[float]] = {way: [] for way in WAYS}
    with running(servers.our_app(depth=depth)) as (ours,), chromium.launched() as browser:
        page = open_ours(browser, ours.address, depth)
        page.evaluate(SIZES)
        slow_down(page)
        for number in range(settings.rounds):
            for way, told in WAYS.items():
                page.evaluate(told)
                photo = uploads.large(2 * number + len(times[way]))
                times[way].append(seconds(page, photo))
                bytes_[way].append(page.evaluate("bench.sent.pop()") / 1e6)
    what = WHAT.format(megabytes=max(bytes_["in full resolution"]))
    found = [
        results.measured(figures[way], what=what, way=way, unit=unit, ours=way == "ours", lower_is_better=True)
        for unit, figures in (("s", times), ("MB", bytes_))
        for way in WAYS
    ]
    print(results.table(found), flush=True)
    return results.to_dicts(found)


def slow_down(page: Page) -> None:
    """Hold the line of a window."""
    rate = {"downloadThroughput": RATE / 8, "uploadThroughput": RATE / 8}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY, **rate})


def seconds(page: Page, photo: bytes) -> float:
    """From the choice of a photo to the frame that shows its result."""
    with TemporaryDirectory(prefix="resnet-demo-bench-") as folder:
        path = Path(folder) / "photo.jpg"
        path.write_bytes(photo)
        page.evaluate(OUR_RESULT)
        page.locator("#flowers-photo input[type=file]").set_input_files(path)
        return page.evaluate("() => bench.done") / 1000
