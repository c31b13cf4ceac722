"""The measured table and its chart for the READMEs, out of the files that ``bench --json`` wrote and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from resnet_demo.bench import chart
from resnet_demo.bench.results import Row, cells, from_dicts
from resnet_demo.errors import UserError
from resnet_demo.utils import markdown

ROOT = Path(__file__).resolve().parents[2]
FILE = Path("bench.json")  # where none is named
START, END = "<!-- bench -->", "<!-- /bench -->"
CHART = Path("docs") / "bench.svg"
# What differs from one README to the other; names of ways and notes stand in both as they are.
WORDS = {
    "README.md": {
        "columns": ("what", "way", "median", "lowest to highest", "ours against it", "asked", "note"),
        "chart": "How many times faster or smaller ours is than each peer",
        "machine": "Measured on: {cpu}, {cores} cores, {device}; bf16 instructions: {bf16}; torch {torch}; "
        "load before {load}; turns: {rounds}.",
        "none": "none",
    },
    "README.zh-CN.md": {
        "columns": ("内容", "方式", "中位数", "最低至最高", "与本项目相比", "要求", "备注"),
        "chart": "本项目相对每个同类程序的倍数",
        "machine": "测量环境：{cpu}，{cores} 核，{device}；bf16 指令：{bf16}；torch {torch}；"
        "测量前负载 {load}；轮数：{rounds}。",
        "none": "无",
    },
}


def write(files: Sequence[Path]) -> list[Path]:
    """Put the figures of ``files`` into the READMEs, between the marks, and draw the chart.

    Returns:
        The files that were written.

    Raises:
        UserError: a file is missing or not one of ``bench --json``, or a README has no marks; nothing was written then.
    """
    records = [read(file) for file in files]
    measured = [rows_of(record) for record in records]
    if not any(measured):
        raise UserError(f"There are no figures in {', '.join(map(str, files))}: run a measurement with --json first.")
    texts = {ROOT / name: replaced(ROOT / name, block(records, measured, words)) for name, words in WORDS.items()}
    texts[ROOT / CHART] = chart.draw(measured)
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


def block(records: Sequence[dict], measured: Sequence[Sequence[Row]], words: dict) -> str:
    """What stands between the marks: the chart, and for each file its machine and its table."""
    parts = [f"![{words['chart']}]({CHART.as_posix()})"]
    for record, rows in zip(records, measured, strict=True):
        if rows:
            parts += [machine(record, words), table(rows, words["columns"])]
    return "\n\n".join(parts)


def machine(record: dict, words: dict) -> str:
    """Where and how it was measured."""
    described = record["machine"]
    device = described["device"]
    return words["machine"].format(
        cpu=described["cpu"],
        cores=described["cores"],
        device="CPU" if device == "cpu" else device,
        bf16=", ".join(described["bf16"]) or words["none"],
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
        raise UserError(f"{path.name} has no lines {START} and {END} to put the table between.")
    # With empty lines the chart is a paragraph of its own, and so is left out of the README of a Space.
    return f"{head}{START}\n\n{text}\n\n{END}{tail}"
