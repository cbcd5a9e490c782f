"""Watches real folders and buckets."""

import json
import logging
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from commands.printing import print_round, print_round_as_json
from db.sources.files import items_from
from db.sources.watching import watched
from library.errors import SourceUnavailable, UnknownSource
from library.images import content_id
from library.ingest.candidates import SETTLED_AFTER
from library.ingest.skips import skipped_by_reason
from library.ingest.watch import Watching
from library.ingest.watch_source import SourceListing
from library.ingest.watch_state import WatchState
from library.ingest.watcher import Round, Watcher
from testing.waiting import until
from testing.watching import Looking, stored

pytestmark = pytest.mark.waits

# Real folders


@pytest.fixture
def album(tmp_path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    return folder


@pytest.fixture
def running(library):
    """Returns a function: running(source) starts watchers and gives their rounds, as they come."""
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


def test_what_is_left_out_is_told_once_with_the_reasons_of_an_import(album, picture, library, tmp_path, capsys):
    for name in (".h", "@eaDir"):
        (album / name).mkdir()
        (album / name / "b.png").write_bytes(picture("blue"))
    (album / "ok.png").write_bytes(picture("red"))
    (album / "link.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(album / "a.jpg")
    look = Looking(library, watched(str(album)))
    assert list(look.watcher.scan()) == []
    look.now += SETTLED_AFTER
    [found] = look.watcher.scan()
    print_round("album", found)
    counts = "album: 1 new, 0 updated, 0 duplicate, 0 rejected, 0 deleted, 4 skipped: "
    assert capsys.readouterr().out.startswith(f"{counts}1 hidden folder, 1 folder of the operating system, 1 ")
    print_round_as_json("album", found)
    told = json.loads(capsys.readouterr().out)
    imported = skipped_by_reason(library.add(items_from([str(album)])))
    assert (told["skipped"], told["skipped_by_reason"]) == (4, imported)
    assert look.twice() == []
    (album / "notes.txt").touch()
    assert look.twice() == [(str(album / "notes.txt"), "skipped")]


def test_a_rejected_file_is_printed_with_its_reason(album, library, capsys):
    (album / "broken.png").write_bytes(b"no picture")
    look = Looking(library, watched(str(album)))
    list(look.watcher.scan())
    look.now += SETTLED_AFTER
    [found] = look.watcher.scan()
    print_round("album", found)
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("rejected  ") and "broken.png  This is plain text, not a picture." in first
    assert last == "album: 0 new, 0 updated, 0 duplicate, 1 rejected, 0 deleted"


def test_a_name_that_is_no_utf8_is_said_to_slow_a_watch_down(album):
    told: list[str] = []
    stop, log = threading.Event(), logging.getLogger("db.sources.watching")
    handler = logging.Handler()
    handler.emit = lambda record: (told.append(record.getMessage()), stop.set())
    log.addHandler(handler)
    try:
        watched(str(album)).notice(threading.Event(), stop)
        for number in range(200):
            if not stop.wait(0.05):
                (album / os.fsdecode(b"caf\xe9%d.jpg" % number)).touch()
        assert stop.is_set()
    finally:
        log.removeHandler(handler)
    assert "since a name in it is not UTF-8" in told[0] and "Rename that file" in told[0]


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
    taken = [(f"{bucket}/2019/a.png", "new"), (f"{bucket}/b.png", "new")]
    assert look() == [*taken, (f"{bucket}/.hidden/", "skipped"), (f"{bucket}/notes.txt", "skipped")]
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
