"""What goes into a Space: the page and what it needs, a README.md whose head configures it
(https://huggingface.co/docs/hub/spaces-config-reference), and the documents that this leads to."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from resnet_demo import checkpoints
from resnet_demo.checkpoints import CARD, CONFIG, INDEX, MODEL, IndexRecord
from resnet_demo.checkpoints.hub import REPO, REVISION
from resnet_demo.errors import UserError
from resnet_demo.publish.files import File, files_of
from resnet_demo.publish.hardware import head_for, requirements_for
from resnet_demo.publish.weights import (
    Selection,
    has_weights,
    place_of,
    placed,
    source,
    trunk_files,
    weights_file,
    without_paths,
)

ROOT = Path(__file__).resolve().parents[2]
APP = ("app.py", "LICENSE")
REQUIREMENTS, LOCK = "requirements.txt", "requirements.lock"
PREVIEW = "resnet_demo/page/preview.jpg"  # what links to the page show
CHINESE = "README.zh-CN.md"
LINK = re.compile(r"\[((?:`[^`]*`|[^\]`])*)\]\(([^)\s]+)\)")  # in Markdown: words, and where they lead
# Visitors neither train nor measure nor publish; the page does not import these.
LEFT_OUT = ("resnet_demo/bench/", "resnet_demo/training/", "resnet_demo/publish/", "resnet_demo/endpoint.py")
TO_COME = "0" * 40  # stands for a revision that is known when the weights are sent


@dataclass(frozen=True)
class Weights:
    """The repository from which a Space takes its weights, at one revision (40 hex)."""

    repo: str
    revision: str


def weights_of(selection: Selection, repo: str) -> Weights:
    """Where the chosen checkpoints are in ``repo``, by the local index.

    Raises:
        UserError: they are not there, or not in one revision.
    """
    publish = f"run `python -m resnet_demo publish --repo-id {repo}` first"
    revisions = set()
    for record in selection.records:
        there = record.hub if record.hub and record.hub.repo == repo else None
        if not has_weights(record) and not there:
            continue  # It stays where it is, on another repository.
        if not there or there.sha256 != (record.sha256 or there.sha256):
            raise UserError(f"{repo} does not have the present ResNet-{record.depth} for {record.task}: {publish}.")
        revisions.add(there.revision)
    if len(revisions) != 1:
        raise UserError(f"The chosen weights are not in one revision of {repo}: {publish}, with the same tasks.")
    return Weights(repo, revisions.pop())


def space_files(space: str, selection: Selection, weights: Weights | None, hardware: str) -> list[File]:
    """All files of the Space; the weights themselves only where there is no repository of weights.

    Args:
        space: its name on the Hub.
        hardware: what it is to run on, by the Hub's name.
    """
    for name in (*APP, REQUIREMENTS, LOCK, CARD, CHINESE):
        if not (ROOT / name).is_file():
            raise UserError(f"{ROOT / name} is missing: run this in a clone of the repository.")
    files = [File(name, ROOT / name) for name in APP]
    listed, lock = ((ROOT / name).read_text("utf-8") for name in (REQUIREMENTS, LOCK))
    requirements = requirements_for(hardware, as_locked(listed, lock))
    files.append(File(REQUIREMENTS, requirements.encode()))
    files += [file for file in files_of(ROOT / "resnet_demo", "resnet_demo/") if not file.path.startswith(LEFT_OUT)]
    names = (CONFIG,) if weights else (CONFIG, MODEL)
    for record in selection.local:
        folder, place = weights_file(record).parent, place_of(record)
        files += [
            File(f"weights/{place}/{name}", folder / name if name == MODEL else without_paths(folder / name))
            for name in names
        ]
    if not weights:
        there = {file.path.removeprefix("weights/") for file in files}
        files += [File(f"weights/{file.path}", file.source) for file in trunk_files(selection, there)]
    files.append(File(f"weights/{INDEX}", checkpoints.index_bytes(pinned(selection, weights))))
    documents = {CARD: readme(space, selection, weights, hardware)} | {
        name: (ROOT / name).read_text("utf-8") for name in further()
    }
    there = {file.path for file in files} | documents.keys()
    for name, text in documents.items():
        files.append(File(name, with_links_to(there, name, without_pictures(text)).encode()))
    return files


def as_locked(listed: str, lock: str) -> str:
    """Each requirement's bounds → the version in the lock, so that a Space which is built again next year is the same.

    What these packages bring themselves stays open: a Space's image has packages of its own, which must fit to it.
    """
    versions = dict(line.split("==") for line in lock.splitlines() if "==" in line)

    def exact(requirement: re.Match[str]) -> str:
        name, extras, bounds = requirement.groups(default="")
        return f"{name}{extras}=={versions[name]}" if name in versions else f"{name}{extras}{bounds}"

    return re.sub(r"^([\w-]+)(\[[\w,]+\])?(>=[\w.]+,<[\w.]+)", exact, listed, flags=re.MULTILINE)


def further() -> list[str]:
    """The documents to which the README leads: they are the same in a Space."""
    names = [path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]]
    return sorted(name for name in names if name != CARD)


def pinned(selection: Selection, weights: Weights | None) -> list[IndexRecord]:
    """The records, those of checkpoints here with their place in the repository of weights."""
    if not weights:
        return [placed(record) for record in selection.records]
    return [
        placed(record).changed(hub=source(record, weights.repo, weights.revision)) if has_weights(record) else record
        for record in selection.records
    ]


def readme(space: str, selection: Selection, weights: Weights | None, hardware: str) -> str:
    """The project's README.md with what the Space is to load while it is built, what it runs on and looks like."""
    from huggingface_hub import SpaceCard, hf_hub_url

    card = SpaceCard((ROOT / CARD).read_text(encoding="utf-8"), ignore_metadata_errors=False)
    for key, value in head_for(hardware).items():
        card.data[key] = value
    card.data["thumbnail"] = hf_hub_url(space, PREVIEW, repo_type="space")
    models = [weights.repo] if weights else []
    models += [record.hub.repo for record in selection.records if record.hub and not has_weights(record)]
    # Those of the project's own head are for a clone, whose index may list others.
    card.data["models"] = list(dict.fromkeys(models)) or None
    if datasets := datasets_of(selection):
        card.data["datasets"] = datasets
    if weights:
        card.data["preload_from_hub"] = [f"{weights.repo} {','.join(preloaded(selection, weights))} {weights.revision}"]
    return str(card)


def without_pictures(text: str) -> str:
    """Markdown without the paragraphs that are pictures, and without those that announce them with a colon."""
    paragraphs = text.split("\n\n")
    pictures = [paragraph.startswith("![") for paragraph in paragraphs]
    announced = [
        after and before.endswith((":", "：")) for before, after in zip(paragraphs, pictures[1:], strict=False)
    ]
    kept = zip(paragraphs, pictures, [*announced, False], strict=True)
    return "\n\n".join(paragraph for paragraph, picture, announces in kept if not (picture or announces))


def with_links_to(files: Collection[str], name: str, text: str) -> str:
    """The Markdown of the document ``name``, with plain words for links to other places than ``files`` and folders."""

    def kept(link: re.Match) -> str:
        words, target = link.groups()
        file = target.partition("#")[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), file))
        known = not file or "://" in file or path in files or any(there.startswith(f"{path}/") for there in files)
        return link[0] if known else words

    return LINK.sub(kept, text)


def preloaded(selection: Selection, weights: Weights) -> list[str]:
    """The files of the repository of weights that the Space needs."""
    paths = [INDEX]
    for record in selection.records:
        elsewhere = record.hub.path if record.hub and record.hub.repo == weights.repo else None
        if path := placed(record).file if has_weights(record) else elsewhere:
            folder = path.rpartition("/")[0]
            paths += [path, f"{folder}/{CONFIG}", *([record.trunk.path_from(folder)] if record.trunk else [])]
    return list(dict.fromkeys(paths))


def datasets_of(selection: Selection) -> list[str]:
    """Names on the Hub of the data sets that the weights were trained on."""
    from resnet_demo.training.cards.card import hub_datasets

    return list(dict.fromkeys(name for config in selection.configs for name in hub_datasets(config)))


def variables(weights: Weights | None) -> dict[str, str]:
    """Environment variables of the Space; without a repository of weights they are to be absent."""
    return {REPO: weights.repo, REVISION: weights.revision} if weights else {}


def secrets(words: Sequence[str]) -> dict[str, str]:
    """``NAME=value``, or ``NAME`` with its value from the environment → name → value.

    Raises:
        UserError: no such environment variable, or no name.
    """
    found = {}
    for word in words:
        name, given, value = word.partition("=")
        if not name.isidentifier():
            raise UserError(f"--secret {name!r} is no name of an environment variable: use NAME=value or NAME.")
        if not given and not os.environ.get(name):
            raise UserError(f"--secret {name} has no value: set the environment variable {name}, or write NAME=value.")
        found[name] = value if given else os.environ[name]
    return found
