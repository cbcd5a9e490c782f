"""Searches a collection for several at the same time, on Milvus Lite and on a server: each as if it were alone."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.milvus.clusters import NlistRule
from db.milvus.database import Milvus
from db.milvus.loaded import LoadedMilvusCollection
from db.milvus.own_rows import OwnRows
from library.ports import EncoderInfo
from library.running.together import Together
from library.search.filters import Condition, Filter
from library.visitors.combined_database import CombinedRows
from library.visitors.space_key import SpaceKey
from testing.gathering import Held, gathered
from testing.pictures import record, unit_vectors
from testing.waiting import until

DIM, ROWS = 8, 120
RECORDS = [record(number, metadata={"kept": number % 2 == 0, "count": number % 2}) for number in range(ROWS)]
VECTORS = unit_vectors(ROWS, DIM)
QUESTIONS = unit_vectors(6, DIM, seed=9)
KEPT, ONE = (Filter([Condition(field, "=", value)]) for field, value in (("kept", True), ("count", 1)))
EXACTLY_ONE, TRUE = Filter([Condition("kept", "=", 1)]), Filter([Condition("kept", "=", True)])
FILTERS = st.sampled_from([None, KEPT, ONE])
WAYS = st.tuples(st.integers(1, 9), st.sampled_from([None, 1, 3]), st.booleans(), FILTERS, st.integers(0, 5))


@pytest.fixture(scope="module", params=["lite", "server"])
def milvus(request, tmp_path_factory):
    uri = request.getfixturevalue("milvus_server").uri if request.param == "server" else None
    place = uri or tmp_path_factory.mktemp("together") / "milvus.db"
    milvus = Milvus(place, nlist=NlistRule(smallest=8), release_after=None, together=Together())
    yield milvus
    milvus.close()


@pytest.fixture(scope="module")
def encoder(milvus):
    info = EncoderInfo("together", uuid.uuid4().hex, DIM, "cpu", "float32")
    milvus.collection(info).upsert(RECORDS, VECTORS)
    return info


@pytest.fixture
def held(monkeypatch):
    held = Held(LoadedMilvusCollection._search)
    monkeypatch.setattr(LoadedMilvusCollection, "_search", lambda *given: held(*given))
    return held


def searched_together(milvus, encoder, asked, held):
    """Searches for each while the first is held, and returns the hits of each."""
    with milvus.collection(encoder).loaded() as index:
        return gathered(milvus.together, [partial(index.search, *each) for each in asked], held)


def alone(milvus, encoder, vector, *way):
    with milvus.collection(encoder).loaded() as index:
        return index.search_many(vector[np.newaxis], *way)[0]


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(way=WAYS, count=st.integers(2, len(QUESTIONS)))
def test_each_finds_what_they_find_alone(milvus, encoder, way, count):
    held = Held(LoadedMilvusCollection._search)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LoadedMilvusCollection, "_search", lambda *given: held(*given))
        answers = searched_together(milvus, encoder, [(each, *way) for each in QUESTIONS[:count]], held)
    for vector, hits in zip(QUESTIONS[:count], answers, strict=True):
        expected = alone(milvus, encoder, vector, *way)
        assert [hit.record for hit in hits] == [hit.record for hit in expected]
        assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in expected], abs=1e-6)


def test_those_who_search_alike_are_one_call(milvus, encoder, held, monkeypatch):
    sizes = []
    search_many = LoadedMilvusCollection.search_many

    def noted(index, vectors, *way):
        sizes.append(len(vectors))
        return search_many(index, vectors, *way)

    monkeypatch.setattr(LoadedMilvusCollection, "search_many", noted)
    before = milvus.collection(encoder).status().searches
    searched_together(milvus, encoder, [(each, 3, None, False) for each in QUESTIONS], held)
    assert sizes == [1, len(QUESTIONS) - 1]
    assert milvus.collection(encoder).status().searches - before == len(QUESTIONS)


@pytest.mark.parametrize(
    "other", [(3, None, False, KEPT), (3, None, True), (3, 1, False), (4, None, False), (3, None, False, None, 1)]
)
def test_who_searches_in_another_way_does_not_wait(milvus, encoder, other, held):
    with milvus.collection(encoder).loaded() as index, ThreadPoolExecutor(1) as threads:
        first = threads.submit(index.search, QUESTIONS[0], 3, None, False)
        until(held.begun.is_set)
        hits = index.search(QUESTIONS[1], *other)
        held.let_go.set()
    assert first.result() == alone(milvus, encoder, QUESTIONS[0], 3, None, False)
    assert hits == alone(milvus, encoder, QUESTIONS[1], *other)


def test_two_filters_never_answer_each_other_even_where_their_values_are_equal(milvus, encoder):
    assert EXACTLY_ONE == TRUE
    asked = [(each, 5, None, False, where) for where in (TRUE, EXACTLY_ONE) for each in QUESTIONS[:2]]
    together = Kinds(milvus.together)
    with milvus.collection(encoder).loaded() as index:
        index._together = together
        answers = [index.search(*each) for each in asked]
    assert len(together.kinds) == 2
    assert [len(hits) for hits in answers] == [5, 5, 0, 0]


class Kinds:
    """Notes the kinds of all questions."""

    def __init__(self, together):
        self._together = together
        self.kinds = set()

    def ask(self, kind, *others, **options):
        self.kinds.add(kind)
        return self._together.ask(kind, *others, **options)


def test_visitors_who_search_at_the_same_time_find_their_own_pictures_and_nobody_elses(milvus, encoder, held):
    rows = OwnRows(milvus)
    spaces = [SpaceKey(letter * 24, 10**12) for letter in "ab"]
    for number, space in enumerate(spaces):
        rows.of(space).collection(encoder).upsert([record(1_000 + number)], QUESTIONS[:1])

    def search(space):
        with milvus.collection(encoder).loaded() as shared, rows.of(space).collection(encoder).loaded() as own:
            return CombinedRows(shared, own).search(QUESTIONS[0], 3, None, False)

    answers = gathered(milvus.together, [partial(search, space) for space in [*spaces, *spaces]], held)
    for number, hits in enumerate(answers):
        own, *shared = [hit.record.content_id for hit in hits]
        assert own == record(1_000 + number % 2).content_id
        assert shared == [each.record.content_id for each in alone(milvus, encoder, QUESTIONS[0], 2, None, False)]
    rows.close()
