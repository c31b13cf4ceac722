"""The measured figures for the documents, out of the files that ``bench --json`` wrote and nothing else.

All of them and a chart go to ``docs/``, five rows to the READMEs; or all of them to the page of another kind of CPU.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from resnet_demo.bench import chart
from resnet_demo.bench.results import Row, against, cells, from_dicts, number, our_row, ratio
from resnet_demo.errors import UserError
from resnet_demo.utils import markdown

ROOT = Path(__file__).resolve().parents[2]
FILE = Path("bench.json")  # where none is named
START, END = "<!-- bench -->", "<!-- /bench -->"
TABLES, CHART = "docs/benchmarks.md", "docs/bench.svg"
ROWS = 5  # of a README
# What a README shows first, of what was measured; the names are those of the rows.
FIRST = (
    *("classify, ResNet-50", "photo of 12 megapixels to overlay, ResNet-50", "points of five faces, ResNet-50"),
    *("HTTP: upload to fetched result", "folder to CSV, ResNet-50"),
)
COLUMNS = ("what", "way", "median", "lowest to highest", "ours against it", "asked", "note")
PICTURE = "How many times faster or smaller ours is than each peer"
MACHINE = (
    "Measured on: {cpu}, {cores} cores, {device}; instructions for 8 bits: {int8}, for bf16: {bf16}; torch {torch}; "
    "load before {load}; turns: {rounds}."
)
# What differs from one README to the other; names of things and ways stand in both as they are.
WORDS = {
    "README.md": {
        "columns": ("what", "ours", "the quickest other way", "takes", "ours against it"),
        "machine": "Measured on: {cpu}, {cores} cores, {device}; instructions for 8 bits: {int8}.",
    },
    "README.zh-CN.md": {
        "columns": ("内容", "本项目", "最快的其他做法", "用时", "与本项目相比"),
        "machine": "测量环境：{cpu}，{cores} 核，{device}；8 位整数指令：{int8}。",
    },
}


def write(files: Sequence[Path], page: Path | None = None) -> list[Path]:
    """Put the figures of ``files`` into the documents, between the marks, and draw the chart.

    Args:
        page: put them into this file alone, such as ``docs/bench-avx2.md``, and its chart beside it.

    Returns:
        The files that were written.

    Raises:
        UserError: a file is missing or not one of ``bench --json``, or a document has no marks; nothing was written
            then.
    """
    records = [read(file) for file in files]
    measured = [rows_of(record) for record in records]
    if not any(measured):
        raise UserError(f"There are no figures in {', '.join(map(str, files))}: run a measurement with --json first.")
    drawing = ROOT / CHART if page is None else page.with_suffix(".svg")
    blocks = {ROOT / TABLES if page is None else page: block(records, measured, drawing.name)}
    if page is None:
        blocks |= {ROOT / name: text for name, words in WORDS.items() if (text := brief(records, measured, words))}
    texts = {path: replaced(path, text) for path, text in blocks.items()}
    texts[drawing] = chart.draw(measured)
    for path, text in texts.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def read(file: Path) -> dict:
    """The record that ``bench --json`` wrote.

    Raises:
        UserError: it is missing or something else.
    """
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file} cannot be read: run `bench --json {file}` first.") from error
    except ValueError as error:
        raise UserError(f"{file} is no JSON file: name one that `bench --json` wrote.") from error
    if not isinstance(record, dict) or not {"machine", "settings", "measurements"} <= record.keys():
        raise UserError(f"{file} is no file of measurements: name one that `bench --json` wrote.")
    return record


def rows_of(record: dict) -> list[Row]:
    """The rows of all measurements, the training's in the same form."""
    rows = []
    for name, records in record["measurements"].items():
        if name == "training":
            from resnet_demo.bench.cases.training import as_rows

            rows += as_rows(records)
        else:
            rows += from_dicts(records)
    return rows


def block(records: Sequence[dict], measured: Sequence[Sequence[Row]], drawing: str) -> str:
    """All figures: the chart, and for each file its machine and its table."""
    parts = [f"![{PICTURE}]({drawing})"]
    for record, rows in zip(records, measured, strict=True):
        if rows:
            parts += [machine(record, MACHINE), table(rows, COLUMNS)]
    return "\n\n".join(parts)


def brief(records: Sequence[dict], measured: Sequence[Sequence[Row]], words: dict) -> str:
    """``ROWS`` things, ours beside the quickest other way of each, and the machines that they were measured on.

    Nothing where nothing was compared: a README then keeps what it has.
    """
    found = {}  # thing → its machine and its line
    for record, rows in zip(records, measured, strict=True):
        for what in dict.fromkeys(row.what for row in rows):
            if what not in found and (rival := quickest([row for row in rows if row.what == what])):
                found[what] = (machine(record, words["machine"]), short_line(rival, rows))
    shown = [*(what for what in FIRST if what in found), *(what for what in found if what not in FIRST)][:ROWS]
    if not shown:
        return ""
    machines = dict.fromkeys(found[what][0] for what in shown)
    lines = [markdown.head(words["columns"]), *(found[what][1] for what in shown)]
    return "\n\n".join([" ".join(machines), "\n".join(lines)])


def quickest(rows: Sequence[Row]) -> Row | None:
    """Of the ways of one thing that ours is compared with the one that leads most, or is nearest to ours.

    What nobody can beat, such as a part of the work alone, counts only where there is nothing else.
    """
    compared = [row for row in rows if ratio(row, rows) is not None]
    rivals = [row for row in compared if row.limit_ratio is None] or compared
    best = min if rivals and rivals[0].lower_is_better else max
    return best(rivals, key=lambda row: row.median, default=None)


def short_line(rival: Row, rows: Sequence[Row]) -> str:
    """A line of a README's table: a row that ours is compared with, and ours."""
    ours, theirs = (f"{number(row.median)} {row.unit}" for row in (our_row(rival, rows), rival) if row)
    return markdown.row([rival.what, ours, rival.way, theirs, against(rival, rows)])


def machine(record: dict, text: str) -> str:
    """Where and how it was measured, in ``text``'s words."""
    described = record["machine"]
    device = described["device"]
    return text.format(
        cpu=described["cpu"],
        cores=described["cores"],
        device="CPU" if device == "cpu" else device,
        int8=", ".join(described.get("int8", ["not recorded"])) or "none",
        bf16=", ".join(described["bf16"]) or "none",
        torch=described["torch"],
        load=described["load"],
        rounds=record["settings"]["rounds"],
    )


def table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """The rows, each thing named once."""
    lines, before = [markdown.head(columns)], None
    for row in rows:
        name, *others = cells(row, rows)
        lines.append(markdown.row(["" if row.what == before else name, *others]))
        before = row.what
    return "\n".join(lines)


def replaced(path: Path, text: str) -> str:
    """The file's text with ``text`` between the marks.

    Raises:
        UserError: it is missing or has no marks.
    """
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    head, start, rest = old.partition(START)
    _, end, tail = rest.partition(END)
    if not (start and end):
        name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path
        raise UserError(f"{name} has no lines {START} and {END} to put the table between.")
    # With empty lines the chart is a paragraph of its own, and so is left out of the README of a Space.
    return f"{head}{START}\n\n{text}\n\n{END}{tail}"
