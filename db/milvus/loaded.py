"""Searches and reads a collection that is in memory."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from pymilvus import MilvusClient

from db.milvus.clusters import EVERY_CLUSTER
from db.milvus.filters import expression, has_field
from db.milvus.handle import CollectionHandle
from db.milvus.reproduce import script
from db.milvus.rows import MilvusRow, checked_paths, hits_of, record_of, scores_of, sound_record
from db.milvus.schema import (
    EMBEDDING,
    METRIC,
    PRIMARY_KEY,
    QUERY_TIMEOUT,
    SHOWN,
    TIMEOUT,
    stored_rows,
)
from db.milvus.stable_page import followed_by, in_order, stable_page
from library.errors import IndexUnavailable
from library.images import ContentId
from library.ports import Explained, Hit, Question, Vector, Vectors
from library.records import Record, id_of
from library.running.together import Together
from library.search.filters import Filter

T = TypeVar("T")


class LoadedMilvusCollection:
    """Searches a loaded collection, for as long as its lease is held."""

    def __init__(self, handle: CollectionHandle, generation: int, together: Together) -> None:
        """Keeps the load under which the lease is held, `generation`; see `Lease.held`."""
        self._handle = handle
        self._together = together
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
        """Returns the hits of one vector, best first, from one call for all who search in the same way meanwhile."""
        alike = (limit, nprobe, exact, repr(where), offset)  # a filter for 1 equals one for true, and finds others

        def search(vectors: Sequence[Vector]) -> list[list[Hit]]:
            return self.search_many(np.stack(vectors), limit, nprobe, exact, where, offset)

        return self._together.ask((self._handle.name, alike), vector, search, of_all=IndexUnavailable)

    def search_many(
        self,
        vectors: Vectors,
        limit: int,
        nprobe: int | None = None,
        exact: bool = False,
        where: Filter | None = None,
        offset: int = 0,
    ) -> list[list[Hit]]:
        """Returns the hits of each vector, best first, from one call to Milvus."""
        self._handle.searches += len(vectors)
        probes = self._probes(nprobe, exact, where)
        search = partial(self._search, vectors, where)

        def ask(depth: int) -> list[list[Hit]]:
            found = search(depth, probes)
            if nprobe or probes == EVERY_CLUSTER or all(len(hits) == depth for hits in found):
                return found
            pairs = zip(found, search(depth, EVERY_CLUSTER), strict=True)
            return [followed_by(hits, every, depth) for hits, every in pairs]

        return stable_page(ask, offset, limit, where)

    def matching(self, where: Filter | None) -> list[Record]:
        """Returns the records of all rows that the filter matches, in no order."""
        records = list(map(_record, self._all(self._expression(where))))
        return [record for record in records if where.matches(record)] if where else records

    def some(self, limit: int, having: str | None = None) -> list[Record]:
        """Returns at most `limit` records, of those with the field `having` in their metadata where it is given."""
        wanted = has_field(having, self._handle.backend.quote) if having else ""
        return list(map(_record, self._ask(partial(self._query, wanted=wanted, limit=limit))))

    def sample(self, count: int, rows: int) -> Vectors:
        """Returns the vectors of at most `count` of all `rows`, chosen by their content IDs: nothing else is common."""
        digits = 0
        while count * 16 ** (digits + 1) <= rows:
            digits += 1
        start = f"images/{'8a'[:digits]}" if digits <= 2 else f"images/8a/{'8a5c3f'[:digits]}"
        wanted = f'{PRIMARY_KEY} >= "{start}" and {PRIMARY_KEY} < "{start}g"'
        found = self._ask(partial(self._query, wanted=wanted, limit=count))
        vectors = self.vectors([str(row[PRIMARY_KEY]) for row in found])
        return np.array([*vectors.values()], dtype=np.float32)

    def nearest(self, vectors: Vectors, limit: int, nprobe: int | None = None) -> list[dict[ContentId, float]]:
        """Returns the scores of the rows nearest to each vector; it does not count as a search."""
        probes = self._probes(nprobe, False)
        # With the key alone: Lite adds whole vectors where no field is named.
        found = self._ask(lambda client: self._found(client, vectors, limit, probes, [PRIMARY_KEY]))
        return [{id_of(path): float(score) for path, score in scores_of(each)} for each in found]

    def explain(self, question: Question) -> Explained:
        """Returns where a search goes and a program that repeats it, without asking Milvus."""
        handle = self._handle
        probes = self._probes(question.nprobe, question.exact, question.where)
        looked_into = probes if probes < handle.nlist else None
        text = script(handle.name, question, probes, handle.backend.script_opening, self._expression(question.where))
        return Explained(handle.name, handle.rows, handle.nlist, looked_into, text)

    def present(self, img_paths: Sequence[str]) -> set[ContentId]:
        """Returns which of the pictures have a row."""
        return {id_of(row[PRIMARY_KEY]) for row in self._rows(img_paths, [])}

    def rows(self) -> dict[str, Record | None]:
        """Returns the record of every row by its key; None for one of other values."""
        return {str(row[PRIMARY_KEY]): sound_record(row) for row in self._all("")}

    def vectors(self, img_paths: Sequence[str]) -> dict[ContentId, Vector]:
        """Returns the vectors of those pictures that have a row."""
        rows = self._rows(img_paths, [EMBEDDING])
        return {id_of(row[PRIMARY_KEY]): np.asarray(row[EMBEDDING], dtype=np.float32) for row in rows}

    def count(self) -> int:
        """Counts the rows."""
        return self._handle.count(self._generation)

    def _search(self, vectors: Vectors, where: Filter | None, depth: int, probes: int) -> list[list[Hit]]:
        def ask(client: MilvusClient) -> list[list[Hit]]:
            found = self._found(client, vectors, depth, probes, SHOWN, where)
            return [in_order(hits_of(answer)) for answer in found]

        answers = self._ask(ask)
        if any(answers) or not self._doubts_empty():
            return answers
        if where and any(self._search(vectors, None, 1, EVERY_CLUSTER)):
            return self._ask(ask)  # the collection is there: what is empty now is true
        return self._ask_again(ask)

    def _doubts_empty(self) -> bool:
        """Returns whether to doubt an empty answer: a server may give it while another process releases or loads."""
        handle = self._handle
        if not handle.backend.may_answer_empty or handle.empty_at == handle.lease.generation:
            return False
        if handle.has_written or handle.rows_at_load:
            return True
        return handle.do(lambda client: stored_rows(client, handle.name)) > 0

    def _ask_again(self, ask: Callable[[MilvusClient], list[list[Hit]]]) -> list[list[Hit]]:
        generation = self._handle.lease.reload(self._handle.lease.generation)
        answers = self._handle.ask(generation, ask)
        if not any(answers):
            self._handle.empty_at = generation
        return answers

    def _all(self, wanted: str) -> list[MilvusRow]:
        most = self._handle.backend.rows_in_an_answer
        in_parts = most is not None and self.count() > most
        parts = list("0123456789abcdef") if in_parts else [""]
        found: list[MilvusRow] = []
        for part in parts:
            start = f'{PRIMARY_KEY} >= "images/{part}"' + (f' and {PRIMARY_KEY} < "images/{part}g"' if part else "")
            both = f"({start}) and ({wanted})" if wanted else start
            found += self._ask(partial(self._query, wanted=both))
        return found

    def _query(self, client: MilvusClient, wanted: str, limit: int | None = None) -> list[MilvusRow]:
        bound = {} if limit is None else {"limit": limit}
        fields = [PRIMARY_KEY, *SHOWN]
        return list(
            client.query(self._handle.name, filter=wanted, output_fields=fields, timeout=QUERY_TIMEOUT, **bound)
        )

    def _rows(self, img_paths: Sequence[str], fields: Sequence[str]) -> list[MilvusRow]:
        """Returns the rows of those that have one, each with its key and the fields named."""
        wanted = {"ids": checked_paths(img_paths), "output_fields": [PRIMARY_KEY, *fields], "timeout": TIMEOUT}
        if not wanted["ids"]:
            return []
        return self._ask(lambda client: list(client.get(self._handle.name, **wanted)))

    def _found(
        self,
        client: MilvusClient,
        vectors: Vectors,
        limit: int,
        probes: int,
        fields: list[str],
        where: Filter | None = None,
    ) -> Any:
        return client.search(
            self._handle.name,
            data=list(vectors),
            anns_field=EMBEDDING,
            limit=limit,
            filter=self._expression(where),
            search_params={"metric_type": METRIC, "params": {"nprobe": probes}},
            output_fields=fields,
            timeout=QUERY_TIMEOUT if where else TIMEOUT,
        )

    def _probes(self, nprobe: int | None, exact: bool, where: Filter | None = None) -> int:
        if exact or (where and nprobe is None):  # what a filter leaves of a few clusters are not the best that match
            return EVERY_CLUSTER
        return nprobe or self._automatic_nprobe()

    def _automatic_nprobe(self) -> int:
        if chosen := self._handle.chosen_nprobe():
            return chosen
        rows = self.count() if self._handle.rows is None else self._handle.rows
        return self._handle.automatic_nprobe(rows)

    def _expression(self, where: Filter | None) -> str:
        return expression(where, self._handle.backend.quote) if where else ""

    def _ask(self, ask: Callable[[MilvusClient], T]) -> T:
        return self._handle.ask(self._generation, ask)


def _record(row: MilvusRow) -> Record:
    return record_of(row[PRIMARY_KEY], row)
