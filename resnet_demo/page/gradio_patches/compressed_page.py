"""The page itself travels compressed, as its scripts and style sheets do.

Seen in Gradio 6.31: its middleware compresses what has a file's ending such as ``.js`` in its path and nothing else.
The page has none, nor have ``/config`` and ``/gradio_api/info``, which Gradio's clients read first: they travel as they
are, although the page holds the whole configuration (ours: 430 kB as it is, 62 kB as Brotli).
"""

from __future__ import annotations

from gradio.brotli_middleware import BrotliMiddleware
from starlette.types import Scope

from resnet_demo.page.gradio_patches.reach import inside

DECIDES = "_is_compressible_file_type"  # a scope → whether the middleware compresses its answer
PATHS = ("", "/config", "/gradio_api/info")

inside(BrotliMiddleware, DECIDES, __name__)


class CompressedPage(BrotliMiddleware):
    """ASGI middleware: Brotli, or gzip for who takes only that, for the page and for what describes it."""

    def _is_compressible_file_type(self, scope: Scope) -> bool:
        path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
        return path.rstrip("/") in PATHS
