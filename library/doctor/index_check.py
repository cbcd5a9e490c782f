"""Checks the collections against the image store: that every picture has its row, and every row its picture."""

from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import PurePath

from library.doctor.findings import Finding, parted
from library.images import ContentId
from library.ports import VectorDatabase
from library.records import Record


def check_collections(
    database: VectorDatabase,
    pictures: Mapping[ContentId, Record],
    answering: str,
    encodable: frozenset[str],
    lost: frozenset[ContentId] = frozenset(),
    unsettled: frozenset[ContentId] = frozenset(),
) -> list[Finding]:
    """Returns what is wrong with the collections; `encodable` are those for which missing rows can be made.

    The collection that is `answering` is expected to be there, where it is one of them. Rows cannot be made for
    pictures whose originals are `lost`. `unsettled` are the pictures whose records cannot be read or are still to be
    written, whose rows stay.
    """
    found: list[Finding] = []
    rows: dict[str, dict[str, Record | None]] = {answering: {}} if answering in encodable else {}
    for name in [each.name for each in database.stored()]:
        collection = database.named(name)
        found += [Finding(fault, name) for fault in collection.faults()]
        with collection.loaded() as index:
            rows[name] = {key: row for key, row in index.rows().items() if PurePath(key).stem not in unsettled}
    for name, present in rows.items():
        found += _compared(name, present, pictures, lost if name in encodable else pictures.keys())
    return found


def _compared(
    place: str,
    rows: Mapping[str, Record | None],
    pictures: Mapping[ContentId, Record],
    not_encodable: Container[ContentId],
) -> list[Finding]:
    expected = {record.img_path: _as_row(record) for record in pictures.values()}
    surplus = [key for key in rows if key not in expected]
    missing = [record.content_id for path, record in expected.items() if path not in rows]
    other = [record.content_id for path, record in expected.items() if path in rows and rows[path] != record]
    # A server may serve several libraries: what is mostly not ours is not ours to remove.
    are_elsewhere = 2 * len(surplus) > len(rows)
    found = [
        *parted("row_missing", place, missing, not_encodable),
        Finding("row_elsewhere" if are_elsewhere else "row_surplus", place, tuple(surplus), not are_elsewhere),
        Finding("row_other", place, tuple(other)),
    ]
    return [finding for finding in found if finding.subjects]


def _as_row(record: Record) -> Record:
    return replace(record, original_at="", from_sidecars=())
