"""Compares how well two measures separate queries with a match from those without, and how sure that is."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 5000


class Best(NamedTuple):
    """Holds both measures, score and z, of the best hit of a query."""

    z: float
    score: float


class Comparison(NamedTuple):
    """Holds the AUROC of the calibrated measure, that of the raw score, and the 95 % interval of the difference."""

    calibrated: float
    raw: float
    low: float
    high: float
    fewer_errors: float  # at least, with the same certainty: pairs in the wrong order by the raw score / by z


def compared(present: Sequence[Best], absent: Sequence[Best], resamples: int = RESAMPLES) -> Comparison:
    by_z = ordered(lambda each: each.z, present, absent)
    by_score = ordered(lambda each: each.score, present, absent)
    rng = np.random.default_rng(0)
    differences, ratios = [], []
    for _ in range(resamples):
        some = np.ix_(rng.integers(0, len(present), len(present)), rng.integers(0, len(absent), len(absent)))
        z, score = by_z[some].mean(), by_score[some].mean()
        differences.append(z - score)
        ratios.append((1 - score) / max(1 - z, 1e-6))
    low, high = np.quantile(differences, [0.025, 0.975])
    fewer_errors = np.quantile(ratios, 0.025)
    return Comparison(float(by_z.mean()), float(by_score.mean()), float(low), float(high), float(fewer_errors))


def ordered(measure: Callable[[Best], float], present: Sequence[Best], absent: Sequence[Best]) -> np.ndarray:
    """Returns 1 for each pair where the query with a match measures more, ½ where equal; the mean is the AUROC."""
    high, low = np.array([measure(each) for each in present]), np.array([measure(each) for each in absent])
    return np.where(high[:, None] > low, 1.0, np.where(high[:, None] == low, 0.5, 0.0))
