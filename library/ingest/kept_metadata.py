"""Decides which metadata of a picture are kept: explicit ones first, then those of its sidecars."""

from dataclasses import replace

from library.errors import RejectedImage
from library.images import ContentId
from library.ingest.batch import PendingFile
from library.ingest.record_limits import check_record
from library.messages import message
from library.records import Metadata, Record, given


class KeptMetadata:
    """Remembers the metadata that a run has set: of two files with one picture the first counts, in every run.

    Sidecars of the second may add what those of the first do not speak of, such as the album of a copy.
    """

    def __init__(self) -> None:
        self._explicit: set[ContentId] = set()
        self._fields: dict[ContentId, set[str]] = {}

    def add(self, file: PendingFile) -> None:
        """Sets the metadata to keep, from those of the item and of its sidecars."""
        assert file.id
        explicit = file.item.metadata
        if explicit and file.id not in self._explicit:
            self._explicit.add(file.id)
            file.explicit = explicit
        if file.described.metadata:
            before = self._fields.setdefault(file.id, set())
            said = file.described.metadata.items()
            file.said = {name: value for name, value in said if name not in before and explicit.get(name) is None}
            before |= {*file.said}


def described(file: PendingFile, record: Record) -> Record:
    """Returns the record with what the file says. Where sidecars make it one that cannot be kept, it is without the
    longest of what they say, and the file has a note."""
    plain = _with_explicit(record, file.explicit)
    said, left_out, reason = dict(file.said), [], None
    while (full := with_sidecars(plain, said)) not in (plain, record):
        try:
            check_record(full)
            break
        except RejectedImage as error:
            longest = max(said, key=lambda name: len(str(said[name])))
            del said[longest]
            left_out.append(longest)
            reason = reason or error.message
    if reason:
        file.note = message("sidecars_not_kept", fields=", ".join(left_out), reason=reason)
    return full


def with_sidecars(record: Record, said: Metadata) -> Record:
    """Returns the record with what sidecars say, which changes only fields that nothing else has said."""
    theirs = set(record.from_sidecars)
    changed = {name: value for name, value in said.items() if name in theirs or name not in record.metadata}
    metadata = given({**record.metadata, **changed})
    return replace(record, metadata=metadata, from_sidecars=tuple(sorted((theirs | {*changed}) & {*metadata})))


def _with_explicit(record: Record, explicit: Metadata) -> Record:
    rest = tuple(name for name in record.from_sidecars if name not in explicit)
    return replace(record, metadata=given({**record.metadata, **explicit}), from_sidecars=rest)
