"""Reads many queries from a folder of pictures, or from a table with texts or pictures."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow
import pyarrow.parquet

from db.sources.files import items_from
from db.sources.readers import SourceReader
from db.sources.tables import TableRow, names_of, unreadable_explained
from library.errors import UnknownSource
from library.messages import message
from library.search.batch import BatchQuery, Queries

TEXT_COLUMN, IMAGE_COLUMN = "text", "filepath"
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")

T = TypeVar("T")


def queries_from(place: str, text_column: str | None = None, image_column: str | None = None) -> Queries:
    """Returns a query for each picture of a folder, pattern or archive, or for each row of a table, read as it goes.

    Without names the columns `text` and `filepath` count, if they are there; a row that has both searches for both.
    Raises UnknownSource for what cannot be read, or has none of the columns; in a table's middle, too.
    """
    path = Path(place).expanduser()
    if path.suffix.lower() in SUFFIXES and "://" not in place:
        return _in_table(path, text_column, image_column)
    if text_column or image_column:
        raise UnknownSource("no_table_no_columns", place=place, suffixes=", ".join(SUFFIXES))
    items = items_from([place])
    queries = (BatchQuery(item.path, picture=item.read) for item in items if item.skip is None)
    return Queries(queries, sum(item.skip is None for item in items) if isinstance(items, list) else None)


def _in_table(path: Path, text_column: str | None, image_column: str | None) -> Queries:
    columns, total = _explained(path, partial(_columns_of, path))
    wanted = {name for name in (text_column, image_column) if name}
    used = wanted or {TEXT_COLUMN, IMAGE_COLUMN} & set(columns)
    if not used or not used <= set(columns):
        raise _missing(path, sorted(wanted - set(columns)) or [TEXT_COLUMN, IMAGE_COLUMN], columns)
    text = text_column or (TEXT_COLUMN if not wanted and TEXT_COLUMN in used else "")
    image = image_column or (IMAGE_COLUMN if not wanted and IMAGE_COLUMN in used else "")
    places = SourceReader()
    return Queries((_query_of(path, number, row, text, image, places) for number, row in _rows(path, used)), total)


def _missing(path: Path, missing: Sequence[str], columns: Sequence[str]) -> UnknownSource:
    first, *others = missing
    has = names_of(columns)
    if others:
        return UnknownSource("no_query_columns", name=path.name, first=first, second=others[0], columns=has)
    return UnknownSource("no_query_column", name=path.name, column=first, columns=has)


def _query_of(
    table: Path, number: int, row: TableRow, text_column: str, image_column: str, places: SourceReader
) -> BatchQuery:
    text, place = (_text(row.get(column)) if column else "" for column in (text_column, image_column))
    if not (text or place):
        return BatchQuery(f"{table.name}, row {number}", problem=message("row_without_query"))
    if not place:
        return BatchQuery(text, text)
    path = place if "://" in place else str(table.parent / Path(place).expanduser())
    return BatchQuery(f"{text} + {place}" if text else place, text, partial(places.read, path))


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _explained(path: Path, work: Callable[[], T]) -> T:
    with unreadable_explained(path):
        return work()


def _columns_of(path: Path) -> tuple[Sequence[str], int | None]:
    """Returns the names of the columns, and how many rows there are, where that is quickly told."""
    match path.suffix.lower():
        case ".parquet":
            with pyarrow.parquet.ParquetFile(path) as file:
                return list(file.schema_arrow.names), int(file.metadata.num_rows)
        case ".jsonl":
            return list(dict.fromkeys(name for row in _lines(path) for name in row)), None
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return csv.DictReader(file, delimiter=_delimiter(path)).fieldnames or [], None


def _rows(path: Path, columns: set[str]) -> Iterator[tuple[int, TableRow]]:
    """Yields each row with its number, from 1 on."""
    rows = iter(_read(path, columns))
    number = 0
    while (row := _explained(path, partial(next, rows, None))) is not None:
        yield (number := number + 1), row


def _read(path: Path, columns: set[str]) -> Iterator[TableRow]:
    match path.suffix.lower():
        case ".parquet":
            with pyarrow.parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=1000, columns=sorted(columns)):
                    yield from batch.to_pylist()
        case ".jsonl":
            yield from _lines(path)
        case _:
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                yield from csv.DictReader(file, delimiter=_delimiter(path))


def _lines(path: Path) -> Iterator[TableRow]:
    with path.open(encoding="utf-8-sig") as file:
        for line in file:
            if line.strip():
                yield dict(json.loads(line))


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","
