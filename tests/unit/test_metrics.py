"""Compares the metrics of rankings with figures that are counted plainly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.evaluation.metrics import intervals, measured, names_of, ranked
from testing.pictures import unit_vectors

RANKINGS = st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=6)


def counted(ranking: list[bool], relevant: int, cutoffs: list[int]) -> list[float]:
    """Computes the metrics by their textbook definitions."""
    hits = [float(any(ranking[:k])) for k in cutoffs]
    first = next((1 / rank for rank, right in enumerate(ranking, 1) if right), 0.0)
    precisions = [sum(ranking[:rank]) / rank for rank, right in enumerate(ranking, 1) if right]
    return [*hits, first, sum(precisions) / min(relevant, len(ranking))]


def test_a_case_worked_out_by_hand():
    """Checks a ranking with right pictures at ranks 2 and 4 of three: the precision is 1/2 at both."""
    flags = np.array([[False, True, False, True]])
    [[at_1, at_2, mrr, average]] = measured(flags, np.array([3]), [1, 2])
    assert (at_1, at_2, mrr) == (0, 1, 0.5)
    assert average == pytest.approx((1 / 2 + 2 / 4) / 3)


@given(RANKINGS, st.integers(0, 3))
def test_the_figures_are_those_of_a_plain_count(rankings, unfound):
    relevant = [max(1, sum(ranking) + unfound) for ranking in rankings]
    figures = measured(np.array(rankings), np.array(relevant), [1, 3])
    expected = [counted(ranking, count, [1, 3]) for ranking, count in zip(rankings, relevant, strict=True)]
    assert np.allclose(figures, expected)


@given(RANKINGS)
def test_nothing_is_better_than_all_that_is_right_first(rankings):
    relevant = np.array([max(1, sum(ranking)) for ranking in rankings])
    best = measured(np.array([sorted(ranking, reverse=True) for ranking in rankings]), relevant, [1, 3])
    assert np.all(measured(np.array(rankings), relevant, [1, 3]) <= best + 1e-12)


def test_every_column_has_a_name():
    assert names_of([1, 5]) == ["recall@1", "recall@5", "mrr", "map"]
    assert names_of([1], depth=100)[-1] == "map@100"


def test_a_ranking_is_by_cosine_and_leaves_the_query_out():
    pictures = unit_vectors(20, 8)
    [(start, order, scores)] = ranked(pictures, pictures, np.arange(20))
    assert (start, order.shape) == (0, (20, 19))
    for query, row in enumerate(order):
        others = [each for each in range(20) if each != query]
        assert list(row) == sorted(others, key=lambda each: -float(pictures[query] @ pictures[each]))
    assert np.all(np.diff(scores, axis=1) <= 0)


def test_rankings_in_parts_are_the_same(monkeypatch):
    pictures, queries = unit_vectors(30, 8), unit_vectors(7, 8, seed=1)
    [(_, whole, _)] = ranked(queries, pictures)
    monkeypatch.setattr("library.evaluation.metrics.SCORES_AT_ONCE", 60)
    parts = list(ranked(queries, pictures))
    assert [start for start, *_ in parts] == [0, 2, 4, 6]
    assert np.array_equal(np.concatenate([order for _, order, _ in parts]), whole)


# Intervals


def test_an_interval_lies_around_its_mean_and_is_the_same_every_time():
    values = np.random.default_rng(0).random((50, 2))
    first, second = intervals(values), intervals(values)
    assert first == second
    for column, interval in enumerate(first):
        assert interval.low < interval.value < interval.high
        assert interval.value == pytest.approx(values[:, column].mean())


def test_an_interval_has_the_width_that_the_normal_law_foresees():
    values = np.random.default_rng(0).standard_normal((400, 1))
    [interval] = intervals(values)
    expected = 2 * 1.96 * values.std() / np.sqrt(400)
    assert interval.high - interval.low == pytest.approx(expected, rel=0.1)


def test_one_query_gives_an_interval_without_width():
    [interval] = intervals(np.array([[0.25]]))
    assert (interval.low, interval.value, interval.high) == (0.25, 0.25, 0.25)


def test_paired_differences_are_narrower_than_the_models_are_apart():
    """Checks that pairing shows a small steady gain, where the same queries are hard for both models."""
    first = np.random.default_rng(0).random((60, 1))
    second = first + 0.01
    [gain] = intervals(second - first)
    assert 0 < gain.low == pytest.approx(gain.high)
    [one], [other] = intervals(first), intervals(second)
    assert other.low < one.high
