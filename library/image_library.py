"""The image library: one store, one encoder, one collection, and everything a person does with them."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePath

from PIL import Image

from library.duplicates.decisions import Decisions, PassingDecisions
from library.duplicates.groups import Group, find_groups
from library.errors import (
    UNEXPECTED,
    IndexUnavailable,
    InvalidQuery,
    LikenessError,
    ModelUnavailable,
    OriginalAway,
    RejectedImage,
    StoreUnavailable,
    UnknownCollection,
    UnknownPicture,
)
from library.evaluation.tuning import OnProgress as OnTuningProgress
from library.evaluation.tuning import Tuning, TuningConfig, check_enough, measure
from library.evaluation.tuning_queries import queries_of
from library.history import History, Outcome, PastRun
from library.images import ContentId, content_id, decode, preview, thumbnail
from library.ingest.batch import BATCH_SIZE
from library.ingest.items import Item
from library.ingest.library_destination import DryRun, LibraryDestination, Reindexing
from library.ingest.pack_export import pack_up
from library.ingest.pack_import import unpack
from library.ingest.packs import Manifest, Pack, Packed, PackWriter, check_files, check_fits, fits
from library.ingest.pipeline import ingest, was_interrupted
from library.ingest.receipts import FileReceipt
from library.ingest.storing import Near
from library.models import Models, ModelStatus, OfferedModel
from library.ports import (
    Collection,
    Encoder,
    ImageStore,
    IndexStatus,
    LoadedCollection,
    StoredCollection,
    Vector,
    VectorDatabase,
)
from library.records import NOT_KEPT, Record
from library.search.batch import BatchQuery, BatchResult, answer_all
from library.search.execute import StoredVectors, execute, fill_stored_vectors, kind_of, own_pictures
from library.search.fields import Field, Fields, unknown_field
from library.search.filters import Draft, Filter, Match, check_field, metadata_name
from library.search.null_models import NullModels
from library.search.paging import arranged
from library.search.parts import (
    LibraryPart,
    Part,
    PicturePart,
    TextPart,
    combine,
    encode,
    notes_on,
    picture_to_encode,
)
from library.search.query import Answer, Listing, Query, SortOrder
from library.search.relevance import is_confident

logger = logging.getLogger(__name__)

LOOKED_UP_AT_ONCE = 1000  # rows
SAMPLED = 5_000  # rows whose fields are looked at
NEWEST = 100  # pictures whose fields are, too
FIELDS_HOLD = 300.0  # seconds
ASKED_TEXTS = 200


@dataclass(frozen=True)
class LibraryStatus:
    """`pictures` is None and `store_problem` says why where the image store cannot be read."""

    pictures: int | None
    store_problem: str | None
    model: ModelStatus
    index: IndexStatus | None  # None until the model is known

    @property
    def missing(self) -> int:
        """How many pictures are known to have no row: they are not searchable with this model."""
        if self.pictures is None or not self.index or self.index.rows is None or not self.index.rows_are_current:
            return 0
        return max(0, self.pictures - self.index.rows)


def _from_nowhere(place: str) -> bytes:
    raise OriginalAway("This library reads no originals from elsewhere.")


class ImageLibrary:
    """Safe to call from several threads. Methods that need an encoder wait until one answers."""

    def __init__(
        self,
        store: ImageStore,
        models: Models,
        database: VectorDatabase,
        read_original: Callable[[str], bytes] = _from_nowhere,
        history: History | None = None,
        decisions: Decisions | None = None,
    ) -> None:
        """`read_original` has the bytes at a record's `original_at`; raises OSError, RejectedImage or OriginalAway."""
        self._store = store
        self._models = models
        self._database = database
        self._read_original = read_original
        self._history = history
        self._decisions = decisions or PassingDecisions()
        self._fields = Fields()
        self._fields_of = (-1, 0.0)  # how many pictures there were when they were looked at, and when that was
        self._null_models = NullModels(store, database)
        self._stored_vectors = StoredVectors()
        self._changes = threading.Lock()  # a delete between storing and inserting would leave a row alone
        self._asked: deque[str] = deque(maxlen=ASKED_TEXTS)  # for the meter; kept nowhere else

    def open(self) -> None:
        """Decides which model answers; to be called once, on a thread of its own. Raises what loading raises."""
        try:
            self._choose()
        except BaseException as error:
            self._models.fail(error)
            raise

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
        """Takes the items in; see `ingest`. A dry run only tells what would happen. `source` is for the history.

        Raises ModelUnavailable or UnknownModel before the first one.
        """
        encoder = self._models.answering()
        collection = self._database.collection(encoder.info)
        with collection.loaded() as index:
            kind = DryRun if dry_run else LibraryDestination
            run = kind(self._store, encoder, collection, index, self._database, self._changes, self._decisions)
            receipts = ingest(items, run, should_stop, batch_size, in_place, near)
            if dry_run:
                yield from receipts
                return
            try:
                yield from self._noted(receipts, source, lambda skipped: was_interrupted(items, should_stop, skipped))
            finally:
                collection.optimize()

    def past_runs(self, limit: int) -> list[PastRun]:
        """Newest first."""
        return self._history.newest(limit) if self._history else []

    def offered_models(self) -> list[OfferedModel]:
        """The chosen one first."""
        return self._models.offered()

    def prepare(self, model: str) -> bool:
        """Whether it answers at once; else it begins to load. Raises UnknownModel, and once what loading raised."""
        return self._models.prepare(model)

    def collections(self) -> list[StoredCollection]:
        """Of every model that pictures were encoded for. Raises IndexUnavailable."""
        return self._database.stored()

    def drop_collection(self, name: str) -> None:
        """The pictures stay. Waits for the model that answers, whose collection cannot be dropped.

        Raises UnknownCollection for that one and for one that is not there, ModelUnavailable or IndexUnavailable.
        """
        if name == self._database.name_of(self._models.answering().info):
            raise UnknownCollection(
                f"{name} is what searches are answered from right now. Set another CLIP_MODEL before it is dropped."
            )
        with self._changes:
            self._database.drop(name)

    def load_model(self, model: str = "") -> None:
        """The chosen one if none is named; tries again where that failed. Raises ModelUnavailable or UnknownModel."""
        self._models.to_encode_for(model)

    def without_row(self, model: str = "") -> list[ContentId]:
        """The stored pictures that the collection of the model lacks, newest first; the chosen one if none is named.

        Raises ModelUnavailable or UnknownModel.
        """
        with self._database.collection(self._models.to_encode_for(model).info).loaded() as index:
            return list(self._without_row(index))

    def reindex(self, should_stop: Callable[[], bool] = lambda: False, model: str = "") -> Iterator[FileReceipt]:
        """Encodes those pictures, and any that come meanwhile; from then on the chosen model answers, if it was that.

        Raises ModelUnavailable or UnknownModel before the first one. Stopped or killed, the next call does the rest.
        """
        encoder = self._models.to_encode_for(model)
        collection = self._database.collection(encoder.info)
        tried: set[ContentId] = set()
        with collection.loaded() as index:
            run = Reindexing(self._store, encoder, collection, index, self._database, self._changes, self._decisions)
            try:
                while ids := [id for id in self._without_row(index) if id not in tried]:
                    tried.update(ids)
                    yield from ingest(self._stored_items(ids), run, should_stop, in_place=True)
                    if should_stop():
                        return
            finally:
                collection.optimize()
        if self._models.is_chosen(model):
            self._models.answer_with(encoder)

    def export(self, writer: PackWriter, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Packed]:
        """Packs the pictures that the answering model has encoded; see `pack_up`. Stopped, it leaves no manifest.

        Raises ModelUnavailable or UnknownModel before the first one, InvalidPack where there is nothing to pack.
        """
        encoder = self._models.answering().info
        with self._database.collection(encoder).loaded() as index:
            yield from pack_up(self._store, self.original, index, writer, should_stop)
        if not should_stop():
            writer.finish(encoder)

    def import_pack(
        self, pack: Pack, should_stop: Callable[[], bool] = lambda: False, source: str = ""
    ) -> Iterator[FileReceipt]:
        """Takes a pack in without encoding; see `unpack`. Nothing is written before the whole pack was checked.

        Raises InvalidPack, ModelUnavailable or UnknownModel before the first one.
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
                yield from self._noted(receipts, source, lambda _: should_stop())
            finally:
                collection.optimize()

    def search(self, query: Query) -> Answer:
        """Raises InvalidQuery, InvalidFilter, RejectedImage, UnknownPicture, ModelUnavailable or IndexUnavailable."""
        if not query.parts:
            raise InvalidQuery("Describe a picture, or choose one to search with.")
        pictures = [self.record(id) for id in query.pictures]
        encoder = self._models.named(query.model)
        started = encoded = time.perf_counter()
        inputs = [self._to_encode(part, encoder.info.working_side) for part in query.parts]
        vectors = encode(encoder, inputs)
        notes = notes_on(encoder, [each for each in inputs if isinstance(each, str)])
        if any(vector is not None for vector in vectors):
            encoded = time.perf_counter()
        self._asked.extend(part.text for part in query.parts if isinstance(part, TextPart) and part.weight > 0)
        with self._database.collection(encoder.info).loaded() as index:
            self._check_fields(index, query.where)
            own = own_pictures(query.parts, pictures)
            stored = self._stored_vectors.of(own, encoder.info, index)
            vector = combine(
                fill_stored_vectors(query.parts, vectors, own, stored), [part.weight for part in query.parts]
            )
            found = execute(index, vector, query, started, encoded, notes, pictures)
        return self._judged(found, encoder, vector, query)

    def search_many(
        self, asked: Iterable[BatchQuery], like: Query, should_stop: Callable[[], bool] = lambda: False
    ) -> Iterator[BatchResult]:
        """Answers many queries; see `answer_all`. Raises ModelUnavailable, UnknownModel or IndexUnavailable."""
        encoder = self._models.named(like.model)
        with self._database.collection(encoder.info).loaded() as index:
            yield from answer_all(asked, encoder, index, like, should_stop)

    def stored_items(self) -> list[Item]:
        """The pictures with what is kept with them, as a source."""
        records = self._store.find_all(self._store.ids())
        return [
            Item(each.content_id, each.name, partial(self.original, each.content_id), each.source, each.metadata)
            for each in records
        ]

    def stored(self, ids: Sequence[ContentId]) -> set[ContentId]:
        """Those of them that are in the library."""
        return {record.content_id for record in self._store.find_all(ids)}

    def records(self, ids: Sequence[ContentId]) -> list[Record]:
        """Of those that are in the library, in that order."""
        return self._store.find_all(ids)

    def tune(
        self,
        wish: TuningConfig,
        on_progress: OnTuningProgress = lambda *_: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Tuning | None:
        """Compares the index with exact search; see `measure`. None when it was stopped.

        Raises InvalidEvaluation, ModelUnavailable, StoreUnavailable or IndexUnavailable.
        """
        encoder = self._models.answering()
        collection = self._database.collection(encoder.info)
        with collection.loaded() as index:
            rows = index.count()
            check_enough(rows, wish)
            queries, texts_from = queries_of(self._store, index, encoder, wish, list(self._asked))
            return measure(index, collection.status(), rows, queries, texts_from, wish, on_progress, should_stop)

    def choose_nprobe(self, nprobe: int | None) -> None:
        """What Automatic looks into from now on; None leaves it to the library again.

        Raises ModelUnavailable, IndexUnavailable or StoreUnavailable.
        """
        self._collection().choose_nprobe(nprobe)

    def near_duplicates(
        self,
        threshold: float,
        on_progress: OnTuningProgress = lambda *_: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> list[Group] | None:
        """Without what was decided; see `find_groups`. None when it was stopped.

        Raises InvalidQuery, ModelUnavailable, StoreUnavailable or IndexUnavailable.
        """
        with self._collection().loaded() as index:
            records = self._store.find_all(self._store.ids())
            return find_groups(records, index, self.thumbnail, self._decisions, threshold, on_progress, should_stop)

    def mark_distinct(self, ids: Sequence[ContentId], others: Sequence[ContentId]) -> None:
        """None of these is shown as a near-duplicate of any of those again. Raises StoreUnavailable."""
        self._decisions.mark_distinct(ids, others)

    def keep_one(self, kept: ContentId, others: Sequence[ContentId]) -> list[Record]:
        """Deletes the others and takes them in no more, as long as the one is there. Returns what was deleted.

        Raises UnknownPicture before anything is deleted.
        """
        with self._changes:
            self.record(kept)
            superseded = [id for id in others if id != kept]
            self._decisions.supersede(superseded, kept)
            return self._remove(self._store.find_all(superseded))

    def browse(self, offset: int, limit: int) -> list[Record]:
        """The pictures of the library, newest first."""
        return self._store.find_all(self._store.ids()[offset : offset + limit])

    def listed(self, where: Filter | None, order: SortOrder, offset: int, limit: int) -> Listing:
        """The pictures that match, newest first where the order is that of scores, which there are none of.

        Raises InvalidFilter, and what `search` raises for want of a model or of Milvus.
        """
        if where is None and order in ("score", "added"):
            return Listing(self.browse(offset, limit), self._store.count())
        with self._collection().loaded() as index:
            self._check_fields(index, where)
            records = arranged(index.matching(where), order, lambda record: record)
        return Listing(records[offset : offset + limit], len(records))

    def fields(self) -> list[Field]:
        """What a filter can be about. One that few pictures have may be missing, though a filter finds it."""
        pictures, before = self._store.count(), self._fields_of
        if pictures != before[0] or time.monotonic() > before[1] + FIELDS_HOLD:
            with self._collection().loaded() as index:
                self._fields.note(index.some(SAMPLED))
            self._fields.note(self.browse(0, NEWEST))
            self._fields_of = (pictures, time.monotonic())
        return self._fields.all()

    def typed(self, drafts: Sequence[Draft], match: Match = "all") -> Filter | None:
        """What was meant, as far as that depends on what the fields hold. Raises InvalidFilter, also as `listed`."""
        if not drafts:
            return None
        if not all(self._fields.knows(draft.field) for draft in drafts):
            self.fields()
            with self._collection().loaded() as index:
                for draft in drafts:
                    self._check_field(index, draft.field)
        kinds = self._fields.kinds()
        return Filter([draft.typed(kinds.get(draft.field, ())) for draft in drafts], match)

    def record(self, id: ContentId) -> Record:
        """Raises UnknownPicture."""
        record = self._store.find(id)
        if record is None:
            raise UnknownPicture("This picture is no longer in the library.")
        return record

    def original(self, id: ContentId) -> bytes:
        """Raises UnknownPicture, and OriginalAway where it is not in the store nor where it was taken in from."""
        try:
            return self._store.original(id)
        except UnknownPicture:
            return self._original_elsewhere(self.record(id))

    def thumbnail(self, id: ContentId) -> bytes:
        """Made anew where it is missing."""
        try:
            return self._store.thumbnail(id)
        except UnknownPicture:
            return thumbnail(decode(self.original(id)))

    def preview(self, id: ContentId) -> bytes:
        """JPEG of at most 1600 px without metadata."""
        return preview(self.original(id))

    def delete(self, ids: Sequence[ContentId]) -> list[Record]:
        """Rows first, then files; returns what was there. Raises UnknownPicture before anything is deleted."""
        with self._changes:
            return self._remove([self.record(id) for id in ids])

    def status(self) -> LibraryStatus:
        """Never raises and never waits for the model."""
        pictures, store_problem = None, None
        try:
            pictures = self._store.count()
        except StoreUnavailable as error:
            store_problem = str(error)
        model = self._models.status()
        index = self._database.collection(model.info).status(pictures) if model.info else None
        return LibraryStatus(pictures, store_problem, model, index)

    def count_rows(self) -> int:
        with self._collection().loaded() as index:
            return index.count()

    def stop_waiting(self) -> None:
        """Nobody waits for a model any longer that is still on its way."""
        self._models.fail(ModelUnavailable("The app is stopping."))

    def calibrate(self, wait: bool = False, model: str = "") -> None:
        """Measures, where that is due, what hits are judged by; without waiting, on a thread of its own.

        A search does so by itself, but its own hits are then not judged yet.
        """
        if wait:
            self._null_models.measure(self._models.named(model))
        elif self._models.status().info:
            self._null_models.begin(self._models.answering())

    def close(self) -> None:
        self._null_models.close()
        self._database.close()

    def _remove(self, records: list[Record]) -> list[Record]:
        self._database.delete([record.img_path for record in records])
        for record in records:
            self._store.delete(record.content_id)
            logger.info("deleted %s, %s", record.content_id, record.name)
        self._null_models.forget([record.content_id for record in records])
        return records

    def _noted(
        self, receipts: Iterator[FileReceipt], source: str, was_interrupted: Callable[[int], bool]
    ) -> Iterator[FileReceipt]:
        """Passes the receipts on, and what came of the run to the history; asks with the number of skipped files."""
        began, started = datetime.now(UTC), time.monotonic()
        counts: dict[str, int] = {}
        outcome: Outcome = "stopped"
        problem = None
        try:
            for receipt in receipts:
                counts[receipt.status] = counts.get(receipt.status, 0) + 1
                yield receipt
            outcome = "stopped" if was_interrupted(counts.get("skipped", 0)) else "done"
        except Exception as error:
            outcome, problem = "failed", str(error) if isinstance(error, LikenessError) else str(UNEXPECTED)
            raise
        finally:
            if self._history and (counts or problem):
                seconds = round(time.monotonic() - started, 3)
                at = began.isoformat(timespec="seconds").replace("+00:00", "Z")
                self._history.add(PastRun(at, source, outcome, seconds, counts, problem))

    def _check_fields(self, index: LoadedCollection, where: Filter | None) -> None:
        """Raises InvalidFilter for a field that no picture has."""
        for condition in where.conditions if where else ():
            self._check_field(index, condition.field)

    def _check_field(self, index: LoadedCollection, field: str) -> None:
        check_field(field)
        name = metadata_name(field)
        if name is None or self._fields.knows(field):
            return
        having = index.some(1, name)
        self._fields.note(having)
        if not having:
            raise unknown_field(field, self.fields())

    def _collection(self) -> Collection:
        return self._database.collection(self._models.answering().info)

    def _encoder_for(self, manifest: Manifest) -> Encoder:
        """The one that answers, but the chosen one where a stand-in answers and the pack names the chosen one."""
        answering = self._models.answering()
        chosen = PurePath(self._models.status().name).name
        is_chosen = PurePath(manifest.model).name == chosen
        return self._models.chosen() if is_chosen and not fits(manifest, answering.info) else answering

    def _choose(self) -> None:
        try:
            chosen = self._models.chosen()
        except ModelUnavailable as error:
            fallback = self._models.fallback()
            if fallback is None:
                raise
            self._models.answer_with(fallback, str(error))
        else:
            self._choose_between(chosen)

    def _choose_between(self, chosen: Encoder) -> None:
        if fallback := self._known_to_more(chosen):
            self._models.answer_with(fallback, f"Some stored pictures are not yet encoded for {chosen.info.name}.")
        else:
            self._models.answer_with(chosen)

    def _known_to_more(self, chosen: Encoder) -> Encoder | None:
        """The stand-in, where more of the pictures are encoded for it than for the chosen model: an unfinished
        reindexing must not hide them."""
        try:
            fallback = self._models.fallback()
            if fallback and self._database.holds(fallback.info):
                return fallback if self._rows_of(fallback) > self._rows_of(chosen) else None
        except IndexUnavailable as error:
            logger.debug("the stand-in was not looked at: %s", error)
        return None

    def _rows_of(self, encoder: Encoder) -> int:
        if not self._database.holds(encoder.info):
            return 0
        with self._database.collection(encoder.info).loaded() as index:
            return index.count()

    def _without_row(self, index: LoadedCollection) -> Iterator[ContentId]:
        ids = self._store.ids()
        for start in range(0, len(ids), LOOKED_UP_AT_ONCE):
            records = self._store.find_all(ids[start : start + LOOKED_UP_AT_ONCE])
            present = index.present([record.img_path for record in records])
            yield from (record.content_id for record in records if record.content_id not in present)

    def _stored_items(self, ids: Iterable[ContentId]) -> Iterator[Item]:
        return (Item(id, id, partial(self.original, id)) for id in ids)

    def _original_elsewhere(self, record: Record) -> bytes:
        if record.original_at in ("", NOT_KEPT):
            raise OriginalAway("The original of this picture is not kept here. Add the picture again to keep it.")
        try:
            data = self._read_original(record.original_at)
        except (OSError, RejectedImage) as error:
            logger.info("the original of %s cannot be read: %s", record.content_id, error)
            raise OriginalAway(f"The original can no longer be read at its source, {record.source}.") from error
        if content_id(data) != record.content_id:
            raise OriginalAway(f"The original at its source, {record.source}, has changed since it was taken in.")
        return data

    def _to_encode(self, part: Part, side: int) -> str | Image.Image | None:
        """None where the stored vector serves. Raises RejectedImage, UnknownPicture or OriginalAway."""
        match part:
            case TextPart():
                return part.text
            case PicturePart():
                return picture_to_encode(part.data, part.crop, side)
            case LibraryPart():
                return picture_to_encode(self.original(part.id), part.crop, side) if part.crop else None

    def _judged(self, found: Answer, encoder: Encoder, vector: Vector, query: Query) -> Answer:
        found = replace(found, model=encoder.info.name)
        null_model = self._null_models.of(encoder)
        if null_model is None:
            return found
        scores = [hit.score for hit in found.hits]
        relevance = null_model.relevance(kind_of(query.parts), vector, scores, query.pictures)
        by_id = {hit.record.content_id: each for hit, each in zip(found.hits, relevance, strict=False)}
        is_the_top = not query.offset and query.where is None
        return replace(found, relevance=by_id, confident=is_confident(relevance) if is_the_top else None)
