"""Our style sheet and scripts still find what they take for granted of Gradio's front end."""

from __future__ import annotations

import re

from conftest import ROOT

from resnet_demo.page.gradio_patches.front_end import ON_DEMAND, SELECTORS
from resnet_demo.page.widgets.theme import CSS


def test_every_selector_finds_its_element(visit):
    page = visit()
    page.locator("#flowers-photo input[type=file]").set_input_files(ROOT / "resnet_demo" / "examples" / "dahlia.jpg")
    page.locator("#flowers-overlay[data-drawn]").wait_for()
    page.locator("#flowers-classes li").first.wait_for()
    page.locator("#flowers-note [data-testid='status-tracker']").first.wait_for(state="attached")
    # Those of a photo that is not there yet are on the other tabs.
    missing = [selector for selector in SELECTORS if page.locator(selector).count() == 0]
    assert missing == []


def test_every_class_that_is_not_ours_is_listed():
    """A style for a class that nothing of ours has belongs to Gradio, and into the list."""
    ours = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "resnet_demo" / "page").rglob("*")
        if path.suffix in (".py", ".js", ".html") and path.name not in ("theme.py", "front_end.py")
    )
    css = re.sub(r"/\*.*?\*/|\{[^{}]*\}", " ", CSS)
    names = set(re.findall(r"\.([a-z][\w-]*)", css))
    # Those that are put together: ``off-1`` to ``off-10``, ``deep1`` to ``deep4``.
    stems = {name: re.sub(r"^(off-|deep)\d+$", r"\1", name) for name in names}
    foreign = {name for name, stem in stems.items() if not re.search(rf"\b{re.escape(stem)}", ours)}
    listed = set(re.findall(r"\.([a-z][\w-]*)", " ".join([*SELECTORS, *ON_DEMAND])))
    # ``.dark`` is how Gradio marks its dark theme, and the tests of both themes would see it gone.
    assert foreign - listed - {"dark"} == set()
