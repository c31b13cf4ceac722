"""The writing half of the tests' own Hub: accounts, new repositories, large files, commits, and a Space's settings.

    with UploadServer(tmp_path) as server:
        server.patch(monkeypatch)
        monkeypatch.setenv("HF_TOKEN", WRITE)

``WRITE`` may write to the namespaces ``you`` and ``friends``, ``READ`` is a token of the same person that may only
read, ``OTHER`` one of somebody else's. What was written is in ``server.repos``, ``server.objects`` (large files by
sha256) and ``server.spaces``; ``server.drop("/commit/")`` closes such connections without an answer.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from hub_server import LFS_SUFFIXES, HubServer, Request, Response, Route, api_repo, blob_id, sha256

WRITE, READ, OTHER = "hf_write", "hf_read", "hf_other"
ACCOUNTS = {WRITE: ("you", "write"), READ: ("you", "read"), OTHER: ("stranger", "write")}
ORGANISATIONS = {"you": ["friends"], "stranger": []}
NAME = r"(?P<name>[^/]+/[^/]+)"


@dataclass
class Space:
    """Settings of a Space; a secret is written, and never read."""

    hardware: str = "cpu-basic"
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


class Dropped(Exception):
    """Ends a connection's thread without an answer."""


class UploadServer(HubServer):
    """See the top of the file.

    Attributes:
        objects: sha256 → bytes of each large file that came, in a commit or not.
        spaces: ``you/demo`` → its settings.
        sdks: ``you/demo`` → the SDK it was created with.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.objects: dict[str, bytes] = {}
        self.spaces: dict[str, Space] = {}
        self.sdks: dict[str, str] = {}
        self._dropped: list[list] = []

    def up(self) -> None:
        super().up()
        print_error = self._server.handle_error
        self._server.handle_error = lambda *words: (
            None if isinstance(sys.exc_info()[1], Dropped) else print_error(*words)
        )

    def drop(self, path: str, times: int | None = None) -> None:
        """Close connections for paths that contain ``path`` without an answer, ``times`` times (None: always)."""
        self._dropped.append([path, times])

    def heal(self) -> None:
        super().heal()
        self._dropped.clear()

    def head(self, repo: str) -> dict[str, bytes]:
        """Path → bytes of the newest revision."""
        return self.repos[repo][self.refs[repo]["main"]]

    def writes(self) -> list[str]:
        """The paths of all requests so far that change something."""
        asked = ("/preupload/", "/validate-yaml", "/objects/batch")
        return [
            request.path
            for request in self.log
            if request.method not in ("GET", "HEAD") and not any(part in request.path for part in asked)
        ]

    def answer(self, request: Request) -> tuple[Response, int | None]:
        with self.lock:
            for fault in self._dropped:
                if fault[0] in request.path and fault[1] != 0:
                    fault[1] = None if fault[1] is None else fault[1] - 1
                    raise Dropped
        return super().answer(request)

    def routes(self) -> list[Route]:
        kind = r"/api/(?P<kind>models|spaces)/"
        space = rf"/api/spaces/{NAME}"
        return [
            ("GET", r"/api/whoami-v2", self._whoami),
            ("POST", r"/api/repos/create", self._create),
            ("POST", r"/api/validate-yaml", self._validate),
            ("POST", rf"{kind}{NAME}/preupload/(?P<revision>[^/]+)", self._preupload),
            ("POST", rf"{kind}{NAME}/commit/(?P<revision>[^/]+)", self._commit),
            ("POST", r"/(?P<repo>(?:spaces/)?[^/]+/[^/]+)\.git/info/lfs/objects/batch", self._batch),
            ("PUT", r"/lfs/(?P<sha256>[0-9a-f]{64})", self._put),
            ("POST", r"/lfs-verify", self._verify),
            ("GET", rf"{space}/variables", self._variables),
            ("POST", rf"{space}/variables", self._variables),
            ("DELETE", rf"{space}/variables", self._variables),
            ("POST", rf"{space}/secrets", self._secret),
            ("GET", rf"{space}/runtime", self._runtime),
            ("POST", rf"{space}/hardware", self._runtime),
            *super().routes(),
        ]

    def _whoami(self, request: Request, match: re.Match) -> Response:
        if request.token not in ACCOUNTS:
            return Response.error(401, message="Invalid username or password.")
        name, role = ACCOUNTS[request.token]
        organisations = [{"name": name} for name in ORGANISATIONS[name]]
        record = {"type": "user", "name": name, "orgs": organisations}
        return Response.json(record | {"auth": {"type": "access_token", "accessToken": {"role": role}}})

    def refusal(self, request: Request, repo: str) -> Response | None:
        """Why this request may not write to ``you/name``, or None."""
        if request.token not in ACCOUNTS:
            return Response.error(401, message="Invalid username or password.")
        name, role = ACCOUNTS[request.token]
        owner = repo.removeprefix("spaces/").split("/")[0]
        if role != "write" or owner not in (name, *ORGANISATIONS[name]):
            message = f'Forbidden: you don\'t have the rights to create a model under the namespace "{owner}".'
            return Response.error(403, message=message)
        return None

    def _create(self, request: Request, match: re.Match) -> Response:
        record = request.json()
        name = f"{record['organization']}/{record['name']}"
        repo = f"spaces/{name}" if record.get("type") == "space" else name
        with self.lock:
            if refusal := self.refusal(request, repo):
                return refusal
            url = {"url": f"{self.url}/{repo}"}
            if repo in self.repos:
                return Response.json({"error": "You already created this repo"} | url, 409)
            self.commit(repo, {".gitattributes": b"*.safetensors filter=lfs\n"})
            if record.get("visibility") == "private":
                self.private[repo] = request.token
            if record.get("type") == "space":
                self.spaces[name] = Space()
                self.sdks[name] = record["sdk"]
            return Response.json(url)

    def _validate(self, request: Request, match: re.Match) -> Response:
        """What the Hub's own check is known to refuse: no YAML, no lists where it needs them, unknown values."""
        text = request.json()["content"]
        head = text.split("---\n")[1] if text.startswith("---\n") else ""
        try:
            record = yaml.safe_load(head) or {}
        except yaml.YAMLError as error:
            return Response.json({"errors": [{"message": f"no YAML: {error}"}]}, 400)
        if not record:
            return Response.json({"errors": [], "warnings": [{"message": "empty or missing yaml metadata"}]})
        faults = [
            f'"{key}" must be a list of names'
            for key in ("tags", "datasets", "metrics", "models", "preload_from_hub", "base_model")
            if not isinstance(record.get(key, []), list) or not all(isinstance(x, str) for x in record.get(key, []))
        ]
        if request.json()["repoType"] == "space" and len(record.get("short_description", "")) > 60:
            faults.append('"short_description" length must be less than or equal to 60 characters long')
        return Response.json({"errors": [{"message": fault} for fault in faults]}, 400 if faults else 200)

    def _preupload(self, request: Request, match: re.Match) -> Response:
        repo = api_repo(match)
        with self.lock:
            if refusal := self.refusal(request, repo):
                return refusal
            there = self.head(repo)
        files = []
        for file in request.json()["files"]:
            large = file["path"].endswith(LFS_SUFFIXES)
            record = {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
            if (data := there.get(file["path"])) is not None:
                record["oid"] = sha256(data) if large else blob_id(data)
            files.append(record)
        return Response.json({"files": files})

    def _batch(self, request: Request, match: re.Match) -> Response:
        if refusal := self.refusal(request, match["repo"]):
            return refusal
        objects = []
        for asked in request.json()["objects"]:
            record = {"oid": asked["oid"], "size": asked["size"]}
            if asked["oid"] not in self.objects:
                verify = {"href": f"{self.url}/lfs-verify", "header": {}}
                record["actions"] = {"upload": {"href": f"{self.url}/lfs/{asked['oid']}"}, "verify": verify}
            objects.append(record)
        return Response.json({"transfer": "basic", "objects": objects})

    def _put(self, request: Request, match: re.Match) -> Response:
        if sha256(request.body) != match["sha256"]:
            return Response.error(400, message="Bytes and hash differ")
        with self.lock:
            self.objects[match["sha256"]] = request.body
        return Response()

    def _verify(self, request: Request, match: re.Match) -> Response:
        record = request.json()
        whole = len(self.objects.get(record["oid"], b"")) == record["size"]
        return Response.json({}) if whole else Response.error(422, message="Object is not there")

    def _commit(self, request: Request, match: re.Match) -> Response:
        repo = api_repo(match)
        with self.lock:
            if refusal := self.refusal(request, repo):
                return refusal
            files = dict(self.head(repo))
            for line in request.body.splitlines():
                record = json.loads(line)
                value = record["value"]
                match record["key"]:
                    case "file":
                        files[value["path"]] = base64.b64decode(value["content"])
                    case "lfsFile":
                        if value["oid"] not in self.objects:
                            return Response.error(400, message=f"{value['path']} was not uploaded")
                        files[value["path"]] = self.objects[value["oid"]]
                    case "deletedFile":
                        del files[value["path"]]
            revision = self.commit(repo, files)
        url = f"{self.url}/{repo}/commit/{revision}"
        return Response.json({"success": True, "commitOid": revision, "commitUrl": url, "pullRequestUrl": None})

    def _variables(self, request: Request, match: re.Match) -> Response:
        if refusal := self.refusal(request, match["name"]):
            return refusal
        variables = self.spaces[match["name"]].variables
        if request.method == "POST":
            variables[request.json()["key"]] = request.json()["value"]
        if request.method == "DELETE":
            variables.pop(request.json()["key"])
        return Response.json({name: {"value": value} for name, value in variables.items()})

    def _secret(self, request: Request, match: re.Match) -> Response:
        if refusal := self.refusal(request, match["name"]):
            return refusal
        self.spaces[match["name"]].secrets[request.json()["key"]] = request.json()["value"]
        return Response.json({})

    def _runtime(self, request: Request, match: re.Match) -> Response:
        if match["name"] not in self.spaces:
            return Response.error(404, "RepoNotFound", "Repository not found")
        space = self.spaces[match["name"]]
        if request.method == "POST":
            if refusal := self.refusal(request, match["name"]):
                return refusal
            space.hardware = request.json()["flavor"]
        return Response.json({"stage": "RUNNING", "hardware": {"current": space.hardware, "requested": space.hardware}})
