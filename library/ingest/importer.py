"""Imports pictures into the library, and encodes stored ones for a model that lacks them."""

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from library.contents.pictures import Pictures
from library.contents.readable import readable
from library.decoders.direct import Decoder
from library.duplicates.decisions import Decisions
from library.history import History, noted
from library.images import ContentId
from library.ingest.batch import BATCH_SIZE
from library.ingest.items import Item
from library.ingest.library_destination import DryRun, LibraryDestination, Reindexing
from library.ingest.pipeline import ingest, was_interrupted
from library.ingest.receipts import FileReceipt
from library.ingest.storing import Near
from library.models import Models
from library.ports import ImageStore, LoadedCollection, VectorDatabase
from library.records import Record

LOOKED_UP_AT_ONCE = 1000  # rows


class Importer:
    """Adds pictures, and encodes those that a model lacks.

    Methods raise ModelUnavailable or UnknownModel before they return or yield anything.
    """

    def __init__(
        self,
        store: ImageStore,
        models: Models,
        database: VectorDatabase,
        pictures: Pictures,
        decisions: Decisions,
        history: History,
        changes: threading.Lock,
        decoder: Decoder,
    ) -> None:
        self._store = store
        self._models = models
        self._database = database
        self._pictures = pictures
        self._decisions = decisions
        self._history = history
        self._changes = changes
        self._decoder = decoder

    def add(
        self,
        items: Iterable[Item],
        should_stop: Callable[[], bool] = lambda: False,
        batch_size: int = BATCH_SIZE,
        dry_run: bool = False,
        in_place: bool = False,
        source: str = "",
        near: Near = "take",
    ) -> Iterator[FileReceipt]:
        """Imports the items and yields a receipt for each; see `ingest`.

        A dry run only tells what would happen. `source` is for the history.
        """
        encoder = self._models.answering()
        collection = self._database.collection(encoder.info)
        with collection.loaded() as index:
            kind = DryRun if dry_run else LibraryDestination
            run = kind(self._store, encoder, collection, index, self._database, self._changes, self._decisions)
            receipts = ingest(items, run, self._decoder, should_stop, batch_size, in_place, near)
            if dry_run:
                yield from receipts
                return
            try:
                stopped = partial(was_interrupted, items, should_stop)
                yield from noted(self._history, receipts, source, stopped)
            finally:
                collection.optimize()

    def missing(self, model: str = "") -> list[ContentId]:
        """Returns the stored pictures that a model's collection lacks, newest first; the chosen model if none is
        named."""
        with self._database.collection(self._models.to_encode_for(model).info).loaded() as index:
            return [record.content_id for record in self._missing(index)]

    def reindex(self, should_stop: Callable[[], bool] = lambda: False, model: str = "") -> Iterator[FileReceipt]:
        """Encodes those pictures, and any that come meanwhile; from then on the chosen model answers, if it was that.

        Stopped or killed, the next call does the rest.
        """
        encoder = self._models.to_encode_for(model)
        collection = self._database.collection(encoder.info)
        tried: set[ContentId] = set()
        with collection.loaded() as index:
            run = Reindexing(self._store, encoder, collection, index, self._database, self._changes, self._decisions)
            try:
                while sizes := {
                    each.content_id: each.bytes for each in self._missing(index) if each.content_id not in tried
                }:
                    tried.update(sizes)
                    read = self._pictures.original
                    items = (Item(id, id, partial(read, id), size=size) for id, size in sizes.items())
                    yield from ingest(items, run, self._decoder, should_stop, in_place=True)
                    if should_stop():
                        return
            finally:
                collection.optimize()
        if self._models.is_chosen(model):
            self._models.answer_with(encoder)

    def _missing(self, index: LoadedCollection) -> Iterator[Record]:
        ids = self._store.ids()
        for start in range(0, len(ids), LOOKED_UP_AT_ONCE):
            records = readable(self._store, ids[start : start + LOOKED_UP_AT_ONCE])
            present = index.present([record.img_path for record in records])
            yield from (record for record in records if record.content_id not in present)
