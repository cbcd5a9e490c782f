"""Holds the contract of an image store, which the fake, the disk and a bucket keep alike."""

import errno
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import fsspec
import numpy as np
import pytest

from db.images import local
from db.images.local import LocalImageStore
from db.images.object import ObjectStore
from library.contents.pictures import Pictures, read_nothing
from library.errors import InvalidContentId, StoreUnavailable, UnknownPicture, UnknownStore
from library.trash.entries import Trashed
from testing.app_server import ROOT
from testing.fakes import MemoryStore
from testing.hub_bucket import BUCKET, HubApi, HubFiles
from testing.pictures import record

KINDS = {"memory": lambda _: MemoryStore(), "disk": LocalImageStore, "s3": ObjectStore, "hub": ObjectStore}
PLACES = {"memory": "tmp_path", "disk": "tmp_path", "s3": "bucket", "hub": "hub_bucket"}


@pytest.fixture
def hub_bucket(monkeypatch):
    """Returns the address of a folder in a bucket of the Hugging Face Hub, which only its file system believes in."""
    monkeypatch.setattr(HubFiles, "hub", HubApi())
    monkeypatch.setattr(fsspec, "get_filesystem_class", lambda scheme: {"hf": HubFiles}[scheme])
    return f"hf://buckets/{BUCKET}/likeness"


@pytest.fixture(params=["memory", "disk", "s3", "hub"])
def store(request):
    return KINDS[request.param](request.getfixturevalue(PLACES[request.param]))


@pytest.fixture(params=["disk", "s3", "hub"])
def reopen(request):
    """Opens one more store on the same place."""
    location = request.getfixturevalue(PLACES[request.param])
    return lambda: KINDS[request.param](location)


def newest(store, offset, limit):
    return store.find_all(store.ids()[offset : offset + limit])


@pytest.fixture
def disk(tmp_path):
    return LocalImageStore(tmp_path)


def test_what_was_added_can_be_had_again(store):
    kept = record(1, name="naïve 写真.png", metadata={"stars": 5, "where": None})
    store.add(kept, b"original", b"thumbnail")
    assert store.find(kept.content_id) == kept
    assert store.original(kept.content_id) == b"original"
    assert store.thumbnail(kept.content_id) == b"thumbnail"


def test_a_missing_picture_is_named_as_such(store):
    assert store.find(record(1).content_id) is None
    for read in (store.original, store.thumbnail):
        with pytest.raises(UnknownPicture):
            read(record(1).content_id)


def test_adding_twice_keeps_one(store):
    for _ in range(2):
        store.add(record(1), b"original", b"thumbnail")
    assert store.count() == 1


def test_deleting_leaves_nothing_and_may_be_repeated(store):
    store.add(record(1), b"original", b"thumbnail")
    for _ in range(2):
        store.delete(record(1).content_id)
    assert store.count() == 0
    assert store.find(record(1).content_id) is None


def test_an_original_may_lie_elsewhere(store):
    elsewhere = record(1, original_at="s3://bucket/1.png")
    store.add(elsewhere, None, b"thumbnail")
    assert store.find(elsewhere.content_id) == elsewhere
    assert store.thumbnail(elsewhere.content_id) == b"thumbnail"
    with pytest.raises(UnknownPicture):
        store.original(elsewhere.content_id)
    store.update(record(1), b"original")
    assert (store.find(elsewhere.content_id), store.original(elsewhere.content_id)) == (record(1), b"original")


def test_a_picture_without_its_original_can_be_deleted(store):
    store.add(record(1, original_at="s3://bucket/1.png"), None, b"thumbnail")
    store.delete(record(1).content_id)
    assert store.count() == 0


def test_it_tells_whether_the_original_is_there(store):
    store.add(record(1), b"original", b"thumbnail")
    store.add(record(2), None, b"thumbnail")
    assert [store.has_original(record(number)) for number in (1, 2)] == [True, False]
    store.add(record(2), b"original", b"thumbnail")
    assert store.has_original(record(2))


def test_a_record_can_be_replaced_by_itself(store):
    for number in range(2):
        store.add(record(number, added=f"2026-01-01T00:00:00.00000{number}Z"), b"original", b"thumbnail")
    changed = record(0, added="2026-01-01T00:00:00.000000Z", metadata={"stars": 5})
    store.update(changed)
    assert store.find_all(store.ids()) == [record(1, added="2026-01-01T00:00:00.000001Z"), changed]
    assert store.original(changed.content_id) == b"original"
    with pytest.raises(UnknownPicture):
        store.update(record(2))


def test_the_newest_come_first_page_by_page(store):
    for number in range(5):
        store.add(record(number, added=f"2026-01-01T00:00:00.00000{number}Z"), b"original", b"thumbnail")
    pages = [newest(store, offset, 2) for offset in (0, 2, 4, 6)]
    assert [[each.name for each in page] for page in pages] == [["4.png", "3.png"], ["2.png", "1.png"], ["0.png"], []]


def test_counting_notices_every_change(store):
    for number in range(12):
        store.add(record(number), b"original", b"thumbnail")
        assert store.count() == number + 1
    for number in range(12):
        store.delete(record(number).content_id)
        assert store.count() == 11 - number


def test_the_layout_on_disk(disk, tmp_path):
    kept = record(1)
    disk.add(kept, b"original", b"thumbnail")
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    stem = f"{kept.content_id[:2]}/{kept.content_id}"
    assert files == {f"{stem}.png", f"{stem}.thumb.jpg", f"{stem}.json"}


def test_two_stores_on_one_place_see_each_other(reopen, monkeypatch):
    monkeypatch.setattr("db.images.object.LISTING_LIFETIME", -1)
    monkeypatch.setattr("db.images.object.LISTING_SHARE", float("inf"))
    one, other = reopen(), reopen()
    assert other.count() == 0
    one.add(record(1), b"original", b"thumbnail")
    assert other.count() == 1
    one.delete(record(1).content_id)
    assert other.count() == 0


def test_what_was_added_outlives_the_store(reopen):
    for number in range(3):
        reopen().add(record(number, added=f"2026-01-0{3 - number}T00:00:00.000000Z"), b"original", b"thumbnail")
    assert [each.name for each in newest(reopen(), 0, 10)] == ["0.png", "1.png", "2.png"]
    assert reopen().original(record(1).content_id) == b"original"


@pytest.mark.parametrize("id", ["..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n"])
def test_only_content_ids_reach_the_medium(reopen, id):
    store = reopen()
    for call in (store.find, store.original, store.thumbnail, store.delete):
        with pytest.raises(InvalidContentId):
            call(id)


def test_a_full_disk_is_named_and_leaves_nothing(disk, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("db.images.local.os.fsync", full)
    with pytest.raises(StoreUnavailable, match="The disk of the image store is full"):
        disk.add(record(1), b"original", b"thumbnail")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_store_that_is_a_file_is_unavailable(tmp_path):
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(StoreUnavailable):
        LocalImageStore(tmp_path / "images").add(record(1), b"original", b"thumbnail")


ENDLESS_WRITER = """
import sys
from pathlib import Path
from db.images import local
from db.images.local import LocalImageStore
from db.images.object import ObjectStore
from testing.pictures import record
place = sys.argv[1]
store = ObjectStore(place) if place.startswith("s3:") else LocalImageStore(Path(place))
for number in range(100_000):
    store.add(record(int(sys.argv[2]) + number), b"o" * 20_000, b"t" * 2_000)
    print(number, flush=True)
"""


@pytest.mark.process
@pytest.mark.parametrize("kind", ["disk", "s3"])
def test_a_kill_leaves_only_whole_pictures(request, tmp_path, kind):
    place = request.getfixturevalue("bucket") if kind == "s3" else tmp_path
    for start, wait in ((0, 0.05), (100_000, 0.11), (200_000, 0.23)):
        command = [sys.executable, "-c", ENDLESS_WRITER, str(place), str(start)]
        writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert writer.stdout and writer.stdout.readline() == "0\n"
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    store = KINDS[kind](place)
    kept = newest(store, 0, 100_000)
    assert len(kept) == store.count() > 0
    for each in kept:
        assert store.original(each.content_id) == b"o" * 20_000
        assert store.thumbnail(each.content_id) == b"t" * 2_000


def test_a_damaged_record_is_a_missing_picture_that_adding_repairs(disk, tmp_path):
    kept = record(1)
    disk.add(kept, b"original", b"thumbnail")
    for damage in ("", "{", "[]", '{"name": 1}'):
        next(tmp_path.rglob("*.json")).write_text(damage)
        assert disk.find(kept.content_id) is None
    disk.add(kept, b"original", b"thumbnail")
    assert disk.find(kept.content_id) == kept


def test_a_damaged_record_is_told_once_and_counts_no_longer_wherever_it_was_met(disk, tmp_path, caplog):
    for number in range(4):
        disk.add(record(number), b"original", b"thumbnail")
    path = next(tmp_path.rglob(f"{record(2).content_id}.json"))
    path.write_bytes(b"{")
    assert LocalImageStore(tmp_path).count() == 3  # what is too short is seen at once
    caplog.clear()
    path.write_bytes(bytes(300))
    pictures = Pictures(disk, read_nothing, *[None] * 4)
    pages = [pictures.newest(offset, 2) for offset in (0, 2)]
    assert [len(page) for page in pages] == [2, 1] and sorted(each.name[0] for page in pages for each in page) == [
        *"013"
    ]
    assert pictures.count() == len(disk.ids()) == 3 and pictures.newest(0, 9) == disk.find_all(disk.ids())
    assert [each.message.count("is damaged: the picture is neither listed nor counted") for each in caplog.records] == [
        1
    ]
    disk.add(record(2), b"original", b"thumbnail")
    assert pictures.count() == 4


def test_abandoned_partial_files_are_swept_up_in_time(disk, tmp_path):
    disk.add(record(1), b"original", b"thumbnail")
    folder = next(tmp_path.iterdir())
    old, young = folder / ".old.partial", folder / ".young.partial"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    LocalImageStore(tmp_path).count()
    assert not old.exists() and young.exists()
    assert Path(young).read_bytes() == b"half"


def test_a_picture_without_its_record_is_not_there_until_it_is_added_again(bucket):
    kept = record(1)
    store = ObjectStore(bucket)
    store.add(kept, b"original", b"thumbnail")
    objects(bucket).rm_file(f"{folder_of(bucket, kept)}/{kept.content_id}.json")
    store = ObjectStore(bucket)
    assert (store.find(kept.content_id), store.count(), newest(store, 0, 10)) == (None, 0, [])
    store.add(kept, b"original", b"thumbnail")
    assert (store.find(kept.content_id), ObjectStore(bucket).count()) == (kept, 1)


def test_deleting_leaves_the_bucket_empty(bucket):
    store = ObjectStore(bucket)
    store.add(record(1), b"original", b"thumbnail")
    assert len(objects(bucket).find(bucket)) == 4
    store.delete(record(1).content_id)
    assert objects(bucket).find(bucket) == []


def test_a_folder_of_pictures_copied_into_a_bucket_is_a_library(bucket, disk, tmp_path):
    disk.add(record(1), b"original", b"thumbnail")
    for file in filter(Path.is_file, tmp_path.rglob("*")):
        objects(bucket).put_file(str(file), f"{bucket}/{file.relative_to(tmp_path)}")
    store = ObjectStore(bucket)
    assert (store.count(), newest(store, 0, 10)) == (1, [record(1)])
    assert store.original(record(1).content_id) == b"original"


def test_a_damaged_record_in_a_bucket_is_a_missing_picture(bucket):
    kept = record(1)
    store = ObjectStore(bucket)
    store.add(kept, b"original", b"thumbnail")
    objects(bucket).pipe_file(f"{folder_of(bucket, kept)}/{kept.content_id}.json", b"{")
    assert (store.find(kept.content_id), newest(store, 0, 10)) == (None, [])


def test_a_bucket_that_is_not_there_is_named(bucket):
    fails_with("s3://nowhere/pictures", "s3://nowhere/pictures does not exist. Create the bucket")


def test_denied_access_is_named(s3_environment):
    with answering_403() as endpoint:
        s3_environment(endpoint)
        fails_with("s3://pictures", "refused access. Check the credentials")


def test_missing_credentials_are_named(bucket, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    fails_with(bucket, "asks for credentials. Set AWS_ACCESS_KEY_ID")


def test_a_service_that_is_away_is_named(s3_environment):
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    s3_environment(f"http://127.0.0.1:{port}")
    fails_with("s3://pictures", "does not answer. Check the network and the endpoint")


def test_a_service_that_comes_back_is_used_again(bucket, s3_server, s3_environment):
    store = ObjectStore(bucket)
    with pytest.MonkeyPatch.context() as away:
        away.setattr(store._files, "cat_file", refuse)
        away.setattr(store._files, "find", refuse)
        for call in (store.count, lambda: store.find(record(1).content_id)):
            with pytest.raises(StoreUnavailable):
                call()
    store.add(record(1), b"original", b"thumbnail")
    assert store.count() == 1


def test_a_kind_of_store_that_nobody_knows_is_named():
    with pytest.raises(UnknownStore, match="IMAGE_STORE=tape://reel is not possible"):
        ObjectStore("tape://reel")


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    def missing(scheme):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.get_filesystem_class", missing)
    with pytest.raises(UnknownStore, match=r"pip install -r requirements-s3\.txt"):
        ObjectStore("s3://pictures")


def objects(bucket):
    return fsspec.url_to_fs(bucket, use_listings_cache=False, skip_instance_cache=True)[0]


def folder_of(bucket, kept):
    return f"{bucket}/{kept.content_id[:2]}"


def refuse(*_, **__):
    raise OSError("connection reset")


def fails_with(url, message):
    store = ObjectStore(url)
    id = record(1).content_id
    calls = [store.count, lambda: newest(store, 0, 10), lambda: store.add(record(1), b"original", b"thumbnail")]
    calls += [lambda call=call: call(id) for call in (store.find, store.original, store.thumbnail, store.delete)]
    for call in calls:
        with pytest.raises(StoreUnavailable, match=re.escape(message)):
            call()


class Denying(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_DELETE = do_GET

    def log_message(self, *_):
        pass


@contextmanager
def answering_403():
    with ThreadingHTTPServer(("127.0.0.1", 0), Denying) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def entry(number, deleted="2026-02-01T00:00:00.000000Z"):
    return Trashed(record(number), deleted, b"thumbnail", {"a": np.arange(3, dtype=np.float32)})


def put_in_trash(store, trashed):
    store.note_trashed(trashed)
    store.hide(trashed.record)


def test_a_picture_in_the_trash_is_out_of_the_library_and_comes_back_whole(store):
    kept = record(1)
    store.add(kept, b"original", b"thumbnail")
    put_in_trash(store, entry(1))
    assert (store.find(kept.content_id), store.count()) == (None, 0)
    for read in (store.original, store.thumbnail):
        with pytest.raises(UnknownPicture):
            read(kept.content_id)
    (found,) = store.find_trashed([kept.content_id, record(2).content_id])
    assert found == entry(1) and np.array_equal(found.vectors["a"], [0, 1, 2])
    store.add(found.record, None, found.thumbnail)
    store.clear_trashed(kept.content_id)
    assert store.find(kept.content_id) == kept
    assert (store.original(kept.content_id), store.thumbnail(kept.content_id)) == (b"original", b"thumbnail")
    assert store.trashed() == {}


def test_the_trash_lists_the_last_deleted_first(store):
    for number, day in ((1, 5), (2, 7), (3, 6)):
        store.add(record(number), b"original", b"thumbnail")
        put_in_trash(store, entry(number, f"2026-02-0{day}T00:00:00.000000Z"))
    put_in_trash(store, entry(1, "2026-02-08T00:00:00.000000Z"))
    assert list(store.trashed()) == [record(number).content_id for number in (1, 2, 3)]
    assert store.trashed()[record(1).content_id] == entry(1, "2026-02-08T00:00:00.000000Z").deleted_at


def test_clearing_an_entry_removes_a_deleted_picture_and_no_other(store):
    store.add(record(1), b"original", b"thumbnail")
    put_in_trash(store, entry(1))
    store.clear_trashed(record(1).content_id)
    store.clear_trashed(record(1).content_id)
    store.add(record(1), None, b"thumbnail")
    assert not store.has_original(record(1))
    store.clear_trashed(record(1).content_id)
    assert store.find(record(1).content_id) == record(1)


def test_a_killed_delete_leaves_no_file_once_its_entry_is_cleared(disk, tmp_path, monkeypatch):
    disk.add(record(1), b"original", b"thumbnail")
    with monkeypatch.context() as patch:
        patch.setattr("db.images.local.sync_folder", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            put_in_trash(disk, entry(1))
    assert disk.find(record(1).content_id) and disk.original(record(1).content_id) == b"original"
    put_in_trash(disk, entry(1))
    disk.clear_trashed(record(1).content_id)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_damaged_entry_of_the_trash_is_listed_and_cleared_but_not_found(disk, tmp_path):
    disk.add(record(1), b"original", b"thumbnail")
    put_in_trash(disk, entry(1))
    for damage in ("", "{", "[]", '{"record": 1}'):
        next(tmp_path.rglob("*.trash")).write_text(damage)
        assert disk.find_trashed([record(1).content_id]) == []
    assert list(disk.trashed()) == [record(1).content_id]
    disk.clear_trashed(record(1).content_id)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_entry_of_the_trash_that_may_not_be_read_hides_no_other(disk, tmp_path, monkeypatch):
    for number in (1, 2):
        disk.add(record(number), b"original", b"thumbnail")
        put_in_trash(disk, entry(number))
    closed, read = next(tmp_path.rglob(f"{record(1).content_id}.trash")), local.read_own

    def read_own(path, *most):
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path, *most)

    monkeypatch.setattr(local, "read_own", read_own)
    ids = list(disk.trashed())
    assert [each.record for each in disk.find_trashed(ids)] == [record(2)]


def test_a_failing_disk_is_told_with_the_file_that_it_failed_at(disk, monkeypatch):
    disk.add(record(1), b"original", b"thumbnail")

    def read_own(path, *most):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(local, "read_own", read_own)
    id = record(1).content_id
    with pytest.raises(StoreUnavailable, match=f"failed at {id[:2]}/{id}.json: "):
        disk.find(id)
