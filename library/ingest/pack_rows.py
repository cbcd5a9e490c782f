"""Checks the rows of a pack, which may come from a stranger, before a library takes them over."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields as fields_of
from datetime import UTC, datetime, timedelta
from typing import Any

from library.decoding.formats import EXTENSIONS, MAX_STATED_PIXELS
from library.errors import RejectedImage
from library.images import MAX_FILE_BYTES, check_thumbnail, content_id, parse_content_id
from library.ingest.packs import EPOCH, PackedPicture, PackRow
from library.ingest.record_limits import MAX_ROW_BYTES, check_record
from library.records import NOT_KEPT, Metadata, Record, clean_name
from library.times import iso_utc


def picture_of(row: PackRow) -> PackedPicture:
    """Returns the picture of a row. Raises RejectedImage or InvalidContentId for one that no library has written."""
    original = row.fields.get("original")
    record = _record(row.fields, has_original=original is not None)
    if original is not None and content_id(original) != record.content_id:
        raise RejectedImage("pack_other_original")
    thumbnail = row.fields.get("thumbnail")
    if thumbnail is not None:
        check_thumbnail(thumbnail)
    return PackedPicture(record, row.vector, thumbnail, original)


def _record(fields: Mapping[str, Any], has_original: bool) -> Record:
    names = [field.name for field in fields_of(Record) if field.name != "from_sidecars"]
    missing = [name for name in names if fields.get(name) is None]
    if missing:
        raise RejectedImage("pack_field_missing", fields=", ".join(missing))
    id = parse_content_id(fields["content_id"])
    if fields["format"] not in EXTENSIONS:
        raise RejectedImage("pack_format", format=repr(fields["format"][:20]))
    if fields["img_path"] != f"images/{id[:2]}/{id}.{EXTENSIONS[fields['format']]}":
        raise RejectedImage("pack_path")
    _check_numbers(fields)
    record = Record(
        content_id=id,
        img_path=fields["img_path"],
        name=clean_name(fields["name"]),
        format=fields["format"],
        width=fields["width"],
        height=fields["height"],
        bytes=fields["bytes"],
        added=iso_utc(fields["added"], "microseconds"),
        source=fields["source"],
        metadata=_metadata(fields["metadata"]),
        original_at="" if has_original else fields["original_at"] or NOT_KEPT,
    )
    check_record(record)
    return record


def _check_numbers(fields: Mapping[str, Any]) -> None:
    width, height, size = fields["width"], fields["height"], fields["bytes"]
    if not (width > 0 and height > 0 and width * height <= MAX_STATED_PIXELS):
        raise RejectedImage("pack_pixels", width=str(width), height=str(height))
    if not 0 < size <= MAX_FILE_BYTES:
        raise RejectedImage("pack_bytes", size=size)
    if not EPOCH <= fields["added"] <= datetime.now(UTC) + timedelta(days=1):
        raise RejectedImage("pack_added", added=fields["added"].isoformat())


def _metadata(text: str) -> Metadata:
    if len(text) > MAX_ROW_BYTES * 3:  # escapes are longer than what they stand for
        raise RejectedImage("metadata_too_long")
    try:
        metadata = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        raise RejectedImage("metadata_not_json") from None
    if not isinstance(metadata, dict):
        raise RejectedImage("metadata_not_fields")
    return metadata


def _integer(text: str) -> int:
    """Returns a whole number. Raises ValueError for one that Milvus cannot keep."""
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
