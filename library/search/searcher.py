"""Answers queries: encodes their parts, searches the collection of a model, and says how far each hit stands out."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from PIL import Image

from library.contents.collections import Collections
from library.contents.pictures import Pictures
from library.decoders.direct import Decoder
from library.errors import InvalidQuery
from library.messages import Message, message
from library.models import Models
from library.ports import Encoder, EncoderInfo, Hit, LoadedCollection, Question, Vector, VectorDatabase
from library.records import Record
from library.running.together import Together
from library.search.batch import BatchQuery, BatchResult, answer_all
from library.search.fields import FieldCatalogue
from library.search.filters import Filter
from library.search.joined_encoder import JoinedEncoder
from library.search.null_models import NullModels
from library.search.paging import arranged, page_of
from library.search.parts import (
    LibraryPart,
    Part,
    PicturePart,
    TextPart,
    combine,
    decode_part,
    encode,
    notes_on,
    picture_to_encode,
)
from library.search.query import Answer, Listing, Query, SortOrder, Timings
from library.search.relevance import is_confident
from library.search.stored_vectors import StoredVectors, fill_stored_vectors, uncropped_pictures

logger = logging.getLogger(__name__)

RECENT_TEXTS = 200


class Searcher:
    """Answers queries with the hits of one model, and says how far each stands out.

    Every method raises ModelUnavailable, UnknownModel, StoreUnavailable or IndexUnavailable.
    """

    def __init__(
        self,
        models: Models,
        database: VectorDatabase,
        collections: Collections,
        pictures: Pictures,
        fields: FieldCatalogue,
        null_models: NullModels,
        decoder: Decoder,
        together: Together,
    ) -> None:
        self._models = models
        self._database = database
        self._collections = collections
        self._pictures = pictures
        self._fields = fields
        self._null_models = null_models
        self._decode = decoder.decode
        self._together = together
        self._stored_vectors = StoredVectors()
        self._has_found_own = False
        self.recent_texts: deque[str] = deque(maxlen=RECENT_TEXTS)  # in memory only

    def search(self, query: Query) -> Answer:
        """Returns one page of hits, best first unless the query orders them otherwise.

        Raises InvalidQuery, InvalidFilter, RejectedImage, UnknownPicture or OriginalAway.
        """
        if not query.parts:
            raise InvalidQuery("nothing_asked")
        pictures = [self._pictures.record(id) for id in query.pictures]
        encoder = self._models.named(query.model)
        moments = [time.perf_counter()]
        vectors, notes = self._encode(query.parts, encoder)
        moments.append(time.perf_counter() if any(each is not None for each in vectors) else moments[0])
        self.recent_texts.extend(part.text for part in query.parts if isinstance(part, TextPart) and part.weight > 0)
        with self._database.collection(encoder.info).loaded() as index:
            if query.where:
                self._fields.check(index, query.where)
            vector = self._combine(query.parts, vectors, pictures, encoder.info, index)
            moments.append(time.perf_counter())
            hits, has_more = page_of(index, vector, query)
            moments.append(time.perf_counter())
            explained = index.explain(_question(vector, query, pictures))
        timings = _timings(*moments)
        logger.debug("search: %d hits, %s", len(hits), timings)
        notes += self._notes_on_store(hits)
        answer = Answer(hits, timings, notes, pictures, has_more, model=encoder.info.name, explained=explained)
        return self._judged(answer, encoder, vector, query)

    def search_many(
        self, queries: Iterable[BatchQuery], like: Query, should_stop: Callable[[], bool] = lambda: False
    ) -> Iterator[BatchResult]:
        """Answers many queries, each with its own result or problem; see `answer_all`."""
        encoder = self._models.named(like.model)
        with self._database.collection(encoder.info).loaded() as index:
            yield from answer_all(queries, encoder, index, like, should_stop, self._decode)

    def listed(self, where: Filter | None, order: SortOrder, offset: int, limit: int) -> Listing:
        """Returns a page of the pictures that match, newest first where the order is that of scores.

        Raises InvalidFilter.
        """
        with self._collections.answering().loaded() as index:
            if where:
                self._fields.check(index, where)
            records = arranged(index.matching(where), order, lambda record: record)
        return Listing(records[offset : offset + limit], len(records))

    def _encode(self, parts: Sequence[Part], encoder: Encoder) -> tuple[list[Vector | None], list[Message]]:
        """Returns the vectors of the parts, None where the stored one serves, and what a person should know of them."""
        inputs = [self._to_encode(part, encoder.info) for part in parts]
        vectors = encode(JoinedEncoder(encoder, self._together), inputs)
        return vectors, notes_on(encoder, [each for each in inputs if isinstance(each, str)])

    def _to_encode(self, part: Part, encoder: EncoderInfo) -> str | Image.Image | None:
        match part:
            case TextPart():
                return part.text
            case PicturePart():
                return decode_part(part, encoder.working_side, self._decode)
            case LibraryPart(crop=None):
                return None
            case LibraryPart():
                original = self._pictures.original(part.id)
                return picture_to_encode(original, part.crop, encoder.working_side, self._decode)

    def _combine(
        self,
        parts: Sequence[Part],
        vectors: Sequence[Vector | None],
        pictures: Sequence[Record],
        encoder: EncoderInfo,
        index: LoadedCollection,
    ) -> Vector:
        """Returns the one vector that is searched with."""
        if pictures:
            own = uncropped_pictures(parts, pictures)
            vectors = fill_stored_vectors(parts, vectors, own, self._stored_vectors.of(own, encoder, index))
        return combine([each for each in vectors if each is not None], [part.weight for part in parts])

    def _notes_on_store(self, hits: Sequence[Hit]) -> list[Message]:
        """Tells of hits whose pictures another image store holds, until a search has found one of this store."""
        if not hits or self._has_found_own:
            return []
        self._has_found_own = bool(self._pictures.stored([hit.record.content_id for hit in hits]))
        return [] if self._has_found_own else [message("pictures_elsewhere")]

    def _judged(self, answer: Answer, encoder: Encoder, vector: Vector, query: Query) -> Answer:
        """Returns the answer with how far each hit stands out, where that is known."""
        null_model = self._null_models.of(encoder)
        if null_model is None:
            return answer
        scores = [hit.score for hit in answer.hits]
        relevance = null_model.relevance(query.kind, vector, scores, query.pictures)
        by_id = {hit.record.content_id: each for hit, each in zip(answer.hits, relevance, strict=False)}
        is_the_top = not query.offset and query.where is None
        return replace(answer, relevance=by_id, confident=is_confident(relevance) if is_the_top else None)


def _question(vector: Vector, query: Query, pictures: Sequence[Record]) -> Question:
    without = [record.img_path for record in pictures]
    return Question(vector, query.limit, query.nprobe, query.exact, query.min_score, without, query.where, query.offset)


def _timings(started: float, encoded: float, loaded: float, searched: float) -> Timings:
    seconds = (encoded - started, loaded - encoded, searched - loaded, searched - started)
    return Timings(*(1000 * each for each in seconds))
