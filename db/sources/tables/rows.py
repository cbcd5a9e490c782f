"""Reads the rows of CSV, TSV, JSON Lines and Parquet; a row that cannot be read says so and hides no other."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from db.sources.local_files import ANYWHERE, LocalFiles
from db.sources.long_numbers import loads
from db.sources.tables.parquet import SUFFIX as PARQUET
from db.sources.tables.parquet import open_parquet, open_parquet_folder, what_is_wrong
from db.sources.tables.table import (
    DAMAGE,
    DecodedRow,
    Rows,
    Table,
    TableFile,
    TableRow,
    named,
    notes_on_names,
    unreadable_explained,
)
from db.sources.tables.text import cells_of, encoding_of, first_line, not_decoded, open_text
from library.errors import RejectedImage, UnknownSource
from library.messages import Message, message

TEXTS, LINES = (".csv", ".tsv"), ".jsonl"
UTF_8 = ("utf-8", "utf-8-sig")
BEGINNINGS = ("{", "[")
OF_PICTURES = '{"filepath": "a.jpg"}'  # what a line of JSON may look like


def open_table(
    path: Path, encoding: str = "", example: str = OF_PICTURES, files: LocalFiles = ANYWHERE, sought: str = ""
) -> Table:
    """Opens a table, or a folder of Parquet files. Raises UnknownSource for what cannot be read or has no rows.

    `example` is a line of JSON as this kind of table has it, for those who wrote another; `files` opens it. Lines of
    JSON are looked through for their columns only until the one that is `sought` is found.
    """
    file = TableFile(path, files)
    with unreadable_explained(path):
        if path.is_dir():
            return open_parquet_folder(file)
        if path.exists() and not path.is_file():
            raise UnknownSource("table_no_file", name=str(path))
        if file.suffix == PARQUET:
            return _open_parquet(file)
        if file.suffix == LINES:
            return _open_lines(file, encoding, example, sought)
        if file.suffix in TEXTS:
            return _open_texts(file, encoding)
    raise UnknownSource("no_table", name=path.name, suffixes=", ".join([*TEXTS, LINES, PARQUET]))


def _open_parquet(file: TableFile) -> Table:
    try:
        return open_parquet(file)
    except (OSError, *DAMAGE) as error:
        if isinstance(error, OSError) and error.strerror:
            raise
        raise UnknownSource("not_read_as_table", name=file.name, reason=what_is_wrong(file, error)) from None


def names_of(columns: Sequence[str]) -> str | Message:
    """Returns the names of the first columns, as a sentence can hold them."""
    return ", ".join(columns[:20]) or message("no_names")


def _open_texts(file: TableFile, encoding: str) -> Table:
    encoding = encoding_of(file, encoding)
    header = next(cells_of(file, encoding), None)
    if header is None:
        raise UnknownSource("table_empty", name=file.name)
    if _is_json(first_line(file, encoding)):
        raise UnknownSource("json_in_cells", name=file.name)
    columns = named(header)
    doubtful: dict[tuple[int, int], None] = {}  # each once, however often the rows are read

    def rows() -> Rows:
        cells = cells_of(file, encoding, lambda first, last: doubtful.setdefault((first, last)))
        next(cells, None)
        return (_row(columns, each) for each in cells)

    if next(rows(), None) is None:
        if not any(map(str.strip, header)):
            raise UnknownSource("table_empty", name=file.name)
        raise UnknownSource("header_without_rows", name=file.name, columns=names_of(columns))
    return Table(
        columns,
        rows,
        encoding=encoding,
        are_texts=True,
        notes=lambda: [*_notes_on(encoding), *notes_on_names(header, columns), *_doubts(list(doubtful))],
    )


def _row(columns: Sequence[str], cells: Sequence[str]) -> TableRow | RejectedImage:
    if any(cells[len(columns) :]):
        return RejectedImage("row_too_long", cells=len(cells), columns=len(columns))
    return dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))], strict=False))


def _open_lines(file: TableFile, encoding: str, example: str, sought: str) -> Table:
    encoding = encoding_of(file, encoding, is_json=True)

    def rows() -> Rows:
        with open_text(file, encoding) as lines:
            yield from (_object_in(line, example) for line in lines if line.strip())

    first = first_line(file, encoding)
    columns = _columns_until(sought, rows())
    if first in BEGINNINGS or (not columns and _is_json(first)):
        raise UnknownSource("json_in_one", name=file.name, example=example)
    if next(rows(), None) is None:
        raise UnknownSource("table_empty", name=file.name)
    if not columns:
        raise UnknownSource("no_objects", name=file.name, example=example)
    return Table(columns, rows, encoding=encoding, notes=lambda: _notes_on(encoding))


def _columns_until(sought: str, rows: Rows) -> list[str]:
    """Returns the names in the rows, up to the first row that has the one that is sought."""
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row if isinstance(row, Mapping) else ()))
        if sought in names:
            break
    return list(names)


def _is_json(line: str) -> bool:
    """Returns whether a first line is an object or a list of JSON, or begins one."""
    try:
        return line in BEGINNINGS or (line.startswith(BEGINNINGS) and isinstance(loads(line), dict | list))
    except (ValueError, RecursionError):
        return False


def _object_in(line: str, example: str) -> TableRow | RejectedImage:
    try:
        found = loads(line)
    except RecursionError:
        return RejectedImage("line_too_deep")
    except ValueError:
        return RejectedImage("line_no_json", example=example)
    if not isinstance(found, dict):
        return RejectedImage("line_no_object", example=example)
    row = dict(zip(_told_apart(list(found)), found.values(), strict=True))
    return row if not_decoded(line) else DecodedRow(row)


def _told_apart(keys: Sequence[str]) -> list[str]:
    """Returns a name of its own for each key; those without one are called unnamed, unnamed 2 and so on."""
    if all(map(str.strip, keys)):
        return list(keys)
    numbered = ("unnamed" if number == 1 else f"unnamed {number}" for number in count(1))
    free = (name for name in numbered if name not in keys)
    return [key if key.strip() else next(free) for key in keys]


def _doubts(lines: Sequence[tuple[int, int]]) -> list[Message]:
    """Returns what is to be said of rows that may be several, by their first and last lines."""
    if not lines:
        return []
    first, last = map(str, lines[0])
    return [message("rows_within_quotes", count=len(lines), first=first, last=last)]


def _notes_on(encoding: str) -> list[Message]:
    return [] if encoding in UTF_8 else [message("table_encoding", encoding=encoding)]
