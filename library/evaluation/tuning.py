"""The meter of exact against IVF: recall and latency over a ladder of nprobe, for texts and for pictures."""

import re
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import PurePosixPath

import numpy as np

from library.errors import InvalidEvaluation
from library.evaluation.metrics import SEED
from library.ports import Encoder, Hit, ImageStore, IndexStatus, LoadedCollection, Vector, Vectors
from library.records import Record
from library.search.parts import clean_text
from library.search.query import MAX_LIMIT

TARGET = 0.99
K = 10
QUERIES = 100  # of each kind
LOOKED_THROUGH = 1_000  # records whose words may serve as texts
TIE = 1e-5  # scores that differ by less are the same
LONGEST_TEXT = 80
THINGS = ("a dog", "a red car", "two people", "a house", "a bridge", "flowers", "a boat", "a bird", "a child", "food")
PLACES = ("in the snow", "by the sea", "at night", "in a city", "in a forest", "on a table", "at sunset", "in the rain")
EVERYDAY = tuple(f"{thing} {place}" for thing, place in product(THINGS, PLACES))

Kind = str  # "text" or "picture"
TEXT, PICTURE = "text", "picture"
OnProgress = Callable[[int, int], None]  # queries done, of how many


@dataclass(frozen=True)
class TuningConfig:
    """`texts` are the queries of the person who asks; without them the library's own words serve."""

    k: int = K
    target: float = TARGET
    queries: int = QUERIES
    texts: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.k <= MAX_LIMIT - 1:
            raise InvalidEvaluation(f"k is {self.k}: 1 to {MAX_LIMIT - 1} results can be compared.")
        if not 0 < self.target <= 1:
            raise InvalidEvaluation(f"The target is {self.target}: a recall above 0 and up to 1 is possible.")
        if not 1 <= self.queries <= 10_000:
            raise InvalidEvaluation(f"{self.queries} queries cannot be measured: 1 to 10000 of each kind are possible.")


@dataclass(frozen=True)
class Step:
    """`recall` by kind is the mean share of the exact first k that is found; `milliseconds` the median of a search."""

    nprobe: int
    recall: dict[Kind, float]
    milliseconds: dict[Kind, float]


@dataclass(frozen=True)
class Tuning:
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
        """The fewest clusters that reach the target for both kinds."""
        return next((step for step in self.steps if min(step.recall.values()) >= self.target), None)

    @property
    def sentence(self) -> str:
        step = self.suggested
        if step is None:
            return f"No nprobe reaches {self.target:g} for both kinds: choose Exact."
        found = " and ".join(
            f"{step.recall[kind]:.3f} for {kind}s at {step.milliseconds[kind]:.1f} ms" for kind in self.queries
        )
        return f"nprobe {step.nprobe} gives {found}."

    @property
    def gain(self) -> str:
        """What the suggestion saves beside comparing with every picture."""
        step = self.suggested
        if step is None:
            return ""
        fast, slow = max(step.milliseconds.values()), max(self.exact.values())
        if fast > 0.8 * slow:
            return f"An exact search takes {slow:.1f} ms here: a smaller nprobe saves little."
        return f"An exact search takes {slow:.1f} ms."


def ladder(nlist: int) -> list[int]:
    """1, 2, 3, 4, 6, 8, 12, 16, 24, … up to every cluster."""
    powers = [1 << exponent for exponent in range(nlist.bit_length())]
    rungs = {*powers, *(3 * power // 2 for power in powers if power > 1), nlist}
    return sorted(rung for rung in rungs if rung <= nlist)


def measure(
    index: LoadedCollection,
    status: IndexStatus,
    rows: int,
    queries: dict[Kind, Vectors],
    texts_from: dict[str, int],
    wish: TuningConfig,
    on_progress: OnProgress = lambda *_: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Tuning | None:
    """One search after the other, so that the times are those of a single query. None when it was stopped.

    Pictures are queries for the others: their first result would be themselves.
    """
    rungs = ladder(status.nlist)
    progress = _Progress(sum(map(len, queries.values())) * (1 + len(rungs)), on_progress, should_stop)
    truth: dict[Kind, list[list[Hit]]] = {}
    exact: dict[Kind, float] = {}
    for kind, vectors in queries.items():
        _answers(index, vectors[:1], kind, wish.k, None)  # the first search after a load is slower
        truth[kind], exact[kind] = _answers(index, vectors, kind, wish.k, None, progress)
    steps = []
    for nprobe in rungs:
        recall, milliseconds = {}, {}
        for kind, vectors in queries.items():
            found, milliseconds[kind] = _answers(index, vectors, kind, wish.k, nprobe, progress)
            recall[kind] = recall_of(found, truth[kind])
        if should_stop():
            return None
        steps.append(Step(nprobe, recall, milliseconds))
    return Tuning(
        collection=status.collection,
        rows=rows,
        nlist=status.nlist,
        backend=status.backend,
        k=wish.k,
        target=wish.target,
        queries={kind: len(vectors) for kind, vectors in queries.items()},
        texts_from=texts_from,
        present=min(status.nprobe or status.nlist, status.nlist),
        exact=exact,
        steps=steps,
    )


class _Progress:
    def __init__(self, total: int, on_progress: OnProgress, should_stop: Callable[[], bool]) -> None:
        self._total = total
        self._tell = on_progress
        self._done = 0
        self.should_stop = should_stop

    def step(self) -> None:
        self._done += 1
        self._tell(self._done, self._total)


def _answers(
    index: LoadedCollection, vectors: Vectors, kind: Kind, k: int, nprobe: int | None, progress: _Progress | None = None
) -> tuple[list[list[Hit]], float]:
    """The first k of each, and the median milliseconds; `nprobe=None` is exact."""
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
    """Without the query itself, which is the best hit where its cluster was searched."""
    own = 1 if hits and hits[0].score >= 1 - TIE else 0
    return list(hits[own : own + k])


def recall_of(found: Iterable[Sequence[Hit]], truth: Iterable[Sequence[Hit]]) -> float:
    """The mean share of the exact results that are among those found; what ties with the last of them counts too."""
    shares = [_share(ours, exact) for ours, exact in zip(found, truth, strict=True) if exact]
    return float(np.mean(shares)) if shares else 1.0


def _share(found: Sequence[Hit], exact: Sequence[Hit]) -> float:
    worst = min(hit.score for hit in exact)
    return min(sum(hit.score >= worst - TIE for hit in found), len(exact)) / len(exact)


def check_enough(rows: int, wish: TuningConfig) -> None:
    """Raises InvalidEvaluation."""
    if rows <= wish.k:
        raise InvalidEvaluation(
            f"recall@{wish.k} needs more than {wish.k} pictures and the library has {rows}: add pictures, or choose a "
            "smaller k."
            if rows
            else "There are no searchable pictures to measure with: add some first."
        )


# What is asked


def queries_of(
    store: ImageStore, index: LoadedCollection, encoder: Encoder, wish: TuningConfig, asked: Sequence[str]
) -> tuple[dict[Kind, Vectors], dict[str, int]]:
    """The vectors of the texts and of stored pictures, and where the texts come from. `asked` are recent searches.

    Raises InvalidEvaluation for an empty library.
    """
    records = _sampled(store, max(wish.queries, LOOKED_THROUGH))
    stored = _vectors(index, records, wish.queries)
    if not stored:
        raise InvalidEvaluation("There are no searchable pictures to measure with: add some first.")
    texts, texts_from = texts_of(records, wish, asked)
    return {TEXT: encoder.encode_texts(texts), PICTURE: np.stack(stored)}, texts_from


def _sampled(store: ImageStore, count: int) -> list[Record]:
    ids = store.ids()
    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(len(ids))[:count]
    return store.find_all([ids[position] for position in chosen])


def _vectors(index: LoadedCollection, records: Sequence[Record], count: int) -> list[Vector]:
    found: list[Vector] = []
    for start in range(0, len(records), count):
        paths = [record.img_path for record in records[start : start + count]]
        vectors = index.vectors(paths)
        found += [vectors[id] for id in sorted(vectors)]
        if len(found) >= count:
            break
    return found[:count]


def texts_of(records: Sequence[Record], wish: TuningConfig, asked: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """Those given, or else those asked lately, the words kept with the pictures, and everyday ones."""
    if given := _distinct(wish.texts):
        return given[: wish.queries], {"given": min(len(given), wish.queries)}
    texts: list[str] = []
    texts_from: dict[str, int] = {}
    for source, offered in (("asked", asked), ("pictures", _words(records)), ("everyday", EVERYDAY)):
        more = [text for text in _distinct(offered) if text not in texts][: wish.queries - len(texts)]
        texts += more
        if more:
            texts_from[source] = len(more)
    return texts, texts_from


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(clean_text, texts))))


def _words(records: Sequence[Record]) -> Iterator[str]:
    """Texts kept with the pictures, the folders they came from, and names that say something: not IMG_2041."""
    for record in records:
        folder = PurePosixPath(record.source).parent.name
        yield from [folder.replace("_", " ")] if _is_text(folder) else []
        yield from (str(value).replace("_", " ") for value in record.metadata.values() if _is_text(value))
        name = re.sub(r"[\W\d_]+", " ", record.name.rpartition(".")[0]).strip()
        if len(re.findall(r"[^\W\d_]{3,}", name)) >= 2:
            yield name[:LONGEST_TEXT]


def _is_text(value: object) -> bool:
    """No address, date or number."""
    return (
        isinstance(value, str)
        and len(value) <= LONGEST_TEXT
        and "://" not in value
        and bool(re.search(r"[^\W\d_]{3,}", value))
        and not re.search(r"\d{4}-\d\d-\d\d", value)
    )
