"""Reads pictures from tables: one column says where they are or holds them, all others become their metadata."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path, PurePath
from typing import Any, NoReturn

from db.sources.addresses import as_on_disk, checked_place, path_in
from db.sources.local_files import ANYWHERE, LocalFiles
from db.sources.readers import SourceReader
from db.sources.sidecars.folder import SidecarFolders
from db.sources.tables.columns import Column, TextColumn, ValueColumn, value_of
from db.sources.tables.missing_column import without_column
from db.sources.tables.rows import open_table
from db.sources.tables.table import DecodedRow, Table, TableRow, unreadable_explained
from db.sources.tables.text import is_of_other_bytes, not_decoded, shown_encoding
from library.errors import RejectedImage
from library.images import check_bytes
from library.ingest.items import CountedItems, Item
from library.messages import Message, both, message
from library.records import Metadata
from library.running.work import check_stop
from library.validation import as_json

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


def items_in_table(
    path: Path,
    image_column: str,
    encoding: str = "",
    beside: SidecarFolders | None = None,
    files: LocalFiles = ANYWHERE,
) -> CountedItems:
    """Returns an item for each row, read as they are asked for; their number is known with the first of them.

    The column holds URLs of the web or a bucket, paths relative to the table, or the pictures themselves, as Hugging
    Face stores them. The other columns become metadata: texts, numbers, booleans, and dates as ISO 8601 in UTC; empty
    cells are None. A row that cannot be read becomes an item that says so. `encoding` is that of a table of text, else
    it is found out; `beside` finds the sidecars of files on disk, which `files` opens.

    Raises UnknownSource at once for a table that cannot be read or has no such column; while iterating, for one that
    cannot be read on, and Interrupted.
    """
    table = open_table(path, encoding, files=files, sought=image_column)
    if image_column not in table.columns:
        raise without_column(path.name, image_column, table)
    reader = _RowReader(path, image_column, table.encoding, beside, files)
    are_large = image_column in table.with_pictures
    items = reader.items_one_by_one(table) if are_large else reader.items_by_columns(table)
    return CountedItems(_readable(path, _noted(items, table, image_column)), lambda: table.total or reader.seen)


class _RowReader:
    """Makes items of the rows of one table; `seen` is how many it has, once all were gone through."""

    def __init__(
        self, table: Path, image_column: str, encoding: str, beside: SidecarFolders | None, files: LocalFiles
    ) -> None:
        self._table = table
        self._folder = table.parent
        self._image_column = image_column
        self._encoding = encoding
        self._beside = beside
        self._places = SourceReader(files)
        self.seen: int | None = None

    def items_one_by_one(self, table: Table) -> Iterator[Item]:
        """Yields items by their rows alone: those with pictures are too large to be read twice."""
        for number, row in enumerate(table.rows(), 1):
            check_stop()
            yield self._item(number, row, lambda row: {name: value_of(cell) for name, cell in row.items()})

    def items_by_columns(self, table: Table) -> Iterator[Item]:
        """Yields items once all rows were gone through: what a column holds is told by all of its cells."""
        columns = self._columns_of(table)
        for number, row in enumerate(table.rows(), 1):
            check_stop()
            yield self._item(number, row, partial(_values, columns))

    def _columns_of(self, table: Table) -> Mapping[str, Column]:
        make = TextColumn if table.are_texts else ValueColumn
        columns: dict[str, Column] = {name: make() for name in table.columns}
        seen = 0
        for row in table.rows():
            check_stop()
            seen += 1
            for name, cell in row.items() if isinstance(row, Mapping) else ():
                if name not in columns:
                    columns[name] = make()
                columns[name].show(cell)
        self.seen = seen
        return {name: column for name, column in columns.items() if name != self._image_column}

    def _item(self, number: int, row: TableRow | RejectedImage, metadata_of: Callable[[TableRow], Metadata]) -> Item:
        path = f"{self._table.name}: row {number}"
        if isinstance(row, RejectedImage):
            return _refused(path, row)
        given = {name: cell for name, cell in row.items() if name != self._image_column}
        others = metadata_of(given)
        if self._encoding and not isinstance(row, DecodedRow) and _holds_other_bytes(given):
            return _refused(path, RejectedImage("row_not_encoded", encoding=shown_encoding(self._encoding)))
        try:
            return self._picture(path, number, row.get(self._image_column), others)
        except RejectedImage as error:
            return _refused(path, error)

    def _picture(self, path: str, number: int, cell: Any, metadata: Metadata) -> Item:
        if isinstance(cell, list | tuple):
            if len(cell) > 1:
                raise RejectedImage("row_of_many_pictures", count=len(cell))
            cell = cell[0] if cell else None
        data, named = (cell.get("bytes"), cell.get("path")) if isinstance(cell, Mapping) else (cell, cell)
        if isinstance(data, bytes) and data:
            name = PurePath(named).name if isinstance(named, str) else f"{self._table.stem} {number}"
            source = f"{self._table.name}/{name}"
            return Item(path, name, partial(_checked, data), source, metadata, size=len(data))
        if isinstance(named, bool | list | tuple):
            raise RejectedImage("cell_no_path", column=self._image_column, given=as_json(named))
        text = "" if named is None or isinstance(named, bytes | Mapping) else str(named).strip()
        if not text:
            return Item(path, "unnamed", bytes, skip=message("row_without_picture"))
        return self._place(text, metadata)

    def _place(self, text: str, metadata: Metadata) -> Item:
        text = checked_place(path_in(text), RejectedImage)
        if "://" in text:
            name = PurePath(text.partition("?")[0]).name
            return Item(text, name, partial(self._places.read, text), text, metadata, original_at=text)
        place = self._folder / as_on_disk(self._folder, text, self._encoding)
        path, name = str(place), place.name
        source = name if os.path.isabs(text) else f"{self._table.name}/{text}"
        described = self._beside.of(path).describing(name) if self._beside else None
        original_at, read = os.path.abspath(path), partial(self._places.read, path)
        size = partial(os.path.getsize, path)
        return Item(path, name, read, source, metadata, original_at=original_at, describe=described, size=size)


def _readable(path: Path, items: Iterator[Item]) -> Iterator[Item]:
    with unreadable_explained(path):
        yield from items


def _values(columns: Mapping[str, Column], row: TableRow) -> Metadata:
    return {name: column.value(row.get(name)) for name, column in columns.items()}


def _holds_other_bytes(row: TableRow) -> bool:
    """Returns whether a name or its value has bytes that the encoding of the table does not have."""
    with suppress(RecursionError):  # the check of its record refuses it with the reason
        cells = (each for cell in row.items() for each in cell)
        texts = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in cells]
        return not_decoded("".join(texts)) and any(map(is_of_other_bytes, texts))
    return False


def _checked(data: bytes) -> bytes:
    check_bytes(len(data))
    return data


def _noted(items: Iterable[Item], table: Table, image_column: str) -> Iterator[Item]:
    """Yields the items, the first of them with what is to be said of the whole table."""
    others = {name: within for name, within in table.binary.items() if name != image_column}
    whole = [name for name, within in others.items() if within == [name]]
    parts = [place for name, within in others.items() if within != [name] for place in within]
    notes: list[Message] = []
    if whole:
        notes.append(message("columns_of_bytes", columns=", ".join(whole)))
    if parts:
        notes.append(message("bytes_within_columns", places=", ".join(parts)))
    is_told = False
    for item in items:
        note = None if is_told or item.skip else reduce(both, [*table.notes(), *notes], None)
        yield replace(item, note=note) if note else item
        is_told = is_told or not item.skip


def _refused(path: str, problem: RejectedImage) -> Item:
    def refuse() -> NoReturn:
        raise problem

    return Item(path, "unnamed", refuse)
