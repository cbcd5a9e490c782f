"""Measures how well one encoder does the tasks of an evaluation, by exact search and through the index."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np

from library.evaluation.config import EvaluationConfig
from library.evaluation.labels import Labelled
from library.evaluation.metrics import SEED, Flags, Json, Positions, Values, figures, measured, names_of, ranked
from library.evaluation.tasks import TEMPLATED, Task, averaged
from library.ports import Encoder, Hit, LoadedCollection, VectorDatabase, Vectors
from library.records import Record

INDEX_DEPTH = 100  # results that the index is searched for; it answers with whole records
INDEX_QUERIES = 1_000
QUERIES_AT_ONCE = 50
SHOWN_RESULTS = 5

NewDatabase = Callable[[], AbstractContextManager[VectorDatabase]]


@dataclass
class Ranked:
    """Holds the rankings of one task, as far as the report needs them."""

    values: Values
    first: Flags  # of the results that the index is searched for
    best: Positions  # the first SHOWN_RESULTS pictures
    scores: Vectors = field(repr=False)


class ModelFigures:
    """Measures the figures of one encoder for every task."""

    def __init__(
        self,
        encoder: Encoder,
        vectors: Vectors,
        pictures: Sequence[Labelled],
        tasks: Sequence[Task],
        config: EvaluationConfig,
        new_database: NewDatabase,
    ) -> None:
        self.encoder = encoder
        self.tasks = tasks
        self._vectors = vectors
        self._pictures = pictures
        self._config = config
        self.depth = min(INDEX_DEPTH, len(pictures) - 1)
        self.columns = [*names_of(config.cutoffs), f"map@{self.depth}"]
        self.columns_of_index = names_of(config.cutoffs, self.depth)
        queries = [self._queries(task) for task in tasks]
        self.ranked = [self._rank(task, each) for task, each in zip(tasks, queries, strict=True)]
        self.templates = self._each_template()
        self.index, self.through_index = self._through_index(queries, new_database)

    def of(self, kind: str) -> Ranked | None:
        """Returns the rankings of the task of this kind, if there is one."""
        return next((each for task, each in zip(self.tasks, self.ranked, strict=True) if task.kind == kind), None)

    def _queries(self, task: Task) -> Vectors:
        if task.selves is not None:
            return self._vectors[task.selves]
        if task.kind == TEMPLATED:
            return averaged(self.encoder, task.texts, self._config.templates)
        return self.encoder.encode_texts(task.texts)

    def _rank(self, task: Task, queries: Vectors) -> Ranked:
        parts = []
        relevant = task.relevant
        for start, order, scores in ranked(queries, self._vectors, task.selves):
            part = slice(start, start + len(order))
            flags = task.groups[order] == task.wanted[part, np.newaxis]
            values = measured(flags, relevant[part], self._config.cutoffs)
            first = measured(flags[:, : self.depth], relevant[part], self._config.cutoffs)
            values = np.column_stack([values, first[:, -1]])
            shown = slice(0, SHOWN_RESULTS)
            parts.append((values, flags[:, : self.depth].copy(), order[:, shown].copy(), scores[:, shown].copy()))
        return Ranked(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def _each_template(self) -> list[Values]:
        named = next((task for task in self.tasks if task.kind == TEMPLATED), None)
        if named is None:
            return []
        return [
            self._rank(named, self.encoder.encode_texts([each.replace("{}", name) for name in named.texts])).values
            for each in self._config.templates
        ]

    def _through_index(self, queries: Sequence[Vectors], new_database: NewDatabase) -> tuple[Json, list[Json]]:
        """Returns what the index is, and for each task its figures beside the exact ones of the same queries."""
        positions: dict[str, int] = {picture.id: position for position, picture in enumerate(self._pictures)}
        with new_database() as database:
            collection = database.collection(self.encoder.info)
            collection.upsert([_record(picture) for picture in self._pictures], self._vectors)
            collection.index_all()
            with collection.loaded() as index:
                tasks = [
                    self._search(index, task, each, exact, positions)
                    for task, each, exact in zip(self.tasks, queries, self.ranked, strict=True)
                ]
            status = collection.status()
        nprobe = self._config.nprobe or status.nprobe or status.nlist
        about = {"backend": status.backend, "type": status.index_type, "nlist": status.nlist}
        return {**about, "nprobe": min(nprobe, status.nlist), "depth": self.depth}, tasks

    def _search(
        self, index: LoadedCollection, task: Task, queries: Vectors, exact: Ranked, positions: Mapping[str, int]
    ) -> Json:
        chosen = np.arange(len(queries))
        if len(chosen) > INDEX_QUERIES:
            chosen = np.sort(np.random.default_rng(SEED).choice(chosen, INDEX_QUERIES, replace=False))
        flags = np.zeros((len(chosen), self.depth), dtype=bool)
        limit = self.depth + (task.selves is not None)
        for start in range(0, len(chosen), QUERIES_AT_ONCE):
            some = chosen[start : start + QUERIES_AT_ONCE]
            answers = index.search_many(queries[some], limit, self._config.nprobe, False)
            for row, (query, hits) in enumerate(zip(some, answers, strict=True), start):
                found = _positions(hits, positions, None if task.selves is None else int(task.selves[query]))
                found = found[: self.depth]
                flags[row, : len(found)] = task.groups[found] == task.wanted[query]
        relevant = task.relevant[chosen]
        through = measured(flags, relevant, self._config.cutoffs)
        beside = measured(exact.first[chosen], relevant, self._config.cutoffs)
        return {
            "queries": len(chosen),
            "index": figures(self.columns_of_index, through),
            "exact": figures(self.columns_of_index, beside),
            "difference": figures(self.columns_of_index, through - beside),
        }


def _positions(hits: Sequence[Hit], positions: Mapping[str, int], left_out: int | None) -> list[int]:
    found = [positions[hit.record.content_id] for hit in hits]
    return [position for position in found if position != left_out]


def _record(picture: Labelled) -> Record:
    """Returns a record of which only the key matters."""
    path = f"images/{picture.id[:2]}/{picture.id}.jpg"
    return Record(picture.id, path, picture.name, "JPEG", 0, 0, 0, "", "evaluation")
