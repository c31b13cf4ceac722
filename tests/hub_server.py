"""A Hub of the tests' own on the loopback address, for the real ``huggingface_hub`` client. No test meets the real Hub.

``huggingface_hub`` reads its environment when it is imported, so there are two ways to point it at a server:

- in the test's own process: ``server.patch(monkeypatch)`` (the ``hub`` fixture does it) sets the constants that the
  client reads at each call, an empty cache, no token, no Xet, and makes its pauses between retries take no time; it
  returns the list of the pauses, in seconds, that the client asked for. ``HfApi()`` made afterwards follows too.
- in another process: ``subprocess.run(..., env=server.env())``.

    with HubServer(tmp_path) as server:
        revision = server.commit("you/weights", {"config.json": b"{}", "model.safetensors": data})
        server.patch(monkeypatch)

Files whose name ends in one of ``LFS_SUFFIXES`` are served as the Hub serves large files: a redirect with the sha256 as
``X-Linked-Etag``, to another host name (``localhost``) as its CDN is. Everything else has git's blob hash as ETag.

Faults: ``server.fail(...)``, ``server.cut(...)``, ``server.down()``, ``server.up()``, ``server.private[repo] = token``.
What was asked: ``server.log``, see ``Request``; ``server.paths("GET")`` for short.

More endpoints (uploads): subclass and extend ``routes()`` with (method, regular expression for the whole path without
the query, function of (request, match) that returns a ``Response``). A repository of another kind is named as in the
client's URLs: ``spaces/you/demo``, ``datasets/you/pictures``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

LFS_SUFFIXES = (".safetensors", ".bin", ".onnx", ".pt", ".jpg", ".png")
REPO = r"(?P<repo>(?:(?:spaces|datasets)/)?[^/]+/[^/]+)"


@dataclass
class Request:
    """One request and, once it is answered, the status of the answer."""

    method: str
    path: str  # without the query, unquoted
    query: dict[str, list[str]]
    headers: dict[str, str]  # names in lower case
    body: bytes = field(repr=False)
    status: int = 0
    sent: int = 0  # bytes of the answer's body

    @property
    def token(self) -> str | None:
        return self.headers.get("authorization", "").removeprefix("Bearer ") or None

    def json(self) -> dict:
        return json.loads(self.body or b"{}")


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, record: object, status: int = 200, **headers: str) -> Response:
        return cls(status, json.dumps(record).encode(), {"Content-Type": "application/json", **headers})

    @classmethod
    def error(cls, status: int, code: str | None = None, message: str = "", **headers: str) -> Response:
        """As the Hub refuses: ``code`` is RepoNotFound, RevisionNotFound, EntryNotFound, GatedRepo or None."""
        named = {"X-Error-Message": message} if message else {}
        return cls.json({"error": message}, status, **named, **({"X-Error-Code": code} if code else {}), **headers)


@dataclass
class _Fault:
    matches: Callable[[Request], bool]
    times: int | None
    response: Response | None = None
    after: int | None = None  # cut the connection after so many bytes of the body


Route = tuple[str, str, Callable[[Request, re.Match], Response]]


def blob_id(data: bytes) -> str:
    """git's hash of a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class HubServer:
    """A context manager; ``root`` is an empty folder for the client's cache.

    Attributes:
        repos: repository → revision (40 hex) → path → bytes.
        refs: repository → branch → revision.
        private: repository → the token that opens it; anyone may read the others.
        log: all requests, oldest first.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.repos: dict[str, dict[str, dict[str, bytes]]] = {}
        self.refs: dict[str, dict[str, str]] = {}
        self.private: dict[str, str] = {}
        self.log: list[Request] = []
        self.lock = threading.RLock()
        self._faults: list[_Fault] = []
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> HubServer:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Listen, on the same port as before where there was one."""
        if self._server is None:
            handler = type("Handler", (_Handler,), {"hub": self})
            self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
            self._port = self._server.server_address[1]
            threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections, as a machine that is gone."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def commit(self, repo: str, files: dict[str, bytes], branch: str = "main", revision: str | None = None) -> str:
        """A new revision of a repository (made where it is missing) with exactly these files; returns its 40 hex."""
        with self.lock:
            revisions = self.repos.setdefault(repo, {})
            if revision is None:
                listing = [(path, blob_id(data)) for path, data in sorted(files.items())]
                revision = hashlib.sha1(f"{repo} {len(revisions)} {listing}".encode()).hexdigest()
            revisions[revision] = dict(files)
            self.refs.setdefault(repo, {})[branch] = revision
            return revision

    def fail(
        self, status: int, *, method: str | None = None, path: str = "", times: int | None = None, **options: str
    ) -> None:
        """Answer requests whose path contains ``path`` with an error, ``times`` times (None: always).

        Options: ``code`` and ``message`` as for ``Response.error``; any other is a header, with _ for -
        (``Retry_After="7"``).
        """
        code, message = options.pop("code", None), options.pop("message", "")
        headers = {name.replace("_", "-"): value for name, value in options.items()}
        response = Response.error(status, code, message, **headers)
        self._faults.append(_Fault(_matcher(method, path), times, response))

    def cut(self, after: int, *, path: str = "", times: int | None = 1) -> None:
        """Close the connection after so many bytes of the body of GET answers."""
        self._faults.append(_Fault(_matcher("GET", path), times, after=after))

    def heal(self) -> None:
        """No more faults."""
        self._faults.clear()

    def paths(self, method: str | None = None) -> list[str]:
        """The paths that were asked for; HEAD and GET to the CDN included."""
        return [request.path for request in self.log if method in (None, request.method)]

    def env(self, **extra: str) -> dict[str, str]:
        """This process's environment, for another process that uses this server, without token and Xet."""
        strange = ("HF_", "HUGGING", "RESNET_DEMO_HUB", "TRANSFORMERS_OFFLINE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
        return {**kept, **self._settings(), **extra}

    def _settings(self) -> dict[str, str]:
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(self.root / "hf"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    @property
    def cache(self) -> Path:
        """The client's cache: ``models--owner--name/{blobs,refs,snapshots}``."""
        return self.root / "hf" / "hub"

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """Point the client of this process at this server; returns the pauses it will have asked for, in seconds."""
        from huggingface_hub import constants, file_download, hf_api, lfs
        from huggingface_hub.utils import _cache_assets, _detect_agent, _http

        for name in list(os.environ):
            if name.startswith(("HF_", "HUGGING", "RESNET_DEMO_HUB", "TRANSFORMERS_OFFLINE")):
                monkeypatch.delenv(name)
        for name, value in self._settings().items():
            monkeypatch.setenv(name, value)
        home = self.root / "hf"
        for name, value in {
            "ENDPOINT": self.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": self.url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HOME": str(home),
            "HF_HUB_CACHE": str(self.cache),
            "HUGGINGFACE_HUB_CACHE": str(self.cache),
            "HF_XET_CACHE": str(home / "xet"),
            "HF_ASSETS_CACHE": str(home / "assets"),
            "HF_TOKEN_PATH": str(home / "token"),
            "HF_STORED_TOKENS_PATH": str(home / "stored_tokens"),
            "AGENT_HARNESSES_PATH": str(home / ".agent_harnesses.json"),
            "CHECK_FOR_UPDATE_DONE_PATH": str(home / ".check_for_update_done"),
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_XET": True,
            "HF_HUB_DISABLE_TELEMETRY": True,
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": False,
        }.items():
            monkeypatch.setattr(constants, name, value)
        monkeypatch.setattr(_cache_assets, "HF_ASSETS_CACHE", str(home / "assets"))  # It has its own copy.
        monkeypatch.setattr(hf_api.api, "endpoint", self.url)
        # A list of harnesses would be asked for once a process, before the first request proper.
        monkeypatch.setattr(_detect_agent, "_registry", {"standardEnvVars": [], "harnesses": {}})
        pauses: list[float] = []
        import time

        for module in (_http, file_download, lfs):
            if hasattr(module, "time"):
                quick = SimpleNamespace(**{**vars(time), "sleep": pauses.append})
                monkeypatch.setattr(module, "time", quick)
        _http.close_session()  # Its connections and proxies are another environment's.
        return pauses

    # What the server answers.

    def routes(self) -> list[Route]:
        """First match wins; the path is matched in full."""
        kind = r"/api/(?P<kind>models|spaces|datasets)/(?P<name>[^/]+/[^/]+)"
        return [
            ("HEAD", rf"/{REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", self._resolve),
            ("GET", rf"/{REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", self._resolve),
            ("HEAD", r"/cdn/(?P<sha256>[0-9a-f]{64})", self._cdn),
            ("GET", r"/cdn/(?P<sha256>[0-9a-f]{64})", self._cdn),
            ("GET", rf"{kind}(?:/revision/(?P<revision>[^/]+))?", self._info),
            ("GET", rf"{kind}/tree/(?P<revision>[^/]+)", self._tree),
            ("GET", r"/api/agent-harnesses", lambda *_: Response.json({"standardEnvVars": [], "harnesses": {}})),
        ]

    def answer(self, request: Request) -> tuple[Response, int | None]:
        """The answer, and after how many bytes of its body to cut the connection."""
        after = None
        with self.lock:
            for fault in list(self._faults):
                if fault.matches(request) and (fault.times is None or fault.times > 0):
                    if fault.times is not None:
                        fault.times -= 1
                    if fault.response is not None:
                        return fault.response, None
                    after = fault.after
                    break
        for method, pattern, function in self.routes():
            if method == request.method and (match := re.fullmatch(pattern, request.path)):
                return function(request, match), after
        return Response.error(404, message=f"This server knows no {request.method} {request.path}"), None

    def files(self, repo: str, revision: str, request: Request) -> tuple[str, dict[str, bytes]] | Response:
        """(commit, files) of a branch or revision, or the refusal."""
        with self.lock:
            if repo not in self.repos:
                return Response.error(404, "RepoNotFound", "Repository not found")
            if repo in self.private and request.token != self.private[repo]:
                message = "Invalid credentials in Authorization header" if request.token else "Repository not found"
                return Response.error(401, None if request.token else "RepoNotFound", message)
            commit = self.refs.get(repo, {}).get(revision, revision)
            if commit not in self.repos[repo]:
                return Response.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return commit, self.repos[repo][commit]

    def _resolve(self, request: Request, match: re.Match) -> Response:
        found = self.files(match["repo"], match["revision"], request)
        if isinstance(found, Response):
            return found
        commit, files = found
        if match["path"] not in files:
            return Response.error(404, "EntryNotFound", "Entry not found", **{"X-Repo-Commit": commit})
        data = files[match["path"]]
        headers = {"X-Repo-Commit": commit}
        if not match["path"].endswith(LFS_SUFFIXES):
            return self._bytes(request, data, {**headers, "ETag": f'"{blob_id(data)}"'})
        digest = sha256(data)
        headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(data))}
        return Response(302, b"", {**headers, "Location": f"http://localhost:{self._port}/cdn/{digest}"})

    def _cdn(self, request: Request, match: re.Match) -> Response:
        with self.lock:
            for revisions in self.repos.values():
                for files in revisions.values():
                    for path, data in files.items():
                        if path.endswith(LFS_SUFFIXES) and self.digest(path, data) == match["sha256"]:
                            return self._bytes(request, self.served(path, data), {"ETag": f'"{match["sha256"]}"'})
        return Response.error(404, message="No such object")

    def digest(self, path: str, data: bytes) -> str:
        return sha256(data)

    def served(self, path: str, data: bytes) -> bytes:
        """The bytes that go out for a large file; a test replaces this for a CDN that serves something else."""
        return data

    def _bytes(self, request: Request, data: bytes, headers: dict[str, str]) -> Response:
        headers |= {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if not asked:
            return Response(200, data, headers)
        first, last = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
        if first > last:
            return Response(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        part = data[first : last + 1]
        return Response(206, part, {**headers, "Content-Range": f"bytes {first}-{last}/{len(data)}"})

    def _info(self, request: Request, match: re.Match) -> Response:
        repo = api_repo(match)
        found = self.files(repo, match["revision"] or "main", request)
        if isinstance(found, Response):
            return found
        commit, files = found
        return Response.json(
            {
                "_id": "0" * 24,
                "id": match["name"],
                "sha": commit,
                "private": repo in self.private,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "siblings": [{"rfilename": path} for path in sorted(files)],
            }
        )

    def _tree(self, request: Request, match: re.Match) -> Response:
        found = self.files(api_repo(match), match["revision"], request)
        if isinstance(found, Response):
            return found
        records = []
        for path, data in sorted(found[1].items()):
            record = {"type": "file", "path": path, "size": len(data), "oid": blob_id(data)}
            if path.endswith(LFS_SUFFIXES):
                record["lfs"] = {"oid": sha256(data), "size": len(data), "pointerSize": 130}
            records.append(record)
        return Response.json(records)


def api_repo(match: re.Match) -> str:
    """``kind`` and ``name`` of an API path → the key of ``repos``."""
    return match["name"] if match["kind"] == "models" else f"{match['kind']}/{match['name']}"


def _matcher(method: str | None, path: str) -> Callable[[Request], bool]:
    return lambda request: method in (None, request.method) and path in request.path


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._chunks() if headers.get("transfer-encoding") == "chunked" else self._sized(headers)
        request = Request(self.command, unquote(parts.path), parse_qs(parts.query), headers, body)
        with self.hub.lock:
            self.hub.log.append(request)
        response, after = self.hub.answer(request)
        request.status = response.status
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Connection", "close")  # So that a server that went down has no connections left.
        self.end_headers()
        self.close_connection = True
        if self.command != "HEAD":
            part = response.body if after is None else response.body[:after]
            self.wfile.write(part)
            request.sent = len(part)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _sized(self, headers: dict[str, str]) -> bytes:
        return self.rfile.read(int(headers.get("content-length") or 0))

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *_: object) -> None:
        """Nothing: the log is ``HubServer.log``."""
