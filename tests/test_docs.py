"""The documents lead where they say: links, anchors, files, names in the code, and commands."""

from __future__ import annotations

import re
import shlex
import unicodedata
from pathlib import Path

import pytest
from conftest import ROOT

from resnet_demo.cli.main import make_parser

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "weights").rglob("*.md")])
OURS = [path for path in DOCUMENTS if "weights" not in path.parts]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[((?:`[^`]*`|[^\]`])*)\]\(([^)\s]+)\)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """A document without its blocks of code."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The names under which the headings of a document can be linked, as GitHub and the Hub make them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE):
        kept = (sign for sign in heading.strip().lower() if sign in " -_" or unicodedata.category(sign)[0] in "LNM")
        slug, number = "".join(kept).replace(" ", "-"), 0
        while slug in found:
            number += 1
            slug = f"{slug.removesuffix(f'-{number - 1}')}-{number}"
        found.add(slug)
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_link_and_picture_leads_somewhere(path):
    for text, target in LINK.findall(prose(path)):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"[{text}]({target})"
        assert there.is_relative_to(ROOT), f"[{text}]({target})"
        if anchor:
            assert anchor in anchors(there), f"[{text}]({target})"
        if there.suffix == ".py" and text.startswith("`"):
            assert text.strip("`").rpartition(".")[2] in there.read_text(encoding="utf-8"), f"[{text}]({target})"


@pytest.mark.parametrize("path", OURS, ids=name)
def test_every_file_that_is_named_is_there(path):
    for named in re.findall(r"`((?:resnet_demo|tests|docs|weights)/[\w./-]+|[\w/-]+\.(?:py|js|svg))`", prose(path)):
        assert any((root / named).exists() for root in (ROOT, ROOT / "resnet_demo")), named


@pytest.mark.parametrize("path", OURS, ids=name)
def test_every_command_is_one(path):
    """Those in blocks of code, and those in the text that begin with the program's name."""
    blocks = [block for kind, block in FENCE.findall(path.read_text(encoding="utf-8")) if kind == "sh"]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    lines += re.findall(r"`(resnet-demo [^`]+)`", prose(path))
    for line in lines:
        words = shlex.split(line, comments=True)
        while words[:3] == ["python", "-m", "resnet_demo"]:
            words[:3] = ["resnet-demo"]
        if words[:1] != ["resnet-demo"] or words[1:] in (["--help"], ["--version"]):
            continue
        try:
            make_parser().parse_args(words[1:])
        except SystemExit:
            pytest.fail(f"no command: {line}")


def test_every_command_has_its_place_in_a_document():
    (commands,) = (action.choices for action in make_parser()._subparsers._group_actions)
    text = "".join(path.read_text(encoding="utf-8") for path in OURS)
    assert [command for command in commands if not re.search(rf"resnet-demo {command}\b", text)] == []


def test_the_line_that_computes_the_heat_is_three_steps_from_the_readme():
    """README → docs/architecture.md → the file, in which the line stands as it is quoted."""
    assert "](docs/architecture.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (line, file) = re.search(r"^\[`(maps = [^`]+)`\]\(\.\./([^)]+)\)", text, re.MULTILINE).groups()
    assert file == "resnet_demo/explain/gradcam.py"
    assert line in (ROOT / file).read_text(encoding="utf-8")


def test_every_document_can_be_reached_from_the_readme():
    found, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        targets = [target.partition("#")[0] for _, target in LINK.findall(prose(path))]
        waiting += [(path.parent / target).resolve() for target in targets if target.endswith(".md")]
    assert {name(path) for path in OURS} <= {name(path) for path in found}
