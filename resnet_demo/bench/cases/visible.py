"""From upload to visible result in a browser: our page beside an app that does nothing."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tqdm import tqdm

from resnet_demo.bench import results
from resnet_demo.bench.harness import chromium, servers, uploads
from resnet_demo.bench.harness.clients import beside_nothing, both
from resnet_demo.bench.settings import Settings
from resnet_demo.bench.turns import take_turns

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

WHAT = "Chromium: upload to visible result"
LIMIT = 1.0  # of the do-nothing app's time
SIZE: ViewportSize = {"width": 1440, "height": 900}  # of the window, in pixels
EXPLANATION = """
From the choice of a photo to the first frame that shows its result, in headless Chromium with a window of {size}.
Photo: JPEG, {width} × {height}, other pixels each time. Turns of each way: {rounds}, {seconds:g} s or one photo at
least, after a turn to warm up; a turn's figure is the median of its photos. The do-nothing app takes a photo only once
the last one is removed, so that is done before; ours takes another one at any time.
- ours: the tab Classify, flowers102, ResNet-{depth}: until the photo with its heat map is drawn.
- {nothing}: gr.Image in, gr.Label and gr.Image out with all defaults: until both outputs are shown.
"""

# The clock starts where the browser hands the file to the page. Afterwards one frame is drawn and handed over before
# the next task runs: then people see the result.
CLOCK = """
  window.bench = {};
  document.addEventListener("change", (event) => {
    if (event.target.type === "file") bench.start = performance.now();
  }, true);
  bench.seen = () => new Promise((resolve) =>
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - bench.start))));
"""
# Our viewer says what it has drawn in an attribute.
OUR_RESULT = """() => {
  const viewer = document.querySelector("#flowers-overlay");
  bench.start = undefined; // What is drawn before the choice of a photo is no answer to it.
  bench.done = new Promise((resolve) => {
    const look = new MutationObserver(() => {
      if (!viewer.dataset.drawn || bench.start === undefined) return;
      look.disconnect();
      resolve(bench.seen());
    });
    look.observe(viewer, {attributes: true, attributeFilter: ["data-drawn"]});
  });
}"""
# Events of loaded pictures do not bubble, but can be caught on their way down.
NOTHING_RESULT = """() => {
  bench.done = new Promise((resolve) => {
    const look = (event) => {
      if (!event.target.closest("#picture") || !document.querySelector("#label").innerText.includes("Rose")) return;
      document.removeEventListener("load", look, true);
      resolve(bench.seen());
    };
    document.addEventListener("load", look, true);
  });
}"""
NOTHING_REMOVED = "#picture:not(:has(img))"


class Uploads:
    """What takes turns: the uploads on one open page.

    Args:
        photo: the elem_id of the photo's component.
        removed: what the page is once photo and result were removed, as a CSS selector; empty where that is not needed.
        result: function of the page that sets ``bench.done``, a promise of the milliseconds.
        folder: for the photos.
    """

    def __init__(self, name: str, page: Page, photo: str, removed: str, result: str, folder: Path):
        self.name, self.page, self.photo = name, page, photo
        self.removed, self.result = removed, result
        self.folder, self.numbers = folder, itertools.count()

    def measure(self, seconds: float) -> float:
        """Milliseconds of an upload: the median of as many as take ``seconds`` together, and of one at least."""
        times: list[float] = []
        while not times or sum(times) < 1000 * seconds:
            times.append(self.once())
        return median(times)

    def once(self) -> float:
        """Milliseconds from the choice of a fresh photo to the frame that shows its result."""
        number = next(self.numbers)
        path = self.folder / f"{self.photo}-{number}.jpg"
        path.write_bytes(uploads.flower(number))
        self.page.evaluate(self.result)
        self.page.locator(f"#{self.photo} input[type=file]").set_input_files(path)
        took = self.page.evaluate("() => bench.done")
        path.unlink()
        if not self.removed:
            return took
        self.page.locator(f"#{self.photo}").get_by_role("button", name="Remove Image").click()
        self.page.locator(f"#{self.photo} input[type=file]").wait_for(state="attached")
        self.page.locator(self.removed).wait_for(state="attached")
        return took


def measure(settings: Settings) -> list[dict]:
    """Print the table, and return its rows for JSON; none where there is no browser.

    Raises:
        UserError: an app does not start, or answers with an error.
    """
    if missing := chromium.missing():
        print(f"\nThe time to a visible result is left out: {missing}", flush=True)
        return []
    depth = servers.depth_of(settings.depths)
    print(explanation(settings, depth), flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="resnet-demo-bench-", ignore_cleanup_errors=True)))
        ours, nothing = stack.enter_context(both(depth))
        browser = stack.enter_context(chromium.launched())
        our_page = open_ours(browser, ours.address, depth)
        nothing_page = open_page(browser, nothing.address, "photo")
        ways = [
            Uploads(ours.app.name, our_page, "flowers-photo", "", OUR_RESULT, folder),
            Uploads(nothing.app.name, nothing_page, "photo", NOTHING_REMOVED, NOTHING_RESULT, folder),
        ]
        with tqdm(total=len(ways) * (settings.rounds + 1), unit="turn", mininterval=1) as progress:
            figures = take_turns(ways, settings.rounds, settings.seconds, progress)
    found = beside_nothing(figures, depth, {"limit_ratio": LIMIT}, what=WHAT, unit="ms", lower_is_better=True)
    print(results.table(found), flush=True)
    return results.to_dicts(found)


def open_page(browser: Browser, address: str, photo: str) -> Page:
    """A window with an app's page, which is ready to take a photo."""
    page = browser.new_page(viewport=SIZE, locale="en-US")
    page.set_default_timeout(chromium.PATIENCE)
    page.add_init_script(CLOCK)
    page.goto(address)
    page.locator(f"#{photo} input[type=file]").wait_for(state="attached")
    return page


def open_ours(browser: Browser, address: str, depth: int) -> Page:
    """A window with our page, set to a depth."""
    page = open_page(browser, address, "flowers-photo")
    page.locator("#flowers-depth").get_by_label(str(depth), exact=True).check()
    return page


def explanation(settings: Settings, depth: int) -> str:
    """What the table shows, in words."""
    return EXPLANATION.format(
        size="{width} × {height}".format(**SIZE),
        width=uploads.WIDTH,
        height=uploads.HEIGHT,
        rounds=settings.rounds,
        seconds=settings.seconds,
        depth=depth,
        nothing=servers.NOTHING,
    )
