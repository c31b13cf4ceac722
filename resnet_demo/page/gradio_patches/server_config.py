"""How uvicorn serves the page: Gradio 6.31 starts it with settings of its own, and takes none."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import uvicorn
from gradio import http_server

from resnet_demo.page.gradio_patches.reach import inside


def set_up(**settings: Any) -> None:
    """Let the pages that are launched from now on be served with these settings of ``uvicorn.Config``."""
    inside(http_server, "uvicorn", __name__)
    http_server.__dict__["uvicorn"] = SimpleNamespace(Config=partial(uvicorn.Config, **settings))
