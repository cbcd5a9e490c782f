"""Stores the batches of an import, one by one, and remembers the receipts for later copies."""

from collections.abc import Mapping
from typing import Literal, get_args

from library.errors import IndexUnavailable, InvalidSelection, LikenessError, RejectedImage, StoreUnavailable
from library.images import ContentId
from library.ingest.batch import Batch, PendingFile, RunState
from library.ingest.destinations import Destination, Update
from library.ingest.kept_metadata import described
from library.ingest.receipts import FileReceipt, Status
from library.ingest.record_limits import check_record
from library.messages import message
from library.ports import Vectors
from library.records import Record

Near = Literal["take", "note", "skip"]  # what becomes of a near-duplicate of a picture that is there
CHOICES: tuple[Near, ...] = get_args(Near)


def as_near(text: str) -> Near:
    """Parses what is to become of near-duplicates. Raises InvalidSelection for anything but take, note and skip."""
    for near in CHOICES:
        if text == near:
            return near
    raise InvalidSelection("near_duplicates_choice", text=text, choices=", ".join(CHOICES))


class BatchWriter:
    """Stores the encoded batches of one run, one after the other."""

    def __init__(self, destination: Destination, state: RunState, near: Near) -> None:
        self._destination = destination
        self._pending = state.pending
        self._near = near
        self._failed: dict[ContentId, FileReceipt] = {}

    def store(self, batch: Batch) -> LikenessError | None:
        """Stores the batch and settles its files; returns what cut it off, if anything did."""
        if batch.problem:
            return batch.problem
        errors: dict[ContentId, LikenessError] = {}
        resembled: dict[ContentId, Record] = {}
        try:
            if batch.vectors is not None:
                resembled = self._resembled(batch)
                errors |= self._store_new(batch, batch.vectors, resembled if self._near == "skip" else {})
            if batch.updates:
                latest = {update.record.content_id: update for update in batch.updates}
                errors |= self._destination.update(list(latest.values()))
            self._describe_by_copies(batch)
        except (IndexUnavailable, StoreUnavailable) as error:
            return error
        for file in batch.files:
            if file.addition and file.id and (other := resembled.get(file.id)):
                status: Status = "skipped" if self._near == "skip" else "new"
                file.settle(status, message("near_duplicate", name=other.name), other.content_id)
            self._note(file, errors)
        return None

    def _describe_by_copies(self, batch: Batch) -> None:
        """Adds what a copy says to the picture that this run has stored."""
        copies = [file for file in batch.files if file.same_as and (file.said or file.explicit)]
        known = self._destination.known([file.same_as for file in copies if file.same_as]) if copies else {}
        records = {id: each.record for id, each in known.items()}
        updates: dict[ContentId, Update] = {}
        for file in copies:
            record = records.get(file.same_as) if file.same_as else None
            if record is None or (more := described(file, record)) == record:
                continue
            try:
                check_record(more)
            except RejectedImage as error:
                file.settle("rejected", error.message)
            else:
                records[more.content_id] = more
                updates[more.content_id] = Update(more, None)
        if updates:
            self._destination.update(list(updates.values()))

    def _resembled(self, batch: Batch) -> dict[ContentId, Record]:
        if self._near == "take" or batch.vectors is None:
            return {}
        try:
            return self._destination.resembled(batch.additions, batch.vectors, only_kept=self._near == "skip")
        except (IndexUnavailable, StoreUnavailable):
            if self._near == "skip":
                raise
            return {}  # a note is no reason to lose the picture: storing it tells what is away

    def _store_new(
        self, batch: Batch, vectors: Vectors, left_out: Mapping[ContentId, Record]
    ) -> dict[ContentId, LikenessError]:
        wanted = [addition.record.content_id not in left_out for addition in batch.additions]
        if not any(wanted):
            return {}
        additions = [addition for addition, is_wanted in zip(batch.additions, wanted, strict=True) if is_wanted]
        return self._destination.keep(additions, vectors[wanted])

    def _note(self, file: PendingFile, errors: Mapping[ContentId, LikenessError]) -> None:
        """Remembers what later copies of the same picture in this run have to be told."""
        if file.same_as:
            if receipt := self._failed.get(file.same_as):
                file.share_fate(receipt)
        elif file.id:
            if error := errors.get(file.id):
                file.reject_for_now(error.message)
            if file.receipt and file.receipt.status in ("rejected", "skipped"):
                self._failed[file.id] = file.receipt
            else:
                self._failed.pop(file.id, None)
            self._pending.pop(file.id, None)
