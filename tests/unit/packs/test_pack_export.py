"""Checks what a pack holds, and what an export leaves when it fails."""

import errno
import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from db.files.pack_format import RECORD_COLUMNS
from db.files.pack_reader import open_pack
from db.files.pack_writer import new_pack
from library.errors import InvalidPack, StoreUnavailable
from library.records import Record
from testing.packs import (
    ALL,
    THUMBNAILS,
    VECTORS,
    Encoder,
)


def test_a_manifest_says_what_the_vectors_are(laptop):
    manifest = json.loads((laptop.export(THUMBNAILS) / "manifest.json").read_text())
    assert (manifest["model"], manifest["revision"], manifest["dimension"]) == ("some/colour", "0" * 12, 3)
    assert (manifest["preprocessing"], manifest["dtype"]) == (Encoder.info.preprocessing, "float32")
    assert (manifest["count"], manifest["thumbnails"], manifest["originals"]) == (5, True, False)
    assert [(file["name"], file["rows"]) for file in manifest["files"]] == [("pictures-00000.parquet", 5)]


def test_a_pack_can_be_read_without_us(laptop):
    table = pq.read_table(laptop.export(VECTORS) / "pictures-00000.parquet")
    fields = [name for name in Record.__dataclass_fields__ if name != "from_sidecars"]  # of use to the library alone
    assert table.column_names == [*fields, "vector"] == [*RECORD_COLUMNS, "vector"]
    assert table.schema.field("vector").type.list_size == 3
    [first, *_] = table.to_pylist()
    newest = laptop.records()[0]
    assert (first["name"], first["added"]) == (newest.name, newest.added_at)
    assert json.loads(first["metadata"]) == newest.metadata


@pytest.mark.parametrize(("contents", "columns"), [(VECTORS, 0), (THUMBNAILS, 1), (ALL, 2)])
def test_a_pack_holds_what_was_asked_for(laptop, contents, columns):
    schema = pq.read_schema(laptop.export(contents) / "pictures-00000.parquet")
    assert schema.names[-3:][3 - columns :] == ["thumbnail", "original"][:columns]
    assert "vector" in schema.names[-3:]


def test_a_large_library_becomes_several_files(laptop, cluster, monkeypatch):
    monkeypatch.setattr("library.ingest.pack_export.BATCH_ROWS", 2)
    monkeypatch.setattr("db.files.pack_writer.FILE_ROWS", 4)
    pack = laptop.export()
    assert [file["rows"] for file in json.loads((pack / "manifest.json").read_text())["files"]] == [4, 1]
    assert cluster.take(pack) == {"new": 5}


def test_few_originals_are_in_memory_at_once(laptop, monkeypatch):
    monkeypatch.setattr("library.ingest.pack_export.BATCH_BYTES", 1)
    assert pq.read_metadata(laptop.export() / "pictures-00000.parquet").num_row_groups == 5


def test_pictures_without_a_vector_are_left_out_and_counted(laptop):
    laptop.database.delete([record.img_path for record in laptop.records()[:2]])
    pack = laptop.export()
    assert laptop.outcomes == ["without vector"] * 2 + ["packed"] * 3
    assert open_pack(str(pack)).manifest.count == 3


def test_an_original_that_is_not_to_be_had_is_left_out(laptop, cluster):
    away = replace(laptop.records()[0], original_at="/photos/orange.png")
    thumbnail = laptop.store.thumbnail(away.content_id)
    laptop.store.delete(away.content_id)
    laptop.store.add(away, None, thumbnail)
    pack = laptop.export()
    assert laptop.outcomes == ["without original"] + ["packed"] * 4
    assert cluster.take(pack) == {"new": 5}
    assert cluster.library.browse(0, 1) == [away]


def test_a_pack_with_an_original_does_not_tell_where_it_lay(laptop):
    laptop.store.update(replace(laptop.records()[0], original_at="/home/ann/orange.png"))
    assert b"/home/ann" not in (laptop.export() / "pictures-00000.parquet").read_bytes()
    assert pq.read_table(laptop.folder / "pack" / "pictures-00000.parquet")["original_at"].to_pylist() == [""] * 5


def test_an_original_that_is_damaged_here_is_left_out(laptop):
    record = laptop.records()[0]
    laptop.store.add(record, b"damaged", laptop.store.thumbnail(record.content_id))
    laptop.export()
    assert laptop.outcomes == ["without original"] + ["packed"] * 4


def test_a_library_without_vectors_makes_no_pack(cluster, tmp_path):
    with pytest.raises(InvalidPack, match="nothing to pack"), new_pack(str(tmp_path / "pack"), ALL) as writer:
        list(cluster.library.packs.export_to(writer))
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_export_leaves_nothing(laptop, tmp_path, monkeypatch):
    monkeypatch.setattr("library.ingest.pack_export.BATCH_ROWS", 2)
    stops = iter([False, True, True])
    with new_pack(str(tmp_path / "pack"), ALL) as writer:
        assert list(laptop.library.packs.export_to(writer, lambda: next(stops))) == ["packed"] * 2
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_leaves_an_empty_folder_empty(laptop, tmp_path, monkeypatch):
    def fail(id):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(laptop.store, "thumbnail", fail)
    (tmp_path / "pack").mkdir()
    with pytest.raises(StoreUnavailable):
        laptop.export()
    assert list((tmp_path / "pack").iterdir()) == []


def test_a_full_disk_is_named_and_leaves_nothing(laptop, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("db.files.pack_writer.os.fsync", full)
    with pytest.raises(InvalidPack, match=r"pack cannot be written: No space left on device\."):
        laptop.export()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_export_left_is_overwritten(laptop, cluster, tmp_path):
    pack = laptop.export()
    (pack / "manifest.json").rename(pack / ".manifest.json.partial")
    (pack / "pictures-00001.parquet").write_text("half")
    laptop.export()
    assert sorted(path.name for path in pack.iterdir()) == ["manifest.json", "pictures-00000.parquet"]
    assert cluster.take(pack) == {"new": 5}


def test_a_folder_in_use_is_refused(laptop, tmp_path):
    laptop.export()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_text("dear")
    (tmp_path / "file").write_text("dear")
    for name, message in [("pack", "holds a pack already"), ("photos", "is not empty"), ("file", "is a file")]:
        with pytest.raises(InvalidPack, match=message):
            laptop.export(name=name)
    assert (tmp_path / "photos" / "a.png").read_text() == "dear"
    with pytest.raises(InvalidPack, match="folder on this machine"), new_pack("s3://bucket/pack", ALL):
        pass
