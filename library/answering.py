"""One search, once its parts are encoded: their vectors made whole, asked of the index, timed."""

import logging
import time
from collections.abc import Sequence

from library.errors import UnknownPicture
from library.paging import page_of
from library.parts import LibraryPart, Part, TextPart
from library.ports import LoadedCollection, Question, Vector
from library.records import Record
from library.relevance import Kind
from library.search import Answer, Query, Timings

logger = logging.getLogger(__name__)


def kind_of(parts: Sequence[Part]) -> Kind:
    of_texts = [isinstance(part, TextPart) for part in parts]
    return "text" if all(of_texts) else "mix" if any(of_texts) else "picture"


def completed(
    parts: Sequence[Part], vectors: Sequence[Vector | None], pictures: Sequence[Record], index: LoadedCollection
) -> list[Vector]:
    """Puts the stored vectors where none was made. Raises UnknownPicture where there is none."""
    uncropped = {part.id for part in parts if isinstance(part, LibraryPart) and not part.crop}
    records = [record for record in pictures if record.content_id in uncropped]
    stored = index.vectors([record.img_path for record in records]) if records else {}
    for record in records:
        if record.content_id not in stored:
            raise UnknownPicture(f"{record.name} is stored but not yet searchable. Add it again to finish it.")
    own = [stored[part.id] if isinstance(part, LibraryPart) and not part.crop else None for part in parts]
    return [vector for pair in zip(vectors, own, strict=True) for vector in pair if vector is not None]


def answer(
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
