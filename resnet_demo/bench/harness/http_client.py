"""A visitor of a Gradio app over plain HTTP: uploads, calls and fetches as Gradio's own front end does.

Gradio's Python client polls and sets up TLS, which takes about 90 ms a call and would hide what is to be measured.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

from resnet_demo.errors import UserError

HOST = "127.0.0.1"
PATIENCE = 300.0  # seconds for one answer
RESTED = 2.0  # seconds after which a connection is opened anew: a Gradio app closes it after 5
API = "/gradio_api"


@dataclass(frozen=True)
class Answer:
    """What an endpoint returned.

    Attributes:
        outputs: the components' values.
        pictures: content of the files among them.
    """

    outputs: list
    pictures: list[bytes]


class Visitor:
    """One connection that is kept and one session, as of one open page. For one thread at a time; close it.

    Args:
        port: where the app listens on this machine.

    Raises:
        UserError: from every method, where the app refuses, fails or does not answer.
    """

    def __init__(self, port: int):
        self.connection = HTTPConnection(HOST, port, timeout=PATIENCE)
        self.session, self.used = secrets.token_hex(6), 0.0

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def endpoint(self, name: str) -> int:
        """The number of an endpoint, which is called by it."""
        config = json.loads(self._exchange("GET", "/config"))
        for dependency in config["dependencies"]:
            if dependency["api_name"] == name:
                return dependency["id"]
        raise UserError(f"The app has no endpoint /{name}.")

    def ask(self, endpoint: int, photo: bytes, *others: object) -> Answer:
        """Upload a JPEG, call an endpoint with it and further inputs, and fetch the pictures that come back."""
        outputs = self.call(endpoint, [self.upload(photo), *others])
        files = [part for part in outputs if isinstance(part, dict) and part.get("url")]
        return Answer(outputs, [self.fetch(file) for file in files])

    def upload(self, photo: bytes) -> dict:
        """A JPEG's content → what stands for it among the inputs of a call."""
        border = secrets.token_hex(16)
        head = f'--{border}\r\nContent-Disposition: form-data; name="files"; filename="photo.jpg"\r\n'
        body = f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + photo + f"\r\n--{border}--\r\n".encode()
        answer = self._exchange("POST", f"{API}/upload", body, f"multipart/form-data; boundary={border}")
        path = json.loads(answer)[0]
        return {"path": path, "orig_name": "photo.jpg", "size": len(photo), "meta": {"_type": "gradio.FileData"}}

    def call(self, endpoint: int, inputs: list) -> list:
        """Queue an event and wait for what it returns."""
        event = {"data": inputs, "fn_index": endpoint, "session_hash": self.session, "event_data": None}
        self._exchange("POST", f"{API}/queue/join", json.dumps(event).encode(), "application/json")
        result = None
        with self._answer("GET", f"{API}/queue/data?session_hash={self.session}") as stream:
            # The lines come as the server sends them; read to the end, the connection can be used again.
            for line in stream:
                if line.startswith(b"data:"):
                    message = json.loads(line[5:])
                    if message["msg"] == "process_completed":
                        result = message
        if result is None or not result["success"]:
            raise UserError(f"The app answered a call with an error: {(result or {}).get('output')}.")
        return result["output"]["data"]

    def fetch(self, file: dict) -> bytes:
        """A file among the outputs → its content."""
        parts = urlsplit(file["url"])
        return self._exchange("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)

    def _exchange(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        with self._answer(method, path, body, kind) as response:
            return response.read()

    @contextmanager
    def _answer(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> Iterator[HTTPResponse]:
        """A response that is to be read to its end."""
        if time.monotonic() - self.used > RESTED:
            self.connection.close()  # It opens by itself.
        try:
            self.connection.request(method, path, body, {"Content-Type": kind} if kind else {})
            response = self.connection.getresponse()
            if response.status != 200:
                words = response.read(300).decode(errors="replace")
                raise UserError(f"The app answered {method} {path.partition('?')[0]} with {response.status}: {words}.")
            yield response
            self.used = time.monotonic()
        except (OSError, HTTPException) as error:
            raise UserError(f"The app does not answer: {error or type(error).__name__}.") from error
