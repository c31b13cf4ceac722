"""The Hugging Face Hub: fetch, keep and verify files through ``huggingface_hub``, and say its errors in one sentence.

The cache, locks between processes, retries, ``HF_HUB_OFFLINE``, ``HF_ENDPOINT``, ``HF_HOME`` and the access token are
``huggingface_hub``'s own; a download that breaks off goes on within a process, and begins anew in another. Added here:
a cached file is used without any request, bytes and sha256 are checked before use, a damaged file is fetched once more,
and threads that want the same file wait for one download.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from resnet_demo.errors import Text, UserError
from resnet_demo.utils.json_record import JsonRecord

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

REPO, REVISION = "RESNET_DEMO_HUB_REPO", "RESNET_DEMO_HUB_REVISION"
FORMATS = ("resnet-demo", "timm")
PATIENCE = 30  # seconds: a longer Retry-After is told to the user instead of being waited for
COMMIT, SHA256 = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{64}")

Progress = Callable[[int, int | None], None]
Fault = Callable[[bytes], str | Text | None]  # what is wrong with a file of these bytes, or None
"""Called with the bytes that have come and those there are (None where the Hub does not say)."""


class NoSuchFile(UserError):
    """The repository is there, the file in it is not."""


@dataclass(frozen=True)
class HubSource(JsonRecord):
    """Where a weights file lies on the Hub: the ``hub`` record of ``weights/index.json``.

    Attributes:
        repo: ``owner/name``.
        revision: 40 hex digits, or a branch whose newest commit is taken the first time and kept.
        path: the file in the repository.
        sha256: of the file; None is the one that the Hub gives the first time, kept from then on.
        bytes: its size, or None.
        format: ``resnet-demo`` (our ``config.json`` lies beside it) or ``timm``.
        note: a sentence about the source.
    """

    repo: str
    revision: str
    path: str
    sha256: str | None = None
    bytes: int | None = None
    format: str = "resnet-demo"
    note: str | None = None

    @classmethod
    def from_json(cls, record: Mapping[str, object]) -> HubSource:
        """The record of an index; keys this version does not know are ignored.

        Raises:
            ValueError: it is not such a record.
        """
        try:
            source = super().from_json(record)
            sound = (
                re.fullmatch(r"[\w.-]+/[\w.-]+", source.repo)
                and source.revision
                and isinstance(source.revision, str)
                and source.path
                and not PurePosixPath(source.path).is_absolute()
                and ".." not in PurePosixPath(source.path).parts
                and (source.sha256 is None or SHA256.fullmatch(source.sha256))
                and (source.bytes is None or isinstance(source.bytes, int))
                and source.format in FORMATS
            )
        except (AttributeError, TypeError) as error:
            raise ValueError(f"it is no Hub source ({error})") from error
        if not sound:
            raise ValueError("it is no Hub source")
        return source

    @property
    def folder(self) -> str:
        """The folder of the file in the repository, empty for its root."""
        parent = PurePosixPath(self.path).parent.as_posix()
        return "" if parent == "." else parent

    def beside(self, name: str) -> str:
        """The path of another file in the same folder."""
        return f"{self.folder}/{name}" if self.folder else name

    def __str__(self) -> str:
        return f"{self.repo}/{self.path}"


def download(
    repo: str,
    path: str,
    revision: str | None = None,
    *,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    force_download: bool = False,
    local_files_only: bool = False,
    progress: Progress | None = None,
) -> Path:
    """A file of a repository, from the cache where it is there: the Hub's own options, our sentences.

    Files of one revision lie in one folder. Nothing is verified but the size, which ``huggingface_hub`` does.

    Raises:
        NoSuchFile: the repository is there, the file is not.
        UserError: anything else that stands in the way.
    """
    pinned = local_files_only or COMMIT.fullmatch(revision or "")
    if pinned and not force_download and (found := _cached(repo, path, revision or "main", cache_dir)):
        return found
    from huggingface_hub import hf_hub_download

    with hub_errors(Text("fetch {source}", source=f"{repo}/{path}")):
        return Path(
            hf_hub_download(
                repo,
                path,
                revision=revision,
                token=token,
                cache_dir=cache_dir,
                force_download=force_download,
                local_files_only=local_files_only,
                tqdm_class=_bar(progress),
            )
        )


def cached(source: HubSource) -> Path | None:
    """The file in the cache, not verified, or None; never a request."""
    pin = _read_pin(source)
    return _cached(source.repo, source.path, pin["revision"] if pin else source.revision)


def read(source: HubSource, progress: Progress | None = None) -> tuple[Path, bytes]:
    """The file in the cache and its verified bytes, so that what is used is what was checked.

    Raises:
        UserError: it cannot be had, or it is not what it must be.
    """
    with _lock(source):
        wanted = _pinned(source)

        def fault(data: bytes) -> str | Text | None:
            if wanted.bytes is not None and len(data) != wanted.bytes:
                return Text("{size:,} bytes instead of {wanted:,}", size=len(data), wanted=wanted.bytes)
            return None if hashlib.sha256(data).hexdigest() == wanted.sha256 else "another SHA-256"

        path, data = _sound(wanted, fault, progress)
        if wanted != source:
            _write_pin(source, wanted)
        return path, data


def read_json(repo: str, revision: str, path: str) -> dict[str, object]:
    """The object in a JSON file of a repository; one in the cache that is no JSON is fetched once more.

    Raises:
        NoSuchFile, UserError: it cannot be had, or it is none.
    """

    def fault(data: bytes) -> str | Text | None:
        try:
            return None if isinstance(json.loads(data), dict) else "no JSON object"
        except ValueError as error:
            return Text("no valid JSON ({error})", error=error)

    source = HubSource(repo, revision, path)
    with _lock(source):
        return json.loads(_sound(source, fault, None)[1])


def commit_of(source: HubSource) -> str:
    """The commit that is used for a source: its own, else that of its branch, kept since the first time.

    Raises:
        UserError: the branch is not known yet and the Hub cannot be asked.
    """
    return source.revision if COMMIT.fullmatch(source.revision) else _pinned(source).revision


def chosen_repo() -> tuple[str, str] | None:
    """The repository and revision that ``RESNET_DEMO_HUB_REPO`` and ``RESNET_DEMO_HUB_REVISION`` name, or None.

    A branch is resolved once in a process, and said on standard error.

    Raises:
        UserError: the Hub cannot be asked for the branch's commit.
    """
    repo = os.environ.get(REPO, "").strip()
    if not repo:
        return None
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise UserError(
            "{variable} must be a repository such as you/resnet-demo-weights, not {repo!r}.", variable=REPO, repo=repo
        )
    revision = os.environ.get(REVISION, "").strip() or "main"
    return repo, revision if COMMIT.fullmatch(revision) else resolve(repo, revision)


@cache
def resolve(repo: str, branch: str) -> str:
    """The newest commit of a branch; without the Hub the one that was used last.

    Raises:
        UserError: the Hub cannot be asked, and nothing of the branch is in the cache.
    """
    from huggingface_hub import HfApi

    try:
        with hub_errors(Text("look up {repo} at {branch}", repo=repo, branch=branch)):
            commit = HfApi().model_info(repo, revision=branch, timeout=10).sha
        assert commit is not None  # What is asked for by name has a commit.
        # The cache learns which commit a branch is by a file that is asked for by the branch's name, and no other way.
        with suppress(UserError):
            download(repo, "index.json", branch)
        note = f"{repo} at {branch} is {commit}: set {REVISION} to it for starts without a request."
    except UserError as error:
        found = _cached(repo, "index.json", branch)
        if found is None:
            raise
        commit = commit_by_path(found, "index.json")
        note = f"{error} Going on with the one that was used last, {commit}."
    print(note, file=sys.stderr)
    return commit


@contextmanager
def hub_errors(what: str | Text) -> Iterator[None]:
    """Turn what ``huggingface_hub`` and its HTTP client raise into a ``UserError``.

    Args:
        what: fits behind "Cannot", such as ``fetch you/weights/index.json`` or ``upload to you/weights``.

    Raises:
        NoSuchFile, UserError: one sentence that says what is wrong and what to do. Errors of other kinds pass.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        known = _explain(error)
        if known is None:
            raise
        kind, reason, advice = known
        raise kind("Cannot {what}, {reason}: {advice}.", what=what, reason=reason, advice=advice) from error


def _explain(error: Exception) -> tuple[type[UserError], str | Text, str | Text] | None:
    """(kind of error, reason, advice) of an error of the Hub's client, or None for any other."""
    from huggingface_hub import constants, errors

    hides = isinstance(error, errors.LocalEntryNotFoundError) or "orce download failed" in str(error)
    if hides and isinstance(error.__cause__, Exception):
        error = error.__cause__  # "Not in the cache" is not why the Hub did not help.
    place = constants.ENDPOINT
    match error:
        case errors.OfflineModeIsEnabled():
            return UserError, "HF_HUB_OFFLINE is set", "unset it once, where there is a network"
        case errors.LocalEntryNotFoundError():
            return UserError, "it is not in the Hub's cache on this machine", "allow the download once"
        case errors.GatedRepoError():
            ask = Text("ask on the repository's page at {place} and log in", place=place)
            return UserError, "its owner must allow it", ask
        case errors.RevisionNotFoundError():
            return UserError, "the repository has no such revision", "correct the revision"
        case errors.EntryNotFoundError():
            return NoSuchFile, "the repository has no such file at this revision", "correct the path or the revision"
        case errors.RepositoryNotFoundError():
            advice = "correct the name, or log in with `hf auth login` (or set HF_TOKEN) if it is private"
            return UserError, "the repository does not exist or is private", advice
        case errors.HFValidationError():
            return UserError, "that is no name of a repository", "use owner/name"
        case errors.LocalTokenNotFoundError():
            return UserError, "nobody is logged in", "log in with `hf auth login` or set HF_TOKEN"
        case errors.FileMetadataError() | json.JSONDecodeError():
            advice = "correct HF_ENDPOINT, the proxy or the firewall"
            return UserError, Text("what answers at {place} is no Hub", place=place), advice
        case errors.HfHubHTTPError():
            return UserError, *_explain_status(error)
        case errors.HTTPError():
            reason = Text("the Hub at {place} cannot be reached", place=place)
            return UserError, reason, "check the network and try again"
        case OSError() if "Consistency check failed" in str(error):
            return UserError, "it came incomplete", "try again"
        case OSError() if error.errno is not None:
            system, place = (error.strerror or "fault").lower(), error.filename or constants.HF_HUB_CACHE
            reason = Text("{system} at {place}", system=system, place=place)
            return UserError, reason, "make room there, or set HF_HOME to a folder that you can write to"
    return None


def _explain_status(error: HfHubHTTPError) -> tuple[str | Text, str | Text]:
    """(reason, advice) of an HTTP status that has no class of its own."""
    status = error.response.status_code
    if status == 401:
        return "the Hub does not accept the access token", "log in with `hf auth login` or correct HF_TOKEN"
    if status == 403:
        return "the access token has no right to it", "log in with a token that has, at the Hub's settings page"
    if status == 429:
        advice = Text("try again {when}, or log in for a higher limit", when=when_again(error))
        return "the Hub is asked too often from here", advice
    if status >= 500:
        return Text("the Hub has a fault of its own ({status})", status=status), "try again in a few minutes"
    said = flat(str(error.server_message or ""))
    said = f", {said}" if said else ""
    return Text("the Hub refuses ({status}{said})", status=status, said=said), "correct the request"


def flat(text: str) -> str:
    """A message of the Hub as a clause: one line, without its full stop."""
    return " ".join(text.split()).rstrip(".")


def when_again(error: HfHubHTTPError) -> str | Text:
    """When a 429 may be tried again, such as ``in 40 seconds``."""
    wait = _retry_after(error)
    return "in a few minutes" if wait is None else Text("in {seconds} seconds", seconds=wait)


def _retry_after(error: HfHubHTTPError) -> int | None:
    """Seconds that a 429 asks to wait, by Retry-After or the Hub's RateLimit header, or None."""
    headers = error.response.headers
    if (value := headers.get("Retry-After", "").strip()).isdigit():
        return int(value)
    found = re.search(r"\bt\s*=\s*(\d+)", headers.get("RateLimit", ""))
    return int(found[1]) if found else None


def commit_by_path(file: Path, path: str) -> str:
    """The commit that a file in the cache is of; ``path`` is its own in the repository."""
    return file.parents[len(PurePosixPath(path).parts) - 1].name


def sha256_by_name(file: Path) -> str | None:
    """The sha256 by which the cache names a large file, where it can link to it; else None."""
    name = file.resolve().name
    return name if SHA256.fullmatch(name) else None


def _cached(repo: str, path: str, revision: str, cache_dir: str | Path | None = None) -> Path | None:
    # hf_hub_download looks there too, but only after it has asked the Hub for a list of agents once a process and day.
    from huggingface_hub import try_to_load_from_cache

    with hub_errors(Text("find {source}", source=f"{repo}/{path}")):
        found = try_to_load_from_cache(repo, path, cache_dir=cache_dir, revision=revision)
    return Path(found) if isinstance(found, str) else None


def _sound(
    source: HubSource, fault: Callable[[bytes], str | Text | None], progress: Progress | None
) -> tuple[Path, bytes]:
    """A file of a pinned revision and its bytes, in which ``fault`` finds none; at most one new download too many."""
    for _ in range(2):
        path = _cached(source.repo, source.path, source.revision) or _download(source, progress)
        with hub_errors(Text("read {source}", source=source)):
            data = path.read_bytes()
        found = fault(data)
        if found is None:
            return path, data
        _remove(path)
    raise UserError(
        "Cannot use {source} at {revision}, it has {found}: it was removed; try again, or fetch it from a "
        "repository that you trust.",
        source=source,
        revision=source.revision[:7],
        found=found,
    )


def _download(source: HubSource, progress: Progress | None) -> Path:
    """One download, after a look at what the Hub has, so that the wrong file is refused before it comes."""
    from huggingface_hub.errors import HfHubHTTPError

    sha256 = size = None
    with hub_errors(Text("fetch {source}", source=source)):
        try:
            _, sha256, size = _metadata(source)
        except HfHubHTTPError as error:
            # huggingface_hub waits and tries again by itself, however long a Retry-After is.
            status = error.response.status_code
            if status not in (408, 429, 500, 502, 503, 504) or (_retry_after(error) or 0) > PATIENCE:
                raise
    for name, given, wanted in (("SHA-256", sha256, source.sha256), ("size", size, source.bytes)):
        if given is not None and wanted is not None and given != wanted:
            raise UserError(
                "Cannot use {source} at {revision}, the Hub has a file with another {what} there: get the newest "
                "version of this program, or tell its maker.",
                source=source,
                revision=source.revision[:7],
                what=name,
            )
    return download(source.repo, source.path, source.revision, progress=progress)


def _metadata(source: HubSource) -> tuple[str, str | None, int | None]:
    """(commit, sha256 or None for a small file, bytes) that the Hub gives for a file; raises the client's errors."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import FileMetadataError

    found = get_hf_file_metadata(hf_hub_url(source.repo, source.path, revision=source.revision))
    if found.commit_hash is None:
        raise FileMetadataError("An answer without a commit.")
    sha256 = found.etag if SHA256.fullmatch(found.etag or "") else None
    return found.commit_hash, sha256, found.size


def _pinned(source: HubSource) -> HubSource:
    """A source with a commit and a sha256: its own, those kept since the first time, or those of cache or Hub."""
    if COMMIT.fullmatch(source.revision) and source.sha256:
        return source
    if pin := _read_pin(source):
        return replace(source, **pin)
    if (path := _cached(source.repo, source.path, source.revision)) and (named := sha256_by_name(path)):
        return replace(source, revision=commit_by_path(path, source.path), sha256=source.sha256 or named)
    with hub_errors(Text("fetch {source}", source=source)):
        commit, sha256, size = _metadata(source)
    if not (source.sha256 or sha256):
        raise UserError(
            "Cannot verify {source}, the Hub gives no SHA-256 for it: use another source for the weights.",
            source=source,
        )
    return replace(
        source, revision=commit, sha256=source.sha256 or sha256, bytes=size if source.bytes is None else source.bytes
    )


def _pin_file(source: HubSource) -> Path:
    from huggingface_hub import cached_assets_path

    name = re.sub(r"[^\w.-]+", "--", f"{source.repo}/{source.revision}/{source.path}")
    return cached_assets_path("resnet-demo", "pins") / f"{name}.json"


def _read_pin(source: HubSource) -> dict | None:
    """What was seen first of a source without revision or sha256."""
    if COMMIT.fullmatch(source.revision) and source.sha256:
        return None
    try:
        pin = json.loads(_pin_file(source).read_bytes())
        sound = COMMIT.fullmatch(pin["revision"]) and SHA256.fullmatch(pin["sha256"])
        return {key: pin[key] for key in ("revision", "sha256", "bytes")} if sound else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_pin(source: HubSource, seen: HubSource) -> None:
    try:
        file = _pin_file(source)
        temporary = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}")
        temporary.write_text(json.dumps({key: getattr(seen, key) for key in ("revision", "sha256", "bytes")}))
        temporary.replace(file)
    except OSError:
        pass  # A home that cannot be written to: the cache's own names still hold the sha256.


def _remove(path: Path) -> None:
    """Take a file out of the cache: its name in the snapshot, and the blob behind it."""
    with hub_errors(Text("remove the damaged {source}", source=path)):
        blob = path.resolve()
        path.unlink(missing_ok=True)
        blob.unlink(missing_ok=True)


def _bar(progress: Progress | None) -> type | None:
    """A progress bar for the terminal that also calls ``progress``; None is the client's own."""
    if progress is None:
        return None
    report = progress
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):
        """Counts itself, as a bar without a terminal does not."""

        def __init__(self, *arguments, **options) -> None:
            # Of Xet's two bars the other one counts the file.
            self.reports = "downloading bytes" not in (options.get("desc") or "")
            self.here, self.whole = options.get("initial") or 0, options.get("total")
            super().__init__(*arguments, **options)

        def update(self, n: float | None = 1) -> bool | None:
            if self.reports:
                self.here += int(n or 0)
                report(self.here, self.whole)
            return super().update(n)

    return Bar


_guard = threading.Lock()
_locks: dict[tuple[str, str, str], threading.Lock] = {}


def _lock(source: HubSource) -> threading.Lock:
    """One lock a file; between processes the client has its own."""
    with _guard:
        return _locks.setdefault((source.repo, source.revision, source.path), threading.Lock())
