"""The contract of an image store, kept by the fake and by the disk alike."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from db.image_store import LocalImageStore
from library.errors import InvalidContentId, StoreUnavailable, UnknownPicture
from tests.conftest import ROOT, record
from tests.fakes import MemoryStore


@pytest.fixture(params=["memory", "disk"])
def store(request, tmp_path):
    return MemoryStore() if request.param == "memory" else LocalImageStore(tmp_path)


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


def test_the_newest_come_first_page_by_page(store):
    for number in range(5):
        store.add(record(number, added=f"2026-01-01T00:00:00.00000{number}Z"), b"original", b"thumbnail")
    pages = [store.newest(offset, 2) for offset in (0, 2, 4, 6)]
    assert [[each.name for each in page] for page in pages] == [["4.png", "3.png"], ["2.png", "1.png"], ["0.png"], []]


def test_counting_notices_every_change(store):
    for number in range(40):
        store.add(record(number), b"original", b"thumbnail")
        assert store.count() == number + 1
    for number in range(40):
        store.delete(record(number).content_id)
        assert store.count() == 39 - number


def test_the_layout_on_disk(disk, tmp_path):
    kept = record(1)
    disk.add(kept, b"original", b"thumbnail")
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    stem = f"images/{kept.content_id[:2]}/{kept.content_id}"
    assert files == {f"{stem}.png", f"{stem}.thumb.webp", f"{stem}.json"}


def test_two_stores_on_one_folder_see_each_other(disk, tmp_path):
    other = LocalImageStore(tmp_path)
    assert other.count() == 0
    disk.add(record(1), b"original", b"thumbnail")
    assert other.count() == 1


@pytest.mark.parametrize("id", ["..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n"])
def test_only_content_ids_reach_the_disk(disk, id):
    for call in (disk.find, disk.original, disk.thumbnail, disk.delete):
        with pytest.raises(InvalidContentId):
            call(id)


def test_a_full_disk_is_named_and_leaves_nothing(disk, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("db.image_store.os.fsync", full)
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        disk.add(record(1), b"original", b"thumbnail")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_store_that_is_a_file_is_unavailable(tmp_path):
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(StoreUnavailable):
        LocalImageStore(tmp_path).add(record(1), b"original", b"thumbnail")


ENDLESS_WRITER = """
import sys
from pathlib import Path
from db.image_store import LocalImageStore
from tests.conftest import record
store = LocalImageStore(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(100_000):
    store.add(record(number), b"o" * 20_000, b"t" * 2_000)
"""


def test_a_kill_leaves_only_whole_pictures(tmp_path):
    for wait in (0.05, 0.11, 0.23):
        writer = subprocess.Popen(
            [sys.executable, "-c", ENDLESS_WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout and writer.stdout.readline() == "ready\n"
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    store = LocalImageStore(tmp_path)
    kept = store.newest(0, 100_000)
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


def test_abandoned_partial_files_are_swept_up_in_time(disk, tmp_path):
    disk.add(record(1), b"original", b"thumbnail")
    folder = next((tmp_path / "images").iterdir())
    old, young = folder / ".old.partial", folder / ".young.partial"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    LocalImageStore(tmp_path).count()
    assert not old.exists() and young.exists()
    assert Path(young).read_bytes() == b"half"
