"""Bringing a repository on the Hub up to date: rights, creation, and one commit with what differs.

Large files go up first and are kept by their hash; nobody sees anything of them before the commit at the end. So an
interrupted run leaves the repository as it was, and the next one sends what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resnet_demo.errors import UserError
from resnet_demo.publish.errors import NO_TOKEN, TOKENS, State, explain_errors
from resnet_demo.publish.files import File, check_limits

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

KINDS = {"model": "repository", "space": "Space"}


@dataclass(frozen=True)
class Sent:
    """What an upload did.

    Attributes:
        repo, repo_type: where to; ``model`` or ``space``.
        revision: 40 hex of the commit in which all the files are.
        sent, deleted: paths that were sent or taken away.
        unchanged: how many files were there already.
    """

    repo: str
    repo_type: str
    revision: str
    sent: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: int

    def summary(self) -> str:
        what = f"{KINDS[self.repo_type]} {self.repo}"
        if not self.sent and not self.deleted:
            return f"All {self.unchanged} files were in the {what} already, revision {self.revision}."
        gone = f", deleted {len(self.deleted)}" if self.deleted else ""
        return (
            f"Sent {len(self.sent)} files to the {what}{gone}, {self.unchanged} were there already, "
            f"revision {self.revision}."
        )


def check_name(repo: str) -> str:
    """A repository's full name.

    Raises:
        UserError: it is none.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError:
        repo_is_bad = True
    else:
        repo_is_bad = repo.count("/") != 1
    if repo_is_bad:
        raise UserError(
            f"{repo!r} is no full name of a repository: it is your name on the Hub, a slash and letters, digits, . _ "
            "or -, such as you/resnet-demo."
        )
    return repo


def connect(token: str | None) -> HfApi:
    """The Hub's client with the token given, or with that of HF_TOKEN or of ``hf auth login``.

    Raises:
        UserError: there is no token.
    """
    from huggingface_hub import HfApi, get_token

    token = token or get_token()
    if not token:
        raise UserError(NO_TOKEN)
    return HfApi(token=token, library_name="resnet-demo")


def upload(
    repo: str,
    files: Sequence[File],
    *,
    repo_type: str = "model",
    private: bool | None = None,
    token: str | None = None,
    message: str = "Update",
    marker: str | None = None,
    tidy: tuple[str, ...] = (),
    before: Callable[[HfApi], None] | None = None,
) -> Sent:
    """Create the repository if it is missing, and send what differs in one commit.

    Args:
        repo: its full name, ``you/name``.
        files: all that should be in it.
        repo_type: ``model`` or ``space``.
        private: create it private; an existing public one is refused then.
        token: see ``connect``.
        message: first line of the commit.
        marker: a path that an earlier run of this program would have left; what has files, but not this one, is
            somebody's other work and is not touched.
        tidy: folders, with a slash at the end, in which files are deleted that are not among ``files``.
        before: what is to be done between the creation and the commit.

    Raises:
        UserError: no token or right, the name is taken, a file is too large, or the connection was lost.
    """
    check_name(repo)
    check_limits(files)
    api = connect(token)
    state = State(repo)
    with explain_errors(state):
        check_rights(api, repo)
        make_repo(api, repo, repo_type, private)
        there = listed(api, repo, repo_type)
        check_ours(repo, there, marker)
        held = in_it(files, there)
        state.remains = f"the {KINDS[repo_type]} {repo} is there, with {held} of the {len(files)} files"
        if before:
            before(api)
        changed = [file for file in files if not same(file, there.get(file.path))]
        wanted = {file.path for file in files}
        gone = sorted(path for path in there if path not in wanted and path.startswith(tidy))
        if changed or gone:
            revision = commit(api, repo, repo_type, changed, gone, message)
            state.remains = f"the {KINDS[repo_type]} {repo} has all {len(files)} files"
            there = listed(api, repo, repo_type, revision)
        else:
            revision = api.repo_info(repo, repo_type=repo_type).sha
        checked = check_arrived(repo, revision, files, there)
    sent = tuple(file.path for file in changed)
    return Sent(repo, repo_type, checked, sent, tuple(gone), len(files) - len(sent))


def make_repo(api: HfApi, repo: str, repo_type: str, private: bool | None) -> None:
    """Create the repository if it is missing; what is to be private must be so before anything is sent."""
    api.create_repo(
        repo,
        repo_type=repo_type,
        private=private,
        exist_ok=True,
        space_sdk="gradio" if repo_type == "space" else None,
    )
    if private and not api.repo_info(repo, repo_type=repo_type).private:
        raise UserError(
            f"{repo} exists and is public, so nothing was sent: make it private in its settings on the Hub, or "
            "leave out --private."
        )


def check_ours(repo: str, there: dict[str, RepoFile], marker: str | None) -> None:
    """Whether what is there is empty, or was left by this program, see ``upload``."""
    if marker and foreign(there) and marker not in there:
        raise UserError(
            f"The name {repo} is taken by something else of yours, so nothing was sent: choose another name, or "
            "delete it on the Hub."
        )


def commit(
    api: HfApi, repo: str, repo_type: str, changed: Sequence[File], gone: Sequence[str], message: str
) -> str | None:
    """Send and delete in one commit → its revision, as the Hub gives it."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    add = [CommitOperationAdd(file.path, file.source) for file in changed]
    delete = [CommitOperationDelete(path) for path in gone]
    return api.create_commit(repo, [*add, *delete], repo_type=repo_type, commit_message=message).oid


def check_arrived(repo: str, revision: str | None, files: Sequence[File], there: dict[str, RepoFile]) -> str:
    """The revision, if it is one and has the very bytes that were to be sent."""
    if revision is None or not re.fullmatch("[0-9a-f]{40}", revision):
        raise UserError(f"The Hub answered with a revision that is none, {revision!r}: run the same command again.")
    if wrong := [file.path for file in files if not same(file, there.get(file.path))]:
        raise UserError(f"The Hub has other bytes than were sent for {wrong[0]} of {repo}: run the same command again.")
    return revision


def check_rights(api: HfApi, repo: str) -> None:
    """Whether the token can write, and its owner in this namespace, as far as the Hub says before anything is done."""
    me = api.whoami()
    role = ((me.get("auth") or {}).get("accessToken") or {}).get("role")
    if role == "read":
        raise UserError(
            f"The token may only read: make one with write right at {TOKENS} and set HF_TOKEN; nothing was changed."
        )
    owner, name = repo.split("/")
    mine = [me["name"], *(organisation["name"] for organisation in me.get("orgs") or [])]
    if owner.lower() not in map(str.lower, mine):
        raise UserError(
            f"The token is of {me['name']}, who cannot write to {owner}'s repositories: choose {me['name']}/{name}, or "
            f"the token of {owner}."
        )


def listed(api: HfApi, repo: str, repo_type: str, revision: str | None = None) -> dict[str, RepoFile]:
    """Path → file of a repository."""
    tree = api.list_repo_tree(repo, recursive=True, repo_type=repo_type, revision=revision)
    from huggingface_hub.hf_api import RepoFile

    return {item.path: item for item in tree if isinstance(item, RepoFile)}


def same(file: File, there: RepoFile | None) -> bool:
    if there is None or there.size != file.size:
        return False
    return there.lfs.sha256 == file.sha256 if there.lfs else there.blob_id == file.blob_id


def in_it(files: Sequence[File], there: dict[str, RepoFile]) -> int:
    return sum(same(file, there.get(file.path)) for file in files)


def foreign(there: dict[str, RepoFile]) -> bool:
    """Whether there is more than the Hub itself puts into a new repository."""
    return any(path not in (".gitattributes", "README.md") for path in there)
