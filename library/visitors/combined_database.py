"""Joins the collections that all visitors search with the rows of one of them, which are the only ones that change."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import numpy as np

from library.errors import NotAllowed
from library.images import ContentId
from library.ports import (
    Collection,
    EncoderInfo,
    Explained,
    Hit,
    IndexFault,
    IndexStatus,
    LoadedCollection,
    Question,
    StoredCollection,
    Vector,
    VectorDatabase,
    Vectors,
)
from library.records import Record
from library.search.filters import Filter
from library.visitors.own_space import OwnSpace
from library.visitors.ports import LoadedOwnRows, OwnCollection


class CombinedDatabase:
    """Offers one visitor the shared collections and their own as one database: reads both, writes to their own.

    Without a space of the visitor there are only the shared ones.
    """

    def __init__(self, shared: VectorDatabase, space: OwnSpace | None) -> None:
        self._shared = shared
        self._space = space

    def collection(self, encoder: EncoderInfo) -> "CombinedCollection":
        own = self._space.database.collection(encoder) if self._space else None
        return CombinedCollection(self._shared.collection(encoder), own, self._space)

    def named(self, name: str) -> "CombinedCollection":
        own = self._space.database.named(name) if self._space else None
        return CombinedCollection(self._shared.named(name), own, self._space)

    def holds(self, encoder: EncoderInfo) -> bool:
        return self._shared.holds(encoder)

    def stored(self) -> list[StoredCollection]:
        return self._shared.stored()

    def name_of(self, encoder: EncoderInfo) -> str:
        return self._shared.name_of(encoder)

    def drop(self, name: str) -> None:
        raise NotAllowed("only_own")

    def update(self, records: Sequence[Record]) -> None:
        if self._space:
            with self._space.open():
                self._space.database.update(records)

    def delete(self, img_paths: Sequence[str]) -> None:
        if self._space:
            self._space.database.delete(img_paths)

    def close(self) -> None:
        pass  # who opened the shared one closes it


class CombinedCollection:
    """Offers the shared collection of one model and the visitor's own rows of it as one collection."""

    def __init__(self, shared: Collection, own: OwnCollection | None, space: OwnSpace | None) -> None:
        self._shared = shared
        self._own = own
        self._space = space

    def upsert(self, records: Sequence[Record], vectors: Vectors) -> None:
        if self._own is None or self._space is None:
            raise NotAllowed("no_space")
        with self._space.open():
            self._own.upsert(records, vectors)

    @contextmanager
    def loaded(self) -> Iterator[LoadedCollection]:
        with ExitStack() as held:
            shared = held.enter_context(self._shared.loaded())
            yield CombinedRows(shared, held.enter_context(self._own.loaded())) if self._own else shared

    def optimize(self) -> None:
        pass  # own rows are few: each search compares with all of them

    def index_all(self) -> None:
        pass

    def faults(self) -> list[IndexFault]:
        return self._shared.faults()

    def repair(self) -> None:
        raise NotAllowed("only_own")

    def choose_nprobe(self, nprobe: int | None) -> None:
        raise NotAllowed("only_own")

    def status(self, expected_rows: int | None = None) -> IndexStatus:
        """Returns the status of the shared collection, with the visitor's own pictures counted as rows."""
        own = self._space.store.count() if self._space else 0
        found = self._shared.status(None if expected_rows is None else expected_rows - own)
        return replace(found, rows=None if found.rows is None else found.rows + own)


class CombinedRows:
    """Searches the shared rows and a visitor's own as one collection. Of a picture in both, the own row counts."""

    def __init__(self, shared: LoadedCollection, own: LoadedOwnRows) -> None:
        self._shared = shared
        self._own = own

    def search(
        self,
        vector: Vector,
        limit: int,
        nprobe: int | None,
        exact: bool,
        where: Filter | None = None,
        offset: int = 0,
    ) -> list[Hit]:
        [own] = self._own.found(np.stack([vector]), where)
        shared = self._shared.search(vector, offset + limit, nprobe, exact, where)  # as all visitors search them
        return _merged(own, shared)[offset : offset + limit]

    def search_many(
        self,
        vectors: Vectors,
        limit: int,
        nprobe: int | None,
        exact: bool,
        where: Filter | None = None,
        offset: int = 0,
    ) -> list[list[Hit]]:
        own = self._own.found(vectors, where)
        # From the first hit on: how many of the visitor's own come before a page is not known otherwise.
        depth = offset + limit
        shared = self._shared.search_many(vectors, depth, nprobe, exact, where)
        return [_merged(each, others)[offset:depth] for each, others in zip(own, shared, strict=True)]

    def matching(self, where: Filter | None) -> list[Record]:
        own = self._own.records(where)
        return [*own, *_others(own, self._shared.matching(where))]

    def some(self, limit: int, having: str | None = None) -> list[Record]:
        own = [each for each in self._own.records(None) if having is None or having in each.metadata]
        return [*own, *_others(own, self._shared.some(limit, having))][:limit]

    def nearest(self, vectors: Vectors, limit: int) -> list[dict[ContentId, float]]:
        own = [{hit.record.content_id: hit.score for hit in hits} for hits in self._own.found(vectors, None)]
        pairs = zip(own, self._shared.nearest(vectors, limit), strict=True)
        joined = [others | scores for scores, others in pairs]
        return [dict(sorted(each.items(), key=lambda pair: -pair[1])[:limit]) for each in joined]

    def explain(self, question: Question) -> Explained:
        return self._shared.explain(question)

    def present(self, img_paths: Sequence[str]) -> set[ContentId]:
        return set(self._own.vectors(img_paths)) | self._shared.present(img_paths)

    def rows(self) -> dict[str, Record | None]:
        own: dict[str, Record | None] = {each.img_path: each for each in self._own.records(None)}
        return self._shared.rows() | own

    def vectors(self, img_paths: Sequence[str]) -> dict[ContentId, Vector]:
        return self._shared.vectors(img_paths) | self._own.vectors(img_paths)

    def count(self) -> int:
        return self._shared.count() + self._own.count()


def _others(own: Sequence[Record], shared: Sequence[Record]) -> list[Record]:
    ids = {each.content_id for each in own}
    return [each for each in shared if each.content_id not in ids]


def _merged(own: Sequence[Hit], shared: Sequence[Hit]) -> list[Hit]:
    ids = {hit.record.content_id for hit in own}
    hits = [*own, *(hit for hit in shared if hit.record.content_id not in ids)]
    return sorted(hits, key=lambda hit: (-hit.score, hit.record.img_path))
