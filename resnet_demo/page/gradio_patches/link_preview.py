"""What a link to the page shows elsewhere (chats, social networks): the page's own title, sentence and picture.

Seen in Gradio 6.31: its HTML has two sets of Open Graph tags (https://ogp.me), the first with the title "Gradio" and a
picture of Gradio's. Readers take the first of each, so that what the page says of itself in ``head`` comes too late.
"""

from __future__ import annotations

import re
from html import escape

from resnet_demo.page.gradio_patches import page_template

TAG = re.compile(r'[ \t]*<meta\s+(?:property="og|name="twitter):[^>]*?/>\n?')


def describe(title: str, sentence: str, picture: str) -> None:
    """Let links to the page show these.

    Args:
        picture: its path on this server, such as ``/preview.jpg``, of 1200 × 630 pixels.
    """
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
    page_template.change(__name__, lambda page: TAG.sub("", page).replace("</head>", f"{''.join(metas)}</head>", 1))
