"""Reads many queries from a folder of pictures, or from a table with texts or pictures."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from db.sources.files import at_home, items_from
from db.sources.parquet import is_folder_of_shards
from db.sources.readers import SourceReader
from db.sources.table import Table, TableRow, unreadable_explained
from db.sources.table_rows import names_of, open_table
from db.sources.tables import SUFFIXES
from library.errors import RejectedImage, UnknownSource
from library.messages import message
from library.search.batch import BatchQuery, Queries

TEXT_COLUMN, IMAGE_COLUMN = "text", "filepath"

T = TypeVar("T")


def queries_from(place: str, text_column: str | None = None, image_column: str | None = None) -> Queries:
    """Returns a query for each picture of a folder, pattern or archive, or for each row of a table, read as it goes.

    Without names the columns `text` and `filepath` count, if they are there; a row that has both searches for both.
    Raises UnknownSource for what cannot be read, or has none of the columns; in a table's middle, too.
    """
    path = at_home(place)
    if "://" not in place and (path.suffix.lower() in SUFFIXES or is_folder_of_shards(path)):
        return _in_table(path, text_column, image_column)
    if text_column or image_column:
        raise UnknownSource("no_table_no_columns", place=place, suffixes=", ".join(SUFFIXES))
    items = items_from([place], sidecars=False)
    queries = (BatchQuery(item.path, picture=item.read) for item in items if item.skip is None)
    return Queries(queries, sum(item.skip is None for item in items) if isinstance(items, list) else None)


def _in_table(path: Path, text_column: str | None, image_column: str | None) -> Queries:
    table = open_table(path)
    columns = table.columns
    wanted = {name for name in (text_column, image_column) if name}
    used = wanted or {TEXT_COLUMN, IMAGE_COLUMN} & set(columns)
    if not used or not used <= set(columns):
        raise _missing(path, sorted(wanted - set(columns)) or [TEXT_COLUMN, IMAGE_COLUMN], columns)
    text = text_column or (TEXT_COLUMN if not wanted and TEXT_COLUMN in used else "")
    image = image_column or (IMAGE_COLUMN if not wanted and IMAGE_COLUMN in used else "")
    places = SourceReader()
    queries = (_query_of(path, number, row, text, image, places) for number, row in _rows(path, table))
    return Queries(queries, table.total)


def _missing(path: Path, missing: Sequence[str], columns: Sequence[str]) -> UnknownSource:
    first, *others = missing
    has = names_of(columns)
    if others:
        return UnknownSource("no_query_columns", name=path.name, first=first, second=others[0], columns=has)
    return UnknownSource("no_query_column", name=path.name, column=first, columns=has)


def _query_of(
    table: Path,
    number: int,
    row: TableRow | RejectedImage,
    text_column: str,
    image_column: str,
    places: SourceReader,
) -> BatchQuery:
    if isinstance(row, RejectedImage):
        return BatchQuery(f"{table.name}, row {number}", problem=row.message)
    text, place = (_text(row.get(column)) if column else "" for column in (text_column, image_column))
    if not (text or place):
        return BatchQuery(f"{table.name}, row {number}", problem=message("row_without_query"))
    if not place:
        return BatchQuery(text, text)
    path = place if "://" in place else str(table.parent / place)
    return BatchQuery(f"{text} + {place}" if text else place, text, partial(places.read, path))


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _rows(path: Path, table: Table) -> Iterator[tuple[int, TableRow | RejectedImage]]:
    """Yields each row with its number, from 1 on. Raises UnknownSource."""
    rows = enumerate(table.rows(), 1)
    while True:
        with unreadable_explained(path):
            found = next(rows, None)
        if found is None:
            return
        yield found
