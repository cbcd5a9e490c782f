"""Holds the contract of a collection, which the fake, Milvus Lite and a real Milvus server keep alike."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from pymilvus import DataType

from db.milvus.clusters import NlistRule
from db.milvus.database import Milvus, collection_name
from db.milvus.schema import EMBEDDING
from db.milvus.server import Server
from library.errors import IndexUnavailable
from library.ports import EncoderInfo
from testing.pictures import ids, record, unit_vectors
from testing.tiny_collections import DIM, X, Y, encoder


def test_the_nearest_comes_first_with_its_cosine(collection):
    collection.upsert([record(1), record(2)], np.stack([X, (X + Y) / np.sqrt(2)]).astype(np.float32))
    with collection.loaded() as index:
        hits = index.search(Y, limit=2, nprobe=None, exact=False)
    assert ids(hits) == [record(2).content_id, record(1).content_id]
    assert [hit.score for hit in hits] == pytest.approx([np.sqrt(0.5), 0], abs=1e-4)


def test_many_vectors_are_answered_in_one_call_each_with_its_own_hits(collection):
    collection.upsert([record(1), record(2)], np.stack([X, Y]))
    with collection.loaded() as index:
        answers = index.search_many(np.stack([Y, X, Y]), limit=1, nprobe=None, exact=False)
    assert [ids(hits) for hits in answers] == [[record(number).content_id] for number in (2, 1, 2)]


def test_the_nearest_rows_of_many_vectors_have_the_scores_of_a_search_and_are_not_counted(collection):
    collection.upsert([record(1), record(2)], np.stack([X, Y]))
    with collection.loaded() as index:
        [first, second] = index.nearest(np.stack([X, Y]), limit=2)
        searches = collection.status().searches
        hits = index.search(X, limit=2, nprobe=None, exact=False)
    assert list(first) == ids(hits) and list(second) == ids(hits)[::-1]
    assert list(first.values()) == pytest.approx([hit.score for hit in hits], abs=1e-5)
    assert searches == 0


def test_a_hit_carries_its_record(collection):
    kept = record(1, name="naïve 写真.png", metadata={"photographer": "Ada", "stars": 5})
    collection.upsert([kept], np.stack([X]))
    with collection.loaded() as index:
        [hit] = index.search(X, limit=1, nprobe=None, exact=False)
    assert hit.record == kept


def test_metadata_never_overwrites_a_built_in_field(collection):
    hostile = {"img_path": "x", "img_emb": [1], "name": "y", "content_id": "z", 'a"]b': True, "": 0}
    collection.upsert([record(1, metadata=hostile)], np.stack([X]))
    with collection.loaded() as index:
        [hit] = index.search(X, limit=1, nprobe=None, exact=False)
    assert hit.record == record(1, metadata=hostile)


def test_upserting_twice_keeps_one_row_with_the_later_values(collection):
    collection.upsert([record(1, name="old.png")], np.stack([X]))
    collection.upsert([record(1, name="new.png")], np.stack([Y]))
    with collection.loaded() as index:
        hits = index.search(Y, limit=5, nprobe=None, exact=True)
        assert index.count() == 1
    assert [hit.record.name for hit in hits] == ["new.png"]


def test_an_empty_collection_has_no_hits(collection):
    with collection.loaded() as index:
        assert index.search(X, limit=5, nprobe=None, exact=False) == []
        assert index.count() == 0


def test_a_search_sees_what_was_upserted_during_its_lease(collection):
    with collection.loaded() as index:
        assert index.search(X, limit=1, nprobe=None, exact=False) == []
        collection.upsert([record(1)], np.stack([X]))
        assert ids(index.search(X, limit=1, nprobe=None, exact=False)) == [record(1).content_id]


def test_a_stored_vector_can_be_had_again(collection):
    [vector] = unit_vectors(1, DIM)
    collection.upsert([record(1)], np.stack([vector]))
    with collection.loaded() as index:
        found = index.vectors([record(1).img_path, record(2).img_path])
        assert found == {record(1).content_id: pytest.approx(vector, abs=1e-6)}


def test_records_can_be_replaced_without_their_vectors(database, collection):
    collection.upsert([record(1)], np.stack([X]))
    database.update([record(1, metadata={"stars": 5}), record(2)])
    with collection.loaded() as index:
        [hit] = index.search(X, limit=5, nprobe=None, exact=True)
    assert (hit.record.metadata, hit.score) == ({"stars": 5}, pytest.approx(1, abs=1e-6))


def test_it_tells_which_pictures_have_a_row(collection):
    collection.upsert([record(1)], np.stack([X]))
    with collection.loaded() as index:
        assert index.present([record(1).img_path, record(2).img_path]) == {record(1).content_id}
        assert index.present([]) == set()


def test_a_deleted_row_is_never_found_again(database, collection):
    collection.upsert([record(1), record(2)], np.stack([X, Y]))
    database.delete([record(1).img_path])
    with collection.loaded() as index:
        assert ids(index.search(X, limit=5, nprobe=None, exact=True)) == [record(2).content_id]
        assert index.count() == 1


def test_deleting_reaches_every_collection(database):
    both = [database.collection(encoder()), database.collection(encoder())]
    for each in both:
        each.upsert([record(1)], np.stack([X]))
    database.delete([record(1).img_path])
    for each in both:
        with each.loaded() as index:
            assert index.count() == 0


def test_two_encoders_never_share_a_collection(database):
    first, second = database.collection(encoder()), database.collection(encoder(dim=4))
    first.upsert([record(1)], np.stack([X]))
    with second.loaded() as index:
        assert index.count() == 0


def test_asking_for_a_collection_makes_none(database):
    other = encoder()
    assert not database.holds(other)
    database.collection(other).upsert([record(1)], np.stack([X]))
    assert database.holds(other)


def test_rows_of_another_process_are_counted_once_they_are_expected(server, milvus_server):
    info = encoder()
    mine, other = server.collection(info), Milvus(milvus_server.uri)
    with mine.loaded() as index:
        assert index.count() == 0
        other.collection(info).upsert([record(1)], np.stack([X]))
        other.close()
        assert mine.status().rows == 0
        status = mine.status(expected_rows=1)
        assert (status.rows, status.rows_are_current) == (1, True)


def test_exact_search_finds_the_true_neighbours(collection):
    vectors = unit_vectors(600, DIM)
    collection.upsert([record(number) for number in range(600)], vectors)
    [query] = unit_vectors(1, DIM, seed=1)
    truth = np.argsort(-(vectors @ query))[:10]
    with collection.loaded() as index:
        hits = index.search(query, limit=10, nprobe=None, exact=True)
    assert [hit.record.name for hit in hits] == [f"{number}.png" for number in truth]


def test_a_small_collection_is_searched_whole(collection):
    collection.upsert([record(number) for number in range(64)], unit_vectors(64, DIM))
    with collection.loaded() as index:
        automatic = index.search(X, limit=24, nprobe=None, exact=False)
        assert ids(automatic) == ids(index.search(X, limit=24, nprobe=None, exact=True))
    assert len(automatic) == 24


@pytest.mark.parametrize("exact", [False, True])
def test_ranks_follow_scores(collection, exact):
    collection.upsert([record(number) for number in range(300)], unit_vectors(300, DIM))
    with collection.loaded() as index:
        scores = [hit.score for hit in index.search(X, limit=200, nprobe=None, exact=exact)]
    assert scores == sorted(scores, reverse=True)
    assert all(-1.001 <= score <= 1.001 for score in scores)


def test_the_cycle_is_counted(collection):
    collection.upsert([record(1)], np.stack([X]))
    with collection.loaded() as index:
        index.search(X, limit=1, nprobe=None, exact=False)
        during = collection.status()
    assert (during.state, during.loads, during.searches) == ("loaded", 1, 1)
    assert during.rows == 1


# What only Milvus can show


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_a_vector_without_direction_is_refused(milvus, bad):
    collection = milvus.collection(encoder())
    with pytest.raises(ValueError, match="finite and of unit length"):
        collection.upsert([record(1)], np.full((1, DIM), bad, np.float32))
    with collection.loaded() as index:
        assert index.count() == 0


def test_nlist_reaches_milvus(milvus):
    milvus.nlist = NlistRule(smallest=1024)
    collection = milvus.collection(encoder())
    with collection.loaded():
        index = milvus.connection.client().describe_index(collection.status().collection, "img_emb")
    assert (int(index["nlist"] if "nlist" in index else index["params"]["nlist"]), index["metric_type"]) == (
        1024,
        "COSINE",
    )
    assert collection.status().nlist == 1024


@pytest.mark.parametrize(("nlist", "sees_most"), [(2, True), (1024, False)])
def test_nlist_decides_how_much_one_probe_of_lite_sees(lite, nlist, sees_most):
    lite.nlist = NlistRule(smallest=nlist)
    collection = lite.collection(encoder(dim=16))
    collection.upsert([record(number) for number in range(2048)], unit_vectors(2048, 16))
    collection.flush()
    with collection.loaded() as index:

        def seen() -> int:
            return len(index.search(unit_vectors(1, 16, seed=1)[0], limit=200, nprobe=1))

        # Until Lite has built its index in the background, it compares with every row.
        deadline = time.monotonic() + 20
        while seen() == 200 and not sees_most and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (seen() == 200) == sees_most


def test_another_dimension_under_the_same_name_is_refused(milvus):
    info = encoder()
    milvus.collection(info).upsert([record(1)], np.stack([X]))
    other = Milvus(milvus.backend._uri) if isinstance(milvus.backend, Server) else milvus
    other._collections.clear()
    impostor = other.collection(EncoderInfo(info.name, info.fingerprint, 4, "cpu", "float32"))
    with pytest.raises(Exception, match="vectors of 8 numbers, the model makes 4"):
        impostor.upsert([record(2)], np.eye(4, dtype=np.float32)[:1])


def test_an_explanation_does_not_tell_where_lite_lies(tmp_path):
    (tmp_path / "file").write_text("in the way")
    milvus = Milvus(tmp_path / "file" / "milvus.db")
    with pytest.raises(IndexUnavailable, match=r"milvus\.db") as raised:
        milvus.delete([record(1).img_path])
    assert str(tmp_path) not in str(raised.value)


def test_rows_outlive_a_restart(tmp_path):
    info = encoder()
    first = Milvus(tmp_path / "milvus.db")
    first.collection(info).upsert([record(1)], np.stack([X]))
    first.close()
    second = Milvus(tmp_path / "milvus.db")
    assert second.collection(info).status().rows == 1
    with second.collection(info).loaded() as index:
        assert ids(index.search(X, limit=1)) == [record(1).content_id]
    second.close()


def test_a_status_of_lite_counts_every_change_without_loading(lite):
    collection = lite.collection(encoder())
    for number in (1, 2):
        collection.upsert([record(number)], np.stack([X]))
        assert collection.status().rows == number
    lite.delete([record(1).img_path])
    status = collection.status()
    assert (status.rows, status.rows_are_current, status.loads) == (1, True, 0)


@pytest.mark.parametrize("release_after", [0, 30, None])
def test_many_threads_share_the_lease_while_another_uploads(milvus, release_after):
    milvus.release_after = release_after
    collection = milvus.collection(encoder())
    collection.upsert([record(0)], np.stack([X]))
    problems: list[object] = []

    def search_often():
        for _ in range(4):
            try:
                with collection.loaded() as index:
                    if record(0).content_id not in ids(index.search(X, limit=3)):
                        problems.append("the picture was not found")
            except Exception as error:
                problems.append(error)

    threads = [threading.Thread(target=search_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 9):
        collection.upsert([record(number)], np.stack([Y]))
        with collection.loaded() as index:
            assert index.present([record(number).img_path])
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_collection_whose_creator_was_killed_half_way_is_finished(milvus):
    info = encoder()
    schema = milvus.connection.client().create_schema(enable_dynamic_field=True)
    schema.add_field("img_path", DataType.VARCHAR, is_primary=True, max_length=128)
    schema.add_field("img_emb", DataType.FLOAT_VECTOR, dim=DIM)
    milvus.connection.client().create_collection(collection_name(info), schema=schema)
    milvus.collection(info).upsert([record(1)], np.stack([X]))
    with milvus.collection(info).loaded() as index:
        assert ids(index.search(X, limit=1)) == [record(1).content_id]


def test_somebody_elses_release_is_healed(milvus):
    collection = milvus.collection(encoder())
    collection.upsert([record(1)], np.stack([X]))
    with collection.loaded() as index:
        milvus.connection.client().release_collection(collection_name_of(collection))
        assert ids(index.search(X, limit=1)) == [record(1).content_id]
        milvus.connection.client().release_collection(collection_name_of(collection))
        assert index.count() == 1


def collection_name_of(collection) -> str:
    return collection.status().collection


def test_all_rows_are_listed_with_their_records_and_wrong_ones_without(collection):
    wrong = replace(record(2), width="wide")
    collection.upsert([record(1)], unit_vectors(1, DIM))
    with collection.loaded() as index:
        assert index.rows() == {record(1).img_path: record(1)}
    collection.upsert([wrong], unit_vectors(1, DIM))
    with collection.loaded() as index:
        assert index.rows().keys() == {record(1).img_path, wrong.img_path}
        assert index.rows()[wrong.img_path] in (None, wrong)


def test_an_index_of_another_type_is_told_and_made_anew(milvus):
    collection = milvus.collection(encoder())
    collection.upsert([record(number) for number in range(20)], unit_vectors(20, DIM))
    assert collection.faults() == []
    client, name = milvus.connection.client(), collection.handle.name
    client.flush(name)
    client.release_collection(name)
    client.drop_index(name, EMBEDDING)
    index = client.prepare_index_params()
    index.add_index(EMBEDDING, index_type="FLAT", metric_type="IP", index_name=EMBEDDING)
    client.create_index(name, index)
    collection.handle.reopen()
    assert collection.faults() == ["index_wrong"]
    collection.repair()
    assert collection.faults() == []
    with collection.loaded() as index:
        assert index.search(unit_vectors(20, DIM)[3], 1, None, False)[0].record.content_id == record(3).content_id
