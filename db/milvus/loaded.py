"""A collection for as long as it is held in memory: all that is asked of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from db.milvus.schema import EMBEDDING, PRIMARY_KEY
from library.images import ContentId
from library.ports import Explained, Hit, Question, Vector, Vectors
from library.records import Record, id_of
from library.search.filters import Filter

if TYPE_CHECKING:
    from db.milvus.collection import MilvusCollection


class LoadedMilvusCollection:
    """A `MilvusCollection` in memory, for as long as its lease is held."""

    def __init__(self, collection: "MilvusCollection", generation: int) -> None:
        self._collection = collection
        self._generation = generation

    def search(
        self,
        vector: Vector,
        limit: int,
        nprobe: int | None = None,
        exact: bool = False,
        where: Filter | None = None,
        offset: int = 0,
    ) -> list[Hit]:
        [hits] = self.search_many(vector[np.newaxis], limit, nprobe, exact, where, offset)
        return hits

    def search_many(
        self,
        vectors: Vectors,
        limit: int,
        nprobe: int | None = None,
        exact: bool = False,
        where: Filter | None = None,
        offset: int = 0,
    ) -> list[list[Hit]]:
        return self._collection.search(self._generation, vectors, limit, nprobe, exact, where, offset)

    def matching(self, where: Filter | None) -> list[Record]:
        return self._collection.matching(self._generation, where)

    def some(self, limit: int, having: str | None = None) -> list[Record]:
        return self._collection.some(self._generation, limit, having)

    def nearest(self, vectors: Vectors, limit: int) -> list[dict[ContentId, float]]:
        return self._collection.nearest(self._generation, vectors, limit)

    def explain(self, asked: Question) -> Explained:
        return self._collection.explain(self._generation, asked)

    def present(self, img_paths: Sequence[str]) -> set[ContentId]:
        return {id_of(row[PRIMARY_KEY]) for row in self._collection.rows_of(self._generation, img_paths, [])}

    def vectors(self, img_paths: Sequence[str]) -> dict[ContentId, Vector]:
        rows = self._collection.rows_of(self._generation, img_paths, [EMBEDDING])
        return {id_of(row[PRIMARY_KEY]): np.asarray(row[EMBEDDING], dtype=np.float32) for row in rows}

    def count(self) -> int:
        return self._collection.count(self._generation)
