"""Says how far a hit stands out: its score beside the best ones that queries which mean nothing get here.

Scores of different queries cannot be compared: one text lies near every picture, another near none. So two things are
measured in each collection. A query's *baseline score* is the median of its scores against the sample, about 2,000
pictures. And `NULLS` queries that mean nothing search the whole collection: their best scores, and how these rise
with their baseline scores, which a straight line describes, say what chance alone finds. For a hit,

    z = (score - what the line expects for the query's baseline score) / spread of the meaningless queries around it

Since the best hit of a meaningless query is what is compared with, a larger collection asks for a higher score.

Texts are compared with made-up words, in the phrasings that people use; pictures with blends of three pictures of the
sample, which look like none; mixes of both with equal mixes of those, whatever their weights.

Limits. The made-up words stand for all texts without a match. What is missing but looks like something that is there
("zebra" among okapis) scores better than they do: benchmarks/RESULTS.md has how often, for the bundled CLIP and its
classes; nothing was measured with another model. The spread of 128 queries is itself known to about 6 %, and
percentiles are steps of 1/128. A filter leaves fewer pictures than the line was drawn for, which makes z too low; so
does a search that looks into fewer clusters than the automatic one. Fewer than `FEWEST` pictures say nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from library.images import ContentId
from library.ports import LoadedCollection, Vector, Vectors

SAMPLE = 2000
FEWEST = 50
NULLS = 128
BLENDED = 3
CONFIDENT = 1.645  # one in twenty, where the best scores of meaningless queries are spread as a normal curve is
STANDS_OUT = 3.0

QueryKind = Literal["text", "picture", "mix"]
Words = Literal["stands out", "likely", "weak"]

CONSONANTS = "bdfghjklmnprstvwz"
VOWELS = ("a", "e", "i", "o", "u", "oo", "ee", "au", "ai")
ENDINGS = ("b", "ck", "ff", "g", "lm", "mp", "n", "ng", "rk", "sh", "st", "zz")
PHRASINGS = ("{}", "{} {}", "a {}", "a photo of a {}", "a picture of a {}", "the {} and the {}", "a {} {} photo", "{}")


@dataclass(frozen=True)
class Relevance:
    """Says how far a hit stands out. `percentile` is the share of meaningless queries, in percent, whose best hit
    does less."""

    words: Words
    z: float
    percentile: float


@dataclass(frozen=True)
class Scale:
    """Holds the straight line through the best scores of meaningless queries over their baseline scores."""

    slope: float
    level: float
    spread: float
    deviations: NDArray[np.float64]  # of those queries, in spreads, rising

    def relevance(self, score: float, baseline_score: float) -> Relevance:
        """Returns how far a score of a query stands out, given the query's baseline score."""
        z = (score - self.level - self.slope * baseline_score) / self.spread
        below = int(np.searchsorted(self.deviations, z))
        return Relevance(_words(z), z, 100 * below / len(self.deviations))


@dataclass(frozen=True)
class NullModel:
    """Holds a sample of the vectors of one collection, and the scales of meaningless queries against it."""

    ids: Sequence[ContentId]
    vectors: Vectors  # of the sample
    scales: dict[QueryKind, Scale]

    def relevance(
        self, kind: QueryKind, vector: Vector, scores: Sequence[float], parts: Collection[ContentId] = ()
    ) -> list[Relevance]:
        """Returns how far each score of a query stands out; nothing where that is not known.

        Pictures in `parts` do not count.
        """
        if kind not in self.scales or len(self.ids) < FEWEST or not scores:
            return []
        baseline_score = self.baseline_score(vector, parts)
        return [self.scales[kind].relevance(score, baseline_score) for score in scores]

    def baseline_score(self, vector: Vector, parts: Collection[ContentId] = ()) -> float:
        """Returns the baseline score of a query: the median of its scores against the sample."""
        scores = np.einsum("ij,j->i", self.vectors, vector)  # on one core: waiting for another takes longer
        if parts:
            scores = scores[[id not in parts for id in self.ids]]
        return float(np.median(scores))

    def without(self, ids: set[ContentId]) -> "NullModel":
        """Returns this null model without the given pictures in its sample."""
        kept = [place for place, id in enumerate(self.ids) if id not in ids]
        return NullModel([self.ids[place] for place in kept], self.vectors[kept], self.scales)


def is_confident(relevances: Sequence[Relevance]) -> bool | None:
    """Returns whether any hit stands out; None where nothing is known."""
    return any(each.z >= CONFIDENT for each in relevances) if relevances else None


def sample_of(ids: Sequence[ContentId]) -> list[ContentId]:
    """Returns the pictures with the lowest IDs: as hashes they are a random sample, and the same one until pictures
    change."""
    return sorted(ids)[:SAMPLE]


def measured(index: LoadedCollection, ids: Sequence[ContentId], vectors: Vectors, texts: Vectors) -> NullModel:
    """Measures a null model. `ids` and `vectors` are the sample's, `texts` those of `meaningless_texts`."""
    if len(ids) < FEWEST:
        return NullModel(ids, vectors, {})
    parents = _triples(len(ids))
    blends = _unit_rows(vectors[parents].mean(axis=1))
    nulls: dict[QueryKind, Vectors] = {"text": texts, "picture": blends, "mix": _unit_rows(texts + blends)}
    scales: dict[QueryKind, Scale] = {}
    for kind, queries in nulls.items():
        own = [set() if kind == "text" else {ids[place] for place in places} for places in parents]
        best = _best(index, queries, own)
        baseline_score = np.median(queries @ vectors.T, axis=1)
        if scale := fitted(baseline_score, best):
            scales[kind] = scale
    return NullModel(ids, vectors, scales)


def fitted(baseline_score: NDArray[np.floating], best: NDArray[np.floating]) -> Scale | None:
    """Fits the line by least squares; None where there is no spread to measure with."""
    x, y = baseline_score.astype(np.float64), best.astype(np.float64)
    variance = float(np.var(x))
    slope = float(np.mean((x - x.mean()) * (y - y.mean()))) / variance if variance > 1e-8 else 0.0
    level = float(y.mean() - slope * x.mean())
    rest = y - level - slope * x
    spread = float(np.sqrt(np.sum(rest**2) / max(1, len(rest) - 2)))
    return Scale(slope, level, spread, np.sort(rest / spread)) if spread > 1e-6 else None


def meaningless_texts(count: int = NULLS) -> list[str]:
    """Returns made-up words in phrasings of every day, the same ones each time."""
    rng = Random(0)
    return [PHRASINGS[number % len(PHRASINGS)].format(_word(rng), _word(rng)) for number in range(count)]


def _word(rng: Random) -> str:
    return "".join(rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(rng.randint(2, 3))) + rng.choice(ENDINGS)


def _words(z: float) -> Words:
    return "stands out" if z >= STANDS_OUT else "likely" if z >= CONFIDENT else "weak"


def _triples(count: int) -> NDArray[np.intp]:
    rng = np.random.default_rng(0)
    return np.array([rng.choice(count, BLENDED, replace=False) for _ in range(NULLS)])


def _best(index: LoadedCollection, queries: Vectors, own: Sequence[set[ContentId]]) -> NDArray[np.float64]:
    """Returns for each query the best score among the pictures that it was not blended from."""
    found = index.nearest(queries, BLENDED + 1)
    return np.array(
        [
            max((score for id, score in scores.items() if id not in left_out), default=0.0)
            for scores, left_out in zip(found, own, strict=True)
        ]
    )


def _unit_rows(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(lengths, 1e-6)).astype(np.float32)
    return unit
