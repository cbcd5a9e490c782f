"""Reads the rows of Parquet files, one or a folder of them; a value that Python cannot hold costs its row alone."""

import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from db.sources.local_files import ANYWHERE, LocalFiles
from db.sources.tables.table import DAMAGE, Rows, Table, TableFile, TableRow, named, notes_on_names
from db.sources.walk import walk
from library.errors import NotAllowed, RejectedImage, UnknownSource
from library.messages import Message, message
from library.messages.reasons import reason_of

SUFFIX = ".parquet"
MARK = b"PAR1"  # how every file begins and ends
LARGEST = 2**63 - 1
ROWS_AT_ONCE = 500
BYTES_AT_ONCE = 16 << 20  # rows may hold the pictures themselves
LISTS = ((pyarrow.types.is_list, pyarrow.list_), (pyarrow.types.is_large_list, pyarrow.large_list))


def open_parquet(file: TableFile) -> Table:
    """Opens one file. Raises UnknownSource for one without rows, and what pyarrow does for one that is damaged."""
    table = _opened(file)
    if not table.total:
        raise UnknownSource("table_without_rows", name=file.name)
    return table


def open_parquet_folder(folder: TableFile) -> Table:
    """Opens the files of a folder as one table, as Hugging Face stores a dataset in shards.

    Raises UnknownSource where none of them has rows.
    """
    shards: list[Table] = []
    damaged: list[RejectedImage] = []
    for file in (TableFile(each, folder.files) for each in shards_below(folder.path)):
        try:
            shards.append(_opened_if_regular(file))
        except (OSError, NotAllowed, RejectedImage, *DAMAGE) as error:
            damaged.append(RejectedImage("shard_not_read", name=file.name, reason=what_is_wrong(file, error)))
    if damaged and not shards:
        first = damaged[0].message.values
        raise UnknownSource("shard_not_read", name=first["name"], reason=first["reason"])
    if not shards:
        raise UnknownSource("no_parquet_in_folder", name=folder.name)
    total = sum(shard.total or 0 for shard in shards)
    if not total:
        raise UnknownSource("table_without_rows", name=folder.name)

    def rows() -> Rows:
        for shard in shards:
            yield from shard.rows()
        yield from damaged

    return Table(
        _once(shard.columns for shard in shards),
        rows,
        total + len(damaged),
        binary={name: within for shard in shards for name, within in shard.binary.items()},
        with_pictures=_once(shard.with_pictures for shard in shards),
    )


def what_is_wrong(file: TableFile, error: Exception) -> str | Message:
    """Returns why a file of Parquet cannot be read: where the system does not say it, the ends of the file do."""
    if isinstance(error, NotAllowed | RejectedImage):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return reason_of(error)
    with file.open() as opened:
        head = opened.read(len(MARK))
    if not head:
        return message("empty_file")
    return message("parquet_damaged") if head == MARK else message("no_parquet")


def _once(lists: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))


def is_folder_of_shards(folder: Path, own: Collection[Path] = (), files: LocalFiles = ANYWHERE) -> bool:
    """Returns whether a folder has files of Parquet and no others to import, as Hugging Face stores a dataset; `own`
    are the folders of the library itself; `files` lists it."""
    if not os.path.isdir(folder):
        return False
    has_shards = False
    for found in walk(folder, own, sidecars=False, files=files):
        code = found.skip.code if found.skip else ""
        if code == "archive_within" or not (found.skip or found.problem):
            return False
        has_shards = has_shards or (code == "by_its_name" and found.path.suffix == SUFFIX)
    return has_shards


def shards_below(folder: Path) -> list[Path]:
    """Returns the files of Parquet below a folder, in the order of their paths, without hidden ones."""
    found = folder.rglob(f"*{SUFFIX}")
    return sorted(each for each in found if not any(part.startswith(".") for part in each.relative_to(folder).parts))


def _opened_if_regular(file: TableFile) -> Table:
    file.files.check(file.path)  # first, so that nothing is told of what lies elsewhere
    if file.path.exists() and not file.path.is_file():  # a pipe would never be opened
        raise RejectedImage("no_regular_file")
    return _opened(file)


def _opened(file: TableFile) -> Table:
    with file.open() as opened, pyarrow.parquet.ParquetFile(opened) as table:
        schema, total, at_once = table.schema_arrow, int(table.metadata.num_rows), _rows_at_once(table.metadata)
    columns = named(schema.names)
    types = dict(zip(columns, schema.types, strict=True))

    def rows() -> Rows:
        done = 0
        try:
            with file.open() as opened, pyarrow.parquet.ParquetFile(opened) as table:
                for batch in table.iter_batches(batch_size=at_once):
                    yield from _rows_of(pyarrow.RecordBatch.from_arrays([*map(_as_kept, batch.columns)], names=columns))
                    done += batch.num_rows
        except (OSError, RejectedImage, *DAMAGE) as error:
            reason = what_is_wrong(file, error)
            yield RejectedImage("rest_not_read", name=file.name, rows=total - done, reason=reason)

    binary = {name: within for name, type in types.items() if (within := _bytes_in(type, name))}
    whole = [name for name, type in types.items() if _is_binary(type)]
    structs = [name for name, type in types.items() if pyarrow.types.is_nested(type)]
    notes = notes_on_names(schema.names, columns)
    return Table(columns, rows, total, binary=binary, with_pictures=[*whole, *structs], notes=lambda: notes)


def _rows_at_once(metadata: Any) -> int:
    """Returns how many rows are read together, by the part of the file whose rows are largest."""
    parts = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    largest = max((part.total_byte_size / part.num_rows for part in parts if part.num_rows), default=0)
    return max(1, min(ROWS_AT_ONCE, int(BYTES_AT_ONCE // max(largest, 1))))


def _as_kept(column: pyarrow.Array) -> pyarrow.Array:
    """Returns the column with its times in UTC, as which they are stored, since their zone need not be known here, and
    with microseconds at the finest, since Arrow hands nanoseconds out through pandas alone."""
    type = _kept_type(column.type)
    try:
        return column if type == column.type else column.cast(type, safe=False)
    except pyarrow.ArrowNotImplementedError:
        return column  # whose rows are read one by one, then


def _kept_type(type: pyarrow.DataType) -> pyarrow.DataType:
    kinds = pyarrow.types
    unit = "us" if getattr(type, "unit", "") == "ns" else getattr(type, "unit", "")
    if kinds.is_timestamp(type):
        return pyarrow.timestamp(unit, type.tz and "UTC")
    if kinds.is_duration(type):
        return pyarrow.duration(unit)
    if kinds.is_time64(type):
        return pyarrow.time64(unit)
    if kinds.is_struct(type):
        return pyarrow.struct([field.with_type(_kept_type(field.type)) for field in type])
    if kinds.is_map(type):
        return pyarrow.map_(type.key_field, type.item_field.with_type(_kept_type(type.item_type)))
    for is_list, list_of in LISTS:
        if is_list(type):
            return list_of(type.value_field.with_type(_kept_type(type.value_type)))
    if kinds.is_fixed_size_list(type):
        return pyarrow.list_(type.value_field.with_type(_kept_type(type.value_type)), type.list_size)
    return type


def _rows_of(batch: pyarrow.RecordBatch) -> Rows:
    try:
        rows = batch.to_pylist()
    except DAMAGE:
        yield from (_row_of(batch.slice(place, 1)) for place in range(batch.num_rows))
    else:
        yield from map(_within_64_bits, rows)


def _row_of(row: pyarrow.RecordBatch) -> TableRow | RejectedImage:
    try:
        kept: TableRow = _within_64_bits(row.to_pylist()[0])
        return kept
    except DAMAGE:
        return next(filter(None, map(_problem_in, row.schema.names, row.columns)), RejectedImage("row_not_read"))


def _problem_in(name: str, cell: pyarrow.Array) -> RejectedImage | None:
    """Returns why the one cell of a column cannot be read; None for one that can."""
    try:
        cell.to_pylist()
    except UnicodeDecodeError:
        return RejectedImage("cell_no_text", column=name)
    except DAMAGE:
        if pyarrow.types.is_temporal(cell.type):
            return RejectedImage("cell_no_moment", column=name)
        return RejectedImage("cell_not_read", column=name)
    return None


def _within_64_bits(value: Any) -> Any:
    """Returns the value, such as a row, with unsigned numbers that no index holds as texts."""
    match value:
        case int():
            return str(value) if value > LARGEST else value
        case dict():
            return {name: _within_64_bits(each) for name, each in value.items()}
        case list() | tuple():
            return [_within_64_bits(each) for each in value]
    return value


def _bytes_in(type: pyarrow.DataType, name: str) -> list[str]:
    """Returns where in values of a type bytes are: under the name of the column, or within, such as a.b or a[]."""
    kinds = pyarrow.types
    if _is_binary(type):
        return [name]
    if kinds.is_struct(type):
        return [place for field in type for place in _bytes_in(field.type, f"{name}.{field.name}")]
    if kinds.is_map(type):
        return [*_bytes_in(type.key_type, f"{name}[]"), *_bytes_in(type.item_type, f"{name}[]")]
    return _bytes_in(type.value_type, f"{name}[]") if hasattr(type, "value_type") else []


def _is_binary(type: pyarrow.DataType) -> bool:
    kinds = pyarrow.types
    if kinds.is_dictionary(type):
        return _is_binary(type.value_type)
    tests = (kinds.is_binary, kinds.is_large_binary, kinds.is_fixed_size_binary, kinds.is_binary_view)
    return any(test(type) for test in tests)
