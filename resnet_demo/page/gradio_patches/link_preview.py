"""What a link to the page shows elsewhere (chats, social networks): the page's own title, sentence and picture.

Seen in Gradio 6.31: its HTML has two sets of Open Graph tags (https://ogp.me), the first with the title "Gradio" and a
picture of Gradio's. Readers take the first of each, so that what the page says of itself in ``head`` comes too late.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from gradio import routes
from jinja2 import BaseLoader, Environment

from resnet_demo.page.gradio_patches.reach import inside

PAGE = "frontend/index.html"
TAG = re.compile(r'[ \t]*<meta\s+(?:property="og|name="twitter):[^>]*?/>\n?')


class Loader(BaseLoader):
    """Gradio's templates, with other tags in the page."""

    def __init__(self, loader: BaseLoader, tags: str):
        self.loader, self.tags = loader, tags

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, path, unchanged = self.loader.get_source(environment, template)
        if template == PAGE:
            source = TAG.sub("", source).replace("</head>", f"{self.tags}</head>", 1)
        return source, path, unchanged


def describe(title: str, sentence: str, picture: str) -> None:
    """Let links to the page show these.

    Args:
        picture: its path on this server, such as ``/preview.jpg``, of 1200 × 630 pixels.
    """
    environment = inside(inside(routes, "templates", __name__), "env", __name__)
    # The address by which the visitor reached the page: readers take whole addresses only.
    address = "{{ config.root }}"
    tags = {
        "og:type": "website",
        "og:title": title,
        "og:description": sentence,
        "og:image": address + picture,
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:url": f"{address}/",
    }
    metas = [f'<meta property="{name}" content="{escape(value)}" />' for name, value in tags.items()]
    metas += [
        '<meta name="twitter:card" content="summary_large_image" />',
        f'<meta name="description" content="{escape(sentence)}" />',
    ]
    loader = environment.loader
    environment.loader = Loader(loader.loader if isinstance(loader, Loader) else loader, "".join(metas))
