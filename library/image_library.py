"""The image library: one store, one encoder, one collection, and everything a person does with them."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass

from PIL import Image

from library.errors import InvalidQuery, LikenessError, StoreUnavailable, UnknownPicture
from library.images import ContentId, decode, preview
from library.ingest import Addition, FileReceipt, Item, ingest
from library.ports import (
    Collection,
    Encoder,
    EncoderInfo,
    ImageStore,
    IndexStatus,
    LoadedCollection,
    Vector,
    VectorDatabase,
    Vectors,
)
from library.records import Record
from library.search import Answer, Query, Timings, clean_text, combine

logger = logging.getLogger(__name__)

STORE_THREADS = 8  # storing waits for the disk, not for the processor


@dataclass(frozen=True)
class ModelStatus:
    """`info` is there once the model is loaded, `problem` once loading has failed."""

    name: str
    info: EncoderInfo | None
    problem: str | None


@dataclass(frozen=True)
class LibraryStatus:
    """`pictures` is None and `store_problem` says why where the image store cannot be read."""

    pictures: int | None
    store_problem: str | None
    model: ModelStatus
    index: IndexStatus | None  # None until the model is known


class ImageLibrary:
    """Safe to call from several threads. Methods that need the encoder wait until it is loaded."""

    def __init__(self, store: ImageStore, encoder: Future[Encoder], model_name: str, database: VectorDatabase) -> None:
        self._store = store
        self._encoder = encoder
        self._model_name = model_name
        self._database = database
        self._changes = threading.Lock()  # a delete between storing and inserting would leave a row alone

    def add(self, items: Iterable[Item], stopped: Callable[[], bool] = lambda: False) -> Iterator[FileReceipt]:
        """Takes the items in; see `ingest`. Raises ModelUnavailable or UnknownModel before the first one."""
        collection = self._collection()
        with collection.loaded() as index:
            run = _Run(self._store, self._encoder.result(), collection, index, self._changes)
            try:
                yield from ingest(items, run, stopped)
            finally:
                collection.settle()

    def search(self, query: Query) -> Answer:
        """Raises InvalidQuery, RejectedImage, UnknownPicture, ModelUnavailable or IndexUnavailable."""
        if query.similar_to:
            return self._search_similar(query, query.similar_to)
        text = clean_text(query.text)
        if not text and not query.image:
            raise InvalidQuery("Describe a picture, or choose one to search with.")
        encoder = self._encoder.result()
        started = time.perf_counter()
        vector, notes = _encoded(encoder, text, query.image)
        encoded = time.perf_counter()
        with self._collection().loaded() as index:
            return _answer(index, vector, query, started, encoded, notes)

    def browse(self, offset: int, limit: int) -> list[Record]:
        """The pictures of the library, newest first."""
        return self._store.newest(offset, limit)

    def record(self, id: ContentId) -> Record:
        """Raises UnknownPicture."""
        record = self._store.find(id)
        if record is None:
            raise UnknownPicture("This picture is no longer in the library.")
        return record

    def original(self, id: ContentId) -> bytes:
        return self._store.original(id)

    def thumbnail(self, id: ContentId) -> bytes:
        return self._store.thumbnail(id)

    def preview(self, id: ContentId) -> bytes:
        """JPEG of at most 1600 px without metadata."""
        return preview(self._store.original(id))

    def delete(self, ids: Sequence[ContentId]) -> list[Record]:
        """Rows first, then files; returns what was there. Raises UnknownPicture before anything is deleted."""
        with self._changes:
            records = [self.record(id) for id in ids]
            self._database.delete([record.img_path for record in records])
            for record in records:
                self._store.delete(record.content_id)
                logger.info("deleted %s, %s", record.content_id, record.name)
        return records

    def status(self) -> LibraryStatus:
        """Never raises and never waits for the model."""
        pictures, store_problem = None, None
        try:
            pictures = self._store.count()
        except StoreUnavailable as error:
            store_problem = str(error)
        model = self._model_status()
        index = self._collection().status() if model.info else None
        return LibraryStatus(pictures, store_problem, model, index)

    def count_rows(self) -> int:
        with self._collection().loaded() as index:
            return index.count()

    def close(self) -> None:
        self._database.close()

    def _collection(self) -> Collection:
        return self._database.collection(self._encoder.result().info)

    def _model_status(self) -> ModelStatus:
        try:
            return ModelStatus(self._model_name, self._encoder.result(timeout=0).info, None)
        except NotYet:
            return ModelStatus(self._model_name, None, None)
        except LikenessError as error:
            return ModelStatus(self._model_name, None, str(error))

    def _search_similar(self, query: Query, id: ContentId) -> Answer:
        anchor = self.record(id)
        started = time.perf_counter()
        with self._collection().loaded() as index:
            stored = index.vector(anchor.img_path)
            if stored is None:
                raise UnknownPicture(f"{anchor.name} is stored but not yet searchable. Add it again to finish it.")
            return _answer(index, stored, query, started, started, [], anchor)


def _encoded(encoder: Encoder, text: str, image: bytes | None) -> tuple[Vector, list[str]]:
    parts: list[Vector] = []
    notes: list[str] = []
    if text:
        parts.extend(encoder.encode_texts([text]))
        if encoder.cuts(text):
            notes.append("The text is longer than the model reads: its end was left out.")
    if image:
        parts.extend(encoder.encode_images([decode(image).image]))
    return combine(parts), notes


def _answer(
    index: LoadedCollection,
    vector: Vector,
    query: Query,
    started: float,
    encoded: float,
    notes: list[str],
    anchor: Record | None = None,
) -> Answer:
    loaded = time.perf_counter()
    limit = query.limit + 1 if anchor else query.limit
    found = index.search(vector, limit, query.nprobe, query.exact)
    searched = time.perf_counter()
    others = [hit for hit in found if anchor is None or hit.record.content_id != anchor.content_id]
    hits = [hit for hit in others if hit.score >= query.min_score][: query.limit]
    seconds = (encoded - started, loaded - encoded, searched - loaded, searched - started)
    timings = Timings(*(1000 * each for each in seconds))
    logger.debug(
        "search: %d hits, encode %.1f ms, load %.1f ms, search %.1f ms",
        len(hits),
        timings.encode,
        timings.load,
        timings.search,
    )
    return Answer(hits, timings, notes, anchor)


class _Run:
    """What one ingestion sees of the library: the collection stays loaded from its first batch to its last."""

    def __init__(
        self,
        store: ImageStore,
        encoder: Encoder,
        collection: Collection,
        index: LoadedCollection,
        changes: threading.Lock,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._collection = collection
        self._index = index
        self._changes = changes

    def known(self, ids: Sequence[ContentId]) -> dict[ContentId, Record]:
        records = {id: record for id in ids if (record := self._store.find(id))}
        rows = self._index.present([record.img_path for record in records.values()])
        return {id: record for id, record in records.items() if id in rows}

    def stored(self, id: ContentId) -> Record | None:
        return self._store.find(id)

    def encode(self, images: Sequence[Image.Image]) -> Vectors:
        return self._encoder.encode_images(images)

    def keep(self, additions: Sequence[Addition], vectors: Vectors) -> dict[ContentId, LikenessError]:
        with self._changes:
            # Files first: a row without a picture cannot happen, and a picture without a row is finished later.
            with ThreadPoolExecutor(STORE_THREADS) as pool:
                errors = list(pool.map(self._store_one, additions))
            if all(errors):
                raise StoreUnavailable(str(errors[0]))
            kept = [error is None for error in errors]
            records = [addition.record for addition, ok in zip(additions, kept, strict=True) if ok]
            self._collection.upsert(records, vectors[kept])
        pairs = zip(additions, errors, strict=True)
        return {addition.record.content_id: error for addition, error in pairs if error}

    def _store_one(self, addition: Addition) -> StoreUnavailable | None:
        try:
            if not addition.is_stored:
                self._store.add(addition.record, addition.original, addition.thumbnail)
        except StoreUnavailable as error:
            return error
        return None
