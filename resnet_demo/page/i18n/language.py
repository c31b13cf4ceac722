"""Which language the visitor reads, and the page in it from its first byte.

A choice in the page's address (``?language=zh``, the switch in the masthead) is kept in a cookie; without one the
browser's languages decide. Programs that send none of these get English.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from resnet_demo.page.gradio_patches import running_event
from resnet_demo.page.i18n import gradio_zh

# Ours → tag of BCP 47, as Gradio names its own translations.
LANGUAGES = {"en": "en", "zh": "zh-CN"}
NAMES = {"zh": "中文", "en": "English"}
PARAMETER = "language"
COOKIE = "resnet_demo_language"
YEAR = 365 * 24 * 3600  # seconds

SCRIPT = Path(__file__).with_suffix(".js")


def of_request(headers: Mapping[str, str], query: str = "") -> str:
    """The language of a request, ``en`` or ``zh``.

    Args:
        headers: with names in lower case.
        query: what stands behind the question mark in the address.
    """
    # An event has the page's address as its referrer. That counts before the cookie, which a browser may keep back
    # where the page stands inside another one, as Spaces do.
    for source in (query, urlsplit(headers.get("referer") or "").query):
        if (chosen := asked(source)) is not None:
            return chosen
    try:
        cookie = SimpleCookie(headers.get("cookie") or "").get(COOKIE)
    except CookieError:
        cookie = None
    if cookie is not None and cookie.value in LANGUAGES:
        return cookie.value
    return preferred(headers.get("accept-language") or "")


def asked(query: str) -> str | None:
    """The language that an address asks for, or None."""
    chosen = parse_qs(query).get(PARAMETER, [""])[-1]
    return chosen if chosen in LANGUAGES else None


def preferred(accepted: str) -> str:
    """An ``Accept-Language`` header → the best of our languages; English where it has neither."""
    best = ("en", 0.0)
    for part in accepted.split(","):
        tag, _, weight = part.partition(";")
        name = tag.strip().lower().split("-")[0]
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if name in LANGUAGES and quality > best[1]:
            best = (name, quality)
    return best[0]


def of_event() -> str:
    """The language of the visitor whose event runs in this thread; English where none does."""
    headers = running_event.headers()
    return "en" if headers is None else of_request(headers)


def is_page(scope) -> bool:
    """Whether a request is for the page itself, not for one of its files, whether or not a proxy took the root path
    away."""
    return not scope["path"].removeprefix(scope.get("root_path", "").rstrip("/")).strip("/")


@cache
def script(language: str) -> bytes:
    """The element of HTML that starts Gradio's front end in a language."""
    words = gradio_zh.FIXED if language == "zh" else {}
    code = SCRIPT.read_text(encoding="utf-8").replace("= TAG", f"= {json.dumps(LANGUAGES[language])}")
    return f"<script>{code.replace('= WORDS', f'= {json.dumps(words)}')}</script>".encode()


class Localised:
    """ASGI middleware: the page says which language it is in, and starts Gradio's front end in it."""

    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not is_page(scope):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        start, parts = None, []

        async def send_localised(message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"")
                if not kind.startswith(b"text/html"):
                    await send(message)
                    return
                start = message
            elif start is None:
                await send(message)
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    await self.finish(start, b"".join(parts), of_request(headers, query), asked(query), scope, send)

        await self.app(scope, receive, send_localised)

    async def finish(self, start, body: bytes, language: str, chosen: str | None, scope, send) -> None:
        """Send a whole page in a language, and the cookie where it was chosen."""
        tag = LANGUAGES[language]
        body = body.replace(b'lang="en"', f"lang={json.dumps(tag)}".encode(), 1)
        body = body.replace(b"</head>", script(language) + b"</head>", 1)
        changed = {b"content-length", b"vary"}
        fields = [(name, value) for name, value in start["headers"] if name.lower() not in changed]
        fields += [(b"content-length", str(len(body)).encode()), (b"vary", b"Accept-Language, Cookie")]
        if chosen:
            secure = scope["scheme"] == "https" or (b"x-forwarded-proto", b"https") in scope["headers"]
            # Only so does a browser keep it for a page inside another host's, as Spaces are.
            where = "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
            fields.append((b"set-cookie", f"{COOKIE}={chosen}; Path=/; Max-Age={YEAR}; {where}".encode()))
        await send({**start, "headers": fields})
        await send({"type": "http.response.body", "body": body})
