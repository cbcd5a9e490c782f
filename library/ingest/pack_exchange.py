"""Exports the library as a pack and imports the packs of others, without encoding a picture again."""

import threading
from collections.abc import Callable, Iterator
from pathlib import PurePath

from library.contents.pictures import Pictures
from library.history import History, noted
from library.ingest.pack_export import pack_up
from library.ingest.pack_import import unpack
from library.ingest.packs import Manifest, Pack, Packed, PackWriter, check_files, check_fits, fits
from library.ingest.receipts import FileReceipt
from library.models import Models
from library.ports import Encoder, ImageStore, VectorDatabase


class PackExchange:
    """Exports and imports packs. Both methods raise InvalidPack, ModelUnavailable or UnknownModel before they yield."""

    def __init__(
        self,
        store: ImageStore,
        models: Models,
        database: VectorDatabase,
        pictures: Pictures,
        history: History,
        changes: threading.Lock,
    ) -> None:
        self._store = store
        self._models = models
        self._database = database
        self._pictures = pictures
        self._history = history
        self._changes = changes

    def export_to(self, writer: PackWriter, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Packed]:
        """Packs the pictures that the answering model has encoded; see `pack_up`. Stopped, it leaves no manifest."""
        encoder = self._models.answering().info
        with self._database.collection(encoder).loaded() as index:
            yield from pack_up(self._store, self._pictures.original, index, writer, should_stop)
        if not should_stop():
            writer.finish(encoder)

    def import_from(
        self, pack: Pack, should_stop: Callable[[], bool] = lambda: False, source: str = ""
    ) -> Iterator[FileReceipt]:
        """Imports a pack and yields a receipt for each picture; see `unpack`.

        Nothing is written before the whole pack was checked.
        """
        encoder = self._encoder_for(pack.manifest).info
        check_fits(pack.manifest, encoder)
        check_files(pack, should_stop)
        if should_stop():
            return
        collection = self._database.collection(encoder)
        with collection.loaded() as index:
            try:
                receipts = unpack(pack, self._store, collection, index, self._changes, should_stop)
                yield from noted(self._history, receipts, source, lambda _: should_stop())
            finally:
                collection.optimize()

    def _encoder_for(self, manifest: Manifest) -> Encoder:
        """Returns the encoder that answers, or the chosen one where only a fallback answers and the pack names it."""
        answering = self._models.answering()
        chosen = PurePath(self._models.status().name).name
        is_chosen = PurePath(manifest.model).name == chosen
        return self._models.chosen() if is_chosen and not fits(manifest, answering.info) else answering
