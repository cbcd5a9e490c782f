"""How well an encoder finds labelled pictures by texts and by pictures, exactly and through the index."""

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from library.errors import InvalidEvaluation, LikenessError
from library.evaluation.labels import Gathered, Labelled, Labelling, OnProgress, gather
from library.evaluation.metrics import (
    LEVEL,
    RESAMPLES,
    SEED,
    Flags,
    Positions,
    Values,
    intervals,
    measured,
    names_of,
    ranked,
)
from library.images import decode, icon
from library.ingest.items import Item
from library.ports import Encoder, Hit, LoadedCollection, VectorDatabase, Vectors
from library.records import Record, clean_name
from library.search.query import MAX_LIMIT

Json = dict[str, Any]

TEMPLATES = ("a photo of a {}", "a photo of the {}", "a picture of a {}", "a close-up of a {}")
CUTOFFS = (1, 5, 10)
INDEX_DEPTH = 100  # results that are asked of the index; it answers with whole records
INDEX_QUERIES = 1_000
ASKED_AT_ONCE = 50
WORST = 10
SHOWN_RESULTS = 5
NAMES, TEMPLATED, CAPTIONS, PICTURES = "class names", "templates", "captions", "pictures"


@dataclass(frozen=True)
class EvaluationConfig:
    labelling: Labelling
    cutoffs: Sequence[int] = CUTOFFS
    templates: Sequence[str] = TEMPLATES
    nprobe: int | None = None  # None: as the library would choose

    def __post_init__(self) -> None:
        if not self.cutoffs or not all(1 <= k <= MAX_LIMIT for k in self.cutoffs):
            raise InvalidEvaluation(f"--k takes numbers from 1 to {MAX_LIMIT} with commas between, such as 1,5,10.")
        for template in self.templates:
            if template.count("{}") != 1:
                raise InvalidEvaluation(f"The template {template!r} needs one {{}} where the name of the class goes.")


class Evaluations(Protocol):
    """What was evaluated so far."""

    def add(self, evaluation: Json) -> str:
        """Where it is kept. Raises StoreUnavailable."""
        ...

    def newest(self, limit: int) -> list[Json]:
        """Newest first. Never raises."""
        ...


NewDatabase = Callable[[], AbstractContextManager[VectorDatabase]]


def evaluate(
    items: Iterable[Item],
    order: EvaluationConfig,
    encoders: Sequence[Encoder],
    new_database: NewDatabase,
    source: str = "",
    on_progress: OnProgress = lambda *_: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Json | None:
    """All figures, as JSON can hold them; None when it was stopped. The library is neither read nor changed.

    The pictures go into a collection that `new_database` makes, of the index that the library would have for them.
    Raises InvalidEvaluation, before anything is encoded where the items are a list.
    """
    check(items, order)
    gathered = gather(items, order.labelling, encoders, on_progress, should_stop)
    if should_stop():
        return None
    pictures = gathered.pictures
    _check([picture.label for picture in pictures], [picture.caption for picture in pictures], order)
    tasks = tasks_for(pictures, order)
    models = []
    for encoder, vectors in zip(encoders, gathered.vectors, strict=True):
        on_progress(f"Measuring {encoder.info.name}", 0, None)
        models.append(_Model(encoder, vectors, pictures, tasks, order, new_database))
        if should_stop():
            return None
    return _report(models, gathered, order, source)


def check(items: Iterable[Item], order: EvaluationConfig) -> None:
    """What can be told before a model is loaded or a picture is read. Raises InvalidEvaluation."""
    if isinstance(items, Sequence):
        wanted, labelling = [item for item in items if not item.skip], order.labelling
        labelling.check(wanted)
        _check([labelling.label(item) for item in wanted], [labelling.caption(item) for item in wanted], order)


def _check(labels: Sequence[str], captions: Sequence[str], order: EvaluationConfig) -> None:
    """Raises InvalidEvaluation."""
    classes = Counter(filter(None, labels))
    count = sum(bool(label or caption) for label, caption in zip(labels, captions, strict=True))
    labelling = order.labelling
    if not labels:
        raise InvalidEvaluation("There are no pictures here to evaluate with.")
    if not count:
        raise InvalidEvaluation("No picture has a label: check the column or the folders that name the classes.")
    if (labelling.column or labelling.from_folders) and len(classes) < 2:
        only = f"one class, {next(iter(classes))}" if classes else "no class"
        raise InvalidEvaluation(f"The labels name {only}: two classes or more are needed to tell right from wrong.")
    if max(order.cutoffs) >= count:
        raise InvalidEvaluation(
            f"recall@{max(order.cutoffs)} needs more than {max(order.cutoffs)} pictures and there are {count}: "
            "give more pictures, or a smaller --k."
        )


@dataclass(frozen=True)
class Task:
    """Queries of one kind. A picture is relevant where its group is the one that the query wants."""

    kind: str
    texts: Sequence[str]  # none where the queries are pictures
    wanted: NDArray[np.intp]
    groups: NDArray[np.intp]  # of each picture; -1 where it has none
    selves: Positions | None = None  # the picture that each query is

    @property
    def relevant(self) -> NDArray[np.intp]:
        found: NDArray[np.intp] = (self.groups == self.wanted[:, np.newaxis]).sum(axis=1)
        return found if self.selves is None else found - 1


def tasks_for(pictures: Sequence[Labelled], order: EvaluationConfig) -> list[Task]:
    """Leave-one-out for pictures: each is a query for the others of its class, if there are any."""
    tasks = []
    labels = [picture.label for picture in pictures]
    if any(labels):
        classes, groups = _grouped(labels)
        sizes = np.bincount(groups[groups >= 0], minlength=len(classes))
        wanted = np.arange(len(classes))
        tasks.append(Task(NAMES, [spoken(each) for each in classes], wanted, groups))
        if order.templates:
            tasks.append(Task(TEMPLATED, [spoken(each) for each in classes], wanted, groups))
        selves = np.flatnonzero((groups >= 0) & (sizes[groups] > 1))
        if len(selves):
            tasks.append(Task(PICTURES, [], groups[selves], groups, selves))
    captions, groups = _grouped([picture.caption for picture in pictures])
    if captions:
        tasks.append(Task(CAPTIONS, captions, np.arange(len(captions)), groups))
    return tasks


def _grouped(names: Sequence[str]) -> tuple[list[str], NDArray[np.intp]]:
    """The names that there are, and the number of each picture's."""
    present = sorted(set(filter(None, names)))
    numbers = {name: number for number, name in enumerate(present)}
    return present, np.array([numbers.get(name, -1) for name in names], dtype=np.intp)


def spoken(label: str) -> str:
    """A folder's name as one would say it: car_side is a car side."""
    return " ".join(label.replace("_", " ").replace("-", " ").split()) or label


def averaged(encoder: Encoder, names: Sequence[str], templates: Sequence[str]) -> Vectors:
    """For each name the normalised mean of its templates' unit vectors (https://arxiv.org/abs/2103.00020, 3.1.4)."""
    mean = np.mean([encoder.encode_texts([each.replace("{}", name) for name in names]) for each in templates], axis=0)
    unit: Vectors = (mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return unit


@dataclass
class _Ranked:
    """What is kept of all rankings of a task."""

    values: Values
    first: Flags  # of the results that the index is asked for
    best: Positions  # the first SHOWN_RESULTS pictures
    scores: Vectors = field(repr=False)


class _Model:
    """One encoder's figures for every task."""

    def __init__(
        self,
        encoder: Encoder,
        vectors: Vectors,
        pictures: Sequence[Labelled],
        tasks: Sequence[Task],
        order: EvaluationConfig,
        new_database: NewDatabase,
    ) -> None:
        self.encoder = encoder
        self.tasks = tasks
        self._vectors = vectors
        self._pictures = pictures
        self._order = order
        self.depth = min(INDEX_DEPTH, len(pictures) - 1)
        self.columns = [*names_of(order.cutoffs), f"map@{self.depth}"]
        self.columns_of_index = names_of(order.cutoffs, self.depth)
        queries = [self._queries(task) for task in tasks]
        self.ranked = [self._rank(task, each) for task, each in zip(tasks, queries, strict=True)]
        self.templates = self._each_template()
        self.index, self.through_index = self._through_index(queries, new_database)

    def of(self, kind: str) -> _Ranked | None:
        return next((each for task, each in zip(self.tasks, self.ranked, strict=True) if task.kind == kind), None)

    def _queries(self, task: Task) -> Vectors:
        if task.selves is not None:
            return self._vectors[task.selves]
        if task.kind == TEMPLATED:
            return averaged(self.encoder, task.texts, self._order.templates)
        return self.encoder.encode_texts(task.texts)

    def _rank(self, task: Task, queries: Vectors) -> _Ranked:
        parts = []
        relevant = task.relevant
        for start, order, scores in ranked(queries, self._vectors, task.selves):
            part = slice(start, start + len(order))
            flags = task.groups[order] == task.wanted[part, np.newaxis]
            values = measured(flags, relevant[part], self._order.cutoffs)
            first = measured(flags[:, : self.depth], relevant[part], self._order.cutoffs)
            values = np.column_stack([values, first[:, -1]])
            shown = slice(0, SHOWN_RESULTS)
            parts.append((values, flags[:, : self.depth].copy(), order[:, shown].copy(), scores[:, shown].copy()))
        return _Ranked(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def _each_template(self) -> list[Values]:
        named = next((task for task in self.tasks if task.kind == TEMPLATED), None)
        if named is None:
            return []
        return [
            self._rank(named, self.encoder.encode_texts([each.replace("{}", name) for name in named.texts])).values
            for each in self._order.templates
        ]

    def _through_index(self, queries: Sequence[Vectors], new_database: NewDatabase) -> tuple[Json, list[Json]]:
        """What the index is, and for each task its figures beside the exact ones of the same queries."""
        positions: dict[str, int] = {picture.id: position for position, picture in enumerate(self._pictures)}
        with new_database() as database:
            collection = database.collection(self.encoder.info)
            collection.upsert([_record(picture) for picture in self._pictures], self._vectors)
            collection.index_all()
            with collection.loaded() as index:
                tasks = [
                    self._ask(index, task, each, exact, positions)
                    for task, each, exact in zip(self.tasks, queries, self.ranked, strict=True)
                ]
            status = collection.status()
        nprobe = self._order.nprobe or status.nprobe or status.nlist
        about = {"backend": status.backend, "type": status.index_type, "nlist": status.nlist}
        return {**about, "nprobe": min(nprobe, status.nlist), "depth": self.depth}, tasks

    def _ask(
        self, index: LoadedCollection, task: Task, queries: Vectors, exact: _Ranked, positions: Mapping[str, int]
    ) -> Json:
        asked = np.arange(len(queries))
        if len(asked) > INDEX_QUERIES:
            asked = np.sort(np.random.default_rng(SEED).choice(asked, INDEX_QUERIES, replace=False))
        flags = np.zeros((len(asked), self.depth), dtype=bool)
        limit = self.depth + (task.selves is not None)
        for start in range(0, len(asked), ASKED_AT_ONCE):
            some = asked[start : start + ASKED_AT_ONCE]
            answers = index.search_many(queries[some], limit, self._order.nprobe, False)
            for row, (query, hits) in enumerate(zip(some, answers, strict=True), start):
                found = _positions(hits, positions, None if task.selves is None else int(task.selves[query]))
                found = found[: self.depth]
                flags[row, : len(found)] = task.groups[found] == task.wanted[query]
        relevant = task.relevant[asked]
        through = measured(flags, relevant, self._order.cutoffs)
        beside = measured(exact.first[asked], relevant, self._order.cutoffs)
        return {
            "queries": len(asked),
            "index": _figures(self.columns_of_index, through),
            "exact": _figures(self.columns_of_index, beside),
            "difference": _figures(self.columns_of_index, through - beside),
        }


def _positions(hits: Sequence[Hit], positions: Mapping[str, int], left_out: int | None) -> list[int]:
    found = [positions[hit.record.content_id] for hit in hits]
    return [position for position in found if position != left_out]


def _record(picture: Labelled) -> Record:
    """Only its key matters here."""
    path = f"images/{picture.id[:2]}/{picture.id}.jpg"
    return Record(picture.id, path, picture.name, "JPEG", 0, 0, 0, "", "evaluation")


def _figures(columns: Sequence[str], values: Values) -> Json:
    return {
        name: {"value": round(each.value, 6), "low": round(each.low, 6), "high": round(each.high, 6)}
        for name, each in zip(columns, intervals(values), strict=True)
    }


# The report


def _report(models: Sequence[_Model], gathered: Gathered, order: EvaluationConfig, source: str) -> Json:
    pictures = gathered.pictures
    labels = _labels([model.encoder for model in models])
    shown: set[int] = set()
    reports = [_model_report(model, label, pictures, order, shown) for model, label in zip(models, labels, strict=True)]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "source": source,
        "pictures": len(pictures),
        "classes": len({picture.label for picture in pictures} - {""}),
        "captions": len({picture.caption for picture in pictures} - {""}),
        "left_out": dict(gathered.left_out),
        "metrics": models[0].columns,
        "interval": {"level": LEVEL, "resamples": RESAMPLES, "seed": SEED, "resampled": "queries"},
        "models": reports,
        "differences": _differences(models, labels),
        "icons": _icons(pictures, shown),
    }


def _labels(encoders: Sequence[Encoder]) -> list[str]:
    """The names; two sets of weights under one name are told apart."""
    names = Counter(encoder.info.name for encoder in encoders)
    return [
        f"{info.name} {info.fingerprint[:6]}" if names[info.name] > 1 else info.name
        for info in (encoder.info for encoder in encoders)
    ]


def _model_report(
    model: _Model, label: str, pictures: Sequence[Labelled], order: EvaluationConfig, shown: set[int]
) -> Json:
    info = model.encoder.info
    return {
        "model": label,
        "name": info.name,
        "fingerprint": info.fingerprint,
        "dim": info.dim,
        "device": info.device,
        "dtype": info.dtype,
        "index": model.index,
        "tasks": [
            {
                "queries": task.kind,
                "count": len(task.wanted),
                "exact": _figures(model.columns, found.values),
                "through_index": through,
                "worst": _worst(task, found, pictures, shown),
            }
            for task, found, through in zip(model.tasks, model.ranked, model.through_index, strict=True)
        ],
        "templates": _templates(model, order),
        "classes": _classes(model, pictures),
    }


def _templates(model: _Model, order: EvaluationConfig) -> Json | None:
    """What they gain over the bare class names: their average, and each alone."""
    bare, average = model.of(NAMES), model.of(TEMPLATED)
    if bare is None or average is None:
        return None
    return {
        "templates": list(order.templates),
        "gain": _figures(model.columns, average.values - bare.values),
        "alone": [
            {
                "template": template,
                "exact": _figures(model.columns, values),
                "gain": _figures(model.columns, values - bare.values),
            }
            for template, values in zip(order.templates, model.templates, strict=True)
        ],
    }


def _classes(model: _Model, pictures: Sequence[Labelled]) -> list[Json]:
    """A row for each class: by its name, by its templates, and the means over its pictures as queries."""
    classes = sorted({picture.label for picture in pictures} - {""})
    sizes = Counter(picture.label for picture in pictures)
    by_text = {kind: found for kind in (NAMES, TEMPLATED) if (found := model.of(kind))}
    by_picture = next((pair for pair in zip(model.tasks, model.ranked, strict=True) if pair[0].kind == PICTURES), None)
    rows = []
    for number, name in enumerate(classes):
        row: Json = {"class": name, "count": sizes[name]}
        row |= {kind: _row(model.columns, found.values[number]) for kind, found in by_text.items()}
        if by_picture and (its := by_picture[0].wanted == number).any():
            row[PICTURES] = _row(model.columns, by_picture[1].values[its].mean(axis=0))
        rows.append(row)
    return rows


def _row(columns: Sequence[str], values: NDArray[np.float64]) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in zip(columns, values, strict=True)}


def _worst(task: Task, found: _Ranked, pictures: Sequence[Labelled], shown: set[int]) -> list[Json]:
    """The queries of the lowest average precision, with what came first instead."""
    rows = []
    reciprocal_rank, precision = found.values[:, -3], found.values[:, -2]
    for query in np.lexsort((reciprocal_rank, precision))[:WORST]:
        best = [int(each) for each in found.best[query]]
        itself = None if task.selves is None else int(task.selves[query])
        shown.update(best if itself is None else [itself, *best])
        rows.append(
            {
                "text": task.texts[query] if itself is None else None,
                "picture": None if itself is None else _shown(pictures[itself]),
                "map": round(float(precision[query]), 6),
                "first": round(1 / reciprocal_rank[query]) if reciprocal_rank[query] else None,
                "results": [
                    {**_shown(pictures[each]), "score": round(float(score), 4), "right": bool(right)}
                    for each, score, right in zip(best, found.scores[query], found.first[query], strict=False)
                ],
            }
        )
    return rows


def _shown(picture: Labelled) -> Json:
    return {"id": picture.id, "name": picture.name, "label": picture.label or picture.caption}


def _differences(models: Sequence[_Model], labels: Sequence[str]) -> list[Json]:
    """Every further model against the first, on the same queries."""
    first = models[0]
    return [
        {
            "model": label,
            "against": labels[0],
            "queries": task.kind,
            "difference": _figures(model.columns, its.values - others.values),
        }
        for model, label in zip(models[1:], labels[1:], strict=True)
        for task, its, others in zip(model.tasks, model.ranked, first.ranked, strict=True)
    ]


def _icons(pictures: Sequence[Labelled], shown: set[int]) -> dict[str, str]:
    """Small JPEGs of the pictures that are named, since they need not be in the library."""
    icons: dict[str, str] = {}
    for position in sorted(shown):
        with suppress(OSError, LikenessError):
            icons[pictures[position].id] = b64encode(icon(decode(pictures[position].read()))).decode()
    return icons


def source_name(name: str) -> str:
    """Without the folder that it lies in on this machine."""
    return name if "://" in name else clean_name(name)
