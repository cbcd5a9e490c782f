"""Watches with scans that are called one by one, and a clock and listings of the test."""

from library.ingest.candidates import SETTLED_AFTER, WRITER_GIVEN_UP_AFTER
from library.messages import message
from testing.watching import stored, warnings

# What is imported, and when


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


def test_what_is_left_out_is_told_once_it_stays_whatever_becomes_of_the_pictures(folder, watch, database, picture):
    look = watch()
    folder.skips = {"/.a.png.part": message("hidden")}
    assert look() == []
    folder.skips = {"/b.txt": message("by_its_name")}
    folder.files["/a.png"] = picture("red")
    assert look() == []
    database.is_away = True
    assert look() == [("/b.txt", "skipped")]
    database.is_away = False
    assert look(60) == [("/a.png", "new")]
    folder.skips = {"/b.txt": message("no_regular_file")}
    assert look.twice() == [("/b.txt", "skipped")]
    assert look.twice() == []


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
    [warning] = warnings(caplog)
    assert warning.startswith("… is rejected: The picture is damaged or cut short: ")


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
    assert "… is tried again later: The disk is full." in warnings(caplog)


def test_a_file_that_cannot_be_read_is_tried_again_ever_more_rarely_and_told_once(folder, watch, picture, caplog):
    look, folder.unreadable = watch(), {"/a.png"}
    folder.files["/a.png"] = picture("red")
    for _ in range(100):
        assert look(5) == []
    assert 5 < len(folder.reads) < 20
    folder.unreadable = set()
    assert look(60) == [("/a.png", "new")]
    [told] = warnings(caplog)
    assert told.startswith("… is tried again later: The file cannot be read: it does not answer.")


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
