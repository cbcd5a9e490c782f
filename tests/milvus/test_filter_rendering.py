"""Compares filters as Milvus answers them, on Lite and on a server, with a plain evaluation in Python."""

import random
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.milvus.database import Milvus
from db.milvus.filters import expression
from db.milvus.server import Server
from library.ports import EncoderInfo
from library.records import Record
from library.search.filters import BUILT_IN, Condition, Filter, value_kind
from testing.pictures import record, unit_vectors

ROWS = 200
NAMES = [
    "class",
    "stars",
    "a b",
    "a/b",
    "~0",
    'q"',
    "\\",
    "x] == 1 or meta[y",
    "日本",
    "tab\t",
    "nul\0",
    "\\u0041",
    "0",
]
CHARACTERS = "aAb1%_\\\"'\n\r\t\0\x7f[]{}$é写\u0301\u2028\ud7ff\ue000\U0001f44d\U0010ffff"
TEXTS = ["", "a", "ab", "a%", "a_", "1", "true", "\\u0041", "${a}", '" or true or "', "\U0010ffff", "a\U0010ffff"]
NUMBERS = [0, 1, -1, 2, 1.0, 0.5, -0.0, 1e-7, 5e-324, 1e15, 2**53 - 1, -(2**53) + 1, 123456789.125]
OTHERS = [2**53 + 1, 2**62, 1e300, [1], [], {"a": 1}, {}]  # may stand in a row, not in a condition
ADDED = [f"2026-0{month}-1{day}T0{hour}:00:00.00000{hour}Z" for month in (1, 2) for day in range(3) for hour in (0, 9)]
MOMENTS = ["2026-01-10", "2026-01-11", "2026-02-12", "2026-01-11T09:00:00.000009Z", "2026-01-11T10:00+01:00", *ADDED]


def random_record(number: int, rng: random.Random) -> Record:
    def text() -> str:
        return rng.choice([*TEXTS, "".join(rng.choices(CHARACTERS, k=rng.randrange(4)))])

    def value() -> object:
        return rng.choice([text(), text(), *rng.sample(NUMBERS, 2), True, False, rng.choice(OTHERS)])

    metadata = {name: value() for name in NAMES if rng.random() < 0.6}
    return record(
        number,
        name=rng.choice(["IMG_1.jpg", "IMG%2.jpg", f"{number}.png", "日本.png"]),
        width=rng.choice([1, 100, 1000, 4000]),
        format=rng.choice(["PNG", "JPEG"]),
        added=rng.choice(ADDED),
        source=rng.choice(["upload", "samples", "s3://bucket/a_b"]),
        metadata=metadata,
    )


RECORDS = [random_record(number, random.Random(number)) for number in range(ROWS)]

texts = st.one_of(st.sampled_from(TEXTS), st.text(st.sampled_from(CHARACTERS), max_size=3), st.text(max_size=3))
numbers = st.one_of(
    st.sampled_from(NUMBERS),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(-(2.0**52), 2.0**52),
)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    field = draw(st.sampled_from([*NAMES, *NAMES, *BUILT_IN]))
    kind = BUILT_IN.get(field) or draw(st.sampled_from(["text", "number", "true or false"]))
    values = {"text": texts, "number": numbers, "true or false": st.booleans(), "time": st.sampled_from(MOMENTS)}[kind]
    operators = ["=", "!=", "one of"] + (["<", "<=", ">", ">=", "between"] if kind != "true or false" else [])
    operator = draw(st.sampled_from([*operators, *(["starts with"] if kind in ("text", "time") else [])]))
    if operator == "one of":
        return Condition(field, operator, draw(st.lists(values, min_size=1, max_size=4)))
    if operator == "between":
        return Condition(field, operator, sorted(draw(st.lists(values, min_size=2, max_size=2)), key=in_time))
    return Condition(field, operator, draw(texts if operator == "starts with" else values))


def in_time(value: object) -> object:
    return Condition("added", "=", value).bounds()[0] if isinstance(value, str) and value in MOMENTS else value


filters = st.builds(Filter, st.lists(conditions(), min_size=1, max_size=4), st.sampled_from(["all", "any"]))


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Milvus]:
    milvus = Milvus(tmp_path_factory.mktemp("filters") / "milvus.db", release_after=None)
    yield milvus
    milvus.close()


@pytest.fixture(scope="module")
def server(milvus_server) -> Iterator[Milvus]:
    milvus = Milvus(milvus_server.uri, release_after=None)
    yield milvus
    milvus.close()


@pytest.fixture(scope="module", params=["lite", "server"])
def filled(request):
    milvus = request.getfixturevalue(request.param)
    collection = milvus.collection(EncoderInfo("filters", uuid.uuid4().hex, 8, "cpu", "float32"))
    collection.upsert(RECORDS, unit_vectors(ROWS, 8))
    with collection.loaded() as index:
        yield milvus, collection.status().collection, index


def keys(records: list[Record]) -> set[str]:
    return {record.img_path for record in records}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=filters)
def test_milvus_answers_what_a_plain_evaluation_finds(filled, where):
    milvus, name, index = filled
    truth = keys([record for record in RECORDS if where.matches(record)])
    assert keys(index.matching(where)) == truth
    rows = milvus.connection.client().query(
        name, filter=expression(where, milvus.backend.quote), output_fields=["img_path"], timeout=30
    )
    answered = {row["img_path"] for row in rows}
    if not isinstance(milvus.backend, Server):  # Lite takes true for 1
        answered -= {
            record.img_path for record in RECORDS if record.img_path not in truth and holds_a_truth(record, where)
        }
    assert answered == truth


def holds_a_truth(record: Record, where: Filter) -> bool:
    values = [record.metadata.get(condition.field) for condition in where.conditions]
    return any(value in (0, 1) and value_kind(value) in ("number", "true or false") for value in values)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=filters)
def test_a_filtered_search_finds_all_that_match(filled, where):
    _, _, index = filled
    hits = index.search(unit_vectors(1, 8, seed=1)[0], ROWS, where=where)
    assert {hit.record.img_path for hit in hits} == keys([record for record in RECORDS if where.matches(record)])


def test_a_filter_that_nothing_matches_finds_nothing(filled):
    _, _, index = filled
    where = Filter([Condition("width", ">", 100_000)])
    assert index.search(unit_vectors(1, 8)[0], 10, where=where) == []
    assert index.matching(where) == []


def test_records_that_have_a_field_are_found_by_its_name(filled):
    _, _, index = filled
    for name in NAMES:
        [found] = index.some(1, name)
        assert name in found.metadata
    assert index.some(1, "nowhere") == []
    assert len(index.some(7)) == 7


def test_an_answer_of_many_rows_comes_in_parts_and_whole(filled, monkeypatch):
    milvus, _, index = filled
    monkeypatch.setattr(milvus.backend, "rows_in_an_answer", 10)
    assert sorted(record.img_path for record in index.matching(None)) == sorted(record.img_path for record in RECORDS)
    where = Filter([Condition("width", ">=", 1000)])
    assert keys(index.matching(where)) == keys([record for record in RECORDS if where.matches(record)])
