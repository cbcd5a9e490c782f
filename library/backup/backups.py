"""Backs a library up, store, records and vectors, and restores it."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext

import numpy as np

from library.backup.backup_place import BackupPlace, BackupSummary, Copied
from library.contents.pictures import Pictures
from library.errors import InvalidBackup, LikenessError, RejectedImage, StoreUnavailable, UnknownPicture
from library.images import ContentId, check_thumbnail, content_id
from library.ingest.receipts import FileReceipt
from library.ingest.record_limits import check_record
from library.ingest.unit_length import are_of_unit_length
from library.messages import message
from library.ports import EncoderInfo, ImageStore, StoredCollection, Vector, VectorDatabase
from library.records import NOT_KEPT, Record, clean_name
from library.running.work import worker_pool
from library.times import iso_now
from library.trash.dropped import VectorBatch

AT_ONCE = 200
THREADS = 8
WITHOUT_ORIGINAL = "backup_without_original"

ShouldStop = Callable[[], bool]


class Backups:
    """Makes and restores backups. Methods raise StoreUnavailable or IndexUnavailable."""

    def __init__(
        self, store: ImageStore, database: VectorDatabase, pictures: Pictures, changes: threading.Lock
    ) -> None:
        self._store = store
        self._database = database
        self._pictures = pictures
        self._changes = changes

    def write(self, place: BackupPlace, should_stop: ShouldStop = lambda: False) -> Iterator[Copied]:
        """Copies every picture there is now and its vectors, and yields what became of each picture.

        The library may change meanwhile: what comes later is not in the backup, what is deleted before its turn
        neither. Stopped, it is no backup.
        """
        kept: list[Record] = []
        ids = self._store.ids()
        with worker_pool(THREADS) as pool:
            for start in range(0, len(ids), AT_ONCE):
                if should_stop():
                    return
                records = self._store.find_all(ids[start : start + AT_ONCE])
                gone: list[Copied] = ["gone"] * (len(ids[start : start + AT_ONCE]) - len(records))
                yield from gone
                outcomes = list(pool.map(lambda record: self._copy(record, place), records))
                kept += [record for record, outcome in zip(records, outcomes, strict=True) if outcome != "gone"]
                yield from outcomes
        yield from self._unreadable({record.content_id for record in kept})
        rows = {each.name: self._copy_vectors(each, kept, place, should_stop) for each in self._database.stored()}
        place.keep_files()
        if not should_stop():
            place.finish(BackupSummary(iso_now(), len(kept), rows))

    def restore(self, place: BackupPlace, should_stop: ShouldStop = lambda: False) -> Iterator[FileReceipt]:
        """Adds the pictures of a backup that are not in the library, without encoding, and yields a receipt for each.

        What is there stays as it is, but for an original or a thumbnail that is missing: such a picture is completed,
        and counts as updated. Stopped or killed, the same again does the rest. `lacks_original` tells which
        pictures came without theirs.
        """
        ids = place.store.ids()
        with worker_pool(THREADS) as pool:
            for start in range(0, len(ids), AT_ONCE):
                if should_stop():
                    return
                records = place.store.find_all(ids[start : start + AT_ONCE])
                yield from _damaged(ids[start : start + AT_ONCE], records)
                with self._changes:
                    found = self._store.find_all([each.content_id for each in records])
                    present = {each.content_id: each for each in found}
                    receipts = list(pool.map(lambda each, there=present: self._bring(each, place, there), records))
                yield from receipts
        for each in place.vectors.listed():
            self._restore_vectors(each.collection, place.vectors.rows(each.key), should_stop)
        place.restore_files()

    def without_vector(self, place: BackupPlace, summary: BackupSummary) -> dict[str, int]:
        """Returns how many pictures of a backup that was restored lack the vector that it once held, by collection.

        Those that had none when it was made do not count.
        """
        ids = place.store.ids()
        lacking: dict[str, int] = {}
        for name, held in summary.collections.items():
            missing = self._count_without_row(name, ids) - max(0, summary.pictures - held)
            if missing > 0:
                lacking[name] = missing
        return lacking

    def _count_without_row(self, name: str, ids: Sequence[ContentId]) -> int:
        is_there = any(each.name == name for each in self._database.stored())
        without = 0
        with self._database.named(name).loaded() if is_there else nullcontext() as index:
            for start in range(0, len(ids), AT_ONCE):
                records = self._store.find_all(ids[start : start + AT_ONCE])
                present = index.present([each.img_path for each in records]) if index else ()
                without += len(records) - len(present)
        return without

    def _copy(self, record: Record, place: BackupPlace) -> Copied:
        id = record.content_id
        try:
            thumbnail = self._pictures.thumbnail(id)
        except StoreUnavailable:
            raise
        except LikenessError:  # it cannot be made without the original: the check of the library tells of it
            thumbnail = b""
        try:
            original = self._store.original(id)
        except UnknownPicture:
            if self._store.find(id) is None:
                return "gone"
            place.store.add(record, None, thumbnail)
            return "without original" if record.original_at else "lost"
        except RejectedImage:  # larger than any
            place.store.add(record, None, thumbnail)
            return "damaged"
        place.store.add(record, original, thumbnail)
        return "copied" if content_id(original) == id else "damaged"

    def _unreadable(self, kept: set[ContentId]) -> Iterator[Copied]:
        """Yields an outcome for each picture that no backup can hold, as its record is damaged."""
        for file in self._store.files():
            if file.kind == "record" and file.id and file.id not in kept and self._store.find(file.id) is None:
                yield "unreadable"

    def _copy_vectors(
        self, collection: StoredCollection, records: Sequence[Record], place: BackupPlace, should_stop: ShouldStop
    ) -> int:
        rows = 0

        def batches() -> Iterator[VectorBatch]:
            nonlocal rows
            for start in range(0, len(records), AT_ONCE):
                if should_stop():
                    return
                if found := self._vectors(collection, records[start : start + AT_ONCE]):
                    rows += len(found)
                    yield list(found), np.stack(list(found.values()))

        place.vectors.keep(collection, iso_now(), batches())
        return rows

    def _vectors(self, collection: StoredCollection, records: Sequence[Record]) -> dict[ContentId, Vector]:
        """Returns the vectors of pictures, of those that were deleted since they were copied from the trash."""
        with self._database.named(collection.name).loaded() as index, self._changes:
            found = dict(index.vectors([record.img_path for record in records]))
            missing = [record.content_id for record in records if record.content_id not in found]
            for each in self._store.find_trashed(missing) if missing else ():
                vector = each.vectors.get(collection.name)
                if vector is not None and vector.shape == (collection.dim,):
                    found[each.record.content_id] = vector
        return found

    def _bring(self, record: Record, place: BackupPlace, present: Mapping[ContentId, Record]) -> FileReceipt:
        id = record.content_id
        if here := present.get(id):
            return self._complete(here, record, place)
        try:  # a backup may be a stranger's: what one picture of it is costs no other
            original = _original(record, place)
            thumbnail = _thumbnail(id, place, is_needed=original is None and record.original_at in ("", NOT_KEPT))
        except LikenessError as error:
            return FileReceipt(clean_name(record.name), "rejected", id, error.message)
        self._store.add(record, original, thumbnail)
        is_without = original is None and not record.original_at
        return FileReceipt(record.name, "new", id, message("backup_without_original") if is_without else None)

    def _complete(self, here: Record, record: Record, place: BackupPlace) -> FileReceipt:
        """Brings what a picture that is there lacks: its original, and its thumbnail where nothing makes it anew."""
        id = here.content_id
        there = FileReceipt(here.name, "duplicate", id, message("same_picture", name=here.name))
        if self._store.has_original(here):
            return there
        is_shown = self._is_shown(id)
        try:
            original = None if here.original_at else _original(record, place)
            thumbnail = b"" if is_shown else _thumbnail(id, place, is_needed=False)
        except LikenessError as error:
            return FileReceipt(here.name, "rejected", id, error.message)
        if thumbnail:
            self._store.add(here, original, thumbnail)
        elif original is not None:
            self._store.update(here, original)
        else:
            return there
        return FileReceipt(here.name, "updated", id, message("backup_completed"))

    def _is_shown(self, id: ContentId) -> bool:
        try:
            return bool(self._store.thumbnail(id))
        except (UnknownPicture, RejectedImage):
            return False

    def _restore_vectors(self, of: StoredCollection, batches: Iterator[VectorBatch], should_stop: ShouldStop) -> None:
        if not of.fingerprint:
            return  # of a version that did not note its model: reindex encodes again
        collection = self._database.collection(EncoderInfo(of.model, of.fingerprint, of.dim, "", ""))
        with collection.loaded() as index:
            for ids, vectors in batches:
                if should_stop():
                    return
                with self._changes:
                    records = {record.content_id: record for record in self._store.find_all(ids)}
                    present = index.present([record.img_path for record in records.values()])
                    sound = are_of_unit_length(vectors)
                    wanted = [at for at, id in enumerate(ids) if sound[at] and id in records and id not in present]
                    if wanted:
                        collection.upsert([records[ids[at]] for at in wanted], vectors[wanted])
        collection.optimize()


def lacks_original(receipt: FileReceipt) -> bool:
    """Returns whether a picture was restored without its original, since the backup does not have it."""
    return receipt.reason is not None and receipt.reason.code == WITHOUT_ORIGINAL


def _original(record: Record, place: BackupPlace) -> bytes | None:
    """Returns the original in a backup; None where it has none. Raises RejectedImage for other bytes than its own."""
    check_record(record)
    if not place.store.has_original(record):
        return None
    found = place.store.original(record.content_id)
    if content_id(found) != record.content_id:
        raise RejectedImage("backup_other_original")
    return found


def _thumbnail(id: ContentId, place: BackupPlace, is_needed: bool) -> bytes:
    """Returns the thumbnail in a backup; no bytes where it is none and not needed, as the original makes it anew."""
    try:
        found = place.store.thumbnail(id)
        check_thumbnail(found)
        return found
    except LikenessError as error:
        if not is_needed:
            return b""
        if isinstance(error, InvalidBackup):
            raise
        raise InvalidBackup("backup_thumbnail_missing") from None


def _damaged(ids: Sequence[ContentId], whole: Sequence[Record]) -> Iterator[FileReceipt]:
    """Yields a receipt for each picture whose record cannot be read."""
    found = {record.content_id for record in whole}
    for id in ids:
        if id not in found:
            yield FileReceipt(id, "rejected", id, message("backup_record_damaged"))
