"""What people do on the page, and what they see there."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, Route


def upload(page: Page, tab: str, path: str | Path) -> None:
    page.locator(f"#{tab}-photo input[type=file]").set_input_files(str(path))


def open_tab(page: Page, name: str) -> None:
    page.locator(f"#tab-{name}-button").click()
    page.locator(f"#{name}-photo").wait_for()


def resize(page: Page, width: int, height: int) -> None:
    """Give the window another size, and wait until the page is drawn in it."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def off_screen(page: Page, *selectors: str) -> list[str]:
    """Those whose element is not there, or not whole in the window without scrolling."""
    return page.evaluate(
        """selectors => selectors.filter((one) => {
            const part = document.querySelector(one), box = part?.getBoundingClientRect();
            return !part?.checkVisibility() || box.top < 0 || box.bottom > innerHeight;
        })""",
        selectors,
    )


def choose(page: Page, elem_id: str, name: str) -> None:
    """Open a list and choose from it."""
    page.locator(f"#{elem_id} input").click()
    page.get_by_role("option", name=name, exact=True).click()


def drawn(page: Page, elem_id: str) -> np.ndarray:
    """The picture on a viewer's canvas, int (H, W, 3)."""
    page.locator(f"#{elem_id}[data-drawn]").wait_for()
    address = page.locator(f"#{elem_id} .viewer-canvas").evaluate("canvas => canvas.toDataURL('image/png')")
    content = base64.b64decode(address.split(",")[1])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)


def state(page: Page, elem_id: str) -> str:
    """What a viewer has drawn last: the answer's name, class or region, stage or direction."""
    page.locator(f"#{elem_id}[data-drawn]").wait_for()
    return page.locator(f"#{elem_id}").get_attribute("data-drawn")


class Held:
    """Requests that wait until they are let go."""

    def __init__(self, page: Page, address: str):
        self.page, self.address, self.routes, self.free = page, address, [], False

    def __enter__(self) -> Held:
        self.page.route(self.address, lambda route: self.hold(route))
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self.page.unroute(self.address)

    def hold(self, route: Route) -> None:
        if self.free:
            route.continue_()
        else:
            self.routes.append(route)

    def wait(self) -> None:
        while not self.routes:
            self.page.wait_for_timeout(20)

    def release(self) -> None:
        self.free = True
        while self.routes:
            self.routes.pop().continue_()
