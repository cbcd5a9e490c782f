"""Reads pictures from tables: one column says where they are or holds them, all others become their metadata."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any, NoReturn
from urllib.parse import urlsplit
from urllib.request import url2pathname

from db.sources.cells import plain_column, typed
from db.sources.readers import SourceReader
from db.sources.table_rows import Table, names_of, open_table, unreadable_explained
from library.errors import RejectedImage, UnknownSource
from library.images import check_bytes
from library.ingest.items import Item
from library.messages import Message, message

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
EMBEDDED = {"bytes", "path"}  # the fields of a picture in a dataset of Hugging Face


def items_in_table(path: Path, image_column: str, encoding: str = "") -> Iterable[Item]:
    """Returns an item for each row. The column holds URLs of the web or a bucket, paths relative to the table, or the
    pictures themselves, as Hugging Face stores them.

    The other columns become metadata: texts, numbers, booleans, and dates as ISO 8601 in UTC; empty cells are None. A
    row that cannot be read becomes an item that says so. Returns a list, unless the rows hold the pictures. `encoding`
    is that of a table of text, else it is found out. Raises UnknownSource for a table that cannot be read or has no
    such column.
    """
    table = open_table(path, encoding)
    if image_column not in table.columns:
        columns = names_of(list(table.columns))
        if not image_column:
            raise UnknownSource("name_the_column", name=path.name, columns=columns)
        raise UnknownSource("table_lacks_column", name=path.name, column=image_column, columns=columns)
    with unreadable_explained(path):
        first = next((row for row in table.rows() if isinstance(row, Mapping)), {})
        if isinstance(first.get(image_column), Mapping | bytes):
            return _noted(_items_with_pictures(path, table, image_column), table, image_column)
        return list(_noted(_items_with_places(path, table, image_column), table, image_column))


def _items_with_places(path: Path, table: Table, image_column: str) -> Iterator[Item]:
    rows = list(table.rows())
    given = [row for row in rows if isinstance(row, Mapping)]
    others = [name for name in table.columns if name != image_column]
    values = {name: _values([row.get(name) for row in given], table.are_texts) for name in others}
    places = SourceReader()
    read = 0
    for number, row in enumerate(rows, 1):
        if isinstance(row, RejectedImage):
            yield _bad_row(path, number, row)
            continue
        yield _item(path, row.get(image_column), places, {name: column[read] for name, column in values.items()})
        read += 1


def _values(cells: Sequence[Any], are_texts: bool) -> list[Any]:
    return plain_column(typed(cells) if are_texts else cells)


def _items_with_pictures(path: Path, table: Table, image_column: str) -> Iterator[Item]:
    for number, row in enumerate(table.rows(), 1):
        if isinstance(row, RejectedImage):
            yield _bad_row(path, number, row)
        else:
            others = {name: value for name, value in row.items() if name != image_column}
            metadata = {name: plain_column([value])[0] for name, value in others.items()}
            yield _embedded(path, number, row.get(image_column), metadata)


def _embedded(table: Path, number: int, cell: Any, metadata: dict[str, Any]) -> Item:
    data, named = (cell.get("bytes"), cell.get("path")) if isinstance(cell, Mapping) else (cell, None)
    path = f"{table.name}: row {number}"
    if not data:
        if named and isinstance(named, str):
            return _item(table, named, SourceReader(), metadata)
        return Item(path, "unnamed", bytes, skip=message("row_without_picture"))
    name = PurePath(named).name if isinstance(named, str) else f"{table.stem} {number}"
    return Item(path, name, partial(_checked, data), f"{table.name}/{name}", metadata)


def _checked(data: bytes) -> bytes:
    check_bytes(len(data))
    return data


def _noted(items: Iterable[Item], table: Table, image_column: str) -> Iterator[Item]:
    """Yields the items, the first of them with what is to be said of the whole table."""
    left_out = [name for name in table.binary if name != image_column]
    notes: list[Message] = [*table.notes]
    if left_out:
        notes.append(message("columns_of_bytes", columns=", ".join(left_out)))
    for item in items:
        yield replace(item, note=notes.pop(0)) if notes and not item.skip else item


def _bad_row(table: Path, number: int, problem: RejectedImage) -> Item:
    def refuse() -> NoReturn:
        raise problem

    return Item(f"{table.name}: row {number}", "unnamed", refuse)


def _item(table: Path, place: Any, places: SourceReader, metadata: dict[str, Any]) -> Item:
    text = str(place or "").strip()
    if not text:
        return Item(f"{table.name}: a row", "unnamed", bytes, skip=message("row_without_picture"))
    if text.lower().startswith("file:"):
        text = url2pathname(urlsplit(text).path)
    name = PurePath(text.partition("?")[0]).name
    if "://" in text:
        return Item(text, name, partial(places.read, text), text, metadata, original_at=text)
    path = str(table.parent / text)
    source = name if Path(text).is_absolute() else f"{table.name}/{text}"
    return Item(path, name, partial(places.read, path), source, metadata, original_at=os.path.abspath(path))
