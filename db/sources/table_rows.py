"""Reads the rows of CSV, TSV, JSON Lines and Parquet; a row that cannot be read says so and hides no other."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from db.os_errors import reason_of
from db.sources.table_text import cells_of, encoding_of, open_text
from library.errors import RejectedImage, UnknownSource
from library.messages import Message, message

PARQUET = ".parquet"
LARGEST = 2**63 - 1
ROWS_AT_ONCE = 500  # of Parquet; they may hold the pictures themselves
UTF_8 = ("utf-8", "utf-8-sig")

TableRow = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Holds what is known of a table before its rows are read. `rows` yields a row, or why it cannot be read."""

    columns: Sequence[str]
    rows: Callable[[], Iterator[TableRow | RejectedImage]]
    total: int | None = None
    are_texts: bool = False  # whether all cells are texts, whose types are to be found out
    binary: Sequence[str] = ()  # columns of bytes
    notes: Sequence[Message] = field(default_factory=list)


def open_table(path: Path, encoding: str = "") -> Table:
    """Opens a table, or a folder of Parquet files. Raises UnknownSource for what cannot be read or has no rows."""
    opener = OPENERS.get(path.suffix.lower()) if not path.is_dir() else _open_folder
    if opener is None:
        raise UnknownSource("no_table", name=path.name, suffixes=", ".join(OPENERS))
    with unreadable_explained(path):
        return opener(path, encoding)


@contextmanager
def unreadable_explained(path: Path) -> Iterator[None]:
    """Turns what readers of tables raise into UnknownSource."""
    try:
        yield
    except OSError as error:
        raise UnknownSource("table_not_read", path=str(path), reason=reason_of(error)) from None
    except (ValueError, TypeError, csv.Error, pyarrow.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnknownSource("not_read_as_table", name=path.name, reason=reason) from None


def names_of(columns: Sequence[str]) -> str | Message:
    """Returns the names of the first columns, as a sentence can hold them."""
    return ", ".join(columns[:20]) or message("no_names")


def _open_texts(path: Path, encoding: str) -> Table:
    encoding = encoding_of(path, encoding)
    header = next(cells_of(path, encoding), None)
    if header is None:
        raise UnknownSource("table_empty", name=path.name)
    columns = _named(header)

    def rows() -> Iterator[TableRow | RejectedImage]:
        cells = cells_of(path, encoding)
        next(cells, None)
        return (_row(columns, each) for each in cells)

    if next(rows(), None) is None:
        raise UnknownSource("table_without_rows", name=path.name)
    return Table(columns, rows, are_texts=True, notes=_notes_on(encoding))


def _named(header: Sequence[str]) -> list[str]:
    """Returns a name of its own for each column: an empty one is called by its place, a second one gets a number."""
    names: list[str] = []
    for place, cell in enumerate(header, 1):
        name = wanted = cell.strip() or f"column {place}"
        number = 2
        while name in names:
            name, number = f"{wanted} {number}", number + 1
        names.append(name)
    return names


def _row(columns: Sequence[str], cells: Sequence[str]) -> TableRow | RejectedImage:
    if any(cells[len(columns) :]):
        return RejectedImage("row_too_long", cells=len(cells), columns=len(columns))
    return dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))], strict=False))


def _open_lines(path: Path, encoding: str) -> Table:
    encoding = encoding_of(path, encoding)

    def rows() -> Iterator[TableRow | RejectedImage]:
        with open_text(path, encoding) as file:
            yield from (_object_in(line) for line in file if line.strip())

    columns = list(dict.fromkeys(name for row in rows() if isinstance(row, Mapping) for name in row))
    if next(rows(), None) is None:
        raise UnknownSource("table_empty", name=path.name)
    if not columns:
        raise UnknownSource("no_objects", name=path.name)
    return Table(columns, rows, notes=_notes_on(encoding))


def _object_in(line: str) -> TableRow | RejectedImage:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return RejectedImage("line_no_json")
    return found if isinstance(found, dict) else RejectedImage("line_no_object")


def _open_parquet(path: Path, encoding: str = "") -> Table:
    with pyarrow.parquet.ParquetFile(path) as file:
        schema, total = file.schema_arrow, int(file.metadata.num_rows)
    if not total:
        raise UnknownSource("table_without_rows", name=path.name)
    binary = [
        each.name for each in schema if pyarrow.types.is_binary(each.type) or pyarrow.types.is_large_binary(each.type)
    ]

    def rows() -> Iterator[TableRow | RejectedImage]:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                yield from map(_within_64_bits, batch.to_pylist())

    return Table(list(schema.names), rows, total, binary=binary)


def _within_64_bits(row: dict[str, Any]) -> TableRow:
    """Returns the row with unsigned numbers that no index holds as texts."""
    return {name: str(value) if isinstance(value, int) and value > LARGEST else value for name, value in row.items()}


def _is_binary(type: pyarrow.DataType) -> bool:
    return any(test(type) for test in (pyarrow.types.is_binary, pyarrow.types.is_large_binary))


def _open_folder(path: Path, encoding: str = "") -> Table:
    """Opens the Parquet files of a folder as one table, as Hugging Face stores a dataset in shards."""
    files = sorted(each for each in path.rglob(f"*{PARQUET}") if not each.name.startswith("."))
    if not files:
        raise UnknownSource("no_parquet_in_folder", name=path.name)
    shards = [_open_parquet(file) for file in files]
    columns = list(dict.fromkeys(name for shard in shards for name in shard.columns))
    binary = list(dict.fromkeys(name for shard in shards for name in shard.binary))

    def rows() -> Iterator[TableRow | RejectedImage]:
        for shard in shards:
            yield from shard.rows()

    return Table(columns, rows, sum(shard.total or 0 for shard in shards), binary=binary)


def _notes_on(encoding: str) -> list[Message]:
    return [] if encoding in UTF_8 else [message("table_encoding", encoding=encoding)]


OPENERS: Mapping[str, Callable[[Path, str], Table]] = {
    ".csv": _open_texts,
    ".tsv": _open_texts,
    ".jsonl": _open_lines,
    PARQUET: _open_parquet,
}
