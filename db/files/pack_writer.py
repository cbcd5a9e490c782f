"""Writes packs: folders of Parquet files that any reader of tables opens, and a manifest that is written last."""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet

from db.files.own_folders import OwnFolders
from db.files.pack_format import (
    FILE_NAME,
    MANIFEST,
    RECORD_COLUMNS,
    VECTOR,
    ManifestFile,
    ManifestJson,
    pack_folder,
    pack_schema,
    sha256_of,
)
from library.errors import InvalidPack
from library.ingest.packs import Contents, PackedPicture
from library.messages.reasons import reason_of
from library.ports import EncoderInfo
from library.running.atomic import write_atomically
from library.running.disk import explained
from library.texts import encodable
from library.times import iso_now

PARTIAL_NAME = re.compile(r"\.(manifest\.json|[0-9a-f]{32})\.partial")  # the first is of earlier versions
FILE_ROWS = 5000
FILE_BYTES = 512 << 20
FEW_VALUES = ["format", "source"]
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@contextmanager
def new_pack(place: str, contents: Contents, own_folders: Sequence[Path] = ()) -> Iterator["FolderWriter"]:
    """Yields a writer, and removes its files unless the pack was finished. Raises InvalidPack for an unusable folder.

    The folder may be there already if it is empty, or holds what a killed export left: that is overwritten. It lies in
    none of the `own_folders` of the library.
    """
    folder = pack_folder(place)
    with _failures_in(folder):
        if own := next((each for each in own_folders if OwnFolders([each]).hold(folder)), None):
            raise InvalidPack("pack_in_library", folder=str(folder), own=str(own))
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
        with _failures_in(self._folder):
            if self._table and (self._rows + len(pictures) > FILE_ROWS or self._file.tell() >= FILE_BYTES):
                self._end_file()
            dim = len(pictures[0].vector)
            if not self._table:
                self._begin_file(pack_schema(dim, self.contents))
            self._table.write_batch(_batch(pictures, pack_schema(dim, self.contents)))
            self._rows += len(pictures)

    def finish(self, encoder: EncoderInfo) -> None:
        with _failures_in(self._folder):
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
        entry = ManifestFile(name=path.name, rows=self._rows, bytes=path.stat().st_size, sha256=sha256_of(path))
        self._files.append(entry)
        self._table = self._file = None

    def _manifest(self, encoder: EncoderInfo) -> ManifestJson:
        return ManifestJson(
            likeness=tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"],
            created=iso_now("seconds"),
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


def _batch(pictures: Sequence[PackedPicture], schema: Any) -> Any:
    rows = [
        {
            **vars(picture.record),
            "added": picture.record.added_at,
            "metadata": _json(picture.record.metadata),
            "original_at": encodable(picture.record.original_at),
        }
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


def _json(metadata: Any) -> str:
    return json.dumps(dict(metadata), ensure_ascii=False)


def _failures_in(folder: Path) -> AbstractContextManager[None]:
    return explained(lambda error: InvalidPack("pack_not_written", folder=str(folder), reason=reason_of(error)))
