"""The server is built once, by the page's launch.

Seen in Gradio 6.31: ``Blocks`` builds its FastAPI app when it is made, at the end of its ``with`` block, in ``queue``
and in ``launch``. Each takes a tenth of a second, and only the last one is served.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gradio.routes import App

from resnet_demo.page.gradio_patches.reach import inside

MAKE = "create_app"


@contextmanager
def later() -> Iterator[None]:
    """Pages that are made within have no app until their launch, which must lie outside."""
    inside(App, MAKE, __name__)
    make = App.__dict__[MAKE]
    setattr(App, MAKE, staticmethod(lambda *_, **__: None))
    try:
        yield
    finally:
        setattr(App, MAKE, make)
