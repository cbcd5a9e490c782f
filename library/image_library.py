"""Offers everything that can be done with a collection of pictures.

`ImageLibrary` has the methods that most callers need; each hands over to one of the services below, which are made
here and nowhere else. A caller that needs more uses the service itself, as an attribute of the library:

    searcher     answers queries, one or many                       search/searcher.py
    heat_maps    says where in a picture a query is found           search/heat_maps.py
    fields       what filters can be about                          search/fields.py
    pictures     records, originals, thumbnails and deletion        pictures.py
    importer     imports pictures, reindexes                        ingest/importer.py
    packs        exports and imports packs                          ingest/pack_exchange.py
    trash        what was deleted: lists, restores, removes it      trash/trash.py
    backups      copies the library, restores it                   backup/backups.py
    doctor       checks store and collections, repairs them          doctor/doctor.py
    duplicates   finds near-duplicates, keeps decisions             duplicates/finder.py
    tuner        measures and sets the accuracy of the index        evaluation/tuner.py
    collections  lists and drops the vector collections             collections.py
    models       which models there are, and which answers          models.py
    history      past imports                                       history.py
    database     the vectors, for who keeps more of them beside     ports.py
    monitor      figures for whoever watches from outside           monitor.py
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from library.backup.backups import Backups
from library.contents.collections import Collections
from library.contents.pictures import Pictures, ReadOriginal, read_nothing
from library.decoders.direct import Decoder, DirectDecoder
from library.doctor.doctor import Doctor
from library.doctor.repairing import Repairer
from library.duplicates.decisions import Decisions, PassingDecisions
from library.duplicates.finder import DuplicateFinder
from library.errors import StoreUnavailable
from library.evaluation.tuner import Tuner
from library.history import History, NoHistory
from library.images import ContentId
from library.ingest.batch import BATCH_SIZE
from library.ingest.importer import Importer
from library.ingest.items import Item
from library.ingest.pack_exchange import PackExchange
from library.ingest.receipts import FileReceipt
from library.ingest.storing import Near
from library.messages import Message
from library.models import Models, ModelStatus, choose_model
from library.ports import ImageStore, IndexStatus, VectorDatabase
from library.records import Record
from library.running.monitor import Monitor, NoMonitor, counted, counting
from library.running.together import Together
from library.search.fields import FieldCatalogue
from library.search.filters import Filter
from library.search.heat_maps import FOR_A_VISITOR, HeatMaps, Rooms
from library.search.kept_texts import KeptTexts
from library.search.null_models import NullModels
from library.search.query import Answer, Listing, Query, SortOrder, needs_only_store
from library.search.searcher import Searcher
from library.trash.dropped import DroppedCollections, PassingDropped
from library.trash.trash import Trash

TRASH_DAYS = 30

Combined = Callable[[ImageStore, VectorDatabase], tuple[ImageStore, VectorDatabase]]


@dataclass(frozen=True)
class LibraryStatus:
    """Describes the number of pictures, the model in use and the state of the index. Where the image store cannot be
    read, `pictures` is None and `store_problem` says why."""

    pictures: int | None
    store_problem: Message | None
    model: ModelStatus
    index: IndexStatus | None  # None until the model is known

    @property
    def missing(self) -> int:
        """Returns how many pictures are known to have no row: they are not searchable with this model."""
        if self.pictures is None or not self.index or self.index.rows is None or not self.index.rows_are_current:
            return 0
        return max(0, self.pictures - self.index.rows)

    @property
    def elsewhere(self) -> int:
        """Returns how many rows are known to belong to pictures of another image store."""
        if self.pictures is None or not self.index:
            return 0
        if self.index.rows is None or not self.index.rows_are_current:
            return 0 if self.pictures else self.index.flushed_rows
        return max(0, self.index.rows - self.pictures)


class ImageLibrary:
    """Imports, searches and keeps pictures. Safe to call from several threads.

    Methods that need an encoder wait until one answers. What a method raises is written at the service it calls.
    """

    def __init__(
        self,
        store: ImageStore,
        models: Models,
        database: VectorDatabase,
        read_original: ReadOriginal = read_nothing,
        history: History | None = None,
        decisions: Decisions | None = None,
        dropped: DroppedCollections | None = None,
        trash_days: int = TRASH_DAYS,
        kept_texts: KeptTexts | None = None,
        null_models: NullModels | None = None,
        monitor: Monitor | None = None,
        decoder: Decoder | None = None,
        together: Together | None = None,
    ) -> None:
        """Makes the services. `read_original` reads `original_at`; it raises OSError, RejectedImage or OriginalAway.

        `null_models` are those of the library that this one is a view of, which alone keeps them up. Searches of all
        libraries with the same `together` are encoded together.
        """
        changes = threading.Lock()  # a delete between storing and inserting would leave a row alone
        kept = decisions or PassingDecisions()
        self._store, self.database, self._read_original = store, database, read_original
        self._decoder, self._together = decoder or DirectDecoder(), together or Together()
        self._null_models = null_models or NullModels(store, database, kept_texts=kept_texts)
        on_deleted = (lambda ids: None) if null_models else self._null_models.forget
        self.monitor: Monitor = monitor or NoMonitor()
        self.models, self.history = models, history or NoHistory()
        self.trash = Trash(store, database, dropped or PassingDropped(), trash_days, changes, self._decoder)
        self.collections = Collections(models, database, self.trash, changes)
        self.pictures = Pictures(store, read_original, self.trash, changes, on_deleted, self._decoder)
        self.fields = FieldCatalogue(store, self.collections)
        self.searcher, self.heat_maps = self._new_searcher(), self._new_heat_maps(bool(null_models))
        self.importer = Importer(store, models, database, self.pictures, kept, self.history, changes, self._decoder)
        self.packs = PackExchange(store, models, database, self.pictures, self.history, changes)
        self.duplicates = DuplicateFinder(store, self.collections, self.pictures, kept, changes, self._decoder)
        self.backups = Backups(store, database, self.pictures, changes)
        self.doctor = self._new_doctor(changes)
        self.tuner = Tuner(store, models, database, self.searcher.recent_texts)

    def view(self, combined: Combined, metered: Callable[[Decoder], Decoder]) -> "ImageLibrary":
        """Returns a library over what `combined` makes of the store and the database, with the same models.

        It decodes by what `metered` makes of the decoder, deletes at once, has neither history nor decisions, and is
        never closed.
        """
        store, database = combined(self._store, self.database)
        return ImageLibrary(
            store,
            self.models,
            database,
            self._read_original,
            trash_days=0,
            null_models=self._null_models,
            monitor=self.monitor,
            decoder=metered(self._decoder),
            together=self._together,
        )

    def open(self) -> None:
        """Loads the model in use; to be called once, on a thread of its own. Raises what loading raises."""
        choose_model(self.models, self.database)

    def close(self) -> None:
        """Ends what runs in the background, and closes the vector database."""
        self._null_models.close()
        self.database.close()
        self._decoder.close()

    def status(self) -> LibraryStatus:
        """Returns the number of pictures, the model in use and the state of the index. Never raises, never waits."""
        pictures, store_problem = None, None
        try:
            pictures = self._store.count()
        except StoreUnavailable as error:
            store_problem = error.message
        model = self.models.status()
        index = self.database.collection(model.info).status(pictures) if model.info else None
        return LibraryStatus(pictures, store_problem, model, index)

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
        """Imports pictures and yields a receipt for each file, in order."""
        receipts = self.importer.add(items, should_stop, batch_size, dry_run, in_place, source, near)
        return receipts if dry_run else counted(self.monitor, receipts)

    def reindex(self, should_stop: Callable[[], bool] = lambda: False, model: str = "") -> Iterator[FileReceipt]:
        """Encodes the stored pictures that the collection of a model lacks; the chosen model if none is named."""
        return self.importer.reindex(should_stop, model)

    def search(self, query: Query) -> Answer:
        """Returns the pictures that the query describes or resembles, best first."""
        with counting(self.monitor, query.kind):
            answer = self.searcher.search(query)
        for stage, milliseconds in answer.timings.stages():
            self.monitor.took(stage, milliseconds / 1000)
        return answer

    def listed(self, where: Filter | None, order: SortOrder, offset: int, limit: int) -> Listing:
        """Returns a page of the pictures that match a filter, without any search."""
        if needs_only_store(where, order):
            return Listing(self.pictures.newest(offset, limit), self._store.count())
        with counting(self.monitor, "list"):
            return self.searcher.listed(where, order, offset, limit)

    def browse(self, offset: int, limit: int) -> list[Record]:
        """Returns a page of all pictures, newest first."""
        return self.pictures.newest(offset, limit)

    def record(self, id: ContentId) -> Record:
        """Returns what is known of a picture."""
        return self.pictures.record(id)

    def original(self, id: ContentId) -> bytes:
        """Returns the bytes of a picture's file, as it was imported."""
        return self.pictures.original(id)

    def thumbnail(self, id: ContentId) -> bytes:
        """Returns a small JPEG of a picture."""
        return self.pictures.thumbnail(id)

    def delete(self, ids: Sequence[ContentId]) -> list[Record]:
        """Moves pictures to the trash and returns their records."""
        return self.pictures.delete(ids)

    def count_rows(self) -> int:
        """Returns how many pictures can be searched with the model in use."""
        with self.collections.answering().loaded() as index:
            return index.count()

    def calibrate(self, wait: bool = False, model: str = "") -> None:
        """Measures the null model that confidence is computed from, where it is due.

        Unless it is to `wait`, it does so on a thread of its own. A search begins it by itself, but its own hits have
        no confidence then.
        """
        if wait:
            self._null_models.measure(self.models.named(model))
        elif self.models.status().info:
            self._null_models.begin(self.models.answering())

    def _new_heat_maps(self, is_for_a_visitor: bool) -> HeatMaps:
        return HeatMaps(self.models, self.pictures, self._decoder, FOR_A_VISITOR if is_for_a_visitor else Rooms())

    def _new_searcher(self) -> Searcher:
        lent = (self._null_models, self._decoder, self._together)
        return Searcher(self.models, self.database, self.collections, self.pictures, self.fields, *lent)

    def _new_doctor(self, changes: threading.Lock) -> Doctor:
        repairer = Repairer(self._store, self.database, self.pictures, self.trash, self._decoder)
        return Doctor(self._store, self.models, self.database, self.importer, repairer, self.trash, changes)
