"""Watching: rounds driven by hand with a clock and listings of our own; then real folders and buckets."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from db.files.line_file import LineFile
from db.sources.watching import watched
from library.errors import IndexUnavailable, InvalidSelection, SourceUnavailable, StoreUnavailable, UnknownSource
from library.image_library import ImageLibrary
from library.images import content_id
from library.ingest.candidates import SETTLED_AFTER, WRITER_GIVEN_UP_AFTER
from library.ingest.items import Item
from library.ingest.runs import Worker
from library.ingest.watch import Watching, parse_interval, through
from library.ingest.watch_source import SourceListing
from library.ingest.watch_state import SeenFile, WatchState
from library.ingest.watcher import Round, Watcher
from testing.fakes import MemoryCollection, MemoryDatabase, MemoryStore
from testing.pictures import item


class Folder:
    """A source in memory; the same bytes at the same path have the same signature."""

    name = "/pictures"
    shows_only_whole = False

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.reads: list[str] = []
        self.written: set[str] = set()
        self.unread: set[str] = set()
        self.mounts: set[str] = set()
        self.unreadable: set[str] = set()
        self.is_away = False

    def listing(self) -> SourceListing:
        if self.is_away:
            raise SourceUnavailable("The folder is not there.")
        signatures = {path: f"{len(data)}:{hash(data)}" for path, data in self.files.items()}
        return SourceListing(signatures, frozenset(self.unread), frozenset(self.mounts))

    def item(self, path: str, signature: str) -> Item:
        return Item(path, path.rpartition("/")[2], lambda: self._read(path), f"pictures{path}")

    def is_being_written(self, path: str) -> bool:
        return path in self.written

    def notice(self, changed: threading.Event, should_stop: threading.Event) -> None:
        pass

    def _read(self, path: str) -> bytes:
        self.reads.append(path)
        if path in self.unreadable:
            raise OSError("it does not answer")
        return self.files[path]


class DatabaseThatGoes(MemoryDatabase):
    is_away = False

    def collection(self, encoder):
        name = f"{encoder.name}_{encoder.fingerprint}"
        return self._collections.setdefault(name, CollectionThatGoes(self, name, encoder.dim))

    def delete(self, img_paths):
        self.answer()
        super().delete(img_paths)

    def answer(self) -> None:
        if self.is_away:
            raise IndexUnavailable("Milvus does not answer.")


class CollectionThatGoes(MemoryCollection):
    def __init__(self, database: DatabaseThatGoes, name: str, dim: int) -> None:
        super().__init__(name, dim)
        self._database = database

    def upsert(self, records, vectors):
        self._database.answer()
        super().upsert(records, vectors)

    def status(self, expected_rows=None):
        status = super().status(expected_rows)
        return replace(status, problem="Milvus does not answer.", connected=False) if self._database.is_away else status


class StoreThatGoes(MemoryStore):
    refused: tuple[str, ...] = ()

    def add(self, record, original, thumbnail):
        if record.name in self.refused:
            raise StoreUnavailable("The disk is full.")
        super().add(record, original, thumbnail)


@pytest.fixture
def database() -> DatabaseThatGoes:
    return DatabaseThatGoes()


@pytest.fixture
def store() -> StoreThatGoes:
    return StoreThatGoes()


@pytest.fixture
def folder() -> Folder:
    return Folder()


@pytest.fixture
def watch(library, folder):
    """watch(delete=True) -> look(seconds) lets them pass, looks, and gives what one line would tell."""
    return lambda *args, **options: Looking(library, folder, *args, **options)


class Looking:
    def __init__(
        self,
        library: ImageLibrary,
        source: object,
        delete: bool = False,
        taken: WatchState | None = None,
        add: Callable | None = None,
    ) -> None:
        self.now = 1000.0
        taken = WatchState() if taken is None else taken
        self.watcher = Watcher(source, library, add or library.add, taken, delete, lambda: self.now)

    def __call__(self, seconds: float = 2 * SETTLED_AFTER) -> list[tuple[str, str]]:
        self.now += seconds
        rounds = list(self.watcher.scan())
        receipts = [(receipt.path, receipt.status) for found in rounds for receipt in found.receipts]
        return [*receipts, *((removal.path, "deleted") for found in rounds for removal in found.removals)]

    def twice(self) -> list[tuple[str, str]]:
        return [*self(), *self()]


def stored(library: ImageLibrary) -> list[str]:
    return sorted(record.name for record in library.browse(0, 100))


def warnings(caplog) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


# What is taken in, and when


def test_a_file_is_taken_in_once_it_looked_the_same_for_a_moment(folder, watch, picture):
    look = watch()
    folder.files["/a.png"] = picture("red")
    assert look() == []
    assert look(SETTLED_AFTER / 2) == []
    assert look(SETTLED_AFTER / 2) == [("/a.png", "new")]


def test_a_file_that_grows_is_left_until_it_is_whole(folder, watch, picture, library):
    look, whole = watch(), picture("red", size=(200, 200))
    for end in (10, 100, 200):
        folder.files["/a.png"] = whole[:end]
        assert look() == []
    folder.files["/a.png"] = whole
    assert look.twice() == [("/a.png", "new")]
    assert stored(library) == ["a.png"] and folder.reads == ["/a.png"]


def test_a_file_that_somebody_has_open_for_writing_is_left_alone(folder, watch, picture):
    look = watch()
    folder.files["/a.png"] = picture("red")[:50]
    folder.written = {"/a.png"}
    assert [look() for _ in range(10)] == [[]] * 10
    folder.files["/a.png"] = picture("red")
    assert look.twice() == []
    folder.written = set()
    assert look() == [("/a.png", "new")]


def test_a_writer_that_does_nothing_for_long_is_not_waited_for(folder, watch, picture):
    look = watch()
    folder.files["/a.png"], folder.written = picture("red"), {"/a.png"}
    assert look() == []
    assert look(WRITER_GIVEN_UP_AFTER) == [("/a.png", "new")]


def test_where_files_appear_whole_the_first_look_takes_them_in(folder, watch, picture):
    folder.shows_only_whole = True
    folder.files["/a.png"] = picture("red")
    assert watch()() == [("/a.png", "new")]


def test_what_was_taken_in_is_not_read_again(folder, watch, picture):
    look = watch()
    folder.files |= {"/a.png": picture("red"), "/b.png": picture("red")}
    assert look.twice() == [("/a.png", "new"), ("/b.png", "duplicate")]
    assert look.twice() == [] and len(folder.reads) == 2


def test_a_picture_that_is_cut_short_is_tried_again_when_it_changes_and_not_before(folder, watch, picture, caplog):
    look, whole = watch(), picture("red", size=(200, 200))
    folder.files["/a.png"] = whole[:200]
    assert look.twice() == [("/a.png", "rejected")]
    assert look.twice() == [] and folder.reads == ["/a.png"]
    folder.files["/a.png"] = whole
    assert look.twice() == [("/a.png", "new")]
    assert warnings(caplog) == [
        "/a.png is rejected: The picture is damaged or cut short and cannot be decoded.",
    ]


def test_the_next_look_comes_soon_while_something_settles(folder, watch, picture):
    look = watch()
    look()
    assert look.watcher.pause(60) == 60
    folder.files["/a.png"] = picture("red")
    look()
    assert look.watcher.pause(60) == SETTLED_AFTER and look.watcher.pause(0.5) == 0.5
    look(SETTLED_AFTER / 2)
    assert look.watcher.pause(60) == SETTLED_AFTER / 2
    folder.written = {"/a.png"}
    look()
    assert look.watcher.pause(60) == SETTLED_AFTER
    folder.written = set()
    look()
    assert look.watcher.pause(60) == 60


def test_while_something_is_away_its_return_is_looked_for_often(folder, watch):
    look, folder.is_away = watch(), True
    look()
    assert look.watcher.pause(3600) <= 5


def test_many_files_are_taken_in_by_parts(folder, watch, library, picture, monkeypatch):
    monkeypatch.setattr("library.ingest.watcher.AT_ONCE", 2)
    folder.files = {f"/{number}.png": picture((number, 0, 0)) for number in range(5)}
    look = watch()
    look()
    look.now += SETTLED_AFTER
    assert [len(found.receipts) for found in look.watcher.scan()] == [2, 2, 1]


def test_a_round_that_is_stopped_is_gone_on_with_later(folder, watch, picture):
    folder.files = {"/a.png": picture("red")}
    look = watch()
    look()
    look.now += SETTLED_AFTER
    assert list(look.watcher.scan(lambda: True)) == []
    assert look() == [("/a.png", "new")]


# When something goes away


def test_while_milvus_is_away_pictures_wait_and_the_log_says_so_once(folder, watch, picture, database, library, caplog):
    look = watch()
    database.is_away = True
    folder.files["/a.png"] = picture("red")
    assert [look() for _ in range(9)] == [[]] * 9
    assert len(folder.reads) == 1  # one try told enough
    database.is_away = False
    assert look() == [("/a.png", "new")]
    assert library.status().missing == 0
    assert warnings(caplog) == [
        "watching /pictures: waits: Milvus does not answer.",
        "watching /pictures: goes on",
    ]


def test_a_picture_that_the_store_did_not_take_is_tried_again(folder, watch, picture, store, caplog):
    look, store.refused = watch(), ("a.png",)
    folder.files |= {"/a.png": picture("red"), "/b.png": picture("blue"), "/copy of a.png": picture("red")}
    assert look.twice() == [("/b.png", "new")]
    look()
    store.refused = ()
    assert look(60) == [("/a.png", "new"), ("/copy of a.png", "duplicate")]
    assert "/a.png is tried again later: The disk is full." in warnings(caplog)


def test_a_file_that_cannot_be_read_is_tried_again_ever_more_rarely_and_told_once(folder, watch, picture, caplog):
    look, folder.unreadable = watch(), {"/a.png"}
    folder.files["/a.png"] = picture("red")
    for _ in range(100):
        assert look(5) == []
    assert 5 < len(folder.reads) < 20
    folder.unreadable = set()
    assert look(60) == [("/a.png", "new")]
    assert warnings(caplog) == ["/a.png is tried again later: The file cannot be read: it does not answer."]


def test_a_source_that_goes_deletes_nothing_and_is_used_again_once_it_is_back(folder, watch, picture, library, caplog):
    look = watch(delete=True)
    folder.files["/a.png"] = picture("red")
    look.twice()
    folder.is_away = True
    assert [look() for _ in range(5)] == [[]] * 5
    folder.is_away = False
    folder.files["/b.png"] = picture("blue")
    assert look.twice() == [("/b.png", "new")]
    assert stored(library) == ["a.png", "b.png"]
    assert warnings(caplog) == [
        "/pictures is away, nothing is deleted: The folder is not there.",
        "/pictures is back",
    ]


# Removals


def test_a_removal_is_followed_only_when_asked_for(folder, watch, picture, library):
    folder.files |= {"/a.png": picture("red"), "/b.png": picture("blue")}
    look = watch()
    look.twice()
    del folder.files["/a.png"]
    assert look.twice() == [] and stored(library) == ["a.png", "b.png"]


@pytest.fixture
def look(folder, watch, picture):
    """Follows removals; /a.png, red, and /b.png, blue, are in already."""
    folder.files |= {"/a.png": picture("red"), "/b.png": picture("blue")}
    look = watch(delete=True)
    look.twice()
    return look


def test_a_picture_is_deleted_with_its_file(look, folder, library):
    del folder.files["/a.png"]
    assert look.twice() == [("/a.png", "deleted")]
    assert stored(library) == ["b.png"] and look.twice() == []


def test_a_file_that_is_away_for_a_blink_is_not_deleted(look, folder, picture, library):
    red = folder.files.pop("/a.png")
    assert look() == []
    folder.files["/a.png"] = red
    assert look.twice() == [] and stored(library) == ["a.png", "b.png"]


def test_a_picture_that_lies_at_another_path_too_is_kept_until_the_last_is_gone(look, folder, library):
    folder.files["/copy.png"] = folder.files["/a.png"]
    assert look.twice() == [("/copy.png", "duplicate")]
    del folder.files["/a.png"]
    assert look.twice() == []
    del folder.files["/copy.png"]
    assert look.twice() == [("/copy.png", "deleted")] and stored(library) == ["b.png"]


def test_a_file_that_is_moved_keeps_its_picture(look, folder, library):
    before = [record.added for record in library.browse(0, 9)]
    folder.files["/sub/a.png"] = folder.files.pop("/a.png")
    assert look.twice() == [("/sub/a.png", "duplicate")]
    assert [record.added for record in library.browse(0, 9)] == before
    del folder.files["/sub/a.png"]
    assert look.twice() == [("/sub/a.png", "deleted")]


def test_a_changed_file_takes_its_old_picture_away(look, folder, picture, library):
    folder.files["/a.png"] = picture("green")
    assert look.twice() == [("/a.png", "new"), ("/a.png", "deleted")]
    assert {record.content_id for record in library.browse(0, 9)} == {
        content_id(picture("green")),
        content_id(picture("blue")),
    }


def test_two_files_that_change_places_lose_nothing(look, folder, library):
    folder.files["/a.png"], folder.files["/b.png"] = folder.files["/b.png"], folder.files["/a.png"]
    assert look.twice() == [("/a.png", "duplicate"), ("/b.png", "duplicate")]
    assert stored(library) == ["a.png", "b.png"]


def test_a_change_to_something_that_is_no_picture_keeps_the_old_one_until_the_file_is_gone(look, folder, library):
    folder.files["/a.png"] = b"half a pict"
    assert look.twice() == [("/a.png", "rejected")]
    assert stored(library) == ["a.png", "b.png"]
    del folder.files["/a.png"]
    assert look.twice() == [("/a.png", "deleted")]


def test_without_delete_a_changed_file_keeps_its_old_picture(folder, watch, picture, library):
    look, folder.files["/a.png"] = watch(), picture("red")
    look.twice()
    folder.files["/a.png"] = picture("green")
    assert look.twice() == [("/a.png", "new")]
    assert len(library.browse(0, 9)) == 2


def test_a_source_that_is_suddenly_empty_deletes_nothing_and_is_named_once(look, folder, picture, library, caplog):
    kept, folder.files = folder.files, {}
    assert [look() for _ in range(5)] == [[]] * 5
    assert warnings(caplog) == ["/pictures is suddenly empty: nothing is deleted"]
    folder.files = {"/b.png": kept["/b.png"]}
    assert look.twice() == [("/a.png", "deleted")]


def test_what_cannot_be_looked_at_is_not_taken_for_gone(folder, watch, picture, library):
    folder.files |= {"/sub/a.png": picture("red"), "/b.png": picture("blue"), "/link.png": picture("green")}
    look = watch(delete=True)
    look.twice()
    folder.unread = {"/sub", "/link.png"}
    del folder.files["/sub/a.png"], folder.files["/link.png"]
    assert look.twice() == [] and len(stored(library)) == 3


def test_a_disk_below_the_folder_that_is_unmounted_deletes_nothing(folder, watch, picture, library):
    folder.files |= {"/stick/a.png": picture("red"), "/stick/c.png": picture("green"), "/b.png": picture("blue")}
    folder.mounts = {"/stick"}
    look = watch(delete=True)
    look.twice()
    del folder.files["/stick/c.png"]
    assert look.twice() == [("/stick/c.png", "deleted")]
    folder.files, folder.mounts = {"/b.png": picture("blue")}, set()
    assert look.twice() == [] and stored(library) == ["a.png", "b.png"]


def test_a_picture_that_somebody_uploaded_is_not_deleted_with_a_file(folder, watch, picture, library):
    list(library.add([item("mine.png", picture("red"))]))
    folder.files |= {"/a.png": picture("red"), "/b.png": picture("blue")}
    look = watch(delete=True)
    assert ("/a.png", "duplicate") in look.twice()
    del folder.files["/a.png"]
    assert look.twice() == [] and stored(library) == ["b.png", "mine.png"]


def test_a_picture_that_somebody_deleted_stays_away(look, folder, library):
    library.delete([content_id(folder.files["/a.png"])])
    assert look.twice() == []
    del folder.files["/a.png"]
    assert look.twice() == [] and stored(library) == ["b.png"]


def test_a_removal_waits_for_a_milvus_that_is_away(look, folder, picture, library, database):
    database.is_away = True
    del folder.files["/a.png"]
    folder.files["/b.png"] = picture("green")
    assert [found for _ in range(5) for found in look() if found[1] == "deleted"] == []
    database.is_away = False
    assert sorted(found for _ in range(3) for found in look(60) if found[1] == "deleted") == [
        ("/a.png", "deleted"),
        ("/b.png", "deleted"),
    ]
    assert [record.content_id for record in library.browse(0, 9)] == [content_id(picture("green"))]


def test_what_another_watched_folder_holds_is_kept(look, folder, library):
    other = Folder()
    other.files["/elsewhere.png"] = folder.files["/a.png"]
    beside = Looking(library, other, delete=True)
    Watching([look.watcher, beside.watcher], every=5)
    assert beside.twice() == [("/elsewhere.png", "duplicate")]
    del folder.files["/a.png"]
    assert look.twice() == [] and stored(library) == ["a.png", "b.png"]
    other.files = {"/rest.png": folder.files["/b.png"]}
    assert beside.twice() == [("/rest.png", "duplicate"), ("/elsewhere.png", "deleted")]


# Across restarts


@pytest.fixture
def memory(tmp_path) -> Path:
    return tmp_path / "watch" / "memory.jsonl"


def test_a_restart_reads_nothing_again_and_follows_what_was_removed_meanwhile(folder, watch, picture, library, memory):
    names = ("/a.png", "/b.png", "/not utf-8 \udcff.png")
    folder.files |= {name: picture((number, 0, 0)) for number, name in enumerate(names)}
    watch(True, WatchState(LineFile(memory))).twice()
    folder.reads.clear()
    del folder.files["/a.png"]
    assert watch(True, WatchState(LineFile(memory))).twice() == [("/a.png", "deleted")]
    assert folder.reads == [] and len(library.browse(0, 9)) == 2
    assert watch(True, WatchState(LineFile(memory))).twice() == []


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\x00{", b'{"index": ""}\n[1]\n{"path": "/a.png"}\n{"path": 1, "id": []}']
)
def test_a_memory_that_is_damaged_means_that_everything_is_looked_at_again(folder, watch, picture, memory, damage):
    folder.files |= {"/a.png": picture("red"), "/b.png": picture("blue")}
    watch(True, WatchState(LineFile(memory))).twice()
    memory.write_bytes(damage)
    look = watch(True, WatchState(LineFile(memory)))
    assert look.twice() == [("/a.png", "duplicate"), ("/b.png", "duplicate")]
    del folder.files["/a.png"]
    assert look.twice() == [("/a.png", "deleted")]  # it came in from there, as its record says


def test_a_line_that_was_cut_short_costs_only_itself(memory):
    WatchState(LineFile(memory)).update({"/a.png": SeenFile("1"), "/b.png": SeenFile("2")})
    memory.write_bytes(memory.read_bytes()[:-9])
    again = WatchState(LineFile(memory))
    assert dict(again) == {"/a.png": SeenFile("1")}
    again.update({"/c.png": SeenFile("3"), "/a.png": None})
    assert dict(WatchState(LineFile(memory))) == {"/c.png": SeenFile("3")}


def test_for_another_model_everything_is_looked_at_again(memory):
    id = content_id(b"a")
    WatchState(LineFile(memory), "one").update({"/a.png": SeenFile("1", id, "pictures/a.png")})
    assert dict(WatchState(LineFile(memory), "other")) == {"/a.png": SeenFile("", id, "pictures/a.png")}


def test_a_library_that_was_emptied_is_filled_again(folder, watch, picture, library, memory):
    folder.files["/a.png"] = picture("red")
    watch(False, WatchState(LineFile(memory))).twice()
    library.delete([content_id(picture("red"))])
    assert watch(False, WatchState(LineFile(memory))).twice() == [("/a.png", "new")]


def test_a_memory_that_cannot_be_written_is_told_once_and_watching_goes_on(folder, watch, picture, tmp_path, caplog):
    (tmp_path / "watch").write_text("in the way")
    look = watch(True, WatchState(LineFile(tmp_path / "watch" / "memory.jsonl")))
    folder.files["/a.png"] = picture("red")
    assert look.twice() == [("/a.png", "new")]
    [line] = warnings(caplog)
    assert "is not remembered across restarts" in line


# Words


@pytest.mark.parametrize(("text", "seconds"), [("5s", 5), ("2m", 120), ("500ms", 0.5), ("7", 7), ("1.5", 1.5)])
def test_an_interval_is_a_number_with_a_unit(text, seconds):
    assert parse_interval(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0", "-5s", "5 weeks", "nan", "1e9", "9999999h", "٣s"])
def test_an_interval_that_is_none_is_refused(text):
    with pytest.raises(InvalidSelection, match=r"--every .* is not possible: 5s, 2m, 500ms"):
        parse_interval(text)


# Through the app's worker


def test_what_the_app_watches_comes_in_as_runs(folder, watch, library, picture):
    worker = Worker(library)
    folder.files["/a.png"] = picture("red")
    look = watch(add=through(worker, "album"))
    look()
    look.now += SETTLED_AFTER
    [found] = look.watcher.scan()
    assert [(receipt.path, receipt.status) for receipt in found.receipts] == [("/a.png", "new")]
    worker.close()


def test_visitors_who_see_a_run_do_not_see_where_the_folder_lies(folder, watch, library, picture):
    worker = Worker(library)
    seen: list[str] = []
    start = worker.start

    def noted(items, source):
        seen.extend([*(item.path for item in items), source])
        return start(items, source)

    worker.start = noted
    folder.files["/a.png"] = picture("red")
    watch(add=through(worker, "album")).twice()
    assert seen == ["pictures/a.png", "album"]
    worker.close()


def test_a_run_that_fails_is_tried_again(folder, watch, library, picture, database):
    worker = Worker(library)
    folder.files["/a.png"] = picture("red")
    look = watch(add=through(worker, "album"))
    database.is_away = True
    assert look.twice() == []
    database.is_away = False
    assert look(60) == [("/a.png", "new")]
    worker.close()


# Real folders


@pytest.fixture
def album(tmp_path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    return folder


@pytest.fixture
def running(library):
    """running(source) -> the rounds of watchers at work, as they come."""
    started: list[Watching] = []

    def start(source: object, every: float = 60, delete: bool = False) -> list[Round]:
        rounds: list[Round] = []
        watcher = Watcher(source, library, library.add, WatchState(), delete)
        started.append(Watching([watcher], every, lambda _, found: rounds.append(found)))
        started[-1].start()
        return rounds

    yield start
    for watching in started:
        watching.stop()
        watching.wait()


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_folder_is_listed_without_what_is_no_picture(album, picture):
    (album / "sub").mkdir()
    (album / ".hidden").mkdir()
    for name in ("a.png", "sub/b.png", ".c.png", ".hidden/d.png", "notes.txt"):
        (album / name).write_bytes(picture("red"))
    (album / "sub" / "loop").symlink_to(album)
    os.mkfifo(album / "pipe.png")
    source = watched(str(album))
    listing = source.listing()
    assert sorted(listing.signatures) == [str(album / "a.png"), str(album / "sub" / "b.png")]
    found = source.item(str(album / "sub" / "b.png"), listing.signatures[str(album / "sub" / "b.png")])
    assert (found.source, found.name, found.read()) == ("album/sub/b.png", "b.png", picture("red"))


def test_a_link_that_leads_nowhere_is_not_taken_for_gone(album, tmp_path):
    (album / "a.png").symlink_to(tmp_path / "nowhere.png")
    assert watched(str(album)).listing() == SourceListing({}, frozenset({str(album / "a.png")}))


def test_a_file_that_changed_since_it_was_listed_is_not_read(album, picture):
    (album / "a.png").write_bytes(picture("red"))
    source = watched(str(album))
    [(path, signature)] = source.listing().signatures.items()
    (album / "a.png").write_bytes(picture("blue", size=(50, 50)))
    with pytest.raises(OSError, match="changes while it is read"):
        source.item(path, signature).read()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has a file open")
def test_an_open_writer_is_seen(album, picture):
    source = watched(str(album))
    with (album / "a.png").open("wb") as file:
        file.write(picture("red"))
        assert source.is_being_written(str(album / "a.png"))
    assert not source.is_being_written(str(album / "a.png"))


def test_a_folder_that_goes_is_away_and_a_new_one_in_its_place_is_watched(album, picture, running, library):
    source = watched(str(album))
    running(source, every=0.2)
    album.rename(album.with_name("elsewhere"))
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        source.listing()
    album.mkdir()
    (album / "a.png").write_bytes(picture("red"))
    until(lambda: stored(library) == ["a.png"])


def test_what_the_library_keeps_itself_is_left_out(tmp_path, picture):
    kept = tmp_path / "data" / "images"
    kept.mkdir(parents=True)
    (kept / "a.png").write_bytes(picture("red"))
    (tmp_path / "b.png").write_bytes(picture("blue"))
    own = [tmp_path / "data"]
    assert list(watched(str(tmp_path), own).listing().signatures) == [str(tmp_path / "b.png")]
    with pytest.raises(UnknownSource, match="where the library keeps its own files"):
        watched(str(kept), own)


@pytest.mark.parametrize("name", ["nowhere", "a.zip", "*.png"])
def test_what_is_no_folder_is_refused(album, name):
    (album / "a.zip").write_bytes(b"")
    with pytest.raises(UnknownSource, match="a folder or a bucket"):
        watched(str(album / name))


def test_a_slowly_written_file_comes_in_once_and_whole(album, picture, running, library):
    rounds = running(watched(str(album)))  # the listings are a minute apart: the file system has to tell
    whole = picture("red", size=(400, 300))
    with (album / "a.png").open("wb") as file:
        file.write(whole[: len(whole) // 2])
        file.flush()
        time.sleep(2 * SETTLED_AFTER)
        assert rounds == []
        file.write(whole[len(whole) // 2 :])
    until(lambda: rounds)
    [[receipt]] = [found.receipts for found in rounds]
    assert (receipt.status, receipt.content_id) == ("new", content_id(whole))


def test_a_file_is_found_within_seconds_and_its_removal_too(album, picture, running, library):
    running(watched(str(album)), delete=True)
    (album / "b.png").write_bytes(picture("blue"))
    (album / "a.png").write_bytes(picture("red"))
    until(lambda: stored(library) == ["a.png", "b.png"], seconds=10)
    (album / "a.png").unlink()
    until(lambda: stored(library) == ["b.png"], seconds=10)


def test_watching_ends_at_once_however_long_the_interval_is(album, library):
    watcher = Watcher(watched(str(album)), library, library.add, WatchState())
    watching = Watching([watcher], every=3600)
    watching.start()
    started = time.monotonic()
    watching.stop()
    watching.wait()
    assert time.monotonic() - started < 5


# Real buckets


@pytest.fixture
def objects(bucket):
    import fsspec

    return fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False)


def test_a_bucket_is_followed(bucket, objects, picture, library):
    look = Looking(library, watched(bucket), delete=True)
    assert look() == []  # a folder in a bucket is there with its first object
    objects.pipe_file(f"{bucket}/2019/a.png", picture("red"))
    objects.pipe_file(f"{bucket}/b.png", picture("blue"))
    objects.pipe_file(f"{bucket}/.hidden/c.png", picture("green"))
    objects.pipe_file(f"{bucket}/notes.txt", b"text")
    assert look() == [(f"{bucket}/2019/a.png", "new"), (f"{bucket}/b.png", "new")]
    assert look() == []
    objects.rm_file(f"{bucket}/2019/a.png")
    objects.pipe_file(f"{bucket}/b.png", picture("green"))
    assert look() == [(f"{bucket}/b.png", "new"), (f"{bucket}/b.png", "deleted")]
    assert look() == [(f"{bucket}/2019/a.png", "deleted")]
    objects.rm_file(f"{bucket}/b.png")
    assert look.twice() == [] and len(stored(library)) == 1


def test_a_bucket_that_is_not_there_is_refused(bucket):
    with pytest.raises(UnknownSource, match="There is nothing at s3://nowhere"):
        watched("s3://nowhere/at-all")


def test_an_object_is_no_folder(bucket, objects, picture):
    objects.pipe_file(f"{bucket}/a.png", picture("red"))
    with pytest.raises(UnknownSource, match="is no folder"):
        watched(f"{bucket}/a.png")


def test_a_service_that_does_not_answer_is_away(bucket, s3_environment):
    s3_environment("http://127.0.0.1:1")
    with pytest.raises(SourceUnavailable, match="does not answer"):
        watched(bucket)
