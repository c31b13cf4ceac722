"""The page as a server: what visitors leave, what goes wrong, how it stops, and what the operator sees."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli
import pytest
import tiny
from conftest import EXAMPLES, ROOT, free_port
from PIL import Image

from resnet_demo.errors import UserError
from resnet_demo.inference import predictor
from resnet_demo.page import server
from resnet_demo.page.limits import Limits
from resnet_demo.page.serving import temp_folder

FILE = {"_type": "gradio.FileData"}


class Site:
    """A page that answers in this process, and a client of plain HTTP."""

    def __init__(self, launched: server.Served, folder: Path, address: str):
        self.launched, self.folder, self.address = launched, folder, address

    def request(self, path: str, content: bytes | dict | None = None, **headers: str) -> tuple[int, str]:
        """Status and body of an answer."""
        if isinstance(content, dict):
            content, headers = json.dumps(content).encode(), {"Content-Type": "application/json", **headers}
        question = urllib.request.Request(f"{self.address}{path}", content, headers)
        try:
            with urllib.request.urlopen(question, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def upload(self, name: str, content: bytes) -> str:
        """The path of an upload."""
        body = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n--cut--\r\n' % (
            name.encode(),
            content,
        )
        kind = {"Content-Type": "multipart/form-data; boundary=cut"}
        return json.loads(self.request("/gradio_api/upload", body, **kind)[1])[0]

    def call(self, name: str, data: list) -> str:
        """The stream of events that answers a call."""
        _, answer = self.request(f"/gradio_api/call/{name}", {"data": data})
        return self.request(f"/gradio_api/call/{name}/{json.loads(answer)['event_id']}")[1]

    def listener(self, name: str, data: list, session: str = "visitor") -> str:
        """What a listener of the page itself answers."""
        (number,) = [key for key, fn in self.launched.page.fns.items() if fn.name == name][:1]
        self.request("/gradio_api/queue/join", {"data": data, "fn_index": number, "session_hash": session})
        return self.request(f"/gradio_api/queue/data?session_hash={session}")[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page on small random networks."""
    from gradio import http_server, route_utils
    from gradio.state_holder import SessionState

    with (
        pytest.MonkeyPatch.context() as patch,
        tiny.page_weights(tmp_path_factory, (tiny.FLOWERS, 18), (tiny.FACES, 18)),
    ):
        for owner, name in (
            (http_server, "uvicorn"),
            (route_utils, "call_process_api"),
            (SessionState, "__init__"),
            (SessionState, "_update_config"),
            (SessionState, "_update_value_in_config"),
            (tempfile, "tempdir"),
        ):
            patch.setattr(owner, name, getattr(owner, name))
        port = free_port()
        folder = temp_folder.own_folder(os.environ, "127.0.0.1", port)
        tempfile.tempdir = None  # Other tests keep files there for longer.
        launched = server.launch("127.0.0.1", port, Limits(metrics=1), folder)
        yield Site(launched, folder, f"http://127.0.0.1:{port}")
        launched.page.close(verbose=False)
        launched.sweeper.stop()


def raw(address: str, accepts: str) -> tuple[bytes, str | None, str | None]:
    """What travels, its encoding, and what it depends on."""
    with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept-Encoding": accepts})) as answer:
        return answer.read(), answer.headers["Content-Encoding"], answer.headers["Vary"]


def dahlia() -> bytes:
    return (EXAMPLES / "dahlia.jpg").read_bytes()


def photo(kind: str = "JPEG", seed: int = 0) -> bytes:
    content = io.BytesIO()
    tiny.photo(300, 200, seed).save(content, kind)
    return content.getvalue()


# --- Visitors' files --------------------------------------------------------------------------------------------------


def test_after_an_hour_nothing_of_any_visitor_is_left(site):
    """Every way in, and everything that is made of what came."""
    sweeper = site.launched.sweeper
    before = set(sweeper.kept())
    jpeg = site.upload("garden.jpg", photo())
    assert "event: complete" in site.call("classify", [{"path": jpeg, "meta": FILE}, "flowers102", 18])
    url = "data:image/jpeg;base64," + base64.b64encode(photo(seed=1)).decode()
    assert "event: complete" in site.call("classify", [{"url": url, "meta": FILE}, "flowers102", 18])
    face = site.upload("face.jpg", (EXAMPLES / "astronaut.jpg").read_bytes())
    assert "event: complete" in site.call("keypoints", [{"path": face, "meta": FILE}, 18])
    assert "event: complete" in site.call("compare", [{"path": jpeg, "meta": FILE}, "flowers102", [18]])
    tiff = site.upload("scan.tif", photo("TIFF", seed=2))
    assert "process_completed" in site.listener("react", [{"path": tiff}, "flowers102", 18, "", 5, None, None])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.jpg", photo(seed=3))
    files = [{"path": site.upload("all.zip", packed.getvalue()), "orig_name": "all.zip", "meta": FILE}]
    assert "process_completed" in site.listener("answer", [files, "flowers102", 18])
    with socket.create_connection(site.address.removeprefix("http://").split(":")) as broken:  # An upload that stops.
        broken.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999\r\n"
            b"Content-Type: multipart/form-data; boundary=cut\r\n\r\n--cut\r\n"
            b'Content-Disposition: form-data; name="files"; filename="lost.jpg"\r\n\r\nhalf'
        )
        while not any(path.is_file() for path in site.folder.iterdir()):
            time.sleep(0.01)
    (site.folder / "fetched-abc").mkdir()  # As a photo from an address lies.
    (site.folder / "fetched-abc" / "photo.jpg").write_bytes(photo(seed=4))

    assert sweeper.sweep() == set()
    made = {str(path) for path in site.folder.rglob("*") if path.is_file()} - before
    assert {Path(path).suffix for path in made} >= {".jpg", ".tif", ".zip", ".csv"}
    now = time.time()
    sweeper.clock = lambda: now + 3601
    try:
        assert sweeper.sweep() >= made
    finally:
        sweeper.clock = time.time
    left = {path for path in site.folder.rglob("*") if not (path.is_dir() and any(path.iterdir()))}
    # The page's own folders are empty, or hold what it keeps for all, such as an example's answer.
    assert {str(path) for path in left} - before <= {str(site.folder / name) for name in temp_folder.PERMANENT}
    assert "no longer on the server" in site.call("classify", [{"path": jpeg, "meta": FILE}, "flowers102", 18])


def sweeper(folder: Path, **more) -> temp_folder.Sweeper:
    return temp_folder.Sweeper(folder, **{"keep_seconds": 100, "max_bytes": 1000, **more})


def test_the_oldest_files_go_where_there_is_too_much(tmp_path):
    for age, name in enumerate(("new", "old", "oldest")):
        (tmp_path / name).write_bytes(bytes(400))
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    changed = {"new": 3, "old": 2, "oldest": 1}
    files = [temp_folder._File(str(tmp_path / name), when, 400) for name, when in changed.items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(temp_folder, "_listed", lambda root: (files, []))
        assert sweeper(tmp_path, clock=lambda: 4).sweep() == {str(tmp_path / "oldest")}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


def test_what_the_page_shows_from_its_start_stays(tmp_path):
    (tmp_path / "example.jpg").touch()
    found = sweeper(tmp_path, kept=lambda: {str(tmp_path / "example.jpg")}, clock=lambda: time.time() + 1000).sweep()
    assert found == set() and (tmp_path / "example.jpg").exists()


def test_what_is_in_use_does_not_grow_old_but_counts(tmp_path):
    for name in ("used", "old"):
        (tmp_path / name).write_bytes(bytes(400))
    used, later = {str(tmp_path / "used")}, time.time() + 1000
    assert sweeper(tmp_path, used=lambda: used, clock=lambda: later).sweep() == {str(tmp_path / "old")}
    assert sweeper(tmp_path, used=lambda: used, clock=lambda: later, max_bytes=100).sweep() == used


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        ("/", "", True),
        ("/resnet/", "/resnet", True),
        ("/", "/resnet", True),
        ("/", "https://a.org/resnet", True),
        ("/config", "", False),
        ("/resnet/config", "/resnet", False),
        ("/config", "/resnet", False),
    ],
)
def test_the_page_is_known_behind_proxies_that_keep_the_root_path_or_take_it_away(path, root, expected):
    from resnet_demo.page.i18n.language import is_page

    assert is_page({"path": path, "root_path": root}) is expected


def test_addresses_of_ipv6_may_stand_in_brackets():
    from resnet_demo.page.server import address, in_address

    assert address({"HOST": "[::1]", "PORT": "80"}) == address({"HOST": "::1", "PORT": "80"}) == ("::1", 80)
    assert (in_address("::1"), in_address("127.0.0.1")) == ("[::1]", "127.0.0.1")


def test_a_start_finds_nothing_of_the_last_run(tmp_path):
    environment = {"GRADIO_TEMP_DIR": str(tmp_path)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", None)
        folder = temp_folder.own_folder(dict(environment), "127.0.0.1", 7860)
        (folder / "pictures" / "photo.jpg").touch()
        gone = temp_folder.own_folder(dict(environment), "127.0.0.1", 7861)  # Ended without stopping; an hour ago.
        (tmp_path / "somebody-elses").touch()
        again = temp_folder.own_folder(environment, "127.0.0.1", 7860)
    assert again == folder and os.stat(folder).st_mode & 0o777 == 0o700
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert environment["GRADIO_TEMP_DIR"] == str(folder)
    sweeper(folder).sweep_abandoned()
    assert gone.is_dir()
    now = time.time()
    os.utime(gone, (now - 4000, now - 4000))
    sweeper(folder).sweep_abandoned()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([folder.name, "somebody-elses"])


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"No files of visitors can be kept in .*file.* \(file exists\)"):
        temp_folder.own_folder({"GRADIO_TEMP_DIR": str(tmp_path / "file")}, "127.0.0.1", 7860)


def test_a_limit_that_is_no_number_is_one_sentence():
    assert Limits.of({"RESNET_DEMO_KEEP_SECONDS": " 60 "}).keep_seconds == 60
    for bad in ("-1", "1h", "1e3", "²", "9" * 20):
        with pytest.raises(UserError, match="RESNET_DEMO_KEEP_SECONDS must be a whole number such as 3600"):
            Limits.of({"RESNET_DEMO_KEEP_SECONDS": bad})


# --- Errors -----------------------------------------------------------------------------------------------------------

PATH = re.compile(r"/(home|root|tmp|usr|work|opt|var)/|site-packages|Traceback|gradio\.|pydantic")


def one_sentence(text: str) -> str:
    """The sentence of an answer's error, which is one, and says nothing of this machine or its libraries."""
    found = re.search(r'"(?:detail|error)": ?"((?:[^"\\]|\\.)*)"', text)
    assert found, text
    sentence = json.loads(f'"{found[1]}"')
    assert not PATH.search(sentence) and len(sentence) < 400 and sentence.endswith((".", "。")), sentence
    return sentence


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/gradio_api/call/nothing", {"data": []}, 404),
        ("/gradio_api/call/v2/classify", {"imag": "x"}, 400),
        ("/gradio_api/call/v2/nothing", {}, 400),
        ("/gradio_api/call/classify", {"data": "x" * 100_000}, 422),
        ("/gradio_api/call/classify", {}, 422),
        ("/gradio_api/run/classify", {"data": []}, 404),
        ("/gradio_api/deep_link?session_hash=x", None, 404),
        ("/gradio_api/file=/etc/passwd", None, 403),
        ("/gradio_api/upload", {"no": "form"}, 400),
        (
            "/gradio_api/component_server",
            {"data": 1, "component_id": 0, "session_hash": "x", "fn_name": "y"},
            400,
        ),
        ("/nothing", None, 404),
    ],
)
def test_what_cannot_be_answered_is_one_sentence_and_one_line(site, caplog, path, content, status):
    found, text = site.request(path, content)
    assert found == status
    one_sentence(text)
    assert len(caplog.records) <= 1 and all(record.exc_info is None for record in caplog.records)


@pytest.mark.parametrize(
    "data",
    [
        [{"path": "", "meta": FILE}],
        [{"path": "/etc/passwd", "meta": FILE}],
        [{"path": "/", "meta": FILE}],
        [None],
        [17, "flowers102", 18],
        [[], "flowers102", 18],
        ["PHOTO", ["flowers102"], 18],
        ["PHOTO", {"a": 1}, 18],
        ["PHOTO", "flowers102", [18]],
        ["PHOTO", "flowers102", 18, None],
        ["PHOTO", "flowers102", 18, [5]],
        ["PHOTO", "flowers102", 18, "many"],
        ["PHOTO", "flowers102", 18, 1e400],
        ["PHOTO", "flowers102", 18, 5, {"b": 2}],
        ["PHOTO", "flowers102", 18, 5, "", "more", "still more"],
        ["PHOTO", "/root/secret/x", 18],
    ],
)
def test_odd_inputs_are_one_sentence(site, capfd, data):
    photo_ = {"path": site.upload("garden.jpg", photo()), "meta": FILE}
    answer = site.call("classify", [photo_ if value == "PHOTO" else value for value in data])
    if "event: complete" not in answer:
        one_sentence(answer)
    assert "Traceback" not in capfd.readouterr().err


def test_the_visitors_language_is_spoken(site):
    assert "接口列表" in one_sentence(site.request("/nothing", None, **{"Accept-Language": "zh-CN"})[1])


# --- Faults -----------------------------------------------------------------------------------------------------------


def test_damaged_weights_are_for_the_operator(site, caplog):
    folder = Path(os.environ["RESNET_DEMO_WEIGHTS"]) / "faces68" / "resnet18"
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    photo_ = {"path": site.upload("face.jpg", photo()), "meta": FILE}
    weights.write_bytes(whole[:1000])
    predictor.unload(0)  # It was loaded for an earlier test.
    try:
        assert "its log says which" in one_sentence(site.call("keypoints", [photo_, 18]))
        assert any(str(weights) in record.message for record in caplog.records)
    finally:
        weights.write_bytes(whole)
    assert "event: complete" in site.call("keypoints", [photo_, 18])


def test_a_damaged_index_is_said_and_logged(site, caplog):
    index = Path(os.environ["RESNET_DEMO_WEIGHTS"]) / "index.json"
    whole = index.read_text()
    photo_ = {"path": site.upload("garden.jpg", photo()), "meta": FILE}
    index.write_text("{")
    try:
        assert "its log says which" in one_sentence(site.call("classify", [photo_, "flowers102", 18]))
        assert any("index.json is not valid JSON" in record.message for record in caplog.records)
    finally:
        index.write_text(whole)
    assert "event: complete" in site.call("classify", [photo_, "flowers102", 18])


@pytest.mark.parametrize("number", [28, 30])  # ENOSPC: no room, EROFS: nothing can be written.
def test_a_full_disk_is_said_and_passes(site, monkeypatch, number, caplog):
    from resnet_demo.page.tabs import classify

    photo_ = {"path": site.upload("garden.jpg", photo()), "meta": FILE}
    with monkeypatch.context() as patch:

        def full(*values, **named):
            raise OSError(number, "no room", "/root/somewhere")

        patch.setattr(classify, "jpeg", full)
        assert "no room for files" in one_sentence(site.call("classify", [photo_, "flowers102", 18]))
        patch.setattr("gradio.route_utils.NamedTemporaryFile", full)
        body = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\nx\r\n--cut--\r\n'
        kind = {"Content-Type": "multipart/form-data; boundary=cut"}
        status, text = site.request("/gradio_api/upload", body, **kind)
        assert status == 507 and "no room for files" in one_sentence(text)
    assert "event: complete" in site.call("classify", [photo_, "flowers102", 18])


def test_a_client_that_goes_away_leaves_the_others_their_turn(site):
    photo_ = {"path": site.upload("garden.jpg", photo()), "meta": FILE}
    for _ in range(6):  # More than a listener answers at a time.
        site.request("/gradio_api/call/classify", {"data": [photo_, "flowers102", 18]})  # And nobody reads the answer.
    assert "event: complete" in site.call("classify", [photo_, "flowers102", 18])


def test_an_exception_in_a_batch_spoils_only_that_picture(site, monkeypatch):
    from resnet_demo.inference import batch

    opened = batch.open_photo

    def fails_once(content, **options):
        if content == b"bad":
            raise RuntimeError("secret")
        return opened(content, **options)

    monkeypatch.setattr(batch, "open_photo", fails_once)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.jpg", photo())
        archive.writestr("b.jpg", b"bad")
        archive.writestr("c.jpg", photo(seed=1))
    files = [{"path": site.upload("three.zip", packed.getvalue()), "orig_name": "three.zip", "meta": FILE}]
    answer = site.listener("answer", [files, "flowers102", 18], session="batch")
    assert "2 of 3" in answer or "3 " in answer
    assert "Something went wrong" in answer and "secret" not in answer


# --- What the operator sees -------------------------------------------------------------------------------------------


def test_health_and_metrics(site):
    assert site.request("/healthz") == (200, '{"status": "ok"}')
    photo_ = {"path": site.upload("my-private-garden.jpg", photo()), "meta": FILE}
    site.call("classify", [photo_, "flowers102", 18])
    status, text = site.request("/metrics")
    assert status == 200
    assert re.search(r'^resnet_demo_calls_total\{endpoint="classify",outcome="ok"\} [1-9]', text, re.MULTILINE)
    assert re.search(r'^resnet_demo_call_seconds_count\{endpoint="classify"\} [1-9]', text, re.MULTILINE)
    for line in text.splitlines():
        assert re.fullmatch(r'# TYPE \w+ \w+|\w+(\{(\w+="[^"\\]*",?)+\})? [0-9.e+-]+', line), line


def test_a_request_is_one_line_without_anything_of_the_visitor(site, caplog):
    photo_ = {"path": site.upload("my-private-garden.jpg", photo()), "meta": FILE}
    with caplog.at_level(logging.INFO):
        site.call("classify", [photo_, "flowers102", 18])
        site.call("classify", [photo_, "my secret task", 18])
    first, second = [json.loads(r.message) for r in caplog.records if r.name.endswith("serving.requests")]
    assert {name: first[name] for name in ("endpoint", "task", "depth", "outcome")} == {
        "endpoint": "classify",
        "task": "flowers102",
        "depth": 18,
        "outcome": "ok",
    }
    assert first["id"] != second["id"] and first["milliseconds"] > 0
    assert (second["task"], second["outcome"]) == (None, "refused")
    assert "private" not in caplog.text and "secret" not in caplog.text and "127.0.0.1" not in caplog.text


def test_headers_keep_other_pages_out(site):
    with urllib.request.urlopen(site.address, timeout=60) as answer:
        headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "same-origin"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "object-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "origin", "status"),
    [
        ("evil.example", None, 403),
        ("localhost", "https://evil.example", 403),
        ("localhost", None, 200),
        ("127.0.0.1", "http://localhost:7860", 200),
    ],
)
def test_mcp_answers_only_at_its_own_names(site, name, origin, status):
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
    }
    headers = {"Host": name, "Accept": "application/json, text/event-stream", **({"Origin": origin} if origin else {})}
    assert site.request("/gradio_api/mcp/", hello, **headers)[0] == status


def test_one_visitor_cannot_fill_the_disk():
    import asyncio

    from resnet_demo.page.serving.upload_volume import Volume

    now, added = [0.0], []

    async def take(scope, receive, send):
        more = True
        while more:
            more = (await receive())["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})

    volume = Volume(take, most=100, added=added.append, clock=lambda: now[0])

    def upload(visitor: str, *pieces: int) -> int:
        """The status of an upload that does not say how large it is."""
        bodies, sent = [bytes(size) for size in pieces], []

        async def receive():
            return {"type": "http.request", "body": bodies.pop(0), "more_body": bool(bodies)}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": [], "query_string": b""}
        with ThreadPoolExecutor(1) as other:  # Playwright keeps an event loop in this thread.
            other.submit(asyncio.run, volume({**scope, "client": (visitor, 1)}, receive, send)).result()
        return sent[0]["status"]

    assert upload("203.0.113.1", 40, 40) == 200
    assert upload("203.0.113.1", 40) == 429
    assert upload("203.0.113.2", 40) == 200
    assert upload("127.0.0.1", 400) == 200
    now[0] = 601
    assert upload("203.0.113.1", 40) == 200
    assert sum(added) == 80 + 40 + 40 + 400 + 40


def test_openvino_tells_nobody(tmp_path):
    """Its package of telemetry comes with it, and is never imported; nothing connects to anybody."""
    code = (
        "import socket, sys\n"
        "def refuse(*a): raise SystemExit('connects')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "import resnet_demo\n"
        "resnet_demo.load('flowers102', depth=18)('resnet_demo/examples/dahlia.jpg')\n"
        "print(sys.modules['openvino_telemetry'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.stdout.strip() == "None", done.stderr


def test_sessions_of_curl_are_gone_with_their_answer(site):
    photo_ = {"path": site.upload("garden.jpg", photo()), "meta": FILE}
    sessions = site.launched.page.app.state_holder.session_data
    before = len(sessions)
    for _ in range(5):
        site.call("classify", [photo_, "flowers102", 18])
    assert len(sessions) == before


# --- Load -------------------------------------------------------------------------------------------------------------


def test_photos_wait_for_the_memory_of_others():
    from resnet_demo.images.pixel_budget import PixelBudget

    budget = PixelBudget(most=100)
    with budget.reserved((8, 10), "A") as keep:
        first = keep(tiny.photo(8, 10))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resnet_demo.images.pixel_budget.SECONDS", 0)
        with (
            pytest.raises(UserError, match="The file is too large for this server"),
            budget.reserved((8, 10), "The file"),
        ):
            pass
    del first
    with budget.reserved((1000, 10), "One alone may be larger"):
        assert budget.used == 100
    with pytest.raises(UserError, match="too large for this server just now"), budget.reserved((8, 10), "C"):
        raise MemoryError
    assert budget.used == 0


def test_networks_out_of_use_are_let_go(monkeypatch, tmp_path_factory):
    with tiny.page_weights(tmp_path_factory, (tiny.FLOWERS, 18), (tiny.FLOWERS, 34)):
        monkeypatch.setattr(predictor, "_loaded", {})
        monkeypatch.setattr(predictor, "_used", {})
        one, other = predictor.load("flowers102", 18), predictor.load("flowers102", 34)
        assert predictor.unload(3600) == 0
        assert predictor.unload(0, keep={("flowers102", 18)}) == 1
        assert predictor.load("flowers102", 18) is one
        assert predictor.load("flowers102", 34) is not other
        assert predictor.unload(0, most=1) == 1
        assert predictor.load("flowers102", 34) is not one
        assert other(tiny.photo()).top_k  # Whoever has one can go on with it.


@pytest.fixture
def started(tmp_path):
    """A function that starts the page as people do → process and port; with environment variables, and a command."""
    processes = []

    def start(command: tuple[str, ...] = (sys.executable, "app.py"), **settings: str) -> tuple[subprocess.Popen, int]:
        port = free_port()
        kept = {name: value for name, value in os.environ.items() if name != "RESNET_DEMO_WEIGHTS"}
        environment = {**kept, "HOST": "127.0.0.1", "PORT": str(port), "GRADIO_TEMP_DIR": str(tmp_path / "temp")}
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment | settings, stdout=log, stderr=log)
        processes.append(process)
        while "The page is on" not in (tmp_path / "log").read_text():
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.1)
        return process, port

    yield start
    for process in processes:
        process.kill()
        process.wait()


def stopped(process: subprocess.Popen, port: int, tmp_path: Path, number: signal.Signals) -> None:
    """Send a signal while a request runs: its answer comes, and nothing is left."""
    site = Site(None, tmp_path, f"http://127.0.0.1:{port}")
    photo_ = {"path": site.upload("garden.jpg", dahlia()), "meta": FILE}
    _, answer = site.request("/gradio_api/call/classify", {"data": [photo_, "flowers102", 50]})
    event = json.loads(answer)["event_id"]
    with urllib.request.urlopen(f"{site.address}/gradio_api/call/classify/{event}", timeout=60) as stream:
        process.send_signal(number)
        text = stream.read().decode()
    assert "event: complete" in text
    assert process.wait(30) == 0
    assert list((tmp_path / "temp").iterdir()) == []
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_signal_lets_running_requests_end_and_leaves_nothing(started, tmp_path):
    process, port = started(RESNET_DEMO_STOP_SECONDS="120")
    stopped(process, port, tmp_path, signal.SIGTERM)  # The network is still being loaded, or computes.


def connected(port: int) -> socket.socket:
    """A connection. Where the server's backlog is full the system asks again after 1, 2, 4 and 8 seconds: a new try is
    sooner there."""
    for _ in range(100):
        with contextlib.suppress(TimeoutError):
            connection = socket.create_connection(("127.0.0.1", port), timeout=0.3)
            connection.settimeout(30)
            return connection
    raise AssertionError("The server takes no connection.")


def test_connections_that_say_nothing_are_closed(started, tmp_path):
    """With few descriptors, more connections than those and the page's own files, and short time-outs. The page then
    hears the other signal as well."""
    limited = ("sh", "-c", f"ulimit -n 64; exec {sys.executable} app.py")
    times = {"HEADER": "1", "BODY": "1", "STOP": "120"}
    process, port = started(limited, **{f"RESNET_DEMO_{name}_SECONDS": value for name, value in times.items()})
    idle = [connected(port) for _ in range(60)]
    slow = connected(port)
    for connection in idle:
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""
        connection.close()
    slow.close()
    slow = connected(port)
    slow.sendall(b"POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\nhalf")
    with contextlib.suppress(ConnectionError):
        while slow.recv(1000):
            pass
    slow.close()
    assert Site(None, tmp_path, f"http://127.0.0.1:{port}").request("/healthz")[0] == 200
    lines = (tmp_path / "log").read_text().splitlines()
    assert len([line for line in lines if "connections" in line or "resource" in line]) <= 1
    assert not any("Traceback" in line for line in lines)
    stopped(process, port, tmp_path, signal.SIGINT)


def test_every_limit_stands_in_the_documents():
    from dataclasses import fields

    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    for field in fields(Limits):
        assert f"| `RESNET_DEMO_{field.name.upper()}` | {field.default} |" in text


# --- What travels -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info"])
def test_the_page_and_what_describes_it_travel_compressed(site, path):
    plain, encoding, _ = raw(site.address + path, "identity")
    assert encoding is None
    for accepts, unpack in (("gzip, deflate, br", brotli.decompress), ("gzip", gzip.decompress)):
        packed, encoding, vary = raw(site.address + path, accepts)
        assert encoding == accepts.rsplit(", ")[-1]
        assert "Accept-Encoding" in vary
        assert len(unpack(packed)) == len(plain)
        assert len(packed) < len(plain) / 4


def test_a_photo_travels_as_it_is(site):
    path = site.upload("garden.jpg", photo())
    content, encoding, _ = raw(f"{site.address}/gradio_api/file={path}", "gzip, deflate, br")
    assert (content, encoding) == (photo(), None)


def test_a_link_shows_the_pages_own_title_sentence_and_picture(site):
    html = site.request("/")[1]
    tags = dict(reversed(re.findall(r'<meta property="(og:\w+)" content="([^"]*)"', html)))  # Readers take the first.
    assert tags["og:title"] == "What a ResNet sees" and tags["og:description"] and "radio" not in tags["og:description"]
    assert tags["og:image"] == f"{site.address}/preview.jpg"
    with (
        urllib.request.urlopen(tags["og:image"], timeout=60) as answer,
        Image.open(io.BytesIO(answer.read())) as picture,
    ):
        assert picture.size == (1200, 630)


def test_files_that_never_change_are_kept_and_the_page_is_not(site):
    def kept(path: str) -> str | None:
        with urllib.request.urlopen(site.address + path) as answer:
            return answer.headers["Cache-Control"]

    html = site.request("/")[1]
    for file in re.findall(r'href="\.(/assets/[^"]+\.(?:js|css))"', html) + re.findall(r"/components-\w+\.css", html):
        assert kept(file) == "public, max-age=31536000, immutable", file
    assert not kept("/")
    assert not kept("/theme.css")
    status, _ = site.request("/assets/no-such00.js")
    assert status == 404
