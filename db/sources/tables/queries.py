"""Reads many queries from a folder of pictures, or from a table with texts or pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path
from typing import Any

from db.sources.addresses import as_on_disk, path_in
from db.sources.files import at_home, items_from
from db.sources.readers import SourceReader
from db.sources.tables.items import SUFFIXES
from db.sources.tables.parquet import is_folder_of_shards
from db.sources.tables.rows import names_of, open_table
from db.sources.tables.table import DecodedRow, Table, TableRow, unreadable_explained
from db.sources.tables.text import is_of_other_bytes, shown_encoding
from library.decoding.archive_kinds import is_archive
from library.errors import RejectedImage, UnknownSource
from library.images import reason_to_skip
from library.messages import Message, both, message
from library.search.batch import BatchQuery, Queries
from library.texts import holds_half
from library.validation import as_json

TEXT_COLUMN, IMAGE_COLUMN = "text", "filepath"
OF_QUERIES = '{"text": "a beach"}'


def queries_from(
    place: str, text_column: str | None = None, image_column: str | None = None, encoding: str = ""
) -> Queries:
    """Returns a query for each picture of a folder, pattern or archive, or for each row of a table, read as it goes.

    Without names the columns `text` and `filepath` count, if they are there; a row that has both searches for both.
    `encoding` is that of a table of text, or of names in archives; one that was found out is told with the first query.
    Raises UnknownSource for what cannot be read, or has none of the columns; in a table's middle, too.
    """
    if not place.strip():
        raise UnknownSource("source_empty")
    path = at_home(place)
    if "://" not in place and (path.suffix.lower() in SUFFIXES or is_folder_of_shards(path)):
        return _in_table(path, text_column, image_column, encoding)
    if text_column or image_column:
        raise UnknownSource("no_table_no_columns", place=place, suffixes=", ".join(SUFFIXES))
    if path.is_file() and reason_to_skip(path.name) and not is_archive(path.name):
        raise UnknownSource("no_table", name=path.name, suffixes=", ".join(SUFFIXES))
    items = items_from([place], encoding=encoding, sidecars=False)
    queries = (BatchQuery(item.path, picture=item.read, note=item.note) for item in items if item.skip is None)
    return Queries(queries, sum(item.skip is None for item in items) if isinstance(items, list) else None)


def _in_table(path: Path, text_column: str | None, image_column: str | None, encoding: str) -> Queries:
    table = open_table(path, encoding, OF_QUERIES)
    columns = table.columns
    wanted = {name for name in (text_column, image_column) if name}
    used = wanted or {TEXT_COLUMN, IMAGE_COLUMN} & set(columns)
    if not used or not used <= set(columns):
        raise _missing(path, sorted(wanted - set(columns)) or [TEXT_COLUMN, IMAGE_COLUMN], columns)
    text = text_column or (TEXT_COLUMN if not wanted and TEXT_COLUMN in used else "")
    image = image_column or (IMAGE_COLUMN if not wanted and IMAGE_COLUMN in used else "")
    made = partial(_query_of, path, table.encoding, (text, image), SourceReader())
    queries = (made(number, row) for number, row in _rows(path, table))
    return Queries(_noted(queries, table), table.total)


def _noted(queries: Iterator[BatchQuery], table: Table) -> Iterator[BatchQuery]:
    """Yields the queries, each with what has become known of the table; nothing of it is told twice."""
    told: set[str] = set()
    for query in queries:
        new = [note for note in table.notes() if note.code not in told]
        told.update(note.code for note in new)
        yield replace(query, note=reduce(both, new, None)) if new else query


def _missing(path: Path, missing: Sequence[str], columns: Sequence[str]) -> UnknownSource:
    first, *others = missing
    has = names_of(columns)
    if others:
        return UnknownSource("no_query_columns", name=path.name, first=first, second=others[0], columns=has)
    return UnknownSource("no_query_column", name=path.name, column=first, columns=has)


def _query_of(
    table: Path,
    encoding: str,
    columns: tuple[str, str],
    places: SourceReader,
    number: int,
    row: TableRow | RejectedImage,
) -> BatchQuery:
    name = f"{table.name}, row {number}"
    if isinstance(row, RejectedImage):
        return BatchQuery(name, problem=row.message)
    if problem := _problem_in(row, columns, encoding):
        return BatchQuery(name, problem=problem)
    text, place = (_text(row.get(column)) if column else "" for column in columns)
    if not (text or place):
        return BatchQuery(name, problem=message("row_without_query"))
    if not place:
        return BatchQuery(text, text)
    path = path_in(place)
    if "://" not in path and "\0" not in path:
        path = str(table.parent / as_on_disk(table.parent, path, encoding))
    return BatchQuery(f"{text} + {place}" if text else place, text, partial(places.read, path))


def _problem_in(row: TableRow, columns: tuple[str, str], encoding: str) -> Message | None:
    """Returns what is wrong with the cells to search with; paths may have any bytes, as names of files do."""
    for column in filter(None, columns):
        if not isinstance(cell := row.get(column), str | None):
            return message("query_no_text", given=as_json(cell))
    text = _text(row.get(columns[0]))
    if not holds_half(text):
        return None
    if not isinstance(row, DecodedRow) and is_of_other_bytes(text):
        return message("row_not_encoded", encoding=shown_encoding(encoding))
    return message("half_a_character")


def _text(cell: Any) -> str:
    return (cell or "").strip()


def _rows(path: Path, table: Table) -> Iterator[tuple[int, TableRow | RejectedImage]]:
    """Yields each row with its number, from 1 on. Raises UnknownSource."""
    rows = enumerate(table.rows(), 1)
    while True:
        with unreadable_explained(path):
            found = next(rows, None)
        if found is None:
            return
        yield found
