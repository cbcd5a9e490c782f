"""Reads packs, and checks what their files say against the manifest."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow
import pyarrow.parquet
from pydantic import ValidationError

from db.files.pack_format import (
    MANIFEST,
    VECTOR,
    VERSION,
    ManifestFile,
    ManifestJson,
    pack_folder,
    pack_schema,
    sha256_of,
)
from library.errors import InvalidPack
from library.ingest.packs import BATCH_ROWS, EPOCH, Contents, Manifest, PackRow
from library.messages.reasons import reason_of
from library.ports import Vectors

MAX_MANIFEST_BYTES = 64 << 20
MAX_GROUP_BYTES = 1 << 30  # a group of rows has to fit into memory; ours have a third of it at most


def open_pack(place: str) -> "FolderPack":
    """Opens a pack after comparing its manifest with what its files say. Raises InvalidPack where the two disagree."""
    folder = pack_folder(place)
    manifest = _read_manifest(folder)
    pack = FolderPack(folder, manifest)
    if manifest.count != sum(file.rows for file in manifest.files):
        rows = sum(file.rows for file in manifest.files)
        raise InvalidPack("pack_count_wrong", said=manifest.count, rows=rows)
    if len({file.name for file in manifest.files}) < len(manifest.files):
        raise InvalidPack("pack_file_twice")
    for file in manifest.files:
        pack.check_claims(file)
    return pack


class FolderPack:
    """Reads a pack that was opened: its manifest, and its rows file by file."""

    def __init__(self, folder: Path, manifest: ManifestJson) -> None:
        self.manifest = Manifest(
            manifest.model,
            manifest.revision,
            manifest.dimension,
            manifest.preprocessing,
            manifest.count,
            Contents(manifest.thumbnails, manifest.originals),
        )
        self._folder = folder
        self._files = {file.name: file for file in manifest.files}
        self._schema = pack_schema(manifest.dimension, self.manifest.contents)

    @property
    def files(self) -> Sequence[str]:
        return list(self._files)

    def check(self, file: str) -> None:
        with _damage_explained(file):
            found = sha256_of(self._folder / file)
        if found != self._files[file].sha256:
            raise InvalidPack("pack_file_damaged", file=file)

    def check_claims(self, file: ManifestFile) -> None:
        path = self._folder / file.name
        if not path.is_file():
            raise InvalidPack("pack_file_missing", file=file.name)
        if (size := path.stat().st_size) != file.bytes:
            raise InvalidPack("pack_file_cut", file=file.name, found=size, expected=file.bytes)
        with _damage_explained(file.name), _table(path) as table:
            self._check_schema(file.name, table.schema_arrow)
            rows = table.metadata.num_rows
            groups = [table.metadata.row_group(number) for number in range(table.num_row_groups)]
        if rows != file.rows:
            raise InvalidPack("pack_rows_wrong", file=file.name, found=rows, expected=file.rows)
        if any(group.total_byte_size > MAX_GROUP_BYTES for group in groups):
            raise InvalidPack("pack_groups_too_large", file=file.name)

    def rows(self) -> Generator[Sequence[PackRow], None, None]:
        for name in self._files:
            with _damage_explained(name), _table(self._folder / name) as table:
                first = 1
                for group in range(table.num_row_groups):
                    for batch in table.iter_batches(BATCH_ROWS, [group], self._schema.names):
                        yield _rows(name, first, batch)
                        first += batch.num_rows

    def _check_schema(self, file: str, found: Any) -> None:
        for expected in self._schema:
            index = found.get_field_index(expected.name)
            type = found.field(index).type if index >= 0 else None
            if expected.name == VECTOR:
                self._check_vector_type(file, type)
            elif type != expected.type:
                raise InvalidPack("pack_column_missing", file=file, column=expected.name, type=str(expected.type))

    def _check_vector_type(self, file: str, type: Any) -> None:
        if not pyarrow.types.is_fixed_size_list(type) or type.value_type != pyarrow.float32():
            raise InvalidPack("pack_column_missing", file=file, column=VECTOR, type="float32")
        if type.list_size != self.manifest.dimension:
            said = str(self.manifest.dimension)
            raise InvalidPack("pack_dimension_wrong", said=said, file=file, found=str(type.list_size))


def _read_manifest(folder: Path) -> ManifestJson:
    try:
        is_there, is_file = folder.is_dir(), folder.is_file()
    except OSError as error:
        raise InvalidPack("file_not_read", file=str(folder)[:120], reason=reason_of(error)) from None
    if is_file:
        raise InvalidPack("pack_in_file", file=str(folder))
    if not is_there:
        raise InvalidPack("no_folder", folder=str(folder))
    path = folder / MANIFEST
    if not path.is_file():
        raise InvalidPack("pack_not_whole", folder=str(folder), file=MANIFEST)
    with _damage_explained(MANIFEST):
        with path.open("rb") as file:
            text = file.read(MAX_MANIFEST_BYTES)
        try:
            return ManifestJson.model_validate_json(text)
        except ValidationError as error:
            raise _refusal(error) from None


def _refusal(error: ValidationError) -> InvalidPack:
    problem = error.errors(include_url=False)[0]
    place = ".".join(map(str, problem["loc"]))
    if place == "version":
        return InvalidPack("pack_version", found=str(problem["input"])[:20], known=str(VERSION))
    if place:
        return InvalidPack("pack_manifest_invalid", file=MANIFEST, place=place)
    return InvalidPack("pack_part_damaged", file=MANIFEST)


def _rows(file: str, first: int, batch: Any) -> list[PackRow]:
    columns = {name: batch.column(name) for name in batch.schema.names}
    vectors = _matrix(columns.pop(VECTOR))
    values = {name: column.to_pylist() for name, column in columns.items() if name != "added"}
    values["added"] = [_moment(number) for number in columns["added"].cast(pyarrow.int64()).to_pylist()]
    fields = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    places = (f"{file} row {number}" for number in range(first, first + batch.num_rows))
    return [PackRow(place, row, vector) for place, row, vector in zip(places, fields, vectors, strict=True)]


def _matrix(column: Any) -> Vectors:
    """Returns the vectors as rows; missing vectors and missing numbers become NaN."""
    vectors = np.full((len(column), column.type.list_size), np.nan, np.float32)
    present = column.is_valid().to_numpy(zero_copy_only=False)
    vectors[present] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, column.type.list_size)
    return cast(Vectors, vectors)


def _moment(microseconds: int | None) -> datetime | None:
    """Returns the moment, or None for one that no calendar has."""
    with suppress(OverflowError):
        return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)
    return None


@contextmanager
def _table(path: Path) -> Iterator[Any]:
    # Opened here: pyarrow takes no path whose name is not UTF-8.
    with path.open("rb") as file, pyarrow.parquet.ParquetFile(file) as table:
        yield table


@contextmanager
def _damage_explained(file: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, OverflowError, pyarrow.ArrowException) as error:
        if isinstance(error, OSError) and error.strerror:
            raise InvalidPack("file_not_read", file=file, reason=reason_of(error)) from error
        raise InvalidPack("pack_part_damaged", file=file) from error
