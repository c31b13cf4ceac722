"""The apps that are measured, each started as a program of its own: our page and the do-nothing app."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from resnet_demo.bench.harness.http_client import HOST, PATIENCE
from resnet_demo.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
PEERS = ROOT / "resnet_demo" / "bench" / "peers"
LOOK = 0.005  # seconds between two looks whether the first page is there
# What people's own settings, or an import of our page in this process, would change of the defaults.
SETTINGS = ("HOST", "PORT", "SPACE_ID", "HF_HUB_DISABLE_TELEMETRY")
OURS, NOTHING, PATHS = "ours", "do-nothing Gradio app", "path-only Gradio app"


@dataclass(frozen=True)
class App:
    """What can be started.

    Attributes:
        name: for people.
        command: arguments for Python.
        port: environment variable that says where it listens.
        endpoint: the one that is measured.
        inputs: its inputs after the photo.
    """

    name: str
    command: tuple[str, ...]
    port: str
    endpoint: str
    inputs: tuple = ()


def depth_of(depths: Sequence[int], favourite: int = 50) -> int:
    """The depth that an app is measured with: the favourite where it is among those that were asked for."""
    return favourite if favourite in depths else depths[0]


def our_app(task: str = "flowers102", depth: int = 50) -> App:
    return App(OURS, (str(ROOT / "app.py"),), "PORT", "classify", (task, depth, 5, ""))


def nothing_app() -> App:
    return gradio_app(NOTHING, "nothing_app.py")


def path_app() -> App:
    return gradio_app(PATHS, "path_app.py")


def gradio_app(name: str, file: str) -> App:
    # -I: the modules beside the file are none of its own (-P is of Python 3.11).
    return App(name, ("-I", str(PEERS / file)), "GRADIO_SERVER_PORT", "answer")


@dataclass(frozen=True)
class Server:
    """A program that was started.

    Attributes:
        app: what it is.
        port: where it listens on this machine.
        process: the program.
        log: file with all that it prints.
        began: when it was started, as ``time.perf_counter`` has it.
    """

    app: App
    port: int
    process: subprocess.Popen
    log: Path
    began: float

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def first_page(self) -> float:
        """Wait until the page is served → seconds since the start.

        Raises:
            UserError: the program ended, or took longer than anybody would wait.
        """
        while time.perf_counter() - self.began < PATIENCE:
            if self.process.poll() is not None:
                break
            if self._answers():
                return time.perf_counter() - self.began
            time.sleep(LOOK)
        last = self.log.read_text(errors="replace").strip().splitlines()[-1:]
        raise UserError(f"{self.app.name} did not start: {last[0] if last else 'it printed nothing'}")

    def _answers(self) -> bool:
        connection = HTTPConnection(HOST, self.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            response.read()
            return response.status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def started(app: App) -> Iterator[Server]:
    """An app that was just started, and is ended afterwards; what it stored is deleted."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="resnet-demo-bench-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        variables = environment(folder) | {app.port: str(port)}
        with log.open("w") as output:
            began = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, *app.command], cwd=ROOT, env=variables, stdout=output, stderr=output
            )
        try:
            yield Server(app, port, process, log, began)
        finally:
            end(process)


@contextmanager
def serving(app: App) -> Iterator[Server]:
    """An app whose first page is there."""
    with started(app) as server:
        server.first_page()
        yield server


def environment(folder: str) -> dict[str, str]:
    """The variables of an app, which has all defaults but the folder for its files."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRADIO_")}
    kept = {name: value for name, value in kept.items() if name not in SETTINGS}
    # At launch Gradio asks itself whether it is there, which a proxy must not answer.
    spared = ",".join(filter(None, (kept.get("no_proxy") or kept.get("NO_PROXY"), "localhost", HOST)))
    return kept | {"GRADIO_TEMP_DIR": str(Path(folder) / "gradio"), "no_proxy": spared, "NO_PROXY": spared}


def end(process: subprocess.Popen) -> None:
    """End a program of ours, and wait until it is gone."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
