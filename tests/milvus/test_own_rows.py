"""Checks the rows of the demo's visitors, on Milvus Lite and on a real Milvus server alike."""

import numpy as np
import pytest

from db.milvus.database import Milvus
from db.milvus.own_rows import OwnRows
from db.milvus.schema import VISITOR
from library.search.filters import Condition, Filter
from library.visitors.space_key import SpaceKey
from testing.fakes import ColourEncoder
from testing.pictures import ids, record

ANN, BOB, LATER = SpaceKey("a" * 24, 10**12), SpaceKey("b" * 24, 10**12), SpaceKey("a" * 24, 2 * 10**12)
RED, GREEN, _ = np.eye(3, dtype=np.float32)
ENCODER = ColourEncoder.info


@pytest.fixture(params=["lite", "server"])
def milvus(request, tmp_path):
    place = tmp_path / "milvus.db" if request.param == "lite" else request.getfixturevalue("milvus_server").uri
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
