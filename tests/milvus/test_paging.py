"""Turns pages of results, far down, in every order: on the fake, on Milvus Lite and on a server."""

import time
import uuid

import numpy as np
import pytest

from db.milvus.clusters import NlistRule
from db.milvus.database import Milvus
from db.milvus.stable_page import followed_by
from library.errors import InvalidFilter
from library.image_library import ImageLibrary
from library.ports import EncoderInfo, Hit
from library.search.filters import Condition, Filter
from library.search.paging import page_of
from library.search.parts import LibraryPart, TextPart
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryDatabase, ready
from testing.pictures import item, record, unit_vectors

DIM = 8
ROWS = 325
LIMIT = 6
PAGES = 50
EVEN = Filter([Condition("is even", "=", True), Condition("number", ">=", 10)])

# Every vector three times: pictures that a model cannot tell apart have equal scores.
VECTORS = np.repeat(unit_vectors(ROWS // 3 + 1, DIM), 3, axis=0)[:ROWS]
RECORDS = [
    record(
        number,
        name=f"{number * 7919 % ROWS}.png",
        bytes=number * 31 % 97,
        added=f"2026-01-{1 + number * 13 % 28:02}T00:00:00.000000Z",
        metadata={"number": number, "is even": number % 2 == 0},
    )
    for number in range(ROWS)
]
QUESTION = unit_vectors(1, DIM, seed=9)[0]


@pytest.fixture(scope="module", params=["memory", "lite", "server"])
def index(request, tmp_path_factory):
    database: MemoryDatabase | Milvus = MemoryDatabase()
    if request.param != "memory":
        uri = request.getfixturevalue("milvus_server").uri if request.param == "server" else None
        database = Milvus(uri or tmp_path_factory.mktemp("paging") / "milvus.db", release_after=None)
    collection = database.collection(EncoderInfo("paging", uuid.uuid4().hex, DIM, "cpu", "float32"))
    collection.upsert(RECORDS, VECTORS)
    with collection.loaded() as index:
        yield index
    database.close()


def paths(hits):
    return [hit.record.img_path for hit in hits]


def test_fifty_pages_share_no_picture_and_miss_none(index):
    pages = [index.search(QUESTION, LIMIT, None, False, None, LIMIT * page) for page in range(PAGES)]
    hits = [hit for page in pages for hit in page]
    assert len(set(paths(hits))) == PAGES * LIMIT
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    truth = np.sort(VECTORS @ QUESTION)[::-1][: len(hits)]
    assert scores == pytest.approx(truth.tolist(), abs=1e-4)


def test_fifty_pages_under_a_filter_are_all_that_match(index):
    pages = [index.search(QUESTION, 4, None, False, EVEN, 4 * page) for page in range(PAGES)]
    found = [path for page in pages for path in paths(page)]
    assert len(found) == len(set(found))
    assert set(found) == {record.img_path for record in RECORDS if EVEN.matches(record)}


def test_behind_the_last_page_there_is_nothing(index):
    assert len(index.search(QUESTION, LIMIT, None, False, None, ROWS - 5)) == 5
    assert index.search(QUESTION, LIMIT, None, False, None, ROWS) == []
    assert len(index.search(QUESTION, 2 * ROWS)) == ROWS


def all_pages(index, left_out=(), **fields):
    found, has_more, offset = [], True, 0
    while has_more:
        parts = (TextPart("anything"), *map(LibraryPart, left_out))
        hits, has_more = page_of(index, QUESTION, Query(parts, limit=LIMIT, offset=offset, **fields))
        assert len(hits) == LIMIT or not has_more
        found += hits
        offset += LIMIT
    return found


def test_pictures_that_are_left_out_shift_no_page(index):
    whole = paths(index.search(QUESTION, ROWS))
    left_out = [RECORDS[number].content_id for number in (0, 175, 324)]
    kept = [path for path in whole if path not in {RECORDS[number].img_path for number in (0, 175, 324)}]
    assert paths(all_pages(index, left_out)) == kept


def test_pages_end_at_the_minimum_score(index):
    hits = all_pages(index, min_score=0.2)
    assert len(set(paths(hits))) == len(hits) == np.count_nonzero(VECTORS @ QUESTION >= 0.2)


@pytest.mark.parametrize(
    ("order", "key"),
    [
        ("name", lambda record: record.name),
        ("added", lambda record: [-ord(char) for char in record.added]),
        ("size", lambda record: -record.bytes),
    ],
)
def test_all_that_reach_a_minimum_score_are_sorted(index, order, key):
    hits = all_pages(index, order=order, min_score=0.3)
    assert len(set(paths(hits))) == np.count_nonzero(VECTORS @ QUESTION >= 0.3)
    assert [key(hit.record) for hit in hits] == sorted(key(hit.record) for hit in hits)
    by_rank = sorted(hits, key=lambda hit: hit.rank)
    assert [hit.rank for hit in by_rank] == [*range(1, len(hits) + 1)]
    assert [hit.score for hit in by_rank] == sorted((hit.score for hit in hits), reverse=True)


def test_without_a_minimum_score_each_page_is_sorted(index):
    by_score, _ = page_of(index, QUESTION, Query.of("anything", limit=LIMIT, offset=12))
    by_name, has_more = page_of(index, QUESTION, Query.of("anything", limit=LIMIT, offset=12, order="name"))
    assert sorted(paths(by_score)) == sorted(paths(by_name))
    assert [hit.record.name for hit in by_name] == sorted(hit.record.name for hit in by_score)
    assert {hit.record.name: hit.rank for hit in by_name} == {hit.record.name: hit.rank for hit in by_score}
    assert [hit.rank for hit in by_score] == [*range(13, 13 + LIMIT)]
    assert has_more


def test_a_picture_without_equals_is_found_at_once(index):
    assert len(index.search(QUESTION, 1)) == 1


# Where an index has clusters that an automatic search leaves out


def test_pages_go_on_where_the_clusters_that_were_looked_into_end(tmp_path, monkeypatch):
    monkeypatch.setattr("db.milvus.clusters.EXHAUSTIVE_ROWS", 100)
    milvus = Milvus(tmp_path / "milvus.db", nlist=NlistRule(smallest=64), release_after=None)
    collection = milvus.collection(EncoderInfo("clusters", uuid.uuid4().hex, DIM, "cpu", "float32"))
    collection.upsert(RECORDS, VECTORS)
    collection.flush()
    with collection.loaded() as index:
        # Until Lite has built its index in the background, it compares with every row.
        deadline = time.monotonic() + 20
        while len(index.search(QUESTION, ROWS, nprobe=1)) == ROWS and time.monotonic() < deadline:
            time.sleep(0.05)
        found = [path for page in range(60) for path in paths(index.search(QUESTION, LIMIT, offset=LIMIT * page))]
        under_filter = index.search(QUESTION, ROWS, where=EVEN)
    milvus.close()
    assert len(found) == len(set(found)) == ROWS
    assert set(paths(under_filter)) == {record.img_path for record in RECORDS if EVEN.matches(record)}


def test_what_other_clusters_hold_comes_after_what_was_there():
    hits = [Hit(record(number), number / 10) for number in range(6)]
    assert followed_by([hits[2], hits[0]], hits[::-1], 5) == [hits[2], hits[0], hits[5], hits[4], hits[3]]


# The library


@pytest.fixture
def album(store, picture) -> ImageLibrary:
    library = ImageLibrary(store, ready(ColourEncoder()), MemoryDatabase())
    colours = {"red": "c.png", "green": "a.png", "blue": "b.png"}
    sizes = {"red": (40, 30), "green": (60, 30), "blue": (50, 30)}
    items = [
        item(name, picture(colour, sizes[colour]), metadata={"colour": colour}) for colour, name in colours.items()
    ]
    list(library.add(items))
    return library


def names(found):
    return [record.name for record in found.records]


def test_a_filter_alone_lists_what_matches_newest_first(album):
    where = Filter([Condition("width", ">=", 50)])
    assert names(album.listed(where, "score", 0, 10)) == ["b.png", "a.png"]
    second = album.listed(where, "score", 1, 1)
    assert (names(second), second.total) == (["a.png"], 2)


def test_the_whole_library_can_be_listed_by_name(album):
    assert names(album.listed(None, "name", 0, 10)) == ["a.png", "b.png", "c.png"]
    assert names(album.listed(None, "score", 0, 10)) == ["b.png", "a.png", "c.png"]


def test_a_search_under_a_filter_finds_only_what_matches(album):
    where = Filter([Condition("colour", "!=", "red")])
    answer = album.search(Query.of("red", where=where))
    assert {hit.record.name for hit in answer.hits} == {"a.png", "b.png"}
    assert not answer.has_more
    assert album.search(Query.of("red", limit=1)).has_more


def test_a_field_that_no_picture_has_is_refused_with_those_there_are(album):
    where = Filter([Condition("color", "=", "red")])
    for ask in (lambda: album.search(Query.of("red", where=where)), lambda: album.listed(where, "score", 0, 10)):
        with pytest.raises(InvalidFilter) as raised:
            ask()
        assert str(raised.value) == (
            "No picture has a field 'color'; there are name, width, height, format, bytes, added, source, colour."
        )


def test_a_field_of_a_new_picture_is_offered(album, picture):
    assert [field.name for field in album.fields.all()][7:] == ["colour"]
    list(album.add([item("d.png", picture("red", (70, 30)), metadata={"stars": 5})]))
    assert [field.name for field in album.fields.all()][7:] == ["colour", "stars"]


def test_more_results_than_there_are_pictures_can_be_asked_for(album):
    assert len(album.search(Query.of("red", limit=200)).hits) == 3
