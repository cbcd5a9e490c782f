"""Checks that a record can be kept by JSON and by Milvus, on Lite as on a server, before it is sent with others."""

import json
import math
from typing import Any

from library.errors import RejectedImage
from library.records import Metadata, Record, given
from library.texts import encodable

MAX_ROW_BYTES = 65_536  # what a Milvus server keeps of a row beside its key and its vector
MAX_DEPTH = 32
INTEGERS = range(-(2**63), 2**63)
UNWRITABLE = "\0"


def check_record(record: Record) -> None:
    """Raises RejectedImage, with the reason, for a record that would have a whole batch refused."""
    for field in ("name", "format", "source"):
        _check_text(getattr(record, field), field)
    check_metadata(record.metadata)
    _check_size(row_bytes(record))


def check_metadata(metadata: Metadata) -> None:
    """Raises RejectedImage for metadata that no record can have, whatever else is in it."""
    kept = given(metadata)
    for name, value in kept.items():
        check_value(value, name)
        _check_text(name, name)
    _check_size(len(_json(dict(kept))))


def row_bytes(record: Record) -> int:
    """Returns the number of bytes that a row takes as JSON, without its key and its vector."""
    fields = [record.name, record.format, record.width, record.height, record.bytes, record.added, record.source]
    names = '{"name":,"format":,"width":,"height":,"bytes":,"added":,"source":,"meta":}' + "," * len(fields)
    return len(names) + sum(len(_json(each)) for each in (*fields, dict(record.metadata)))


def can_be_kept(text: str) -> bool:
    """Returns whether UTF-8 and Milvus hold the text: no half of a character, no NUL."""
    return UNWRITABLE not in text and encodable(text) == text


def _check_size(size: int) -> None:
    if size > MAX_ROW_BYTES:
        raise RejectedImage("record_too_large", size=size, most=MAX_ROW_BYTES)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def check_value(value: Any, field: str, depth: int = 1) -> None:
    """Raises RejectedImage for a value that JSON or Milvus cannot hold; `field` is the one that it is in."""
    if depth > MAX_DEPTH:
        raise RejectedImage("metadata_too_deep", field=_shown(field), most=MAX_DEPTH)
    match value:
        case None | bool():
            pass
        case str():
            _check_text(value, field)
        case int():
            if value not in INTEGERS:
                raise RejectedImage("metadata_integer", field=_shown(field))
        case float():
            if not math.isfinite(value):
                raise RejectedImage("metadata_number", field=_shown(field))
        case list() | tuple():
            for each in value:
                check_value(each, field, depth + 1)
        case dict():
            for name, each in value.items():
                _check_text(name, field)
                check_value(each, field, depth + 1)
        case _:
            raise RejectedImage("metadata_type", field=_shown(field), type=type(value).__name__)


def _check_text(text: Any, field: str) -> None:
    if not isinstance(text, str):
        raise RejectedImage("metadata_type", field=_shown(field), type=type(text).__name__)
    if not can_be_kept(text):
        raise RejectedImage("metadata_not_text", field=_shown(field))


def _shown(field: object) -> str:
    return encodable(str(field)).replace(UNWRITABLE, "\N{REPLACEMENT CHARACTER}")[:80]
