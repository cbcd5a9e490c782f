"""Measures how good a ranking is: recall@k, MRR and mAP, with intervals from resampled queries."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.ports import Vectors

RESAMPLES = 2_000
LEVEL = 0.95
SEED = 20_260_101
SCORES_AT_ONCE = 4_000_000  # some 100 MB with their order
RESAMPLED_AT_ONCE = 200

Flags = NDArray[np.bool_]  # (queries, depth): whether the picture at this rank is relevant
Values = NDArray[np.float64]  # (queries, metrics)
Positions = NDArray[np.intp]
Json = dict[str, Any]


@dataclass(frozen=True)
class Interval:
    """Holds a mean with the bounds of its confidence interval."""

    value: float
    low: float
    high: float


def ranked(
    queries: Vectors, pictures: Vectors, leave_out: Positions | None = None
) -> Iterator[tuple[int, Positions, Vectors]]:
    """Ranks all pictures for each query, some queries at a time.

    Yields the number of the first query, the positions of the pictures from the most similar one on, and their scores.

    `leave_out` names one picture for each query that is not to be found: itself. Equal scores keep the order of the
    pictures, so put these in an order that says nothing of what is relevant.
    """
    together = max(1, SCORES_AT_ONCE // len(pictures))
    for start in range(0, len(queries), together):
        scores = queries[start : start + together] @ pictures.T
        if leave_out is not None:
            scores[np.arange(len(scores)), leave_out[start : start + together]] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")
        if leave_out is not None:
            order = order[:, :-1]
        yield start, order, np.take_along_axis(scores, order, axis=1)


def names_of(cutoffs: Sequence[int], depth: int | None = None) -> list[str]:
    """Returns the names of the columns of `measured`, for rankings of that depth or of all pictures."""
    return [*(f"recall@{k}" for k in cutoffs), "mrr", f"map@{depth}" if depth else "map"]


def measured(flags: Flags, relevant: NDArray[np.integer], cutoffs: Sequence[int]) -> Values:
    """Returns a row of figures for each query. `relevant` is how many pictures could be found, 1 or more.

    recall@k is 1 where at least one relevant picture is among the first k, else 0, as in cross-modal retrieval and
    metric learning (https://arxiv.org/abs/1511.06452). It is not the share of the relevant ones.
    mrr is one divided by the rank of the first relevant picture. map is the average precision: the mean, over the
    relevant pictures, of the precision at their rank (https://nlp.stanford.edu/IR-book, section 8.4). Those that lie
    beyond the depth of the ranking count 0; where that is less than `relevant`, the depth takes its place.
    """
    depth = flags.shape[1]
    ranks = np.arange(1, depth + 1)
    precision = np.cumsum(flags, axis=1) / ranks
    average = (precision * flags).sum(axis=1) / np.minimum(relevant, depth)
    first = np.where(flags.any(axis=1), 1 / (flags.argmax(axis=1) + 1), 0.0)
    return np.column_stack([*(flags[:, :k].any(axis=1) for k in cutoffs), first, average])


def intervals(values: Values, resamples: int = RESAMPLES, seed: int = SEED) -> list[Interval]:
    """Returns the mean of each column with its percentile interval over resampled queries.

    Given the differences of two rankings on the same queries it is the interval of the difference.
    """
    count = len(values)
    rng = np.random.default_rng(seed)
    means = []
    for start in range(0, resamples, RESAMPLED_AT_ONCE):
        times_drawn = rng.multinomial(count, np.full(count, 1 / count), min(RESAMPLED_AT_ONCE, resamples - start))
        means.append(times_drawn @ values / count)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail], axis=0)
    return [Interval(*map(float, each)) for each in zip(values.mean(axis=0), low, high, strict=True)]


def figures(columns: Sequence[str], values: Values) -> Json:
    """Returns the mean and the interval of each column by its name, as JSON can hold them."""
    return {
        name: {"value": round(each.value, 6), "low": round(each.low, 6), "high": round(each.high, 6)}
        for name, each in zip(columns, intervals(values), strict=True)
    }
