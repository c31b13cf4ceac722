"""Every way in which a photo is sent → one: its bytes, untouched, in a file of Gradio's cache.

An upload, a path within the upload folder, an address, a data URL and bare base64 come here before Gradio looks at
them, each as a string or in an object as Gradio's own. Left to itself, Gradio decodes data URLs with any of Pillow's
decoders and encodes them again, as lossy WebP.
"""

from __future__ import annotations

import binascii
import mimetypes
import os
import tempfile
from base64 import b64decode
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

import gradio as gr

from resnet_demo.page import fetch
from resnet_demo.page.i18n.texts import say

MAX_PATH = 4096  # characters
MIN_BASE64 = 64  # characters of base64 that nothing announces: every picture has more


def file_data(photo: object, cache: str) -> dict | None:
    """What was sent as a photo → Gradio's object of a file that it will find in ``cache``, or fetch; None for none.

    Raises:
        gr.Error: no photo can be that, it is not in the cache (any more), or it is too large; one sentence.
    """
    name = None
    if isinstance(photo, dict):
        name = photo.get("orig_name")
        photo = photo.get("path") or photo.get("url")
    if photo is None or photo == "":
        return None
    if not isinstance(photo, str):
        raise _error("photo_form")
    return {
        "path": _place(photo, cache),
        "orig_name": name if isinstance(name, str) else None,
        "meta": {"_type": "gradio.FileData"},
    }


def _place(photo: str, cache: str) -> str:
    """A file in the cache, or an address in the form that ``fetch`` is asked for."""
    scheme, colon, rest = photo.partition(":")
    if colon and scheme.lower() == "data":
        return _file_of_data_url(rest, cache)
    if colon and scheme.lower() in ("http", "https"):
        return f"{scheme.lower()}:{rest}"
    if path := within(photo, cache) or fetch.upload(photo, cache):
        return path
    if len(photo) >= MIN_BASE64 and (content := _base64(photo)) is not None:
        return _write(content, "", cache)
    raise _error("photo_gone" if os.path.isabs(photo) and len(photo) <= MAX_PATH else "photo_form")


def within(path: str, cache: str) -> str | None:
    """A path, where it is that of a file in the cache; else None."""
    if len(path) > MAX_PATH or "\0" in path or not os.path.isfile(path):
        return None
    return path if Path(path).resolve().is_relative_to(Path(cache).resolve()) else None


def _file_of_data_url(rest: str, cache: str) -> str:
    """What follows ``data:`` → a file. Its kind only names the file: what it is, its bytes say."""
    head, comma, data = rest.partition(",")
    kind, *settings = head.lower().split(";")
    if "base64" in (setting.strip() for setting in settings):
        content = _base64(unquote(data) if "%" in data else data)
    else:
        content = unquote_to_bytes(data) if len(data) <= 3 * fetch.MAX_BYTES else None
    if not comma or content is None:
        raise _error("photo_form")
    return _write(content, mimetypes.guess_extension(kind.strip()) or "", cache)


def _base64(text: str) -> bytes | None:
    """The bytes of base64, with or without line breaks and padding at its end; None where it is none.

    Raises:
        gr.Error: they are more than an address may give too.
    """
    if len(text) > 1.5 * fetch.MAX_BYTES:
        raise _error("photo_large", size=fetch.MAX_BYTES // 1_000_000)
    if not text.isascii():
        return None
    compact = "".join(text.split()).rstrip("=")
    try:
        return b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _write(content: bytes, ending: str, cache: str) -> str:
    if len(content) > fetch.MAX_BYTES:
        raise _error("photo_large", size=fetch.MAX_BYTES // 1_000_000)
    os.makedirs(cache, exist_ok=True)
    path = os.path.join(tempfile.mkdtemp(prefix="sent-", dir=cache), f"photo{ending}")
    Path(path).write_bytes(content)
    return path


def _error(key: str, **values: object) -> gr.Error:
    return gr.Error(say(key, **values), print_exception=False)
