"""Reads each file of an import and looks up whether the library has its picture."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from library.errors import (
    IndexUnavailable,
    LikenessError,
    OriginalAway,
    RejectedImage,
    StoreUnavailable,
    UnknownPicture,
)
from library.images import ContentId, content_id
from library.ingest.batch import PendingFile, RunState
from library.ingest.destinations import Destination, Known, Update
from library.ingest.items import Item
from library.ingest.kept_metadata import KeptMetadata, described
from library.ingest.record_limits import check_metadata, check_record
from library.messages import message
from library.messages.reasons import reason_of
from library.records import Record
from library.running.work import Interrupted


class Lookup:
    """Settles the files whose fate can be told without decoding them: unreadable ones, copies and updates."""

    def __init__(self, destination: Destination, state: RunState, in_place: bool) -> None:
        self._destination = destination
        self._state = state
        self._in_place = in_place
        self._kept_metadata = KeptMetadata()
        self._updated: dict[ContentId, Record] = {}  # as they are to be, whether they are written yet or not
        self._last_added = datetime.min.replace(tzinfo=UTC)

    def listed(self, items: Iterator[Item]) -> Iterator[Item]:
        """Yields the items until the run is over; a source that fails only ends them."""
        while not (self._state.is_stopped or self._state.problem):
            try:
                yield next(items)
            except (StopIteration, Interrupted):
                return
            except LikenessError as error:
                self._state.source_problem = error
                return

    def read(self, file: PendingFile) -> PendingFile:
        """Reads one file and names its picture by the content ID. Safe to call from several threads."""
        item = file.item
        if file.is_pause or file.receipt:
            return file
        if item.skip:
            file.settle("skipped", item.skip)
            return file
        try:
            file.data = item.read()
            file.item = replace(item, read=bytes)  # which may hold the bytes, too
            if file.reservation:
                file.reservation.correct(len(file.data))
            file.id = content_id(file.data)
            if item.describe:
                file.described = item.describe()
                file.note = file.described.note
        except Interrupted:
            file.settle("skipped", message("stopped"))
        except UnknownPicture as error:  # deleted from the library since it was listed
            file.settle("skipped", error.message)
        except RejectedImage as error:
            file.settle("rejected", error.message)
        except OriginalAway as error:
            file.reject_for_now(error.message)
        except OSError as error:
            file.reject_for_now(message("file_unreadable", problem=reason_of(error)))
        except StoreUnavailable as error:
            self._state.problem = error
        return file

    def look_up(self, files: Sequence[PendingFile]) -> Sequence[PendingFile]:
        """Compares the files with the library and with those before them in this run, and returns them."""
        read = [file for file in files if file.id and not file.receipt]
        ids = [file.id for file in read if file.id]
        if self._state.problem:
            return files
        # Asked in this order: a picture leaves `pending` only after its row is there.
        names = {id: name for id in ids if (name := self._state.pending.get(id))}
        try:
            known = self._destination.known(ids)
            superseded = self._destination.superseded([id for id in ids if id not in known])
        except (IndexUnavailable, StoreUnavailable) as error:
            self._state.problem = error
            return files
        for file in read:
            self._compare(file, names, known, superseded)
        return files

    def _compare(
        self,
        file: PendingFile,
        names: dict[ContentId, str],
        known: Mapping[ContentId, Known],
        superseded: Mapping[ContentId, Record],
    ) -> None:
        assert file.id
        file.known = known.get(file.id)
        try:
            check_metadata(file.item.metadata)  # first, so that a copy without that fault counts as the first
        except RejectedImage as error:
            file.settle("rejected", error.message)
            return
        self._kept_metadata.add(file)
        if file.known and (updated := self._updated.get(file.id)):
            file.known = replace(file.known, record=updated)
        file.record = self._renewed(file)
        if name := names.get(file.id):
            file.same_as = file.id
            file.settle("duplicate", message("same_picture", name=name))
        elif file.known and file.known.has_row:
            _compare_with_stored(file, file.known.record)
            if file.update:
                self._updated[file.id] = file.update.record
        elif kept := superseded.get(file.id):
            file.settle("skipped", message("kept_instead", name=kept.name), kept.content_id)
        else:
            names[file.id] = self._state.pending[file.id] = file.item.name
            file.added = self._next_moment()

    def _renewed(self, file: PendingFile) -> Record | None:
        """Returns the record of a known picture with what the item says of it."""
        if file.known is None:
            return None
        record = described(file, file.known.record)
        if not record.original_at:
            return record
        original_at = (file.item.original_at or record.original_at) if self._in_place else ""
        return replace(record, original_at=original_at)

    def _next_moment(self) -> datetime:
        """Returns the moment of the next file: the order of the files is the order in the library."""
        self._last_added = max(datetime.now(UTC), self._last_added + timedelta(microseconds=1))
        return self._last_added


def original_to_store(file: PendingFile, stored: Record) -> bytes | None:
    """Returns the bytes of a known picture whose original was not stored so far and now is to be."""
    return file.data if stored.original_at and file.record and not file.record.original_at else None


def _compare_with_stored(file: PendingFile, stored: Record) -> None:
    if file.record is None or file.record == stored:
        file.settle("duplicate", message("same_picture", name=stored.name))
        return
    try:
        check_record(file.record)
    except RejectedImage as error:
        file.settle("rejected", error.message)
        return
    file.update = Update(file.record, original_to_store(file, stored))
    is_only_moved = file.record == replace(stored, original_at=file.record.original_at)
    file.settle("updated", message("place_changed") if is_only_moved else message("metadata_changed"))
