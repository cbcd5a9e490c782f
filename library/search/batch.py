"""Answers many queries at once: encodes them together, searches in few calls, keeps their order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import numpy as np
from PIL import Image

from library.errors import InvalidQuery, LikenessError
from library.images import Decode, decode
from library.messages import Message, message
from library.messages.reasons import reason_of
from library.ports import Encoder, Hit, LoadedCollection, Vector
from library.running.work import worker_pool
from library.search.parts import clean_text, combine, encode, notes_on, picture_to_encode
from library.search.query import Query
from library.texts import holds_half

AT_ONCE = 64  # decoded pictures take some 300 kB each
READERS = 8


@dataclass(frozen=True)
class BatchQuery:
    """Holds one of many queries: a text, a picture, or both. `picture` returns the bytes when its turn comes; may raise
    OSError.

    `problem` says why there is nothing to search for, `note` what is to be known of where the query comes from.
    """

    name: str
    text: str = ""
    picture: Callable[[], bytes] | None = None
    problem: Message | None = None
    note: Message | None = None


@dataclass(frozen=True)
class Queries:
    """Lists many queries; `total` is None where it shows only at the end."""

    queries: Iterable[BatchQuery]
    total: int | None = None


@dataclass(frozen=True)
class BatchResult:
    """Holds the hits of one query; `problem` says why there are none."""

    name: str
    hits: list[Hit] = field(default_factory=list)
    problem: Message | None = None
    notes: list[Message] = field(default_factory=list)


@dataclass(frozen=True)
class _Ready:
    query: BatchQuery
    inputs: Sequence[str | Image.Image] = ()
    problem: Message | None = None


def answer_all(
    queries: Iterable[BatchQuery],
    encoder: Encoder,
    index: LoadedCollection,
    like: Query,
    should_stop: Callable[[], bool] = lambda: False,
    decode: Decode = decode,
) -> Iterator[BatchResult]:
    """Yields one result for each query, in order. `like` says how to search and has no parts; stopping ends after the
    chunk."""
    rest = iter(queries)
    prepared = partial(_prepared, working_side=encoder.info.working_side, decode=decode)
    with worker_pool(READERS, "queries") as readers:
        while not should_stop() and (chunk := list(islice(rest, AT_ONCE))):
            yield from _answered(list(readers.map(prepared, chunk)), encoder, index, like)


def _prepared(query: BatchQuery, working_side: int, decode: Decode) -> _Ready:
    text = clean_text(query.text)
    if problem := query.problem or _what_is_missing(query, text):
        return _Ready(query, problem=problem)
    try:
        pictures = [picture_to_encode(query.picture(), None, working_side, decode)] if query.picture else []
    except LikenessError as error:
        return _Ready(query, problem=error.message)
    except OSError as error:
        return _Ready(query, problem=message("file_unreadable", problem=reason_of(error)))
    return _Ready(query, [*([text] if text else []), *pictures])


def _what_is_missing(query: BatchQuery, text: str) -> Message | None:
    if holds_half(query.text):
        return message("half_a_character")
    return None if text or query.picture else message("query_is_empty")


def _answered(chunk: Sequence[_Ready], encoder: Encoder, index: LoadedCollection, like: Query) -> Iterator[BatchResult]:
    vectors = _vectors([ready.inputs for ready in chunk], encoder)
    found = iter(_search([vector for vector in vectors if isinstance(vector, np.ndarray)], index, like))
    for ready, vector in zip(chunk, vectors, strict=True):
        notes = [ready.query.note] if ready.query.note else []
        if isinstance(vector, np.ndarray):
            notes += notes_on(encoder, [each for each in ready.inputs if isinstance(each, str)])
            hits = [hit for hit in next(found) if hit.score >= like.min_score]
            yield BatchResult(ready.query.name, hits, notes=notes)
        else:
            yield BatchResult(ready.query.name, problem=ready.problem or vector, notes=notes)


def _vectors(queries: Sequence[Sequence[str | Image.Image]], encoder: Encoder) -> list[Vector | Message]:
    """Returns a vector for each query, or why there is none."""
    made = iter(encode(encoder, [each for inputs in queries for each in inputs]))
    vectors: list[Vector | Message] = []
    for inputs in queries:
        own = [vector for vector in islice(made, len(inputs)) if vector is not None]
        try:
            vectors.append(combine(own) if own else Message("query_is_empty"))
        except InvalidQuery as error:
            vectors.append(error.message)
    return vectors


def _search(vectors: Sequence[Vector], index: LoadedCollection, like: Query) -> list[list[Hit]]:
    return index.search_many(np.stack(vectors), like.limit, like.nprobe, like.exact) if vectors else []
