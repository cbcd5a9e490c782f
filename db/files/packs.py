"""Writes and reads packs: folders of Parquet files, and a manifest that is written last."""

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import numpy as np
import pyarrow
import pyarrow.parquet
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from db.files.atomic import write_atomically
from db.os_errors import reason_of
from library.errors import InvalidPack
from library.ingest.packs import BATCH_ROWS, EPOCH, Contents, Manifest, PackedPicture, PackRow
from library.ports import EncoderInfo, Vectors

VERSION: Literal[1] = 1
MANIFEST = "manifest.json"
FILE_NAME = re.compile(r"pictures-\d{5,9}\.parquet")
PARTIAL_NAME = re.compile(r"\.(manifest\.json|[0-9a-f]{32})\.partial")  # the first is of earlier versions
FILE_ROWS = 5000
FILE_BYTES = 512 << 20
MAX_MANIFEST_BYTES = 64 << 20
MAX_GROUP_BYTES = 1 << 30  # a group of rows has to fit into memory; ours have a third of it at most
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

VECTOR = "vector"
TIME = pyarrow.timestamp("us", tz="UTC")
RECORD_COLUMNS = {
    "content_id": pyarrow.string(),
    "img_path": pyarrow.string(),
    "name": pyarrow.string(),
    "format": pyarrow.string(),
    "width": pyarrow.int32(),
    "height": pyarrow.int32(),
    "bytes": pyarrow.int64(),
    "added": TIME,
    "source": pyarrow.string(),
    "metadata": pyarrow.string(),  # JSON: names and values are the user's own
    "original_at": pyarrow.string(),
}
FEW_VALUES = ["format", "source"]


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it is not one line of text")
    return text


Line = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_one_line)]
Count = Annotated[int, Field(ge=0)]


class ManifestFile(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    name: Annotated[str, Field(pattern=rf"^{FILE_NAME.pattern}$")]
    rows: Count
    bytes: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ManifestJson(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    format: Literal["likeness pack"] = "likeness pack"
    version: Literal[1] = VERSION
    likeness: Line
    created: Line
    model: Line
    revision: Line
    dimension: Annotated[int, Field(ge=1, le=32_768)]
    dtype: Line
    preprocessing: dict[str, JsonValue]
    count: Count
    thumbnails: bool
    originals: bool
    files: list[ManifestFile]


@contextmanager
def new_pack(place: str, contents: Contents) -> Iterator["FolderWriter"]:
    """Yields a writer, and removes its files unless the pack was finished. Raises InvalidPack for an unusable folder.

    The folder may be there already if it is empty, or holds what a killed export left: that is overwritten.
    """
    folder = _folder(place)
    with _failures_explained(folder):
        was_there = folder.exists()
        _make_room(folder)
    writer = FolderWriter(folder, contents)
    try:
        yield writer
    finally:
        writer.close()
        if not writer.is_finished:
            with suppress(OSError):
                _make_room(folder)
                if not was_there:
                    folder.rmdir()


class FolderWriter:
    """Writes pictures into the files of a pack, then its manifest."""

    def __init__(self, folder: Path, contents: Contents) -> None:
        self.contents = contents
        self.is_finished = False
        self._folder = folder
        self._files: list[ManifestFile] = []
        self._file: Any = None
        self._table: Any = None
        self._rows = 0

    def write(self, pictures: Sequence[PackedPicture]) -> None:
        with _failures_explained(self._folder):
            if self._table and (self._rows + len(pictures) > FILE_ROWS or self._file.tell() >= FILE_BYTES):
                self._end_file()
            dim = len(pictures[0].vector)
            if not self._table:
                self._begin_file(_schema(dim, self.contents))
            self._table.write_batch(_batch(pictures, _schema(dim, self.contents)))
            self._rows += len(pictures)

    def finish(self, encoder: EncoderInfo) -> None:
        with _failures_explained(self._folder):
            if self._table:
                self._end_file()
            if not self._files:
                raise InvalidPack("nothing_to_pack")
            manifest = self._manifest(encoder).model_dump_json(indent=1)
            write_atomically(self._folder / MANIFEST, [manifest.encode(), b"\n"])
        self.is_finished = True

    def close(self) -> None:
        if self._table:
            with suppress(OSError):
                self._table.close()
                self._file.close()

    def _begin_file(self, schema: Any) -> None:
        self._file = (self._folder / f"pictures-{len(self._files):05}.parquet").open("wb")
        self._table = pyarrow.parquet.ParquetWriter(
            self._file,
            schema,
            compression=dict.fromkeys(RECORD_COLUMNS, "zstd"),  # vectors and pictures do not get smaller
            use_dictionary=FEW_VALUES,
            write_statistics=list(RECORD_COLUMNS),
        )
        self._rows = 0

    def _end_file(self) -> None:
        self._table.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        path = Path(self._file.name)
        entry = ManifestFile(name=path.name, rows=self._rows, bytes=path.stat().st_size, sha256=_sha256(path))
        self._files.append(entry)
        self._table = self._file = None

    def _manifest(self, encoder: EncoderInfo) -> ManifestJson:
        return ManifestJson(
            likeness=tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"],
            created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            model=encoder.name,
            revision=encoder.fingerprint,
            dimension=encoder.dim,
            dtype=encoder.dtype,
            preprocessing=dict(encoder.preprocessing),
            count=sum(file.rows for file in self._files),
            thumbnails=self.contents.thumbnails,
            originals=self.contents.originals,
            files=self._files,
        )


def open_pack(place: str) -> "FolderPack":
    """Opens a pack after comparing its manifest with what its files say. Raises InvalidPack where the two disagree."""
    folder = _folder(place)
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
    """A pack that was opened: its manifest, and its rows file by file."""

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
        self._schema = _schema(manifest.dimension, self.manifest.contents)

    @property
    def files(self) -> Sequence[str]:
        return list(self._files)

    def check(self, file: str) -> None:
        with _damage_explained(file):
            found = _sha256(self._folder / file)
        if found != self._files[file].sha256:
            raise InvalidPack("pack_file_damaged", file=file)

    def check_claims(self, file: ManifestFile) -> None:
        path = self._folder / file.name
        if not path.is_file():
            raise InvalidPack("pack_file_missing", file=file.name)
        if (size := path.stat().st_size) != file.bytes:
            raise InvalidPack("pack_file_cut", file=file.name, found=size, expected=file.bytes)
        with _damage_explained(file.name), pyarrow.parquet.ParquetFile(path) as table:
            self._check_schema(file.name, table.schema_arrow)
            rows = table.metadata.num_rows
            groups = [table.metadata.row_group(number) for number in range(table.num_row_groups)]
        if rows != file.rows:
            raise InvalidPack("pack_rows_wrong", file=file.name, found=rows, expected=file.rows)
        if any(group.total_byte_size > MAX_GROUP_BYTES for group in groups):
            raise InvalidPack("pack_groups_too_large", file=file.name)

    def rows(self) -> Generator[Sequence[PackRow], None, None]:
        for name in self._files:
            with _damage_explained(name), pyarrow.parquet.ParquetFile(self._folder / name) as table:
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


def _folder(place: str) -> Path:
    if "://" in place:
        raise InvalidPack("pack_not_local", place=place)
    return Path(place).expanduser()


def _make_room(folder: Path) -> None:
    """Makes the folder, or empties one that holds nothing but an unfinished pack."""
    if folder.exists() and not folder.is_dir():
        raise InvalidPack("pack_is_file", folder=str(folder))
    if (folder / MANIFEST).exists():
        raise InvalidPack("pack_exists", folder=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    present = list(folder.iterdir())
    if not all(FILE_NAME.fullmatch(path.name) or PARTIAL_NAME.fullmatch(path.name) for path in present):
        raise InvalidPack("pack_not_empty", folder=str(folder))
    for path in present:
        path.unlink()


def _read_manifest(folder: Path) -> ManifestJson:
    if not folder.is_dir():
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
    reason = problem["msg"].removeprefix("Value error, ")[:200]  # as pydantic has it
    return InvalidPack("pack_manifest_invalid", file=MANIFEST, reason=f"{place}: {reason}" if place else reason)


def _schema(dim: int, contents: Contents) -> Any:
    columns = [*RECORD_COLUMNS.items(), (VECTOR, pyarrow.list_(pyarrow.float32(), dim))]
    if contents.thumbnails:
        columns.append(("thumbnail", pyarrow.binary()))
    if contents.originals:
        columns.append(("original", pyarrow.binary()))
    return pyarrow.schema(columns)


def _batch(pictures: Sequence[PackedPicture], schema: Any) -> Any:
    rows = [
        {**vars(picture.record), "added": picture.record.added_at, "metadata": _json(picture.record.metadata)}
        for picture in pictures
    ]
    vectors = np.stack([picture.vector for picture in pictures]).astype(np.float32)
    columns: dict[str, Any] = {
        name: pyarrow.array([row[name] for row in rows], type) for name, type in RECORD_COLUMNS.items()
    }
    columns[VECTOR] = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), vectors.shape[1])
    columns["thumbnail"] = pyarrow.array([picture.thumbnail for picture in pictures], pyarrow.binary())
    columns["original"] = pyarrow.array([picture.original for picture in pictures], pyarrow.binary())
    return pyarrow.record_batch([columns[name] for name in schema.names], schema=schema)


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


def _json(metadata: Any) -> str:
    return json.dumps(dict(metadata), ensure_ascii=False)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _failures_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidPack("pack_not_written", folder=str(folder), reason=reason_of(error)) from error


@contextmanager
def _damage_explained(file: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, OverflowError, pyarrow.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InvalidPack("file_not_read", file=file, reason=reason[:200]) from error
