"""Writes the vectors of a collection into one file, and reads them: a line of JSON, then rows of one length."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from db.files.own_files import opened_own
from library.errors import InvalidContentId
from library.images import ContentId, parse_content_id
from library.ports import Vectors
from library.running.atomic import write_atomically

AT_ONCE = 1000  # rows
ID_LENGTH = 64
LONGEST_HEADER = 1 << 16  # bytes

Batch = tuple[Sequence[ContentId], Vectors]


def write_vectors(path: Path, header: Mapping[str, Any], dim: int, batches: Iterable[Batch]) -> None:
    """Writes a header and the rows; a kill leaves the file whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, _chunks(header, dim, batches))


def read_header(path: Path) -> dict[str, Any]:
    """Returns the header. Raises OSError or ValueError."""
    with opened_own(path) as file:
        header = json.loads(file.readline(LONGEST_HEADER))
    if not isinstance(header, dict):
        raise ValueError
    return header


def count_rows(path: Path, dim: int) -> int:
    """Returns how many rows there are. Raises OSError."""
    with opened_own(path) as file:
        return (os.fstat(file.fileno()).st_size - len(file.readline(LONGEST_HEADER))) // _row(dim).itemsize


def read_vectors(path: Path, dim: int) -> Iterator[Batch]:
    """Yields the rows, some at a time, but those of no content ID, or cut short. Raises OSError."""
    row = _row(dim)
    with opened_own(path) as file:
        file.readline(LONGEST_HEADER)
        while data := file.read(AT_ONCE * row.itemsize):
            rows = np.frombuffer(data, row, len(data) // row.itemsize)
            ids = [_content_id(id) for id in rows["id"]]
            whole = [id is not None for id in ids]
            yield [id for id in ids if id is not None], rows["vector"][whole].astype(np.float32)


def _content_id(id: bytes) -> ContentId | None:
    try:
        return parse_content_id(id.decode("ascii"))
    except (UnicodeDecodeError, InvalidContentId):
        return None


def _chunks(header: Mapping[str, Any], dim: int, batches: Iterable[Batch]) -> Iterator[bytes]:
    yield json.dumps(header).encode() + b"\n"
    for ids, vectors in batches:
        rows = np.empty(len(ids), _row(dim))
        rows["id"], rows["vector"] = [id.encode("ascii") for id in ids], vectors
        yield rows.tobytes()


def _row(dim: int) -> np.dtype[Any]:
    return np.dtype([("id", f"S{ID_LENGTH}"), ("vector", "<f4", (dim,))])
