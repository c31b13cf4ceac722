"""One photo, sent in every way there is: the same bytes arrive, so the same answer comes back."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import subprocess
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import gradio as gr
import pytest
import tiny
from gradio_client import Client, handle_file
from PIL import Image
from test_images import encode, png, rgb_16_bits, wide_profile

from resnet_demo.inference import predictor
from resnet_demo.page import app, fetch, photo_source
from resnet_demo.page.gradio_patches import mcp_input, mcp_output
from resnet_demo.page.widgets.inputs import DRAFT_SIDE

FILE = {"_type": "gradio.FileData"}


def photos() -> dict[str, bytes]:
    """Files that an encoding on the way, or another decoder, would change."""
    photo = tiny.photo(240, 160)
    return {
        "plain.jpg": encode(photo, "JPEG", quality=95),
        "16-bit.png": rgb_16_bits(photo),
        "colours.jpg": encode(photo, "JPEG", quality=95, icc_profile=wide_profile()),
        "phone.heic": encode(photo, "HEIF"),
    }


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The address of the page, launched as ``serve`` does, on small random networks."""
    with tiny.page_weights(tmp_path_factory, (tiny.FLOWERS, 18), (tiny.FACES, 18)):
        page = app.build()
        _, address, _ = page.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", ssr_mode=False, mcp_server=True
        )
        mcp_input.leave_photos(page)
        mcp_output.tidy(page)
        yield address.rstrip("/")
        page.close()


@pytest.fixture
def elsewhere(monkeypatch):
    """The address of a server that has the photos, and stands for a public one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(photos()[Path(self.path).name])

        def log_message(self, *arguments):
            pass

    async def anywhere(url):
        return "127.0.0.1"

    monkeypatch.setattr(fetch, "_public_address", anywhere)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def call(page: str, *data: object, name: str = "classify") -> list | str:
    """The outputs of an endpoint by plain HTTP, or what its error says."""
    url = f"{page}/gradio_api/call/{name}"
    request = urllib.request.Request(url, json.dumps({"data": data}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{url}/{event}", timeout=120) as stream:
        kind, _, content = stream.read().decode().rpartition("event: ")[2].partition("\ndata: ")
    content = json.loads(content)
    return content if kind == "complete" else content["error"]


def by_mcp(page: str, arguments: dict) -> str:
    """The details that the tool ``classify`` gives, or what its error says."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def run():
        url = f"{page}/gradio_api/mcp/"
        async with streamable_http_client(url) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return await session.call_tool("classify", arguments)

    with ThreadPoolExecutor(1) as executor:  # The browser tests' Playwright keeps a loop in this thread.
        return executor.submit(asyncio.run, run()).result().content[-1].text


@pytest.fixture(scope="module")
def client(page, tmp_path_factory) -> Client:
    return Client(page, download_files=tmp_path_factory.mktemp("client"), verbose=False)


@pytest.mark.parametrize("name", ["plain.jpg", "16-bit.png", "colours.jpg", "phone.heic"])
def test_a_photo_gets_the_same_answer_by_every_way(page, client, elsewhere, tmp_path, name):
    content = photos()[name]
    expected = predictor.load("flowers102", 18)(content, 4, DRAFT_SIDE).to_json()["top_k"]
    file = tmp_path / name
    file.write_bytes(content)
    upload = ["curl", "-s", "-F", f"files=@{file}", f"{page}/gradio_api/upload"]
    (path,) = json.loads(subprocess.run(upload, capture_output=True, check=True).stdout)
    bare = base64.b64encode(content).decode()
    data_url = f"data:image/jpeg;base64,{bare}"  # What it says of the kind is wrong for some, and no matter.
    sent = {
        "an upload": {"path": path, "meta": FILE},
        "an upload's path": path,
        "an upload's address": f"{page}/gradio_api/file={path}",
        "an address": f"{elsewhere}/{name}",
        "an address in an object": {"path": f"{elsewhere}/{name}", "meta": FILE},
        "an address as url": {"url": f"{elsewhere}/{name}"},
        "a data URL": data_url,
        "a data URL in an object": {"url": data_url},
        "a data URL in Gradio's object": {"path": None, "url": data_url, "meta": FILE},
        "a data URL as path": {"path": data_url, "meta": FILE},
        "base64": bare,
        "base64 on lines": base64.encodebytes(content).decode(),
    }
    if name != "plain.jpg":  # The ways do not look inside.
        sent = {way: sent[way] for way in ("an upload", "an address", "a data URL", "base64")}
    inputs = ["flowers102", 18, 4]
    answers = {way: call(page, photo, *inputs)[2]["top_k"] for way, photo in sent.items()}
    for way, photo in {"the client's upload": handle_file(str(file)), "the client's data URL": data_url}.items():
        answers[way] = client.predict(photo, *inputs, api_name="/classify")[2]["top_k"]
    arguments = {"task": "flowers102", "depth": 18, "top_k": 4}
    by_tool = {"MCP, a data URL": data_url, "MCP, base64": bare, "MCP, an address": sent["an address"]}
    for way, photo in by_tool.items() if name == "plain.jpg" else [("MCP, a data URL", data_url)]:
        answers[way] = json.loads(by_mcp(page, {"image": photo, **arguments}))["top_k"]
    assert answers == dict.fromkeys(answers, expected)


def test_what_is_no_photo_is_one_sentence(page):
    form = photo_source.say("photo_form")
    gone = photo_source.say("photo_gone")
    tests = {
        "hello": form,
        "data:image/png;base64,§": form,
        "data:": form,
        "/etc/passwd": gone,
        "/etc/hostname" + "/" * 100: gone,
        "x" * 300_000 + "§": form,
    }
    for photo, sentence in tests.items():
        assert call(page, photo) == sentence
        said = by_mcp(page, {"image": photo})
        assert sentence in said and len(said) < 500
    for photo in (7, ["a"], {"path": "/etc/passwd", "meta": FILE}, {"path": 3, "meta": FILE}, {"path": ["x"]}):
        assert call(page, photo) in (form, gone)
    for nothing in (None, "", {}, {"path": "", "meta": FILE}, {"path": None, "url": None}):
        assert call(page, nothing) == "Choose a photo first."
    text = "data:text/plain," + "a%20text"
    assert "is not a picture this page can read" in call(page, text)


def test_other_decoders_are_out_of_reach_by_a_data_url_too(page):
    for kind in ("PPM", "JPEG2000", "TGA"):
        photo = base64.b64encode(encode(tiny.photo(), kind)).decode()
        for sent in (f"data:image/png;base64,{photo}", {"url": f"data:image/png;base64,{photo}"}, photo):
            assert "is not a picture this page can read" in call(page, sent)


def test_too_large_is_said_before_anything_is_decoded(page, monkeypatch):
    header = struct.pack(">IIBBBBB", 8000, 8000, 8, 2, 0, 0, 0)
    photo = "data:image/png;base64," + base64.b64encode(png(header, b"")).decode()
    assert "is too large (8000 × 8000 pixels)" in call(page, {"url": photo})
    monkeypatch.setattr(fetch, "MAX_BYTES", 1000)
    content = base64.b64encode(bytes(1200)).decode()
    for sent in (content, f"data:image/png;base64,{content}", f"data:image/png,{'a' * 1200}"):
        assert "This photo is larger than" in call(page, sent)


def test_null_means_the_default_and_numbers_may_be_text(page):
    """A JavaScript array with inputs left out becomes one with null in their places."""
    photo = "data:image/jpeg;base64," + base64.b64encode(photos()["plain.jpg"]).decode()
    details = call(page, photo, None, None, None, None)[2]
    assert (details["task"], details["depth"], len(details["top_k"])) == ("flowers102", 18, 4)
    assert len(call(page, photo, None, None, "3")[2]["top_k"]) == 3
    assert len(call(page, photo, None, "18", "2.0", 1)[2]["top_k"]) == 2
    assert "faces" in call(page, photo, None, None, None, name="keypoints")[2]
    assert [line["depth"] for line in call(page, photo, None, None, name="compare")[2]["results"]] == [18]
    for wrong in ("many", 2.5, "2.5", 0, [3], {}, "NaN"):
        assert call(page, photo, None, None, wrong) == "The number of classes must be a whole number from 1 to 10."


def test_a_target_may_be_a_number(page):
    photo = "data:image/jpeg;base64," + base64.b64encode(photos()["plain.jpg"]).decode()

    def heat(target):
        with urllib.request.urlopen(call(page, photo, None, None, 1, target)[1]["url"], timeout=60) as answer:
            return Image.open(BytesIO(answer.read())).tobytes()

    assert heat(2) == heat("2") == heat(2.0) == heat("Tulip") != heat(3)
    assert "There is no class 9" in call(page, photo, None, None, 1, 9)
    arguments = {"image": photo, "depth": 18, "top_k": 1, "target": 2}
    assert "top_k" in by_mcp(page, arguments)


def test_the_cache_holds_the_bytes_that_were_sent(tmp_path):
    sent = photo_source.file_data(
        {"url": "data:image/heic;base64," + base64.b64encode(b"bytes").decode()}, str(tmp_path)
    )
    assert Path(sent["path"]).read_bytes() == b"bytes" and Path(sent["path"]).is_relative_to(tmp_path)
    with pytest.raises(gr.Error):
        photo_source.file_data(str(tmp_path / ".." / "x"), str(tmp_path))
