"""Files of the front end whose names change with their contents: a browser keeps them, and does not ask again.

Gradio 6.31 sends them without ``Cache-Control``: browsers then keep them for a tenth of the time since they were made
(RFC 9111, section 4.2.2), and after that ask for each of some 80 files whether it is still the same.
"""

from __future__ import annotations

import re

# As Vite names Gradio's files, and as we name the one style sheet of the components.
NAMED_BY_CONTENTS = re.compile(r"/(?:assets/[^/]+-[\w-]{8}\d?|components-[0-9a-f]{16})\.(?:js|css)$")
FOR_GOOD = b"public, max-age=31536000, immutable"


class KeptFiles:
    """ASGI middleware: adds the header to the answers that are files of this kind."""

    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or not NAMED_BY_CONTENTS.search(scope["path"]):
            await self.app(scope, receive, send)
            return

        async def send_kept(message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 304):
                message["headers"] = [*message["headers"], (b"cache-control", FOR_GOOD)]
            await send(message)

        await self.app(scope, receive, send_kept)
