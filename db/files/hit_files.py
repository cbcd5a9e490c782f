"""Writes the hits of many queries to a file, a line or row for each, as they are found."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import pyarrow
import pyarrow.parquet

from library.errors import InvalidSelection
from library.exports.results import scored, without_formula
from library.running.disk import check_regular, writing
from library.search.batch import BatchResult
from library.texts import ESCAPING, encodable

SCHEMA = pyarrow.schema(
    {
        "query": pyarrow.string(),
        "rank": pyarrow.int32(),
        "content_id": pyarrow.string(),
        "img_path": pyarrow.string(),
        "name": pyarrow.string(),
        "score": pyarrow.float64(),
        "distance": pyarrow.float64(),  # 1 - score
        "metadata": pyarrow.string(),  # JSON: names and values are the user's own
    }
)
SUFFIXES = (".csv", ".jsonl", ".parquet")
GROUP_ROWS = 10_000

HitRow = dict[str, Any]
WriteRows = Callable[[Sequence[HitRow]], None]


@contextmanager
def hit_file(path: Path) -> Iterator[Callable[[BatchResult], None]]:
    """Yields a function that writes the hits of one query. Raises InvalidSelection for a path that it cannot write."""
    writer = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}.get(path.suffix.lower())
    if writer is None:
        raise InvalidSelection("no_hit_file", name=path.name or str(path), suffixes=", ".join(SUFFIXES))
    with writing(path):
        check_regular(path)
        file = path.open("wb")
    with writing(path), file, writer(file) as write:
        yield lambda answered: _written(path, write, answered)


def _written(path: Path, write: WriteRows, answered: BatchResult) -> None:
    with writing(path):
        write(hit_rows(answered))


def hit_rows(answered: BatchResult) -> list[HitRow]:
    """Returns a row for each hit; its metadata are still a mapping."""
    return [
        {
            "query": answered.name,
            "rank": rank,
            "content_id": hit.record.content_id,
            "img_path": hit.record.img_path,
            "name": hit.record.name,
            **scored(hit.score),
            "metadata": dict(hit.record.metadata),
        }
        for rank, hit in enumerate(answered.hits, start=1)
    ]


@contextmanager
def _csv(file: BinaryIO) -> Iterator[WriteRows]:
    with _text(file) as text:
        writer = csv.DictWriter(text, SCHEMA.names)
        writer.writeheader()
        yield lambda rows: writer.writerows(map(_as_cells, rows))


@contextmanager
def _jsonl(file: BinaryIO) -> Iterator[WriteRows]:
    with _text(file) as text:
        yield lambda rows: text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@contextmanager
def _parquet(file: BinaryIO) -> Iterator[WriteRows]:
    waiting: list[HitRow] = []
    with pyarrow.parquet.ParquetWriter(file, SCHEMA) as writer:

        def write(rows: Sequence[HitRow], at_least: int = GROUP_ROWS) -> None:
            waiting.extend(map(_flat, rows))
            if len(waiting) >= at_least:
                writer.write_table(pyarrow.Table.from_pylist(waiting, SCHEMA))
                waiting.clear()

        try:
            yield write
        finally:
            write([], at_least=1)


def _text(file: BinaryIO) -> TextIO:
    return TextIOWrapper(file, "utf-8", errors=ESCAPING, newline="", line_buffering=True)


def _as_cells(row: HitRow) -> HitRow:
    return {name: without_formula(cell) for name, cell in _flat(row).items()}


def _flat(row: HitRow) -> HitRow:
    return row | {"query": encodable(row["query"]), "metadata": json.dumps(row["metadata"], ensure_ascii=False)}
