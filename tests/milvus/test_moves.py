"""Moves the rows of a collection that an earlier version has made to one whose fields have types."""

import contextlib

import pytest
from pymilvus import DataType

from db.files.nprobe_choices import NprobeChoices
from db.milvus import lite, server
from db.milvus.aliases import behind
from db.milvus.database import Milvus, collection_name
from db.milvus.lite_move import LiteMove
from db.milvus.rebuild import Copy
from db.milvus.rows import as_row
from db.milvus.schema import EMBEDDING, PRIMARY_KEY, has_typed_fields, stored_rows
from db.milvus.server import Server
from library.search.filters import Condition, Filter
from testing.pictures import ids, record, unit_vectors
from tests.milvus.test_collection import DIM, encoder
from tests.milvus.test_rebuild import MortalClient

ROWS = 60
VECTORS = unit_vectors(ROWS, DIM)
STEPS = [
    "create_collection",
    "create_index",
    "load_collection",
    "upsert",
    "flush",
    "release_collection",
    "rename_collection",
    "create_alias",
    "alter_alias",
    "drop_collection",
]
NARROW = Filter([Condition("width", "<=", 20), Condition("number", "!=", 3)])


@pytest.fixture(params=["lite", "server"])
def uri(request, tmp_path):
    return tmp_path / "milvus.db" if request.param == "lite" else request.getfixturevalue("milvus_server").uri


@pytest.fixture
def process(request, tmp_path):
    """Returns a function: process(uri) gives what another process, or a later one, sees."""
    opened = []

    def start(uri):
        choices = NprobeChoices(tmp_path / "nprobe.json")
        opened.append(Milvus(uri, release_after=None, choices=choices))
        return opened[-1]

    yield start
    for milvus in opened:
        milvus.close()
    if request.node.get_closest_marker("server"):
        request.getfixturevalue("milvus_server").empty()


@pytest.fixture
def earlier(monkeypatch, process):
    """Returns a function: earlier(uri, info) makes a collection as the version before had them, with 60 rows."""

    def create(client, name, dim, properties):
        schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
        schema.add_field(PRIMARY_KEY, DataType.VARCHAR, is_primary=True, max_length=128)
        schema.add_field(EMBEDDING, DataType.FLOAT_VECTOR, dim=dim)
        client.create_collection(name, schema=schema, properties=properties, consistency_level="Session")

    def make(uri, info):
        milvus = process(uri)
        with monkeypatch.context() as patch:
            patch.setattr(lite, "create", create)
            patch.setattr(server, "create", create)
            milvus.collection(info).upsert([made(number) for number in range(ROWS)], VECTORS)
        return milvus

    return make


def made(number):
    return record(number, name=f"日本 {number}.png", width=1 + number, metadata={"number": number, "of": {"two": [1]}})


def is_typed(milvus, info):
    return has_typed_fields(milvus.connection.client(), collection_name(info))


def assert_whole(milvus, info):
    with milvus.collection(info).loaded() as index:
        expected = {made(number).img_path: made(number) for number in range(ROWS)}
        assert index.rows() == expected
        vectors = index.vectors(list(expected))
        found = index.search(VECTORS[0], ROWS, where=NARROW)
    assert {hit.record.width for hit in found} == {width for width in range(1, 21) if width != 4}
    assert all(vectors[made(number).content_id] == pytest.approx(VECTORS[number], abs=1e-6) for number in range(ROWS))
    assert len(behind(milvus.connection.client(), collection_name(info))) == 1


def test_the_rows_of_an_earlier_collection_stay_as_they_are_and_move_with_the_next_run(uri, process, earlier):
    info = encoder()
    earlier(uri, info).close()
    milvus = process(uri)
    collection = milvus.collection(info)
    assert_whole(milvus, info)
    assert (is_typed(milvus, info), collection.faults()) == (False, ["fields_untyped"])
    collection.optimize()
    assert (is_typed(milvus, info), collection.faults()) == (True, [])
    assert_whole(milvus, info)
    milvus.close()
    assert_whole(process(uri), info)


def test_a_new_collection_has_nothing_to_move(uri, process):
    milvus, info = process(uri), encoder()
    milvus.collection(info).upsert([made(0)], VECTORS[:1])
    assert (is_typed(milvus, info), milvus.collection(info).faults()) == (True, [])


def test_values_that_do_not_fit_their_field_are_kept(uri, process, earlier):
    info = encoder()
    milvus = earlier(uri, info)
    odd = {1: {"width": "wide"}, 2: {"name": 5}, 3: {"bytes": 1.5}, 4: {"meta": "none"}, 5: {"source": None}}
    if not isinstance(milvus.backend, Server):
        odd[6] = {"name": "é" * 70_000}
    client = milvus.connection.client()
    rows = [as_row(made(number), VECTORS[number]) | values for number, values in odd.items()]
    del rows[0]["height"]
    client.delete(collection_name(info), ids=[row[PRIMARY_KEY] for row in rows])
    client.insert(collection_name(info), rows)
    collection = milvus.collection(info)
    collection.optimize()
    assert is_typed(milvus, info)
    with collection.loaded() as index:
        found = {hit.record.img_path: hit.record for hit in index.search(VECTORS[0], ROWS)}
        unsound = {path for path, row in index.rows().items() if row is None}
    assert unsound == {made(number).img_path for number in range(1, 6)}
    assert len(found) == ROWS
    assert (found[made(1).img_path].width, found[made(1).img_path].height) == ("wide", None)
    for number, values in odd.items():
        name, value = next(iter(values.items()))
        assert getattr(found[made(number).img_path], "metadata" if name == "meta" else name) == value
    collection.upsert([made(number) for number in odd], VECTORS[[*odd]])
    assert_whole(milvus, info)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_move_that_is_killed_at_any_step_is_finished_by_the_next(uri, process, earlier, after):
    info = encoder()
    earlier(uri, info).close()
    for step in STEPS:
        move_and_die(process(uri), info, step, after)
    last = process(uri)
    last.collection(info).optimize()
    assert is_typed(last, info)
    assert_whole(last, info)


def move_and_die(milvus, info, step, after):
    client = milvus.connection.client()
    assert_found(milvus, info)
    milvus.connection.client = lambda: MortalClient(client, step, after)
    with contextlib.suppress(BaseException):
        milvus.collection(info).optimize()
    milvus._collections.clear()  # a killed process closes nothing in order
    milvus.close()


def assert_found(milvus, info):
    with milvus.collection(info).loaded() as index:
        assert ids(index.search(VECTORS[7], 1)) == [made(7).content_id]


def test_searches_and_writes_go_on_while_the_rows_move(uri, process, earlier, monkeypatch):
    info, original = encoder(), Copy.even_out
    milvus = earlier(uri, info)
    collection = milvus.collection(info)
    moved = []

    def interrupted(copy):
        assert_found(milvus, info)
        moved.append(copy)
        original(copy)

    def filled(copy, writing, fill=Copy.fill):
        fill(copy, writing)
        collection.upsert([made(ROWS)], VECTORS[:1])
        milvus.delete([made(ROWS).img_path, made(0).img_path])
        collection.upsert([made(0)], VECTORS[:1])

    monkeypatch.setattr(Copy, "even_out", interrupted)
    monkeypatch.setattr(Copy, "fill", filled)
    collection.optimize()
    assert moved
    assert_whole(milvus, info)


def test_a_process_that_knows_the_earlier_fields_writes_the_later_ones(milvus_server, process, earlier):
    info = encoder()
    other = earlier(milvus_server.uri, info)
    process(milvus_server.uri).collection(info).optimize()
    other.collection(info).upsert([made(0)], VECTORS[:1])
    assert is_typed(other, info)
    assert_whole(other, info)


def test_an_nprobe_that_was_chosen_stays(uri, process, earlier):
    info = encoder()
    collection = earlier(uri, info).collection(info)
    collection.choose_nprobe(7)
    collection.optimize()
    assert (collection.status().nprobe, collection.status().nprobe_is_chosen) == (7, True)


def test_a_swap_that_a_full_disk_interrupts_is_finished_by_the_next_use(tmp_path, process, earlier, monkeypatch):
    info = encoder()
    milvus = earlier(tmp_path / "milvus.db", info)
    client = milvus.connection.client()

    def replace(move, target):
        client.rename_collection(collection_name(info), f"{collection_name(info)}_n0")
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(LiteMove, "_replace", replace)
        milvus.collection(info).optimize()
    assert_whole(milvus, info)
    assert stored_rows(client, collection_name(info)) == ROWS
