"""Reads pictures from tables: one column says where they are, all others become their metadata."""

import csv
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import pyarrow
import pyarrow.parquet

from db.os_errors import reason_of
from db.sources.readers import SourceReader
from library.errors import UnknownSource
from library.ingest.items import Item
from library.messages import Message, message

INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})")  # 007 is a text
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
MOMENT = re.compile(rf"{DAY.pattern}[T ]\d\d:\d\d(:\d\d(\.\d{{1,9}})?)?( ?(Z|UTC|[+-]\d\d(:?\d\d)?))?")

TableRow = Mapping[str, Any]
Columns = Mapping[str, Sequence[Any]]


def items_in_table(path: Path, image_column: str) -> list[Item]:
    """Returns an item for each row. The column holds URLs of the web or a bucket, or paths relative to the table.

    The other columns become metadata: texts, numbers, booleans, and dates as ISO 8601 in UTC; empty cells are None.
    Raises UnknownSource for a table that cannot be read or has no such column.
    """
    columns = _read(path)
    if image_column not in columns:
        if not image_column:
            raise UnknownSource("name_the_column", name=path.name, columns=names_of(list(columns)))
        raise UnknownSource("table_lacks_column", name=path.name, column=image_column, columns=names_of(list(columns)))
    places = SourceReader()
    others = {name: _values(values) for name, values in columns.items() if name != image_column}
    return [
        _item(path, place, places, {name: values[row] for name, values in others.items()})
        for row, place in enumerate(columns[image_column])
    ]


def _read(path: Path) -> Columns:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UnknownSource("no_table", name=path.name, suffixes=", ".join(READERS))
    with unreadable_explained(path):
        return reader(path)


@contextmanager
def unreadable_explained(path: Path) -> Iterator[None]:
    """Turns what readers of tables raise into UnknownSource."""
    try:
        yield
    except OSError as error:
        raise UnknownSource("table_not_read", path=str(path), reason=reason_of(error)) from None
    except (ValueError, TypeError, csv.Error, pyarrow.ArrowException) as error:
        raise UnknownSource("not_read_as_table", name=path.name, reason=str(error).splitlines()[0]) from None


def names_of(columns: Sequence[str]) -> str | Message:
    """Returns the names of the first columns, as a sentence can hold them."""
    return ", ".join(columns[:20]) or message("no_names")


def _read_text(path: Path, delimiter: str) -> Columns:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter, restval=""))
    columns = _columns(rows)
    return {name: _typed(values) for name, values in columns.items()}


def _read_jsonl(path: Path) -> Columns:
    with path.open(encoding="utf-8-sig") as file:
        return _columns([dict(json.loads(line)) for line in file if line.strip()])


def _read_parquet(path: Path) -> Columns:
    columns: Columns = pyarrow.parquet.read_table(path).to_pydict()
    return columns


READERS: Mapping[str, Callable[[Path], Columns]] = {
    ".csv": partial(_read_text, delimiter=","),
    ".tsv": partial(_read_text, delimiter="\t"),
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}


def _columns(rows: Sequence[TableRow]) -> Columns:
    names = dict.fromkeys(name for row in rows for name in row if name is not None)
    return {name: [row.get(name) for row in rows] for name in names}


def _typed(texts: Sequence[str]) -> list[Any]:
    """Returns the texts of a column as what all of them are: whole numbers, numbers, true and false, or else texts."""
    given = [text for text in texts if text]
    if all(INTEGER.fullmatch(text) for text in given):
        return [int(text) if text else None for text in texts]
    if all(NUMBER.fullmatch(text) for text in given):
        return [float(text) if text else None for text in texts]
    if all(text.lower() in ("true", "false") for text in given):
        return [text.lower() == "true" if text else None for text in texts]
    return [text or None for text in texts]


def _values(column: Sequence[Any]) -> list[Any]:
    """Returns plain values, None where there is none; a column of dates in UTC."""
    values = [_plain(value) for value in column]
    given = [value for value in values if value is not None]
    if all(isinstance(value, str) and (MOMENT.fullmatch(value) or DAY.fullmatch(value)) for value in given):
        return [value and _in_utc(value) for value in values]
    return values


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return _moment(value)
        case date():
            return value.isoformat()
        case _:
            return json.dumps(value, default=str, ensure_ascii=False)


def _in_utc(text: str) -> str:
    if DAY.fullmatch(text):
        return text
    try:
        return _moment(datetime.fromisoformat(re.sub(r" ?(UTC|Z)$", "+00:00", text)))
    except ValueError:  # a day that no calendar has
        return text


def _moment(value: datetime) -> str:
    """Returns a time in UTC; one without a zone counts as UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _item(table: Path, place: Any, places: SourceReader, metadata: dict[str, Any]) -> Item:
    text = str(place or "").strip()
    if not text:
        return Item(f"{table.name}: a row", "unnamed", bytes, skip=message("row_without_picture"))
    name = PurePath(text.partition("?")[0]).name
    if "://" in text:
        return Item(text, name, partial(places.read, text), text, metadata, original_at=text)
    path = str(table.parent / Path(text).expanduser())
    source = name if Path(text).is_absolute() else f"{table.name}/{text}"
    return Item(path, name, partial(places.read, path), source, metadata, original_at=os.path.abspath(path))
