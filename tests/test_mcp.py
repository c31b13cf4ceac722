"""Other programs: an MCP client, the documents' snippets, and addresses that must not be fetched. All of it against the
app as people start it, on the real weights."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import gradio as gr
import pytest
from browser.conftest import served
from conftest import EXAMPLES, ROOT
from gradio_client import Client
from PIL import Image

import resnet_demo
from resnet_demo.page import endpoints as page_endpoints
from resnet_demo.page import fetch
from resnet_demo.page.gradio_patches import mcp_output
from resnet_demo.page.tabs import classify

API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8").split("## From other programs")[1].split("\n## ")[0]
DAHLIA = "data:image/jpeg;base64," + base64.b64encode((EXAMPLES / "dahlia.jpg").read_bytes()).decode()


def snippet(text: str, language: str) -> str:
    """A document's code in a language."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return code


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The address of the app."""
    with served(tmp_path_factory.mktemp("app")) as address:
        yield address


@pytest.fixture
def secret():
    """A server of this machine's own network, and what it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write((EXAMPLES / "dahlia.jpg").read_bytes())

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def talk(url: str, conversation):
    """What ``conversation(session)`` gives, an MCP session over HTTP."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def run():
        async with streamable_http_client(url) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return await conversation(session)

    return finished(run())


def finished(coroutine):
    """What a coroutine gives, run in a thread of its own: the browser tests' Playwright keeps a loop in this one."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, coroutine).result()


def mcp_url(app: str) -> str:
    """The address in the documents' configuration, on the app's port."""
    configuration = json.loads(snippet(API, "json"))
    assert json.loads(snippet(README, "json")) == configuration
    return configuration["mcpServers"]["resnet-demo"]["url"].replace("http://127.0.0.1:7860", app)


def test_more_calls_at_once_than_there_are_threads_are_all_answered(app):
    """Gradio 6.31 holds one of forty threads for each call that waits, and has none left for what they wait for."""

    async def ask(session):
        words = {"image": DAHLIA, "depth": 18}
        return await asyncio.gather(*(session.call_tool("classify", words) for _ in range(45)))

    assert not [answer.content for answer in talk(mcp_url(app), ask) if answer.isError]


def test_the_tools_are_the_contract_and_described(app):
    listed = talk(mcp_url(app), lambda session: session.list_tools()).tools
    inputs = {tool.name: list(tool.inputSchema["properties"]) for tool in listed}
    assert inputs == {
        "classify": ["image", "task", "depth", "top_k", "target"],
        "keypoints": ["image", "depth", "region", "task"],
        "compare": ["image", "task", "depths"],
        "embed": ["image", "task", "depth"],
    }
    for tool in listed:
        assert len(tool.description) > 60 and "Returns: " in tool.description
        assert tool.inputSchema["required"] == ["image"]
        for name, described in tool.inputSchema["properties"].items():
            # Whole sentences: nothing is lost where a docstring goes on in the next line.
            assert described["description"].endswith("."), (tool.name, name)


@cache
def named() -> str:
    """What the dahlia is called in Python."""
    return resnet_demo.load("flowers102", 50)(EXAMPLES / "dahlia.jpg").top_k[0].label


@pytest.mark.parametrize("wants_progress", [False, True])
def test_a_client_classifies_a_photo(app, wants_progress):
    async def heard(*arguments):
        pass

    extra = {"progress_callback": heard} if wants_progress else {}
    arguments = {"image": DAHLIA, "top_k": 3}
    answer = talk(mcp_url(app), lambda session: session.call_tool("classify", arguments, **extra))
    assert not answer.isError
    label, picture, address, details = answer.content
    assert json.loads(label.text)["label"] == named()
    with Image.open(BytesIO(base64.b64decode(picture.data))) as overlay, Image.open(EXAMPLES / "dahlia.jpg") as photo:
        assert (picture.mimeType, overlay.size) == ("image/jpeg", photo.size)
    assert address.text.startswith("Image URL: http")
    details = json.loads(details.text)
    assert len(details["top_k"]) == 3
    assert details["top_k"][0]["label"] == json.loads(label.text)["label"]


def test_the_other_tools_answer_too(app):
    face = "data:image/jpeg;base64," + base64.b64encode((EXAMPLES / "astronaut.jpg").read_bytes()).decode()
    answer = talk(mcp_url(app), lambda session: session.call_tool("keypoints", {"image": face, "region": "mouth"}))
    assert [part.type for part in answer.content] == ["image", "text", "image", "text", "text"]
    assert len(json.loads(answer.content[-1].text)["faces"]) == 1
    answer = talk(mcp_url(app), lambda session: session.call_tool("compare", {"image": DAHLIA, "depths": [50]}))
    caption, picture, _, table, details = answer.content
    assert "ResNet-50" in caption.text and picture.type == "image"
    assert json.loads(table.text)["data"][0][0] == 50
    assert json.loads(details.text)["results"][0]["depth"] == 50


def test_a_class_of_another_task_can_be_the_target(app):
    arguments = {"image": DAHLIA, "task": "imagenet1k", "target": "daisy"}
    answer = talk(mcp_url(app), lambda session: session.call_tool("classify", arguments))
    assert not answer.isError, answer.content


def test_trouble_is_one_sentence(app):
    broken = "data:image/jpeg;base64," + base64.b64encode(b"not a picture").decode()
    answer = talk(mcp_url(app), lambda session: session.call_tool("classify", {"image": broken}))
    assert answer.isError
    assert "is not a picture this page can read" in answer.content[0].text


# --- Addresses --------------------------------------------------------------------------------------------------------


def test_no_caller_reaches_the_local_network(app, secret):
    server, asked = secret
    for address in (
        server,
        server.replace("127.0.0.1", "localhost"),
        server.replace("127.0.0.1", "[::ffff:127.0.0.1]"),
    ):
        url = f"{address}/photo.jpg"
        answer = talk(mcp_url(app), lambda session, url=url: session.call_tool("classify", {"image": url}))
        assert answer.isError and "is not on the public internet" in answer.content[0].text
    # By plain HTTP, in both places where an address may stand.
    for photo in ({"path": f"{server}/a.jpg", "meta": {"_type": "gradio.FileData"}}, {"url": f"{server}/a.jpg"}):
        assert "event: error" in call(app, "classify", [photo])
    assert asked == []


def call(app: str, name: str, data: list) -> str:
    """The stream of events that answers a call by plain HTTP."""
    url = f"{app}/gradio_api/call/{name}"
    request = urllib.request.Request(url, json.dumps({"data": data}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{url}/{event}", timeout=120) as stream:
        return stream.read().decode()


def test_an_upload_can_be_named_by_its_address(app, secret):
    """As the tool upload_file_to_gradio gives it to MCP clients; the page has it and fetches nothing."""
    url = f"{app}/gradio_api"
    upload = ["curl", "-s", "-F", f"files=@{EXAMPLES / 'dahlia.jpg'}", f"{url}/upload"]
    (path,) = json.loads(subprocess.run(upload, capture_output=True, check=True).stdout)
    answer = talk(mcp_url(app), lambda session: session.call_tool("classify", {"image": f"{url}/file={path}"}))
    assert not answer.isError, answer.content
    assert json.loads(answer.content[-1].text)["image"] == "dahlia.jpg"
    server, asked = secret
    for outside in (EXAMPLES / "dahlia.jpg", "/etc/passwd", f"{path}/../../../../etc/passwd"):
        name = f"{server}/gradio_api/file={outside}"
        answer = talk(mcp_url(app), lambda session, name=name: session.call_tool("classify", {"image": name}))
        assert answer.isError and "is not on the public internet" in answer.content[0].text
    assert asked == []


@pytest.mark.parametrize(
    "address",
    [
        *("100.64.0.1", "169.254.169.254", "10.0.0.1", "[::1]", "[fd00::1]", "0.0.0.0"),
        *("[::ffff:10.0.0.1]", "[::ffff:a00:1]", "[::127.0.0.1]"),  # mapped, and the oldest form
        *("[2002:a00:1::1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]"),  # 6to4
        "[2001:0:4136:e378:8000:63bf:f5ff:fffe]",  # Teredo
        *("[64:ff9b::10.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::808:808]"),  # NAT64
    ],
)
def test_addresses_of_inner_networks_are_refused(address, tmp_path):
    with pytest.raises(gr.Error, match="is not on the public internet"):
        finished(fetch.fetch(f"http://{address}/a.jpg", str(tmp_path)))


def test_a_name_that_leads_inside_is_refused_after_a_redirect_too(secret, tmp_path, monkeypatch):
    """A public server that sends the caller on to the local network."""
    server, asked = secret

    async def step(url, cache):
        return ("", f"{server}/inner.jpg") if "public" in url else await real(url, cache)

    real = fetch._step
    monkeypatch.setattr(fetch, "_step", step)
    with pytest.raises(gr.Error, match="is not on the public internet"):
        finished(fetch.fetch("http://public.example/a.jpg", str(tmp_path)))
    assert asked == []


def test_public_photos_are_fetched_up_to_a_limit(secret, tmp_path, monkeypatch):
    """With the local server taken for a public one."""
    server, asked = secret

    async def anywhere(url):
        return "127.0.0.1"

    monkeypatch.setattr(fetch, "_public_address", anywhere)
    path = finished(fetch.fetch(f"{server}/garden/dahlia%20one.jpg?size=2", str(tmp_path)))
    assert path.endswith("/dahlia one.jpg")
    with open(path, "rb") as file:
        assert file.read() == (EXAMPLES / "dahlia.jpg").read_bytes()
    monkeypatch.setattr(fetch, "MAX_BYTES", 1000)
    with pytest.raises(gr.Error, match="larger than"):
        finished(fetch.fetch(f"{server}/dahlia.jpg", str(tmp_path)))
    assert len(asked) == 2


def test_an_address_without_an_answer_is_a_sentence(tmp_path):
    for url in ("http://no-such-host.invalid/a.jpg", "http:///a.jpg"):
        with pytest.raises(gr.Error, match="could not be fetched"):
            finished(fetch.fetch(url, str(tmp_path)))


# --- The documents ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A folder with a photo, as the snippets want it."""
    shutil.copy(EXAMPLES / "dahlia.jpg", tmp_path / "photo.jpg")
    return tmp_path


SNIPPETS = [
    pytest.param(README, "python", [sys.executable, "-c"], id="README-python"),
    pytest.param(API, "python", [sys.executable, "-c"], id="api-python"),
    pytest.param(API, "sh", ["sh", "-euc"], id="api-curl"),
]


@pytest.mark.parametrize(("text", "language", "command"), SNIPPETS)
def test_snippets_of_the_documents_work(app, folder, text, language, command):
    code = snippet(text, language).replace("http://127.0.0.1:7860", app)
    done = subprocess.run([*command, code], cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert named() in done.stdout
    assert "event: error" not in done.stdout


def test_the_documents_name_the_endpoints_as_they_are(app):
    endpoints = Client(app, verbose=False).view_api(return_format="dict", print_info=False)["named_endpoints"]
    signatures = {
        f"{name}({', '.join(part['parameter_name'] for part in info['parameters'])})"
        for name, info in endpoints.items()
    }
    assert set(re.findall(r"^- `(/[^`]+)`", API, re.MULTILINE)) == signatures
    assert set(re.findall(r"`(/\w+)`", README)) == set(endpoints)


# --- The parts --------------------------------------------------------------------------------------------------------


def test_docstrings_are_put_on_lines_that_gradio_reads():
    lines = page_endpoints.unfolded(classify.classify.__doc__).splitlines()
    (task,) = [line for line in lines if line.startswith("    task:")]
    assert task.endswith("or a task of your own pictures.")
    assert lines[-1].endswith("the details as JSON.")


def test_outputs_become_pictures_and_json():
    file = {"path": "/x/a.jpg", "url": "http://x/a.jpg", "meta": {"_type": "gradio.FileData"}}
    gallery = [{"image": file, "caption": "ResNet-50 · Rose"}]
    assert list(mcp_output.parts([gallery, {"label": "Rosé"}, file])) == [
        "ResNet-50 · Rose",
        file,
        '{"label": "Rosé"}',
        file,
    ]
