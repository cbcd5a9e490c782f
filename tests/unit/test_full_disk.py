"""Meets a disk that takes no more, and files that stand in the way, with the sentence that helps."""

import errno
import os
import resource
from pathlib import Path

import pytest

from db.files.decisions import DecisionFile
from db.files.hit_files import hit_file
from db.files.nprobe_choices import Choice, NprobeChoices
from db.images.local import LocalImageStore
from db.milvus.database import Milvus
from encoders.model_files import failures_explained
from library.errors import IndexUnavailable, InvalidSelection, ModelUnavailable, StoreUnavailable
from library.exports.receipt_file import receipt_file
from library.ingest.receipts import FileReceipt
from library.messages import message
from library.ports import Hit
from library.search.batch import BatchResult
from testing.fakes import ColourEncoder
from testing.pictures import record, unit_vectors


@pytest.fixture
def small_files(monkeypatch):
    """Lets no file grow beyond 20 KB, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_image_store_says_that_its_disk_is_full_and_keeps_no_half_picture(tmp_path, small_files):
    store = LocalImageStore(tmp_path)
    with pytest.raises(StoreUnavailable, match="The disk of the image store is full"):
        store.add(record(1), b"x" * 50_000, b"thumbnail")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_milvus_lite_says_that_its_disk_is_full(tmp_path, small_files):
    database = Milvus(tmp_path / "milvus.db")
    with pytest.raises(IndexUnavailable, match=r"The disk that holds milvus\.db is full.*python app\.py reindex"):
        database.collection(ColourEncoder().info).upsert([record(n) for n in range(500)], unit_vectors(500, 3))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    database.close()


def test_a_download_says_that_the_disk_is_full():
    with (
        pytest.raises(ModelUnavailable, match=r"cannot be downloaded: the disk is full.*HF_HOME"),
        failures_explained(message("model_offered", name="a")),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_file_of_hits_that_fills_the_disk_is_named(monkeypatch, suffix):
    path = Path("/dev/full")
    monkeypatch.setattr(Path, "suffix", suffix)
    monkeypatch.setattr("db.files.hit_files.check_regular", lambda path: None)  # or this device is refused
    with (
        pytest.raises(InvalidSelection, match="/dev/full cannot be written: No space left on device"),
        hit_file(path) as write,
    ):
        write(BatchResult("red", [Hit(record(1), 0.5)]))


def test_a_file_of_receipts_that_fills_the_disk_is_named(monkeypatch):
    monkeypatch.setattr(Path, "suffix", ".csv")
    with pytest.raises(InvalidSelection, match="/dev/full cannot be written"), receipt_file(Path("/dev/full")) as write:
        write(FileReceipt("a.png", "new"))


@pytest.mark.parametrize(
    "keep",
    [
        lambda folder: DecisionFile(folder / "file").mark_distinct([record(1).content_id], [record(2).content_id]),
        lambda folder: NprobeChoices(folder / "file").keep("any", Choice(1, 2)),
    ],
)
def test_what_cannot_be_kept_says_what_to_do(tmp_path, keep):
    (tmp_path / "file").mkdir()
    with pytest.raises(StoreUnavailable, match="Make room or allow writing there"):
        keep(tmp_path)


# Milvus Lite


def told(path):
    database = Milvus(path)
    try:
        with pytest.raises(IndexUnavailable) as raised, database.collection(ColourEncoder().info).loaded() as index:
            index.count()
    finally:
        database.close()
    return str(raised.value)


def test_a_file_in_the_place_of_milvus_lite_is_told_with_the_way_out(tmp_path):
    path = tmp_path / "milvus.db"
    path.write_bytes(b"SQLite format 3\0")
    assert "milvus.db is a file, not the folder" in told(path) and "python app.py reindex" in told(path)


def test_a_damaged_index_is_told_with_the_way_out_and_no_restart(tmp_path):
    path = tmp_path / "milvus.db"
    database = Milvus(path)
    database.collection(ColourEncoder().info).upsert([record(1), record(2)], unit_vectors(2, 3))
    database.close()
    for file in path.rglob("*"):
        if file.is_file() and file.name != "LOCK":
            file.write_bytes(b"\xff" * 40)
    said = told(path)
    assert "python app.py reindex" in said
    assert "again" not in said.lower() or "comes again" in said


def test_a_folder_that_cannot_be_made_for_milvus_lite_is_told(tmp_path):
    (tmp_path / "data").write_text("in the way")
    assert "Milvus Lite cannot use the folder milvus.db: " in told(tmp_path / "data" / "milvus.db")


def test_faiss_prints_nothing_about_a_small_library(tmp_path, capfd):
    database = Milvus(tmp_path / "milvus.db")
    collection = database.collection(ColourEncoder().info)
    collection.upsert([record(n) for n in range(300)], unit_vectors(300, 3))
    collection.optimize()
    with collection.loaded():
        pass
    database.close()
    assert "clustering" not in capfd.readouterr().err


def test_a_collection_that_a_full_disk_left_unfinished_is_made_anew(tmp_path):
    database = Milvus(tmp_path / "milvus.db")
    encoder = ColourEncoder().info
    (tmp_path / "milvus.db" / "collections" / database.name_of(encoder) / "partitions").mkdir(parents=True)
    collection = database.collection(encoder)
    collection.upsert([record(1)], unit_vectors(1, 3))
    with collection.loaded() as index:
        assert index.count() == 1
    database.close()
