"""One search, once its parts are encoded: their vectors made whole, asked of the index, timed."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from library.errors import UnknownPicture
from library.images import ContentId
from library.ports import EncoderInfo, LoadedCollection, Question, Vector
from library.records import Record
from library.search.paging import page_of
from library.search.parts import LibraryPart, Part, TextPart
from library.search.query import Answer, Query, Timings
from library.search.relevance import Kind

logger = logging.getLogger(__name__)

KEPT_VECTORS = 256


def kind_of(parts: Sequence[Part]) -> Kind:
    of_texts = [isinstance(part, TextPart) for part in parts]
    return "text" if all(of_texts) else "mix" if any(of_texts) else "picture"


class StoredVectors:
    """Those of pictures that were searched with lately: to move a weight or turn a page asks for them no second time.

    What a model makes of a picture never changes.
    """

    def __init__(self) -> None:
        self._lately: OrderedDict[tuple[EncoderInfo, ContentId], Vector] = OrderedDict()
        self._changes = threading.Lock()

    def of(self, records: Sequence[Record], encoder: EncoderInfo, index: LoadedCollection) -> dict[ContentId, Vector]:
        """Those that have a row."""
        with self._changes:
            known = {
                record.content_id: self._lately[encoder, record.content_id]
                for record in records
                if (encoder, record.content_id) in self._lately
            }
        unknown = [record.img_path for record in records if record.content_id not in known]
        read = index.vectors(unknown) if unknown else {}
        with self._changes:
            for id, vector in (known | read).items():
                self._lately[encoder, id] = vector
                self._lately.move_to_end((encoder, id))
            while len(self._lately) > KEPT_VECTORS:
                self._lately.popitem(last=False)
        return known | read


def own_pictures(parts: Sequence[Part], pictures: Sequence[Record]) -> list[Record]:
    """Those of them whose stored vectors the parts call for."""
    uncropped = {part.id for part in parts if isinstance(part, LibraryPart) and not part.crop}
    return [record for record in pictures if record.content_id in uncropped]


def fill_stored_vectors(
    parts: Sequence[Part],
    vectors: Sequence[Vector | None],
    pictures: Sequence[Record],
    stored: Mapping[ContentId, Vector],
) -> list[Vector]:
    """Puts the stored vectors where none was made. Raises UnknownPicture where there is none."""
    for record in pictures:
        if record.content_id not in stored:
            raise UnknownPicture(f"{record.name} is stored but not yet searchable. Add it again to finish it.")
    own = [stored[part.id] if isinstance(part, LibraryPart) and not part.crop else None for part in parts]
    return [vector for pair in zip(vectors, own, strict=True) for vector in pair if vector is not None]


def execute(
    index: LoadedCollection,
    vector: Vector,
    query: Query,
    started: float,
    encoded: float,
    notes: list[str],
    pictures: list[Record],
) -> Answer:
    """`started` and `encoded` are moments of `time.perf_counter`. Raises IndexUnavailable."""
    loaded = time.perf_counter()
    hits, has_more = page_of(index, vector, query, query.pictures)
    searched = time.perf_counter()
    seconds = (encoded - started, loaded - encoded, searched - loaded, searched - started)
    timings = Timings(*(1000 * each for each in seconds))
    logger.debug(
        "search: %d hits, encode %.1f ms, load %.1f ms, search %.1f ms",
        len(hits),
        timings.encode,
        timings.load,
        timings.search,
    )
    without = [record.img_path for record in pictures]
    question = Question(
        vector, query.limit, query.nprobe, query.exact, query.min_score, without, query.where, query.offset
    )
    return Answer(hits, timings, notes, pictures, has_more, explained=index.explain(question))
