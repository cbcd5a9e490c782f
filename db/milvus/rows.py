"""Turns records and vectors into rows of Milvus, and rows into records and hits."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from db.milvus.schema import EMBEDDING, FIELDS, LONGEST_TEXT, METADATA, NUMBERS, PRIMARY_KEY, TEXTS, UNFIT
from library.errors import InvalidContentId
from library.ports import Hit, Vector, Vectors
from library.records import Record, id_of

MilvusRow = dict[str, Any]  # as Milvus has it
OF_PICTURE = re.compile(r"images/([0-9a-f]{2})/\1[0-9a-f]{62}\.[a-z0-9]{2,5}", re.ASCII)


def checked_paths(img_paths: Sequence[str]) -> list[str]:
    """Returns the paths if all are those of pictures, else raises InvalidContentId.

    It has to be checked, since pymilvus puts keys into expressions unescaped.
    """
    for path in img_paths:
        id_of(path)
        if not OF_PICTURE.fullmatch(path):
            raise InvalidContentId("no_picture_path", path=repr(path[:80]))
    return list(img_paths)


def check_vectors(vectors: Vectors, dim: int) -> None:
    """Raises ValueError for vectors that are not n rows of `dim` finite numbers and of unit length."""
    if vectors.shape[1:] != (dim,):
        raise ValueError(f"vectors have shape {vectors.shape}, expected (n, {dim})")
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.all(np.isfinite(vectors)) or not np.allclose(lengths, 1, atol=1e-2):
        raise ValueError("vectors must be finite and of unit length")


def as_row(record: Record, vector: Vector) -> MilvusRow:
    """Returns the row that holds a record and its vector."""
    built_in = {name: getattr(record, name) for name in FIELDS}
    return fitting({PRIMARY_KEY: record.img_path, EMBEDDING: vector, METADATA: dict(record.metadata), **built_in})


def fitting(row: MilvusRow) -> MilvusRow:
    """Returns the row with values of the type of each field. Those that are not, are too long or are missing are kept
    in one more field, where `record_of` finds them.

    That field is always there: an upsert of Lite leaves alone what it does not name.
    """
    unfit = {name: row.get(name) for name in [*FIELDS, METADATA] if not _fits(name, row.get(name))}
    known = row.get(UNFIT)
    kept = (known if isinstance(known, dict) else {}) | unfit
    return row | {name: _nearest(name, value) for name, value in unfit.items()} | {UNFIT: kept}


def _fits(name: str, value: object) -> bool:
    if name in TEXTS:
        return isinstance(value, str) and len(_bytes(value)) <= LONGEST_TEXT
    if name in NUMBERS:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    return isinstance(value, dict)


def _nearest(name: str, value: object) -> object:
    if name in TEXTS:
        return _bytes(value)[:LONGEST_TEXT].decode(errors="ignore") if isinstance(value, str) else ""
    return 0 if name in NUMBERS else {}


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")


def hits_of(found: Any, path_of: Callable[[str], str] = str) -> list[Hit]:
    """Returns the hits of an answer; `path_of` makes a picture's path of the key of its row."""
    # The key of a hit is called img_path on Lite and id on a server; `ids` is the same on both.
    entries = zip(found.ids, found.distances, found, strict=True)
    return [Hit(record_of(path_of(path), hit["entity"]), float(score)) for path, score, hit in entries]


def scores_of(found: Any) -> Iterator[tuple[str, float]]:
    """Returns the primary key and the score of each hit."""
    return zip(found.ids, found.distances, strict=True)


def record_of(img_path: str, entity: MilvusRow) -> Record:
    """Returns the record that a row holds."""
    unfit = entity.get(UNFIT)
    values = {**entity, **unfit} if isinstance(unfit, dict) else entity
    fields = {name: values[name] for name in FIELDS}
    return Record(content_id=id_of(img_path), img_path=img_path, metadata=values.get(METADATA) or {}, **fields)


def sound_record(row: MilvusRow) -> Record | None:
    """Returns the record of a row; None where its values are not of their types."""
    try:
        record = record_of(row[PRIMARY_KEY], row)
        record.check()
    except (KeyError, TypeError, ValueError, InvalidContentId):
        return None
    return record
