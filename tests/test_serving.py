"""The page as a server: what visitors leave, what goes wrong, how it stops, and what the operator sees."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest
import tiny
from conftest import EXAMPLES

from resnet_demo.errors import UserError
from resnet_demo.page import server
from resnet_demo.page.serving import temp_folder
from resnet_demo.page.serving.limits import Limits

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


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


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
        launched = server.launch("127.0.0.1", port, Limits(metrics=1), folder)
        yield Site(launched, folder, f"http://127.0.0.1:{port}")
        launched.page.close(verbose=False)
        launched.sweeper.stop()


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
    assert "process_completed" in site.listener("show_photo", [{"path": tiff, "meta": FILE}, "flowers102", 18, 5, ""])
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
        site.request("/healthz")
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
    assert {str(path) for path in left} - before == {str(site.folder / name) for name in temp_folder.PERMANENT}
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
    with pytest.raises(UserError, match=r"No files of visitors can be kept in .*file.* \(not a directory\)"):
        temp_folder.own_folder({"GRADIO_TEMP_DIR": str(tmp_path / "file")}, "127.0.0.1", 7860)


def test_a_limit_that_is_no_number_is_one_sentence():
    assert Limits.of({"RESNET_DEMO_KEEP_SECONDS": " 60 "}).keep_seconds == 60
    for bad in ("-1", "1h", "1e3", "²", "9" * 20):
        with pytest.raises(UserError, match="RESNET_DEMO_KEEP_SECONDS must be a whole number such as 3600"):
            Limits.of({"RESNET_DEMO_KEEP_SECONDS": bad})
