"""The Chinese README is kept in step with the English one: headings, commands and figures."""

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
    """The sections of a README in order; front matter is none."""
    text = re.sub(r"\A---\n.*?\n---\n", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    # A comment in a block of code begins with # too.
    hidden = FENCE.sub(lambda block: block[0].replace("\n#", "\n\0"), text)
    parts = re.split(r"^(#+ .*)$", hidden, flags=re.MULTILINE)
    return [(heading, body.replace("\n\0", "\n#")) for heading, body in zip(parts[1::2], parts[2::2], strict=True)]


ENGLISH, CHINESE = sections("README.md"), sections("README.zh-CN.md")
PAIRS = [
    pytest.param(english, chinese, id=english[0].strip("# ").replace(" ", "-"))
    for english, chinese in zip(ENGLISH, CHINESE, strict=False)
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
    return re.findall(r"\]\(([^)]+)\)", re.sub(r"\[[^\]]*\]\(README[^)]*\)", "", body))


def difference(english: Counter, chinese: Counter) -> str:
    return f"only in English: {sorted((english - chinese).elements())}; only in Chinese: " + str(
        sorted((chinese - english).elements())
    )


def test_the_headings_are_the_same_in_number_and_level():
    for english, chinese in zip_longest(ENGLISH, CHINESE):
        assert level(english) == level(chinese), (
            f"README.md has {english and english[0]!r} where README.zh-CN.md has {chinese and chinese[0]!r}"
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
def test_a_section_has_the_same_pictures_links_and_rows(english, chinese):
    assert links(chinese[1]) == links(english[1]), f"other links in {chinese[0]!r} than in {english[0]!r}"
    rows = [sum(line.startswith(("|", "- ")) for line in body.splitlines()) for _, body in (english, chinese)]
    assert rows[0] == rows[1], f"{rows[0]} rows in {english[0]!r}, {rows[1]} in {chinese[0]!r}"


def test_each_readme_links_to_the_other():
    assert "](README.zh-CN.md)" in ENGLISH[0][1][:80]
    assert "](README.md)" in CHINESE[0][1][:80]


@pytest.mark.parametrize("chinese", [pytest.param(section, id=section[0].strip("# ")) for section in CHINESE[1:]])
def test_a_chinese_section_is_chinese(chinese):
    assert re.search(r"[\u4e00-\u9fff]", chinese[0]), f"{chinese[0]!r} has no Chinese heading"
    prose = re.sub(r"`[^`]*`", "", FENCE.sub("", chinese[1]))
    assert not re.search(r"[A-Za-z]+( [A-Za-z]+){5}", prose), f"English prose in {chinese[0]!r}"
