"""Gives the index more clusters while everybody goes on searching, writing and deleting."""

import contextlib
import logging
import threading
import time

import numpy as np
import pytest
from pymilvus import MilvusException

from db.milvus import schema
from db.milvus.aliases import behind, name_with
from db.milvus.clusters import NlistRule
from db.milvus.database import Milvus, collection_name
from db.milvus.rebuild import Copy
from db.milvus.rows import as_row
from db.milvus.server import Server
from library.errors import IndexUnavailable
from library.ports import EncoderInfo
from testing.pictures import ids, record, unit_vectors
from tests.milvus.test_collection import DIM, encoder

ROWS = 300
VECTORS = unit_vectors(ROWS, DIM)
SOON = NlistRule(smallest=16, exhaustive_rows=0)  # 300 rows make 64 clusters of them
LATER = NlistRule(smallest=16)
STEPS = [
    "rename_collection",
    "create_collection",
    "create_index",
    "create_alias",
    "load_collection",
    "upsert",
    "flush",
    "alter_alias",
    "drop_collection",
    "release_collection",
    "drop_index",
]


class Killed(BaseException):
    """Passes through the app uncaught, as a kill does."""


class MortalClient:
    """Raises Killed just before or just after the first call of one kind."""

    def __init__(self, client, step, after):
        self._client = client
        self._step = step
        self._after = after

    def __getattr__(self, name):
        method = getattr(self._client, name)

        def die(*args, **options):
            if self._after:
                method(*args, **options)
            raise Killed

        return die if name == self._step else method


@pytest.fixture(params=["lite", "server"])
def uri(request, tmp_path):
    return tmp_path / "milvus.db" if request.param == "lite" else request.getfixturevalue("milvus_server").uri


@pytest.fixture
def process(request):
    """Returns a function: process(uri) gives what another process, or a later one, sees."""
    opened = []

    def start(uri, nlist=SOON):
        opened.append(Milvus(uri, nlist=nlist, release_after=None))
        return opened[-1]

    yield start
    for milvus in opened:
        milvus.close()
    if request.node.get_closest_marker("server"):
        request.getfixturevalue("milvus_server").empty()


def fill(milvus: Milvus, info: EncoderInfo, rows: int = ROWS) -> None:
    records = [record(number, metadata={"number": number}) for number in range(rows)]
    milvus.collection(info).upsert(records, VECTORS[:rows])


def nlist(milvus: Milvus, info: EncoderInfo) -> int:
    return schema.index_nlist(milvus.connection.client(), collection_name(info))


def rows(milvus: Milvus, info: EncoderInfo) -> dict[str, tuple[dict, np.ndarray]]:
    """Returns metadata and vector of every row, by name."""
    paths = [record(number).img_path for number in range(ROWS + 50)]
    with milvus.collection(info).loaded() as index:
        # A session sees its own writes at once, those of other processes only when a strong answer has waited for them.
        milvus.connection.client().query(
            collection_name(info), filter="", output_fields=["count(*)"], consistency_level="Strong"
        )
        vectors = index.vectors(paths)
        hits = index.search(VECTORS[0], limit=ROWS + 50, exact=True)
        assert index.count() == len(hits)
    return {hit.record.name: (hit.record.metadata, vectors[hit.record.content_id]) for hit in hits}


def assert_whole(milvus: Milvus, info: EncoderInfo, count: int = ROWS) -> None:
    found = rows(milvus, info)
    assert sorted(found) == sorted(f"{number}.png" for number in range(count))
    for number in range(count):
        metadata, vector = found[f"{number}.png"]
        assert metadata == {"number": number}
        assert vector == pytest.approx(VECTORS[number], abs=1e-6)
    if isinstance(milvus.backend, Server):
        assert len(behind(milvus.connection.client(), collection_name(info))) == 1


def test_every_row_survives(uri, process, caplog):
    milvus, info = process(uri), encoder()
    fill(milvus, info)
    assert nlist(milvus, info) == 16
    with caplog.at_level(logging.INFO, logger="db.milvus.collection"):
        milvus.collection(info).optimize()
    assert_whole(milvus, info)
    assert (nlist(milvus, info), milvus.collection(info).status().nlist) == (64, 64)
    assert "300 rows, nlist 16 so far" in caplog.text and "nlist 16 -> 64 in" in caplog.text


def test_nothing_is_rebuilt_without_need(uri, process, monkeypatch):
    milvus, info = process(uri, LATER), encoder()
    fill(milvus, info)
    monkeypatch.setattr(milvus.backend, "rebuild", lambda *_: pytest.fail("rebuilt"))
    milvus.collection(info).optimize()
    assert nlist(milvus, info) == 16


def test_searches_go_on_and_find_what_is_there(uri, process):
    milvus, info = process(uri), encoder()
    others = [milvus, process(uri)] if isinstance(milvus.backend, Server) else [milvus]
    fill(milvus, info)
    problems, over, searches, states = [], threading.Event(), [], set()

    def search(process: Milvus, number: int) -> None:
        while not over.is_set():
            try:
                with process.collection(info).loaded() as index:
                    if ids(index.search(VECTORS[number], limit=3)[:1]) != [record(number).content_id]:
                        problems.append("the picture was not found")
                searches.append(number)
                states.add(milvus.collection(info).status().state)
            except Exception as error:
                problems.append(error)

    threads = [threading.Thread(target=search, args=(each, number)) for each in others for number in (1, 2)]
    for thread in threads:
        thread.start()
    milvus.collection(info).optimize()
    time.sleep(0.3)
    over.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert nlist(milvus, info) == 64 and searches
    assert not isinstance(milvus.backend, Server) or "rebuilding" in states


def test_status_says_so_without_waiting(uri, process, monkeypatch):
    milvus, info = process(uri), encoder()
    fill(milvus, info)
    seen = []

    def watched(client, name, nlist, create_index=schema.create_index):
        seen.append(milvus.collection(info).status())
        create_index(client, name, nlist)

    monkeypatch.setattr("db.milvus.rebuild.create_index", watched)
    milvus.collection(info).optimize()
    assert [(status.state, status.connected, status.problem) for status in seen] == [("rebuilding", True, None)]
    assert milvus.collection(info).status().state == "loaded"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_one_that_is_killed_at_any_step_is_finished_by_the_next(uri, process, after):
    first, info = process(uri), encoder()
    fill(first, info)
    if isinstance(first.backend, Server):
        make_plain(first, info)
    first.close()
    for step in STEPS:
        optimize_and_die(process(uri), info, step, after)
    last = process(uri)
    last.collection(info).optimize()
    assert_whole(last, info)
    assert nlist(last, info) == 64


def optimize_and_die(milvus: Milvus, info: EncoderInfo, step: str, after: bool) -> None:
    client = milvus.connection.client()
    milvus.connection.client = lambda: MortalClient(client, step, after)
    with contextlib.suppress(Killed):
        milvus.collection(info).optimize()
    milvus._collections.clear()  # a killed process closes nothing in order
    milvus.close()


# What only a server can show


def make_plain(milvus: Milvus, info: EncoderInfo) -> None:
    """Makes the collection as older versions did: without an alias."""
    name = collection_name(info)
    milvus.connection.client().drop_alias(name)
    milvus.connection.client().rename_collection(name_with(name, 16), name)


def test_a_plain_collection_of_an_older_version_goes_on_and_is_moved_behind_an_alias(milvus_server, process):
    milvus, info = process(milvus_server.uri), encoder()
    fill(milvus, info, 10)
    make_plain(milvus, info)
    other = process(milvus_server.uri)
    assert other.holds(info)
    fill(other, info)
    other.collection(info).optimize()
    assert behind(other.connection.client(), collection_name(info)) == [name_with(collection_name(info), 64)]
    assert_whole(milvus, info)
    assert_whole(other, info)


def test_what_another_process_writes_and_deletes_meanwhile_counts(milvus_server, process, monkeypatch):
    for module in ("database", "handle", "loaded"):  # a server that shares its cores answers late while it loads
        monkeypatch.setattr(f"db.milvus.{module}.TIMEOUT", 60.0)
    milvus, other, info = process(milvus_server.uri), process(milvus_server.uri), encoder()
    fill(milvus, info)
    moments = []

    def change():
        n = len(moments)
        moments.append(n)
        other.delete([record(n).img_path])
        other.update([record(100 + n, metadata={"changed": n})])
        other.collection(info).upsert([record(ROWS + n)], VECTORS[n : n + 1])

    def around(original):
        def interrupted(*args):
            change()
            result = original(*args)
            change()
            return result

        return interrupted

    for step in ("make", "_transfer", "rescue"):
        monkeypatch.setattr(Copy, step, around(getattr(Copy, step)))
    milvus.collection(info).optimize()
    found = rows(process(milvus_server.uri), info)
    assert sorted(found) == sorted(f"{number}.png" for number in range(len(moments), ROWS + len(moments)))
    assert [found[f"{100 + n}.png"][0] for n in moments] == [{"changed": n} for n in moments]
    assert nlist(milvus, info) == 64


def test_a_row_that_reached_only_the_old_collection_is_rescued(milvus_server, process, monkeypatch):
    milvus, info, original = process(milvus_server.uri), encoder(), Copy.rescue
    fill(milvus, info, 250)

    def late(copy):
        fill_old = [as_row(record(number, metadata={"number": number}), VECTORS[number]) for number in range(250, ROWS)]
        milvus.connection.client().upsert(name_with(collection_name(info), 16), fill_old)
        original(copy)

    monkeypatch.setattr(Copy, "rescue", late)
    milvus.collection(info).optimize()
    assert_whole(milvus, info)


def test_what_a_kill_has_left_without_its_name_is_written_to_at_once(milvus_server, process):
    milvus, info = process(milvus_server.uri), encoder()
    fill(milvus, info)
    milvus.connection.client().drop_alias(collection_name(info))
    milvus.collection(info).upsert([record(ROWS)], VECTORS[:1])
    milvus.connection.client().drop_alias(collection_name(info))
    milvus.delete([record(0).img_path])
    assert sorted(rows(milvus, info)) == sorted(f"{number}.png" for number in range(1, ROWS + 1))


def test_two_at_once_get_along(milvus_server, process):
    try:
        rebuild_twice_at_once(milvus_server, process)
    except (MilvusException, IndexUnavailable):
        if milvus_server.is_running:
            raise
        milvus_server.start()  # 2.3.5 may crash over a query of a collection that is being dropped
        rebuild_twice_at_once(milvus_server, process)


def rebuild_twice_at_once(milvus_server, process):
    info = encoder()
    fill(process(milvus_server.uri), info)
    make_plain(process(milvus_server.uri), info)
    both = [process(milvus_server.uri) for _ in range(2)]
    threads = [threading.Thread(target=each.collection(info).optimize) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in both:
        assert_whole(each, info)
        assert each.collection(info).status().nlist == 64


def test_another_process_is_told_of_it(milvus_server, process, monkeypatch):
    milvus, other, info, original = process(milvus_server.uri), process(milvus_server.uri), encoder(), Copy.make
    fill(milvus, info)
    seen = [other.collection(info).status()]

    def watched(copy):
        seen.append(other.collection(info).status())
        original(copy)

    monkeypatch.setattr(Copy, "make", watched)
    milvus.collection(info).optimize()
    seen.append(other.collection(info).status())
    assert [(status.state, status.nlist) for status in seen] == [
        ("released", 16),
        ("rebuilding", 16),
        ("released", 64),
    ]
