"""As on a Space: another user without rights to the code, a small HOME, no network; and a GPU that is lent by the call.

The interpreter of the tests may lie where other users cannot look (in /root). Then the app's user may read everything
all the same, but writes by the ordinary rules; or, where that cannot be had, it is root without root's powers.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from pathlib import Path

import pytest
import spaces_stub
from conftest import EXAMPLES, ROOT
from gradio_client import Client, handle_file

import resnet_demo

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
READ_ALL = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
USERS = (NOBODY, (*NOBODY, *READ_ALL), ("setpriv", "--bounding-set=-all", "--inh-caps=-all"))
SMALL = 5_000_000  # bytes


def another_user() -> tuple[str, ...]:
    """What to put before a command so that it has no rights of root's; nothing where the tests are not root's."""
    if os.geteuid():
        return ()
    for prefix in USERS:
        try:
            done = subprocess.run([*prefix, sys.executable, "-c", "import numpy"], capture_output=True, cwd="/")
        except FileNotFoundError:
            break
        if done.returncode == 0:
            return prefix
    pytest.fail("There is no way here to start the app without root's rights: install setpriv (util-linux).")


def set_writable(root: Path, writable: bool) -> None:
    for path in [root, *root.rglob("*")]:
        mode = path.stat().st_mode | 0o444 | (0o111 if path.is_dir() else 0)
        path.chmod(mode | stat.S_IWUSR if writable else mode & ~0o222)


@pytest.fixture(scope="module")
def space():
    """A folder for everybody with ``app`` (the code and one checkpoint, read only), ``packages`` (what Spaces install
    beside the requirements), ``home`` and ``tmp``."""
    root = Path(tempfile.mkdtemp(prefix="space-"))
    app = root / "app"
    ignored = shutil.ignore_patterns("__pycache__", "training", "bench")
    shutil.copytree(ROOT / "resnet_demo", app / "resnet_demo", ignore=ignored)
    shutil.copy(ROOT / "app.py", app)
    shutil.copytree(ROOT / "weights" / "flowers102" / "resnet50", app / "weights" / "flowers102" / "resnet50")
    index = json.loads((ROOT / "weights" / "index.json").read_text(encoding="utf-8"))
    kept = [line for line in index["checkpoints"] if (line["task"], line["depth"]) == ("flowers102", 50)]
    (app / "weights" / "index.json").write_text(json.dumps({"checkpoints": kept}))
    root.chmod(0o755)
    spaces_stub.write(root / "packages")
    for name in ("home", "tmp"):
        (root / name).mkdir()
        (root / name).chmod(0o777)
    set_writable(app, False)
    yield root
    set_writable(app, True)
    shutil.rmtree(root, ignore_errors=True)


def free_port() -> int:
    """7860, as on a Space; where something else has it, any other, which the app then gets as PORT."""
    for port in (7860, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                warnings.warn("Port 7860 is taken on this machine: the test takes another.", stacklevel=2)
                continue
            return probe.getsockname()[1]
    raise AssertionError("unreachable")


def environment(root: Path, port: int) -> dict[str, str]:
    """What a Space sets, and a network that leads nowhere."""
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(root / "home"),
        "TMPDIR": str(root / "tmp"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(root / "packages"),
        "SPACES_STUB_LOG": str(root / "tmp" / "spaces.log"),
        "SYSTEM": "spaces",
        "SPACE_ID": "someone/resnet-demo",
        "SPACE_HOST": "someone-resnet-demo.hf.space",
        "SPACE_AUTHOR_NAME": "someone",
        "SPACE_REPO_NAME": "resnet-demo",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_NUM_PORTS": "1",
        "GRADIO_ALLOW_FLAGGING": "never",
        "GRADIO_THEME": "huggingface",
        "TQDM_POSITION": "-1",
        "TQDM_MININTERVAL": "1",
        **({} if port == 7860 else {"PORT": str(port)}),
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "HF_ENDPOINT"), nowhere),
    }


def get(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as answer:
        return answer.read().decode()


def wait_for(process: subprocess.Popen, url: str, log: Path) -> str:
    """The page, once it is served."""
    end = time.monotonic() + 200
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            return get(url)
        except OSError:  # Not listening yet, or not answering yet.
            time.sleep(0.2)
    raise AssertionError(f"The app did not start:\n{log.read_text()}")


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def snapshot(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_the_app_serves_as_on_a_space(space):
    user, port = another_user(), free_port()
    env = environment(space, port)
    app, log = space / "app", space / "log.txt"
    before = snapshot(app)
    for target in (app / "x", app / "resnet_demo" / "x", app / "weights" / "index.json"):
        code = f"open({str(target)!r}, 'a')"
        refused = subprocess.run([*user, sys.executable, "-c", code], env=env, cwd="/", capture_output=True, text=True)
        assert "PermissionError" in refused.stderr, "the code folder can be written to, which a Space's cannot"

    with log.open("w") as output:
        command = [*user, sys.executable, "app.py"]
        process = subprocess.Popen(command, cwd=app, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        assert "What a ResNet sees" in wait_for(process, url, log)
        listening = Path("/proc/net/tcp")
        if listening.exists():  # HOST is everywhere on a Space, this machine alone elsewhere.
            assert f"00000000:{port:04X}" in listening.read_text()
        client = Client(url, verbose=False, download_files=str(space / "tmp"))
        scores, overlay, details = client.predict(
            handle_file(str(EXAMPLES / "dahlia.jpg")), "flowers102", 50, 5, "", api_name="/classify"
        )
        assert scores["label"] == resnet_demo.load("flowers102", 50)(EXAMPLES / "dahlia.jpg").top_k[0].label
        assert len(scores["confidences"]) == 5
        assert Path(overlay).stat().st_size > 10_000
        assert details["task"] == "flowers102" and details["depth"] == 50
    finally:
        process.terminate()
        process.wait(30)
    assert "Traceback" not in log.read_text(), log.read_text()
    decorated = spaces_stub.read(Path(env["SPACES_STUB_LOG"]), "decorated")
    called = spaces_stub.read(Path(env["SPACES_STUB_LOG"]), "called")
    assert [line["name"] for line in decorated] == ["call_there"] and 1 <= decorated[0]["duration"] <= 60
    assert not called  # Its GPU is not lent.
    assert snapshot(app) == before
    assert size_of(space / "home") < SMALL, sorted((space / "home").rglob("*"))
