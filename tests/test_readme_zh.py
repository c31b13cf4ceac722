"""The Chinese README and user guide are kept in step with the English ones: headings, code, figures, tables, links."""

from __future__ import annotations

import io
import re
import tokenize
from collections import Counter
from itertools import zip_longest

import pytest
from conftest import ROOT

Section = tuple[str, str]  # heading with its # signs, and what stands below it
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections(name: str) -> list[Section]:
    """The sections of a document in order; front matter is none."""
    text = re.sub(r"\A---\n.*?\n---\n", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    # A comment in a block of code begins with # too.
    hidden = FENCE.sub(lambda block: block[0].replace("\n#", "\n\0"), text)
    parts = re.split(r"^(#+ .*)$", hidden, flags=re.MULTILINE)
    return [(heading, body.replace("\n\0", "\n#")) for heading, body in zip(parts[1::2], parts[2::2], strict=True)]


DOCUMENTS = {"README.md": "README.zh-CN.md", "docs/guide.md": "docs/guide.zh-CN.md"}
# Where a Chinese document links to one that has a Chinese version too, it links to that.
TRANSLATED = {
    "README.zh-CN.md": "README.md",
    "docs/guide.zh-CN.md": "docs/guide.md",
    "../README.zh-CN.md": "../README.md",
    "guide.zh-CN.md": "guide.md",
}
PAIRS = [
    pytest.param(english, chinese, id=f"{name}-{english[0].strip('# ').replace(' ', '-')}")
    for name, other in DOCUMENTS.items()
    for english, chinese in zip(sections(name), sections(other), strict=False)
]


def level(section: Section | None) -> int:
    return len(section[0].split()[0]) if section else 0


def code(body: str) -> list[tuple[str, list[str]]]:
    """The blocks of code, (language, lines without comments)."""
    return [(kind, without_comments(kind, block)) for kind, block in FENCE.findall(body)]


def without_comments(kind: str, block: str) -> list[str]:
    if kind == "python":
        tokens = tokenize.generate_tokens(io.StringIO(block).readline)
        comments = [token.start for token in tokens if token.type == tokenize.COMMENT]
        lines = block.splitlines()
        for row, column in comments:
            lines[row - 1] = lines[row - 1][:column]
    else:
        lines = [re.sub(r"(^|\s)#.*", "", line) for line in block.splitlines()]
    return [line.rstrip() for line in lines if line.strip()]


def commands(body: str) -> Counter:
    """What stands in `backticks`, outside of blocks of code."""
    return Counter(re.findall(r"`([^`\n]+)`", FENCE.sub("", body)))


def figures(body: str) -> Counter:
    """The numbers outside of blocks of code."""
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", FENCE.sub("", body)))


def links(body: str) -> list[str]:
    """Where links and pictures lead: Chinese documents count as the English ones, and an anchor as there being one, as
    headings differ (``test_docs`` looks whether it is there)."""
    found = []
    for target in re.findall(r"\]\(([^)]+)\)", FENCE.sub("", body)):
        path, sign, _ = target.partition("#")
        found.append(TRANSLATED.get(path, path) + sign)
    return found


def cells(body: str) -> list[list[Counter]]:
    """The numbers in each cell of each row of the tables."""
    lines = [line for line in FENCE.sub("", body).splitlines() if line.startswith("|")]
    return [[figures(cell) for cell in line.split("|")] for line in lines]


def difference(english: Counter, chinese: Counter) -> str:
    return f"only in English: {sorted((english - chinese).elements())}; only in Chinese: " + str(
        sorted((chinese - english).elements())
    )


@pytest.mark.parametrize(("name", "other"), DOCUMENTS.items())
def test_the_headings_are_the_same_in_number_and_level(name, other):
    for english, chinese in zip_longest(sections(name), sections(other)):
        assert level(english) == level(chinese), (
            f"{name} has {english and english[0]!r} where {other} has {chinese and chinese[0]!r}"
        )


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_a_section_has_the_same_code(english, chinese):
    assert code(chinese[1]) == code(english[1]), f"other code in {chinese[0]!r} than in {english[0]!r}"


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_a_section_has_the_same_commands_and_names(english, chinese):
    here, there = commands(english[1]), commands(chinese[1])
    assert here == there, f"in {english[0]!r} and {chinese[0]!r}: {difference(here, there)}"


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_a_section_has_the_same_figures(english, chinese):
    here, there = figures(english[1]), figures(chinese[1])
    assert here == there, f"in {english[0]!r} and {chinese[0]!r}: {difference(here, there)}"


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_a_section_has_the_same_figures_in_the_same_cells(english, chinese):
    for row, other in zip_longest(cells(english[1]), cells(chinese[1])):
        assert row == other, f"another row of a table in {english[0]!r} than in {chinese[0]!r}"


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_a_section_has_the_same_pictures_links_and_rows(english, chinese):
    assert links(chinese[1]) == links(english[1]), f"other links in {chinese[0]!r} than in {english[0]!r}"
    rows = [sum(line.startswith(("|", "- ")) for line in body.splitlines()) for _, body in (english, chinese)]
    assert rows[0] == rows[1], f"{rows[0]} rows in {english[0]!r}, {rows[1]} in {chinese[0]!r}"


@pytest.mark.parametrize(("name", "other"), DOCUMENTS.items())
def test_each_document_links_to_the_other_at_its_top(name, other):
    assert f"]({other.rpartition('/')[2]})" in sections(name)[0][1][:80]
    assert f"]({name.rpartition('/')[2]})" in sections(other)[0][1][:80]


def test_chinese_documents_link_to_chinese_ones():
    for other in DOCUMENTS.values():
        text = (ROOT / other).read_text(encoding="utf-8")
        english = re.findall(r"\[(?!English\])[^\]]*\]\(([^)#]+)", text)
        assert not set(english) & set(TRANSLATED.values()), other


CHINESE = [
    pytest.param(section, id=f"{other}-{section[0].strip('# ')}")
    for other in DOCUMENTS.values()
    for section in sections(other)[1:]
]


@pytest.mark.parametrize("chinese", CHINESE)
def test_a_chinese_section_is_chinese(chinese):
    assert re.search(r"[\u4e00-\u9fff]", chinese[0]), f"{chinese[0]!r} has no Chinese heading"
    prose = re.sub(r"`[^`]*`", "", FENCE.sub("", chinese[1]))
    assert not re.search(r"[A-Za-z]+( [A-Za-z]+){5}", prose), f"English prose in {chinese[0]!r}"
