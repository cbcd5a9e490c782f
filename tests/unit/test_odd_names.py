"""Holds that names that are no UTF-8, and names and paths beyond every limit, end no run by any way in."""

import csv
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import orjson
import pytest

from db.files.hit_files import hit_file
from db.files.run_log import RunLog
from db.images.local import LocalImageStore
from db.sources.files import items_from
from db.sources.readers import SourceReader
from db.sources.tables.items import items_in_table
from db.sources.watching import watched
from library.errors import RejectedImage
from library.exports.receipt_file import receipt_file
from library.image_library import ImageLibrary
from library.ingest.items import source_label
from library.ingest.runs import AddJob
from library.search.batch import BatchQuery, answer_all
from library.search.query import Query
from testing.deep_folders import folders_in_each_other
from testing.fakes import ColourEncoder, MemoryDatabase, ready
from testing.pictures import item
from testing.watching import Looking
from ui.sentences import for_page
from ui.views import past_runs_view, run_view

NAME = os.fsdecode(b"\xff.png")


@pytest.fixture
def folder(tmp_path, picture):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / NAME).write_bytes(picture("red"))
    return folder


@pytest.fixture
def kept(tmp_path):
    """Returns a library whose records and runs lie on disk."""
    log = RunLog(tmp_path / "runs.jsonl")
    store = LocalImageStore(tmp_path / "store")
    return ImageLibrary(store, ready(ColourEncoder()), MemoryDatabase(), SourceReader().read, log)


def statuses(library, items, **options):
    return [receipt.status for receipt in library.add(items, **options)]


def packed(folder, place):
    with tarfile.open(place, "w", encoding="utf-8", errors="surrogateescape") as archive:
        archive.add(folder / NAME, f"in/{NAME}")
    return place


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("way", ["folder", "file", "pattern", "tar", "table"])
def test_a_name_that_is_no_utf_8_comes_in_and_again_changes_nothing(folder, kept, tmp_path, way, in_place):
    def items():
        match way:
            case "folder":
                return items_from([str(folder)])
            case "file":
                return items_from([str(folder / NAME)])
            case "pattern":
                return items_from([f"{folder}/*.png"])
            case "tar":
                return items_from([str(packed(folder, tmp_path / "a.tar"))])
        (folder / "photos.jsonl").write_text(json.dumps({"filepath": NAME}))
        return items_in_table(folder / "photos.jsonl", "filepath")

    assert statuses(kept, items(), in_place=in_place, source=source_label(str(folder))) == ["new"]
    assert statuses(kept, items(), in_place=in_place) == ["duplicate"]
    [record] = kept.browse(0, 10)
    assert record.name == ("я.png" if way == "tar" else "?.png")  # names in archives are read in the encoding they show
    assert kept.pictures.original(record.content_id) == (folder / NAME).read_bytes()
    if in_place and way != "tar":
        assert kept.pictures.location(record.content_id) == str(folder / NAME)


def test_a_name_in_a_table_of_text_may_be_its_bytes(folder, library):
    (folder / "photos.csv").write_bytes(b"filepath,caption\n\xff.png,x\n")
    assert statuses(library, items_in_table(folder / "photos.csv", "filepath")) == ["new"]


def test_a_watched_folder_takes_it_and_remembers_it(folder, library):
    look = Looking(library, watched(str(folder)))
    assert look.twice() == [(str(folder / NAME), "new")]
    assert look.twice() == []


def test_the_page_shows_it(folder, kept):
    run = AddJob(kept, items_from([str(folder)]), source=source_label(str(folder)))
    run.run()
    view = run_view(run)
    assert view["receipts"][0]["status"] == "new"
    orjson.dumps(for_page(view))
    orjson.dumps(for_page(past_runs_view(kept.history.newest(5))))
    assert [each.source for each in kept.history.newest(5)] == [source_label(str(folder))]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_file_of_receipts_names_it(folder, library, tmp_path, suffix):
    place = tmp_path / f"receipts.{suffix}"
    with receipt_file(place) as write:
        for receipt in library.add(items_from([str(folder)])):
            write(receipt)
    text = place.read_text("utf-8")
    if suffix == "csv":
        [row] = csv.DictReader(io.StringIO(text))
        assert row["path"].endswith(r"\udcff.png")
    else:
        assert json.loads(text)["path"] == str(folder / NAME)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_file_of_hits_names_the_query(folder, library, database, tmp_path, suffix):
    list(library.add(items_from([str(folder)])))
    query = BatchQuery(str(folder / NAME), picture=(folder / NAME).read_bytes)
    with (
        database.collection(ColourEncoder.info).loaded() as index,
        hit_file(tmp_path / f"hits.{suffix}") as write,
    ):
        for result in answer_all([query], ColourEncoder(), index, Query(())):
            write(result)
    assert (tmp_path / f"hits.{suffix}").stat().st_size


def test_a_reason_that_names_it_can_be_shown(folder, library, picture):
    (folder / "copy.png").write_bytes(picture("red"))
    for receipt in library.add([item(NAME, picture("red")), item("copy.png", picture("red"))]):
        str(receipt.reason).encode()
        if receipt.reason:
            orjson.dumps(receipt.reason.as_json())


def test_a_path_in_a_table_of_any_length_is_rejected_with_its_reason(tmp_path, library, picture):
    (tmp_path / "a.png").write_bytes(picture("red"))
    paths = [
        "x" * 300 + ".png",
        "d/" * 3000 + "a.png",
        "\0.png",
        "\ud83d.png",
        "file://[",
        "zip://x",
        "nope://",
        "dir://",
    ]
    lines = [json.dumps({"filepath": path}) for path in [*paths, "a.png"]]
    (tmp_path / "photos.jsonl").write_text("\n".join(lines))
    for last in ("new", "duplicate"):
        receipts = list(library.add(items_in_table(tmp_path / "photos.jsonl", "filepath")))
        assert [receipt.status for receipt in receipts] == ["rejected"] * len(paths) + [last]
        assert all(receipt.reason for receipt in receipts[:-1])


def test_names_of_255_bytes_and_names_in_archives_beyond_every_path_come_in(tmp_path, library, picture):
    long_name = "é" * 125 + ".png"
    (tmp_path / long_name).write_bytes(picture("red"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("d/" * 5000 + "x" * 4000 + ".png", picture("green"))
        archive.writestr("e" * 65_300 + ".png", picture("blue"))
    receipts = list(library.add(items_from([str(tmp_path)])))
    receipts += list(library.add(items_from([str(tmp_path / "a.zip")])))
    found = [(receipt.status, len(str(receipt.reason or ""))) for receipt in receipts if receipt.status != "skipped"]
    assert [status for status, _ in found] == ["new", "new", "rejected"]


def test_folders_may_lie_as_deep_as_the_system_lets_them(tmp_path, library, picture):
    with folders_in_each_other(tmp_path, "d", 1100):
        Path("a.png").write_bytes(picture("red"))
        taken = statuses(library, items_from([str(tmp_path)]))
        watched_too = [status for _, status in Looking(library, watched(str(tmp_path))).twice()]
    assert (taken, watched_too) == (["new"], ["duplicate"])


def test_a_folder_beyond_the_longest_path_is_told(tmp_path, library, picture):
    (tmp_path / "a.png").write_bytes(picture("red"))
    with folders_in_each_other(tmp_path, "d" * 250, 20):
        receipts = list(library.add(items_from([str(tmp_path)])))
    assert [receipt.status for receipt in receipts] == ["new", "rejected"]
    assert "too long" in str(receipts[1].reason)


def test_a_path_that_is_none_is_one_sentence():
    for place in ("a\0b", "\ud83d", "s3://\ud83d/x"):
        with pytest.raises((RejectedImage, OSError)):
            SourceReader().read(place)
