"""Takes a real Milvus server away from a running library and brings it back."""

import time
import uuid

import pytest
from pymilvus import MilvusClient

from db.milvus.database import Milvus
from db.sources.watching import watched
from library.errors import IndexUnavailable
from library.image_library import ImageLibrary
from library.ingest.watch_state import WatchState
from library.ingest.watcher import Watcher
from library.ports import EncoderInfo
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryStore, ready
from testing.pictures import item

pytestmark = pytest.mark.kills_server


class FreshEncoder(ColourEncoder):
    def __init__(self) -> None:
        self.info = EncoderInfo("colour", uuid.uuid4().hex, 3, "cpu", "float32")


def names(library: ImageLibrary, text: str) -> list[str]:
    return [hit.record.name for hit in library.search(Query.of(text)).hits]


def test_a_milvus_that_dies_is_named_and_used_again_once_it_is_back(milvus_server, picture):
    milvus = Milvus(milvus_server.uri)
    library = ImageLibrary(MemoryStore(), ready(FreshEncoder()), milvus)
    list(library.add([item("red.png", picture("red"))]))
    assert names(library, "red") == ["red.png"]

    milvus_server.kill()
    for _ in range(2):
        with pytest.raises(IndexUnavailable, match=r"does not answer\. Start it"):
            library.search(Query.of("red"))
    status = library.status().index
    assert not status.connected and "does not answer" in str(status.problem)
    receipts = []
    with pytest.raises(IndexUnavailable):
        for receipt in library.add([item("blue.png", picture("blue"))]):
            receipts.append(receipt)

    milvus_server.start()
    deadline = time.monotonic() + 90
    while True:  # a server that says it is healthy may still be gathering its parts
        try:
            assert names(library, "red") == ["red.png"]
            break
        except IndexUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.5)
    assert [receipt.status for receipt in library.add([item("blue.png", picture("blue"))])] == ["new"]
    assert names(library, "blue") == ["blue.png", "red.png"]
    assert library.status().index.connected
    library.close()


def test_what_is_watched_waits_for_a_milvus_that_died(milvus_server, picture, tmp_path):
    milvus = Milvus(milvus_server.uri)
    library = ImageLibrary(MemoryStore(), ready(FreshEncoder()), milvus)
    watcher = Watcher(watched(str(tmp_path)), library, library.add, WatchState(), follow_removals=True)

    def look_until(pictures: set[str]) -> None:
        deadline = time.monotonic() + 90
        while {record.name for record in library.browse(0, 9)} != pictures or library.status().missing:
            assert time.monotonic() < deadline
            list(watcher.scan())
            time.sleep(0.5)

    for colour in ("red", "green"):
        (tmp_path / f"{colour}.png").write_bytes(picture(colour))
    look_until({"red.png", "green.png"})

    milvus_server.kill()
    (tmp_path / "blue.png").write_bytes(picture("blue"))
    (tmp_path / "red.png").unlink()
    for _ in range(6):
        list(watcher.scan())
        time.sleep(0.5)

    milvus_server.start()
    look_until({"blue.png", "green.png"})
    assert names(library, "blue") == ["blue.png", "green.png"]
    library.close()


def test_a_milvus_that_was_never_there_is_named_without_waiting(picture):
    library = ImageLibrary(MemoryStore(), ready(FreshEncoder()), Milvus("http://127.0.0.1:9"))
    with pytest.raises(IndexUnavailable, match=r"http://127\.0\.0\.1:9 does not answer"):
        library.search(Query.of("red"))
    assert not library.status().index.connected
    with pytest.raises(IndexUnavailable):
        list(library.add([item("red.png", picture("red"))]))
    assert library.status().pictures == 0
    library.close()


@pytest.mark.parametrize("damage", ["a file in its place", "a file of its own that is none"])
def test_what_is_no_index_of_lite_is_named_and_not_taken_for_one_in_use(damage, picture, tmp_path):
    path = tmp_path / "milvus.db"
    if damage == "a file in its place":
        path.write_bytes(b"SQLite format 3")
    else:
        (path / "LOCK").mkdir(parents=True)
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), Milvus(path))
    with pytest.raises(IndexUnavailable, match=r"(?i)milvus\.db is (damaged|a file).* elsewhere"):
        list(library.add([item("red.png", picture("red"))]))


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy"])
def test_a_server_on_this_machine_is_reached_whatever_proxy_is_set(milvus_server, monkeypatch, variable):
    monkeypatch.setenv(variable, "http://127.0.0.1:9")  # where nothing listens
    monkeypatch.setenv("no_grpc_proxy", "example.org")  # in place of no_proxy
    database = Milvus(milvus_server.uri)
    assert isinstance(database.stored(), list)
    database.close()


def test_a_client_of_the_programs_own_to_the_same_server_can_be_closed(milvus_server):
    other = MilvusClient(milvus_server.uri)
    database = Milvus(milvus_server.uri)
    database.stored()
    other._handler.close()  # what pymilvus would share, to the last channel
    assert isinstance(database.stored(), list)
