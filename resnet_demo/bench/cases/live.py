"""Frames a second of the tab Live: keypoints on a camera's picture, through the page and a browser."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tqdm import tqdm

from resnet_demo.bench import results
from resnet_demo.bench.cases.visible import open_page
from resnet_demo.bench.harness import chromium, servers, uploads
from resnet_demo.bench.settings import Settings
from resnet_demo.bench.turns import take_turns
from resnet_demo.errors import UserError

if TYPE_CHECKING:
    from playwright.sync_api import Page

WHAT = "live keypoints through the page"
REACH = 15.0  # frames a second
WIDTH, HEIGHT = 640, 480
FRAMES = 30  # of the camera's picture, which begins again then
LEAST, MOST = 1.0, 60.0  # seconds of a turn; the longest where a machine is too slow for a frame in the shortest
EXPLANATION = """
Frames a second whose keypoints the tab Live draws, in headless Chromium. Its camera is a file: {width} × {height}, one
face that sways. Turns: {rounds}, {seconds:g} s each, after one to warm up; faces68, ResNet-{depth}.
"""
# The page sets the number of faces anew for each frame that it draws.
COUNT = """(live, [seconds, most]) => new Promise((resolve) => {
  let frames = 0;
  const look = new MutationObserver((changes) => (frames += changes.length)), start = performance.now();
  look.observe(live, {attributes: true, attributeFilter: ["data-faces"]});
  const end = () => {
    const passed = performance.now() - start;
    if (!frames && live.dataset.state === "on" && passed < 1000 * most) return setTimeout(end, 1000 * seconds);
    look.disconnect();
    resolve([(1000 * frames) / passed, Number(live.dataset.faces), live.dataset.state]);
  };
  setTimeout(end, 1000 * seconds);
})"""


class Camera:
    """What takes turns with nobody: the page with its camera on."""

    name = servers.OURS

    def __init__(self, page: Page):
        self.page = page

    def measure(self, seconds: float) -> float:
        """Frames a second.

        Raises:
            UserError: the page stopped, or lost the face.
        """
        rate, faces, state = self.page.locator("#live .live").evaluate(COUNT, [max(seconds, LEAST), MOST])
        if state != "on" or not faces:
            words = self.page.locator("#live .live-words").inner_text()
            raise UserError(f"The tab Live shows no keypoints: {words}")
        return rate


def measure(settings: Settings) -> list[dict]:
    """Print the table, and return its rows for JSON; none where there is no browser.

    Raises:
        UserError: the page does not start, or shows no keypoints.
    """
    if missing := chromium.missing():
        print(f"\nFrames a second of the tab Live are left out: {missing}", flush=True)
        return []
    depth = servers.depth_of(settings.depths, favourite=min(settings.depths))
    print(explanation(settings, depth), flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="resnet-demo-bench-", ignore_cleanup_errors=True)))
        server = stack.enter_context(servers.serving(servers.our_app()))
        browser = stack.enter_context(chromium.launched(camera(folder / "camera.mjpeg")))
        page = open_page(browser, server.address, "flowers-photo")
        page.locator("#tab-live-button").click()
        page.locator("#live .live-depth").select_option(str(depth))
        page.locator("#live .live-switch").click()
        page.locator("#live .live[data-faces='1']").wait_for()
        with tqdm(total=settings.rounds + 1, unit="turn", mininterval=1) as progress:
            figures = take_turns([Camera(page)], settings.rounds, settings.seconds, progress)
    row = results.measured(
        figures[servers.OURS],
        what=WHAT,
        way=f"{servers.OURS}, ResNet-{depth}",
        unit="frames a second",
        lower_is_better=False,
        ours=True,
        target_ratio=REACH,
        note=f"{WIDTH} × {HEIGHT}",
    )
    print(results.table([row]), flush=True)
    return results.to_dicts([row])


def camera(file: Path) -> list[str]:
    """Write the camera's picture → switches for a Chromium that has this camera and may use it."""
    file.write_bytes(b"".join(uploads.face_frames(WIDTH, HEIGHT, FRAMES)))
    switches = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    return [*switches, f"--use-file-for-fake-video-capture={file}"]


def explanation(settings: Settings, depth: int) -> str:
    """What the table shows, in words."""
    return EXPLANATION.format(
        width=WIDTH, height=HEIGHT, rounds=settings.rounds, seconds=max(settings.seconds, LEAST), depth=depth
    )
