"""Photos that programs name by their address: only from the public internet, and not without end.

Gradio fetches such addresses itself. It keeps away from private networks too, but reads an answer of any size into
memory and tells the caller in technical words what went wrong.
"""

from __future__ import annotations

import asyncio
import html
import ipaddress
import os
import socket
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import unquote, urljoin, urlsplit

import anyio
import gradio as gr
import httpx
import safehttpx
from gradio.components import Component

from resnet_demo.page.gradio_patches import file_cache
from resnet_demo.page.i18n.texts import say

MAX_BYTES = 60_000_000
SECONDS = 60
REDIRECTS = 5
CARRIERS = [ipaddress.IPv6Network(network) for network in ("64:ff9b::/96", "::/96")]
LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")

Files = TypeVar("Files", bound=Component)


def fetch_carefully(component: Files) -> Files:
    """Make a component of files take addresses as this module does; all else stays as it is."""

    async def bring(place: Any) -> Any:
        if isinstance(place, str) and place.lower().startswith(("http://", "https://")):
            cache = file_cache.folder(component)
            return upload(place, cache) or await fetch(place, cache)
        return place

    return file_cache.bring_with(component, bring)


async def fetch(url: str, cache: str) -> str:
    """The file at an address → its path in a folder of its own in the cache.

    Raises:
        gr.Error: not a public address, no answer in time, or too large; one sentence.
    """
    try:
        with anyio.fail_after(SECONDS):
            for _ in range(REDIRECTS + 1):
                path, url_after = await _step(url, cache)
                if path:
                    return path
                url = url_after
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, UnicodeError, OSError) as error:
        raise _error("fetch_failed", url) from error
    raise _error("fetch_failed", url)


def upload(url: str, cache: str) -> str | None:
    """The path of an upload to this page, where that is what an address means: MCP clients send them so."""
    try:
        _, found, path = unquote(urlsplit(url).path).partition("/gradio_api/file=")
    except ValueError:  # such as http://[
        return None
    if not found or "\0" in path or not os.path.isfile(path):
        return None
    return path if Path(path).resolve().is_relative_to(Path(cache).resolve()) else None


async def _step(url: str, cache: str) -> tuple[str, str]:
    """One request: a file's path, or else where to go on."""
    address = await _public_address(url)
    # The connection goes to the address that was checked, whatever the name means a moment later.
    async with (
        httpx.AsyncClient(
            transport=safehttpx.AsyncSecureTransport(address),
            trust_env=False,
            timeout=httpx.Timeout(SECONDS, connect=10),
        ) as client,
        client.stream("GET", url) as answer,
    ):
        if answer.has_redirect_location:
            return "", urljoin(url, answer.headers["Location"])
        answer.raise_for_status()
        name = PurePosixPath(unquote(urlsplit(url).path)).name.replace("\0", "")[-80:] or "photo"
        path = os.path.join(tempfile.mkdtemp(prefix="fetched-", dir=_made(cache)), name)
        size = 0
        try:
            with open(path, "wb") as file:
                async for piece in answer.aiter_bytes():
                    size += len(piece)
                    if size > MAX_BYTES:
                        raise _error("fetch_large", url, size=MAX_BYTES // 1_000_000)
                    file.write(piece)
        except BaseException:
            os.unlink(path)
            raise
        return path, ""


async def _public_address(url: str) -> str:
    """The IP address that a URL leads to. ``safehttpx`` would ask an outside host about names that lead inside."""
    found = await asyncio.get_running_loop().getaddrinfo(httpx.URL(url).host, None, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not all(safehttpx.is_public_ip(ip) and _leads_outside(ip) for ip in addresses):
        raise _error("fetch_refused", url)
    return addresses[0]


def _leads_outside(ip: str) -> bool:
    """Whether an address is public, and so is the one inside it, where it carries one of the old internet's."""
    address = ipaddress.ip_address(ip)
    carried: list[ipaddress.IPv4Address | ipaddress.IPv6Address | None] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        carried += [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        # The last 32 bits of NAT64, and of the oldest form, ::10.0.0.1.
        if any(address in network for network in CARRIERS):
            carried.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return all(one.is_global for one in carried if one is not None) and address not in LOCAL_NAT64


def _made(folder: str) -> str:
    os.makedirs(folder, exist_ok=True)
    return folder


def _error(key: str, url: str, **values: object) -> gr.Error:
    shown = url if len(url) <= 100 else f"{url[:100]}…"
    return gr.Error(say(key, url=html.escape(shown, quote=False), **values), print_exception=False)
