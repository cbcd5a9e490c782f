"""Checks the rows of the demo's visitors, on Milvus Lite and on a real Milvus server alike."""

import contextlib

import numpy as np
import pytest
from pymilvus import DataType

from db.milvus import lite, server
from db.milvus.aliases import behind
from db.milvus.database import Milvus
from db.milvus.own_rows import OwnRows
from db.milvus.schema import EMBEDDING, EXPIRES, PRIMARY_KEY, VISITOR, has_typed_fields
from library.search.filters import Condition, Filter
from library.visitors.space_key import SpaceKey
from testing.fakes import ColourEncoder
from testing.pictures import ids, record
from tests.milvus.test_rebuild import MortalClient

ANN, BOB, LATER = SpaceKey("a" * 24, 10**12), SpaceKey("b" * 24, 10**12), SpaceKey("a" * 24, 2 * 10**12)
BOB_LATER = SpaceKey("b" * 24, 2 * 10**12)
RED, GREEN, _ = np.eye(3, dtype=np.float32)
ENCODER = ColourEncoder.info
STEPS = ["create_collection", "create_index", "upsert", "flush", "rename_collection", "alter_alias", "drop_collection"]


@pytest.fixture(params=["lite", "server"])
def place(request, tmp_path):
    if request.param == "lite":
        yield tmp_path / "milvus.db"
    else:
        server = request.getfixturevalue("milvus_server")
        yield server.uri
        server.empty()


@pytest.fixture
def milvus(place):
    milvus = Milvus(place)
    yield milvus
    milvus.close()


@pytest.fixture
def rows(milvus):
    rows = OwnRows(milvus)
    yield rows
    rows.close()


def held(rows, space):
    with rows.of(space).collection(ENCODER).loaded() as own:
        return sorted(each.name for each in own.records(None)), own.count()


def test_each_space_has_rows_of_its_own_that_only_it_finds_and_removes(milvus, rows):
    milvus.collection(ENCODER).upsert([record(9)], np.stack([RED]))
    for space, names in ((ANN, ("red", "green")), (BOB, ("same",)), (LATER, ("last",))):
        records = [record(number, name=name) for number, name in enumerate(names)]
        rows.of(space).collection(ENCODER).upsert(records, np.stack([RED, GREEN][: len(names)]))
    [beside] = rows.names()
    fields = milvus.connection.client().describe_collection(f"visitors_of_{beside}")["fields"]
    assert VISITOR in [each["name"] for each in fields]
    assert [each.name for each in milvus.stored()] == [beside]  # what all see, and nothing else

    with rows.of(ANN).collection(ENCODER).loaded() as own:
        best, alike = own.found(np.stack([GREEN, RED]), None)
        assert ids(best) == [record(1).content_id, record(0).content_id]
        assert best[0].record.img_path == record(1).img_path and best[0].score == pytest.approx(1)
        assert [hit.record.name for hit in alike] == ["red", "green"]
        where = Filter([Condition("name", "=", "green")], "all")
        assert [each.name for each in own.records(where)] == ["green"]
        assert [[hit.record.name for hit in hits] for hits in own.found(np.stack([RED]), where)] == [["green"]]
        assert set(own.vectors([record(0).img_path, record(7).img_path])) == {record(0).content_id}

    rows.of(BOB).update([record(0, name="renamed")])
    rows.of(ANN).delete([record(0).img_path])
    assert [held(rows, space) for space in (ANN, BOB)] == [(["green"], 1), (["renamed"], 1)]
    rows.remove(BOB)
    assert [held(rows, space) for space in (ANN, BOB)] == [(["green"], 1), ([], 0)]
    rows.remove_expired(10**12)
    assert [held(rows, space) for space in (ANN, BOB, LATER)] == [([], 0), ([], 0), (["last"], 1)]
    with milvus.collection(ENCODER).loaded() as index:
        assert index.count() == 1


def create_as_before(client, name, dim, properties):
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field(PRIMARY_KEY, DataType.VARCHAR, is_primary=True, max_length=128)
    schema.add_field(EMBEDDING, DataType.FLOAT_VECTOR, dim=dim)
    schema.add_field(VISITOR, DataType.VARCHAR, max_length=64)
    schema.add_field(EXPIRES, DataType.INT64)
    client.create_collection(name, schema=schema, properties=properties, consistency_level="Session")


@pytest.fixture
def earlier(monkeypatch, place):
    """Makes a collection of visitors as the versions before had them, with rows of three spaces, one of which ended."""
    milvus = Milvus(place)
    rows = OwnRows(milvus)
    with monkeypatch.context() as patch:
        patch.setattr(lite, "create", create_as_before)
        patch.setattr(server, "create", create_as_before)
        for space, names in ((ANN, ("old",)), (LATER, ("red", "green")), (BOB_LATER, ("same",))):
            records = [record(number, name=name) for number, name in enumerate(names)]
            rows.of(space).collection(ENCODER).upsert(records, np.stack([RED, GREEN][: len(names)]))
    rows.close()
    milvus.close()


def test_rows_of_an_earlier_version_move_with_the_first_sweep(earlier, milvus, rows):
    [name] = rows.names()
    client, own = milvus.connection.client(), f"visitors_of_{name}"
    assert held(rows, LATER) == (["green", "red"], 2)
    assert not has_typed_fields(client, own)
    rows.remove_expired(10**12)
    assert has_typed_fields(client, own) and VISITOR in client.list_indexes(own)
    assert [held(rows, space) for space in (ANN, LATER, BOB_LATER)] == [([], 0), (["green", "red"], 2), (["same"], 1)]
    rows.of(BOB_LATER).collection(ENCODER).upsert([record(1, name="new")], np.stack([GREEN]))
    with rows.of(BOB_LATER).collection(ENCODER).loaded() as bobs:
        assert ids(bobs.found(np.stack([GREEN]), None)[0])[0] == record(1).content_id
        assert bobs.vectors([record(0).img_path])[record(0).content_id] == pytest.approx(RED)
    assert len(behind(client, own)) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_move_of_visitors_rows_that_is_killed_is_finished_by_the_next_process(earlier, place, after):
    for step in STEPS:
        killed = Milvus(place)
        own, client = OwnRows(killed), killed.connection.client()
        assert held(own, LATER) == (["green", "red"], 2)
        killed.connection.client = lambda client=client, step=step: MortalClient(client, step, after)
        with contextlib.suppress(BaseException):
            own.remove_expired(10**12)
        killed.close()
    last = Milvus(place)
    rows = OwnRows(last)
    rows.remove_expired(10**12)
    [name] = rows.names()
    assert has_typed_fields(last.connection.client(), f"visitors_of_{name}")
    assert [held(rows, space) for space in (LATER, BOB_LATER)] == [(["green", "red"], 2), (["same"], 1)]
    assert len(behind(last.connection.client(), f"visitors_of_{name}")) == 1
    rows.close()
    last.close()
