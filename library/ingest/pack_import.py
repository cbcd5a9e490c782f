"""Imports the pictures of a pack with the vectors that it brings."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from library.errors import InvalidContentId, LikenessError, RejectedImage, StoreUnavailable, UnknownPicture
from library.images import ContentId
from library.ingest.destinations import all_away
from library.ingest.pack_rows import picture_of
from library.ingest.packs import Pack, PackedPicture, PackRow
from library.ingest.prefetch import prefetch
from library.ingest.receipts import FileReceipt, Status
from library.ingest.unit_length import are_of_unit_length
from library.messages import Message, message
from library.ports import Collection, ImageStore, LoadedCollection
from library.records import Record
from library.running.work import worker_pool

BATCHES_AHEAD = 1
STORE_THREADS = 8


def unpack(
    pack: Pack,
    store: ImageStore,
    collection: Collection,
    index: LoadedCollection,
    changes: threading.Lock,
    should_stop: Callable[[], bool],
) -> Iterator[FileReceipt]:
    """Yields a receipt per row, in order; a bad row never stops the rest. What is there already is left as it is.

    Raises InvalidPack, StoreUnavailable or IndexUnavailable: what was kept until then is complete, and the same call
    later does the rest.
    """
    with closing(prefetch(_checked_batches(pack), BATCHES_AHEAD)) as batches:
        for batch in batches:
            with changes, worker_pool(STORE_THREADS) as pool:
                _Unpacking(store, collection, index, pool).keep([row for row in batch if isinstance(row, _Arrival)])
            yield from (row.receipt if isinstance(row, _Arrival) else row for row in batch)
            if should_stop():
                return


@dataclass
class _Arrival:
    """Holds one sound row of a pack that is being imported."""

    place: str
    picture: PackedPicture
    known: Record | None = None
    lacks_row: bool = True
    lacks_original: bool = False
    status: Status | None = None
    reason: Message | None = None

    @property
    def receipt(self) -> FileReceipt:
        assert self.status
        return FileReceipt(self.place, self.status, self.id, self.reason)

    @property
    def id(self) -> ContentId:
        return self.picture.record.content_id

    def settle(self, status: Status, reason: Message | None = None) -> None:
        self.status, self.reason = status, reason


def _checked_batches(pack: Pack) -> Generator[list[_Arrival | FileReceipt], None, None]:
    """Yields sound rows and the receipts of bad ones; is read ahead, since checking originals takes its time too."""
    with closing(pack.rows()) as batches:
        for batch in batches:
            sound = are_of_unit_length(np.stack([row.vector for row in batch]))
            yield [_checked(row, ok) for row, ok in zip(batch, sound, strict=True)]


def _checked(row: PackRow, has_unit_length: bool) -> _Arrival | FileReceipt:
    try:
        if not has_unit_length:
            raise RejectedImage("pack_vector")
        return _Arrival(row.place, picture_of(row))
    except (RejectedImage, InvalidContentId) as error:
        return FileReceipt(row.place, "rejected", reason=error.message)


class _Unpacking:
    """Stores one batch of a pack; the caller holds the lock of changes."""

    def __init__(
        self, store: ImageStore, collection: Collection, index: LoadedCollection, pool: ThreadPoolExecutor
    ) -> None:
        self._store = store
        self._collection = collection
        self._index = index
        self._pool = pool

    def keep(self, arrivals: Sequence[_Arrival]) -> None:
        """Stores the files and then the rows of the arrivals, and sets the status of each."""
        self._look_up(arrivals)
        self._store_all([arrival for arrival in arrivals if not arrival.status])
        self._insert([arrival for arrival in arrivals if not arrival.status])

    def _look_up(self, arrivals: Sequence[_Arrival]) -> None:
        ids = list(dict.fromkeys(arrival.id for arrival in arrivals))
        known = {record.content_id: record for record in self._store.find_all(ids)}
        rows = self._index.present([record.img_path for record in known.values()])
        lacking = self._lacking_originals(arrivals, known)
        seen: set[ContentId] = set()
        for arrival in arrivals:
            arrival.known = known.get(arrival.id)
            arrival.lacks_row = arrival.id not in rows
            arrival.lacks_original = arrival.id in lacking
            if arrival.id in seen:
                arrival.settle("duplicate", message("pack_repeated"))
            elif arrival.known and not (arrival.lacks_row or arrival.lacks_original):
                arrival.settle("duplicate", message("same_picture", name=arrival.known.name))
            elif not (arrival.known or arrival.picture.thumbnail):
                arrival.settle("skipped", message("pack_without_picture"))
            seen.add(arrival.id)

    def _lacking_originals(
        self, arrivals: Iterable[_Arrival], known: Mapping[ContentId, Record]
    ) -> frozenset[ContentId]:
        """Returns the stored pictures whose original only the pack has."""
        offered = dict.fromkeys(arrival.id for arrival in arrivals if arrival.picture.original is not None)
        records = [known[id] for id in offered if id in known]
        has_original = self._pool.map(self._store.has_original, records)
        return frozenset(record.content_id for record, has in zip(records, has_original, strict=True) if not has)

    def _store_all(self, arrivals: Sequence[_Arrival]) -> None:
        errors = list(self._pool.map(self._store_one, arrivals))
        if away := all_away(errors):
            raise away
        for arrival, error in zip(arrivals, errors, strict=True):
            if error:
                arrival.settle("rejected", error.message)

    def _store_one(self, arrival: _Arrival) -> LikenessError | None:
        picture, known = arrival.picture, arrival.known
        try:
            if known is None:
                self._store.add(picture.record, picture.original, picture.thumbnail or b"")
            elif arrival.lacks_original:
                whole = replace(known, original_at="")
                self._store.add(whole, picture.original, self._store.thumbnail(arrival.id))
        except (StoreUnavailable, UnknownPicture) as error:
            return error
        return None

    def _insert(self, arrivals: Sequence[_Arrival]) -> None:
        lacking = [arrival for arrival in arrivals if arrival.lacks_row]
        if lacking:
            records = [arrival.known or arrival.picture.record for arrival in lacking]
            self._collection.upsert(records, np.stack([arrival.picture.vector for arrival in lacking]))
        for arrival in arrivals:
            arrival.settle("new", None if arrival.lacks_row else message("pack_original_added"))
