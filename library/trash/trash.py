"""Takes deleted pictures and dropped collections into the trash, brings them back, and removes what has expired."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from library.decoders.direct import Decoder
from library.errors import RejectedImage, UnknownCollection, UnknownPicture
from library.images import ContentId
from library.ports import EncoderInfo, ImageStore, StoredCollection, VectorDatabase
from library.records import Record
from library.running.private import Private
from library.times import iso_now
from library.trash.dropped import DroppedCollection, DroppedCollections, VectorBatch
from library.trash.entries import LONG_AGO, Trashed

logger = logging.getLogger(__name__)

AT_ONCE = 500  # rows
SWEPT_EVERY = 3600.0  # seconds
UNFINISHED_AFTER = timedelta(minutes=5)  # a younger entry may be another process's delete in hand


class Trash:
    """Keeps what was deleted for some days. Methods raise StoreUnavailable or IndexUnavailable."""

    def __init__(
        self,
        store: ImageStore,
        database: VectorDatabase,
        dropped: DroppedCollections,
        days: int,
        changes: threading.Lock,
        decoder: Decoder,
    ) -> None:
        """Keeps deleted pictures for `days`; with 0 they are removed at once."""
        self.days = days
        self._store = store
        self._database = database
        self._dropped = dropped
        self._changes = changes
        self._decoder = decoder

    def discard(self, records: Sequence[Record]) -> None:
        """Takes pictures out of the library; the caller holds the lock of changes.

        Entries first, then rows, then records: killed in between, a picture is in the library, and the sweep gives it
        back the rows that it may lack.
        """
        deleted = iso_now()  # also without days: what is in hand has to be young for the sweep
        for start in range(0, len(records), AT_ONCE):
            self._discard(self._entries(records[start : start + AT_ONCE], deleted))

    def discard_collection(self, name: str) -> None:
        """Drops a collection and keeps its vectors; the caller holds the lock of changes. Raises UnknownCollection."""
        found = next((each for each in self._database.stored() if each.name == name), None)
        if found is None:
            raise UnknownCollection("no_collection", name=name)
        # One of an early version, which does not say its model, could not be made again under its name.
        if self.days and self._database.name_of(_encoder_of(found)) == name:
            self._dropped.keep(found, iso_now(), self._rows(name))
        self._database.drop(name)

    def count(self) -> int:
        """Returns how many pictures are in the trash."""
        return len(self._ids())

    def damaged(self) -> list[ContentId]:
        """Returns the pictures whose entry cannot be read, which the doctor makes anew from their originals."""
        stored = set(self._store.ids())
        return self._unread([id for id in self._store.trashed() if id not in stored])

    def pictures(self, offset: int, limit: int) -> list[Trashed]:
        """Returns a page of the pictures in the trash, the last deleted first."""
        return self._store.find_trashed(self._ids()[offset : offset + limit])

    def collections(self) -> list[DroppedCollection]:
        """Returns the dropped collections that can be restored, the last dropped first."""
        return [each for each in self._dropped.listed() if not self._is_expired(each.deleted_at)]

    def foreign(self) -> list[str]:
        """Returns the names of the files in the folder of dropped collections that are no dropped collection."""
        return self._dropped.foreign()

    def expires(self, deleted: datetime) -> datetime:
        """Returns when something that was deleted at that moment will be removed."""
        return deleted + timedelta(days=self.days)

    def restore(self, ids: Sequence[ContentId]) -> list[Record]:
        """Brings pictures back with their vectors. Raises UnknownPicture before anything is restored."""
        with self._changes:
            entries = self._found(list(dict.fromkeys(ids)))
            for entry in entries:
                self._store.add(entry.record, None, entry.thumbnail)
            # Killed from here on, the entries are left, from which the sweep makes the rows that are missing.
            self._insert(entries)
            for entry in entries:
                self._store.clear_trashed(entry.record.content_id)
                logger.info("restored %s, %s", entry.record.content_id, Private(entry.record.name))
        return [entry.record for entry in entries]

    def restore_collection(self, key: str) -> StoredCollection:
        """Brings back a dropped collection, with the vectors of the pictures that are in the library now.

        Raises UnknownCollection.
        """
        with self._changes:
            found = next((each for each in self.collections() if each.key == key), None)
            if found is None:
                raise UnknownCollection("collection_not_in_trash", key=key)
            collection = self._database.collection(_encoder_of(found.collection))
            for ids, vectors in self._dropped.rows(key):
                records = {record.content_id: record for record in self._store.find_all(ids)}
                kept = [at for at, id in enumerate(ids) if id in records]
                if kept:
                    collection.upsert([records[ids[at]] for at in kept], vectors[kept])
            collection.optimize()
            self._dropped.remove(key)
        return found.collection

    def empty(self) -> int:
        """Removes everything for good, and returns how many pictures that were."""
        with self._changes:
            ids = self._ids()
            stored = set(self._store.ids())
            for id in self._store.trashed():  # also what expired, or what a killed removal has left
                if id not in stored:
                    self._remove(id)
            for each in self._dropped.listed():
                self._dropped.remove(each.key)
        return len(ids)

    def sweep(self) -> int:
        """Removes what has expired, and finishes what a killed delete or restore has left; returns how many pictures
        were removed. What has a damaged entry stays: only the doctor can tell what it is."""
        with self._changes:
            stored = set(self._store.ids())
            trashed = self._store.trashed()
            now = datetime.now(UTC)
            for id in [id for id in trashed if id in stored and now - trashed[id] > UNFINISHED_AFTER]:
                self._finish(id)
            expired = [id for id in trashed if id not in stored and self._is_expired(trashed[id])]
            damaged = set(self._unread(expired))
            expired = [id for id in expired if id not in damaged]
            for id in expired:
                self._remove(id)
            for each in self._dropped.listed():
                if self._is_expired(each.deleted_at):
                    self._dropped.remove(each.key)
        if expired:
            logger.info("trash: %d pictures expired", len(expired))
        return len(expired)

    def _discard(self, entries: Sequence[Trashed]) -> None:
        for entry in entries:
            self._store.note_trashed(entry)
        self._database.delete([entry.record.img_path for entry in entries])
        for entry in entries:
            self._store.hide(entry.record)
            if not self.days:
                self._store.clear_trashed(entry.record.content_id)

    def _ids(self) -> list[ContentId]:
        """Returns the pictures in the trash; one whose entry is damaged does not expire."""
        stored = set(self._store.ids())
        trashed = {id: deleted for id, deleted in self._store.trashed().items() if id not in stored}
        kept = set(self._unread([id for id, deleted in trashed.items() if self._is_expired(deleted)]))
        return [id for id, deleted in trashed.items() if id in kept or not self._is_expired(deleted)]

    def _unread(self, ids: Sequence[ContentId]) -> list[ContentId]:
        whole: set[ContentId] = set()
        for start in range(0, len(ids), AT_ONCE):
            whole |= {entry.record.content_id for entry in self._store.find_trashed(ids[start : start + AT_ONCE])}
        return [id for id in ids if id not in whole]

    def _is_expired(self, deleted: datetime) -> bool:
        return datetime.now(UTC) >= self.expires(deleted)

    def _entries(self, records: Sequence[Record], deleted: str) -> list[Trashed]:
        vectors: dict[ContentId, dict[str, np.ndarray]] = {record.content_id: {} for record in records}
        for each in self._database.stored():
            with self._database.named(each.name).loaded() as index:
                for id, vector in index.vectors([record.img_path for record in records]).items():
                    vectors[id][each.name] = vector
        return [Trashed(each, deleted, self._thumbnail(each.content_id), vectors[each.content_id]) for each in records]

    def _thumbnail(self, id: ContentId) -> bytes:
        try:
            return self._store.thumbnail(id)
        except UnknownPicture:
            with suppress(UnknownPicture, RejectedImage):
                return self._decoder.thumbnail(self._store.original(id))
            return b""

    def _found(self, ids: Sequence[ContentId]) -> list[Trashed]:
        present = set(self._ids())
        entries = self._store.find_trashed([id for id in ids if id in present])
        if not present.issuperset(ids):
            raise UnknownPicture("not_in_trash")
        if len(entries) < len(ids):
            raise UnknownPicture("trash_entry_damaged")
        return entries

    def _insert(self, entries: Sequence[Trashed]) -> None:
        """Puts the vectors back into the collections that they are from, as far as these are there."""
        for each in self._database.stored():
            fitting = [entry for entry in entries if entry.vectors.get(each.name, np.empty(0)).shape == (each.dim,)]
            if fitting:
                vectors = np.stack([entry.vectors[each.name] for entry in fitting])
                self._database.named(each.name).upsert([entry.record for entry in fitting], vectors)

    def _finish(self, id: ContentId) -> None:
        """Makes whole a picture that is in the library although the trash has an entry of it."""
        for record in self._store.find_all([id]):
            entries = [replace(entry, record=record) for entry in self._store.find_trashed([id])]
            for each in self._database.stored():
                with self._database.named(each.name).loaded() as index:
                    has_row = bool(index.present([record.img_path]))
                if has_row:
                    entries = [_without(entry, each.name) for entry in entries]
            self._insert(entries)
            self._store.clear_trashed(id)

    def _remove(self, id: ContentId) -> None:
        for entry in self._store.find_trashed([id]):
            # Noted first: a removal that is killed half-way is no longer listed, and done again.
            self._store.note_trashed(Trashed(entry.record, LONG_AGO, b""))
        self._store.clear_trashed(id)

    def _rows(self, name: str) -> Iterator[VectorBatch]:
        with self._database.named(name).loaded() as index:
            paths = [record.img_path for record in index.matching(None)]
            for start in range(0, len(paths), AT_ONCE):
                vectors = index.vectors(paths[start : start + AT_ONCE])
                if vectors:
                    yield list(vectors), np.stack(list(vectors.values()))


def _encoder_of(collection: StoredCollection) -> EncoderInfo:
    return EncoderInfo(collection.model, collection.fingerprint, collection.dim, "", "")


def _without(entry: Trashed, collection: str) -> Trashed:
    return replace(entry, vectors={name: each for name, each in entry.vectors.items() if name != collection})
