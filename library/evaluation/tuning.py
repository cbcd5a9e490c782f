"""Measures the recall and latency of approximate search for each nprobe, by texts and by pictures."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from library.errors import InvalidEvaluation
from library.ports import Hit, IndexStatus, LoadedCollection, Vectors
from library.search.query import MAX_LIMIT

TARGET = 0.99
K = 10
QUERIES = 100  # of each kind
MAX_QUERIES = 10_000
TIE = 1e-5  # scores that differ by less are the same

Kind = str  # "text" or "picture"
TEXT, PICTURE = "text", "picture"
OnProgress = Callable[[int, int], None]  # queries done, of how many


@dataclass(frozen=True)
class TuningConfig:
    """Describes what to measure: the first `k` results, the number of `queries` of each kind, and the recall to reach.

    `texts` are the queries of the person who asks; without them the library's own words serve.
    """

    k: int = K
    target: float = TARGET
    queries: int = QUERIES
    texts: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.k <= MAX_LIMIT - 1:
            raise InvalidEvaluation("tuning_k", k=self.k, most=MAX_LIMIT - 1)
        if not 0 < self.target <= 1:
            raise InvalidEvaluation("tuning_target", target=self.target)
        if not 1 <= self.queries <= MAX_QUERIES:
            raise InvalidEvaluation("tuning_queries", queries=self.queries, most=MAX_QUERIES)


@dataclass(frozen=True)
class Step:
    """Holds the figures of one nprobe, by kind of query.

    `recall` is the mean share of the exact first k that is found, `milliseconds` the median of a search.
    """

    nprobe: int
    recall: dict[Kind, float]
    milliseconds: dict[Kind, float]


@dataclass(frozen=True)
class Tuning:
    """Holds the figures that were measured on one collection, and what they suggest."""

    collection: str
    rows: int
    nlist: int
    backend: str
    k: int
    target: float
    queries: dict[Kind, int]
    texts_from: dict[str, int]  # how many texts came from where
    present: int  # what Automatic looks into now
    exact: dict[Kind, float]  # milliseconds
    steps: list[Step] = field(default_factory=list)

    @property
    def suggested(self) -> Step | None:
        """Returns the step with the fewest clusters that reaches the target for both kinds."""
        return next((step for step in self.steps if min(step.recall.values()) >= self.target), None)

    @property
    def sentence(self) -> str:
        """Returns the suggestion as a sentence, with what it finds and how long that takes."""
        step = self.suggested
        if step is None:
            return f"No nprobe reaches {self.target:g} for both kinds: choose Exact."
        found = " and ".join(
            f"{step.recall[kind]:.3f} for {kind}s at {step.milliseconds[kind]:.1f} ms" for kind in self.queries
        )
        return f"nprobe {step.nprobe} gives {found}."

    @property
    def gain(self) -> str:
        """Returns what the suggestion saves beside comparing with every picture."""
        step = self.suggested
        if step is None:
            return ""
        fast, slow = max(step.milliseconds.values()), max(self.exact.values())
        if fast > 0.8 * slow:
            return f"An exact search takes {slow:.1f} ms here: a smaller nprobe saves little."
        return f"An exact search takes {slow:.1f} ms."


def ladder(nlist: int) -> list[int]:
    """Returns the numbers of clusters to measure: 1, 2, 3, 4, 6, 8, 12, 16, 24, … up to every cluster."""
    powers = [1 << exponent for exponent in range(nlist.bit_length())]
    rungs = {*powers, *(3 * power // 2 for power in powers if power > 1), nlist}
    return sorted(rung for rung in rungs if rung <= nlist)


def measure(
    index: LoadedCollection,
    status: IndexStatus,
    rows: int,
    queries: dict[Kind, Vectors],
    texts_from: dict[str, int],
    config: TuningConfig,
    on_progress: OnProgress = lambda *_: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Tuning | None:
    """Measures exact search and each nprobe. Returns None when it was stopped.

    One search follows the other, so that the times are those of a single query. Pictures are queries for the others:
    their first result would be themselves.
    """
    rungs = ladder(status.nlist)
    progress = _Progress(sum(map(len, queries.values())) * (1 + len(rungs)), on_progress, should_stop)
    truth: dict[Kind, list[list[Hit]]] = {}
    exact: dict[Kind, float] = {}
    for kind, vectors in queries.items():
        _answers(index, vectors[:1], kind, config.k, None)  # the first search after a load is slower
        truth[kind], exact[kind] = _answers(index, vectors, kind, config.k, None, progress)
    steps: list[Step] = []
    for nprobe in rungs:
        if (step := _step(index, queries, truth, nprobe, config.k, progress)) is None:
            return None
        steps.append(step)
    return Tuning(
        collection=status.collection,
        rows=rows,
        nlist=status.nlist,
        backend=status.backend,
        k=config.k,
        target=config.target,
        queries={kind: len(vectors) for kind, vectors in queries.items()},
        texts_from=texts_from,
        present=min(status.nprobe or status.nlist, status.nlist),
        exact=exact,
        steps=steps,
    )


def _step(
    index: LoadedCollection,
    queries: dict[Kind, Vectors],
    truth: dict[Kind, list[list[Hit]]],
    nprobe: int,
    k: int,
    progress: "_Progress",
) -> Step | None:
    """Measures one nprobe; returns None when it was stopped."""
    recall, milliseconds = {}, {}
    for kind, vectors in queries.items():
        found, milliseconds[kind] = _answers(index, vectors, kind, k, nprobe, progress)
        if progress.should_stop():
            return None
        recall[kind] = recall_of(found, truth[kind])
    return Step(nprobe, recall, milliseconds)


class _Progress:
    def __init__(self, total: int, on_progress: OnProgress, should_stop: Callable[[], bool]) -> None:
        self._total = total
        self._on_progress = on_progress
        self._done = 0
        self.should_stop = should_stop

    def step(self) -> None:
        self._done += 1
        self._on_progress(self._done, self._total)


def _answers(
    index: LoadedCollection, vectors: Vectors, kind: Kind, k: int, nprobe: int | None, progress: _Progress | None = None
) -> tuple[list[list[Hit]], float]:
    """Returns the first k of each, and the median milliseconds; `nprobe=None` is exact."""
    answers, times = [], []
    extra = 1 if kind == PICTURE else 0
    for vector in vectors:
        if progress and progress.should_stop():
            break
        started = time.perf_counter()
        hits = index.search(vector, k + extra, nprobe, nprobe is None)
        times.append(1000 * (time.perf_counter() - started))
        answers.append(hits[:k] if not extra else _others(hits, k))
        if progress:
            progress.step()
    return answers, statistics.median(times) if times else 0.0


def _others(hits: Sequence[Hit], k: int) -> list[Hit]:
    """Leaves out the query itself, which is the best hit where its cluster was searched."""
    own = 1 if hits and hits[0].score >= 1 - TIE else 0
    return list(hits[own : own + k])


def recall_of(found: Iterable[Sequence[Hit]], truth: Iterable[Sequence[Hit]]) -> float:
    """Returns the mean share of the exact results that were found; what ties with the last of them counts too."""
    shares = [_share(ours, exact) for ours, exact in zip(found, truth, strict=True) if exact]
    return float(np.mean(shares)) if shares else 1.0


def _share(found: Sequence[Hit], exact: Sequence[Hit]) -> float:
    worst = min(hit.score for hit in exact)
    return min(sum(hit.score >= worst - TIE for hit in found), len(exact)) / len(exact)


def check_enough(rows: int, config: TuningConfig) -> None:
    """Checks that the library has enough pictures to measure with. Raises InvalidEvaluation."""
    if not rows:
        raise InvalidEvaluation("nothing_to_measure")
    if rows <= config.k:
        raise InvalidEvaluation("too_few_to_tune", k=str(config.k), rows=rows)
