"""Deletes pictures whose files were removed while watching, and none whose source cannot be reached."""

import pytest

from library.images import content_id
from library.ingest.watch import Watching
from testing.pictures import item
from testing.watching import Folder, Looking, stored, warnings


def test_a_removal_is_followed_only_when_asked_for(folder, watch, picture, library):
    folder.files |= {"/a.png": picture("red"), "/b.png": picture("blue")}
    look = watch()
    look.twice()
    del folder.files["/a.png"]
    assert look.twice() == [] and stored(library) == ["a.png", "b.png"]


@pytest.fixture
def look(folder, watch, picture):
    """Returns a watcher that follows removals, with /a.png, red, and /b.png, blue, added already."""
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
