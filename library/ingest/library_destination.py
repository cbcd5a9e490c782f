"""Puts the pictures of an import into the image store and a collection, together."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from library.duplicates.decisions import Decisions
from library.duplicates.groups import resembled
from library.duplicates.thumbnails import ThumbnailSignatures
from library.errors import LikenessError, StoreUnavailable, UnknownPicture
from library.images import ContentId
from library.ingest.destinations import Addition, Known, Update, all_away
from library.ports import Collection, Encoder, ImageStore, LoadedCollection, VectorDatabase, Vectors
from library.records import Record
from library.running.work import worker_pool

STORE_THREADS = 8  # storing waits for the disk, not for the processor


class LibraryDestination:
    """Stores the pictures of one run; the collection stays loaded from its first batch to its last."""

    def __init__(
        self,
        store: ImageStore,
        encoder: Encoder,
        collection: Collection,
        index: LoadedCollection,
        database: VectorDatabase,
        changes: threading.Lock,
        decisions: Decisions,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._collection = collection
        self._index = index
        self._database = database
        self._changes = changes
        self._decisions = decisions
        self._signatures = ThumbnailSignatures(store.thumbnail)

    @property
    def working_side(self) -> int:
        return self._encoder.info.working_side

    def known(self, ids: Sequence[ContentId]) -> dict[ContentId, Known]:
        records = self._store.find_all(ids)
        rows = self._index.present([record.img_path for record in records])
        return {record.content_id: Known(record, record.content_id in rows) for record in records}

    def superseded(self, ids: Sequence[ContentId]) -> dict[ContentId, Record]:
        chains = {id: chain for id in ids if (chain := self._decisions.kept_instead_of(id))}
        stored = self._stored({other for chain in chains.values() for other in chain}) if chains else {}
        kept = {id: next((stored[other] for other in chain if other in stored), None) for id, chain in chains.items()}
        return {id: record for id, record in kept.items() if record}

    def encode(self, images: Sequence[Image.Image]) -> Vectors:
        return self._encoder.encode_images(images)

    def resembled(self, additions: Sequence[Addition], vectors: Vectors, only_kept: bool) -> dict[ContentId, Record]:
        is_new = [not addition.is_stored for addition in additions]
        new = {addition.record.content_id: addition for addition in additions if not addition.is_stored}
        if not new:
            return {}
        thumbnails = {id: addition.thumbnail for id, addition in new.items()}
        found = resembled(thumbnails, vectors[is_new], self._index, self._signatures, self._decisions, only_kept)
        records = self._stored(set(found.values())) | {id: addition.record for id, addition in new.items()}
        return {id: records[other] for id, other in found.items() if other in records}

    def keep(self, additions: Sequence[Addition], vectors: Vectors) -> dict[ContentId, LikenessError]:
        with self._changes:
            # Files first: a row without a picture cannot happen, and a picture without a row is finished later.
            with worker_pool(STORE_THREADS) as pool:
                errors = list(pool.map(self._store_one, additions))
            if away := all_away(errors):
                raise away
            kept = [error is None for error in errors]
            records = [addition.record for addition, ok in zip(additions, kept, strict=True) if ok]
            self._collection.upsert(records, vectors[kept])
        pairs = zip(additions, errors, strict=True)
        return {addition.record.content_id: error for addition, error in pairs if error}

    def update(self, updates: Sequence[Update]) -> dict[ContentId, LikenessError]:
        with self._changes:
            # Rows first: the record is what the next run compares with, should this one be killed in between.
            self._database.update([update.record for update in updates])
            with worker_pool(STORE_THREADS) as pool:
                errors = list(pool.map(self._update_one, updates))
        pairs = zip(updates, errors, strict=True)
        return {update.record.content_id: error for update, error in pairs if error}

    def _stored(self, ids: set[ContentId]) -> dict[ContentId, Record]:
        return {record.content_id: record for record in self._store.find_all(sorted(ids))}

    def _store_one(self, addition: Addition) -> LikenessError | None:
        try:
            if not addition.is_stored:
                self._store.add(addition.record, addition.original, addition.thumbnail)
                return None
            stored = self._store.find(addition.record.content_id)
        except StoreUnavailable as error:
            return error
        if stored is None:
            return _gone()
        return None if stored == addition.record else self._update_one(Update(addition.record, addition.original))

    def _update_one(self, update: Update) -> LikenessError | None:
        try:
            self._store.update(update.record, update.original)
        except (StoreUnavailable, UnknownPicture) as error:
            return error
        return None


class DryRun(LibraryDestination):
    """Takes the place of a destination in a dry run: it stores nothing, and notes what it would have stored."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._would_be_kept: dict[ContentId, Known] = {}

    def known(self, ids: Sequence[ContentId]) -> dict[ContentId, Known]:
        return super().known(ids) | {id: self._would_be_kept[id] for id in ids if id in self._would_be_kept}

    def encode(self, images: Sequence[Image.Image]) -> Vectors:
        return np.zeros((len(images), self._encoder.info.dim), np.float32)

    def resembled(self, additions: Sequence[Addition], vectors: Vectors, only_kept: bool) -> dict[ContentId, Record]:
        return {}  # nothing was encoded

    def keep(self, additions: Sequence[Addition], vectors: Vectors) -> dict[ContentId, LikenessError]:
        self._would_be_kept |= {each.record.content_id: Known(each.record, has_row=True) for each in additions}
        return {}

    def update(self, updates: Sequence[Update]) -> dict[ContentId, LikenessError]:
        self._would_be_kept |= {each.record.content_id: Known(each.record, has_row=True) for each in updates}
        return {}


class Reindexing(LibraryDestination):
    """Inserts rows for stored pictures that lack them; pictures that were deleted meanwhile get none."""

    def _store_one(self, addition: Addition) -> LikenessError | None:
        return super()._store_one(addition) if addition.is_stored else _gone()


def _gone() -> UnknownPicture:
    return UnknownPicture("deleted_meanwhile")
