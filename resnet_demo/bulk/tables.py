"""Rows to a file, as they come: CSV, JSON lines or Parquet, by its ending."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from resnet_demo.bulk.rows import Row
from resnet_demo.errors import UserError
from resnet_demo.utils.packages import need

GROUP = 4096  # rows that are packed together
Writer = Callable[[Iterable[Row], Mapping[str, type], Path], None]


def writer_of(path: Path) -> Writer:
    """What writes a file of this name: rows, the columns' types, where to.

    Raises:
        UserError: none does, or a package is missing.
    """
    if path.suffix == ".parquet":
        need("pyarrow")
    if path.suffix not in WRITERS:
        raise UserError(f"{path} is no table: let --output end in {', '.join(WRITERS)}.")
    return WRITERS[path.suffix]


def _csv(rows: Iterable[Row], columns: Mapping[str, type], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)


def _jsonl(rows: Iterable[Row], columns: Mapping[str, type], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _parquet(rows: Iterable[Row], columns: Mapping[str, type], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    types: dict[type, Any] = {str: pa.string(), int: pa.int32(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    with parquet.ParquetWriter(path, schema, compression="zstd") as table:
        for group in _groups(rows):
            table.write_table(pa.Table.from_pylist(group, schema))


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rest = iter(rows)
    while group := list(islice(rest, GROUP)):
        yield group


WRITERS: dict[str, Writer] = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}
