"""Packs: what is written, what comes back, and what is refused."""

import errno
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from db.files.packs import RECORD_COLUMNS, new_pack, open_pack
from db.images.local import LocalImageStore
from db.milvus.database import Milvus
from library.errors import IndexUnavailable, InvalidPack, ModelUnavailable, StoreUnavailable
from library.image_library import ImageLibrary
from library.ingest.packs import Contents
from library.ingest.receipts import tally
from library.models import Models, ModelSource
from library.ports import EncoderInfo
from library.records import NOT_KEPT, Record
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.pictures import item

COLOURS = ["red", "green", "blue", "purple", "orange"]
ODD = {"naïve 写真": "🦊", 'a"]b': True, "": 0, "img_path": "x", "rate": 1e-9, "big": 2**62, "none": None, "list": [1]}
UNEQUAL = "red red green"  # as near to no two of them
ALL = Contents(thumbnails=True, originals=True)
THUMBNAILS = Contents(thumbnails=True)
VECTORS = Contents()


class Encoder(ColourEncoder):
    info = EncoderInfo("some/colour", "0" * 12, 3, "cpu", "float32", {"size": {"height": 64}, "mean": [0.5, 0.25]})


class Blind(Encoder):
    def encode_images(self, images):
        raise AssertionError("a picture was encoded")


class Laptop:
    """A library of a few pictures, and packs of it."""

    def __init__(self, picture, folder: Path) -> None:
        self.store, self.database = MemoryStore(), MemoryDatabase()
        self.library = ImageLibrary(self.store, ready(Encoder()), self.database)
        self.folder = folder
        list(self.library.add([item(f"{each}.png", picture(each), metadata=ODD) for each in COLOURS]))

    def export(self, contents: Contents = ALL, name: str = "pack") -> Path:
        with new_pack(str(self.folder / name), contents) as writer:
            self.outcomes = list(self.library.packs.export_to(writer))
        return self.folder / name

    def records(self) -> list[Record]:
        return self.library.browse(0, 100)


class Cluster:
    """An empty library whose encoder must not be needed."""

    def __init__(self, encoder=None) -> None:
        self.store, self.database = MemoryStore(), MemoryDatabase()
        self.library = ImageLibrary(self.store, ready(encoder or Blind()), self.database)

    def take(self, pack: Path) -> dict[str, int]:
        self.receipts = list(self.library.packs.import_from(open_pack(str(pack))))
        return {status: count for status, count in tally(self.receipts).items() if count}


@pytest.fixture
def laptop(picture, tmp_path):
    return Laptop(picture, tmp_path)


@pytest.fixture
def cluster():
    return Cluster()


def claim(pack: Path, **changes: object) -> None:
    """Puts other claims into the manifest."""
    path = pack / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def replace_table(pack: Path, change) -> None:
    """Changes the table, and the manifest with it, as a forger would."""
    [path] = pack.glob("*.parquet")
    pq.write_table(change(pq.read_table(path)), path)
    data = path.read_bytes()
    rows = pq.read_metadata(path).num_rows
    file = {"name": path.name, "rows": rows, "bytes": len(data), "sha256": sha256(data).hexdigest()}
    claim(pack, count=rows, files=[file])


def with_first(column: str, value: object):
    """A change of the first row."""

    def change(table: pa.Table) -> pa.Table:
        values = table.column(column).to_pylist()
        field = table.schema.field(column)
        changed = pa.array([value, *values[1:]], field.type)
        return table.set_column(table.schema.get_field_index(column), field, changed)

    return change


# What is written


def test_a_manifest_says_what_the_vectors_are(laptop):
    manifest = json.loads((laptop.export(THUMBNAILS) / "manifest.json").read_text())
    assert (manifest["model"], manifest["revision"], manifest["dimension"]) == ("some/colour", "0" * 12, 3)
    assert (manifest["preprocessing"], manifest["dtype"]) == (Encoder.info.preprocessing, "float32")
    assert (manifest["count"], manifest["thumbnails"], manifest["originals"]) == (5, True, False)
    assert [(file["name"], file["rows"]) for file in manifest["files"]] == [("pictures-00000.parquet", 5)]


def test_a_pack_can_be_read_without_us(laptop):
    table = pq.read_table(laptop.export(VECTORS) / "pictures-00000.parquet")
    assert table.column_names == [*Record.__dataclass_fields__, "vector"] == [*RECORD_COLUMNS, "vector"]
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
    monkeypatch.setattr("db.files.packs.FILE_ROWS", 4)
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
    laptop.store.add(away, None, laptop.store.thumbnail(away.content_id))
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

    monkeypatch.setattr("db.files.packs.os.fsync", full)
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


# What comes back


def test_a_pack_with_originals_brings_everything_without_encoding(laptop, cluster):
    assert cluster.take(laptop.export()) == {"new": 5}
    assert cluster.library.browse(0, 100) == laptop.records()  # in their order, with their odd metadata
    for record in laptop.records():
        assert cluster.store.original(record.content_id) == laptop.store.original(record.content_id)
        assert cluster.store.thumbnail(record.content_id) == laptop.store.thumbnail(record.content_id)


def test_both_libraries_answer_alike(laptop, cluster):
    cluster.take(laptop.export(THUMBNAILS))
    assert_alike(cluster.library, laptop.library)


def test_a_pack_with_thumbnails_brings_pictures_without_their_originals(laptop, cluster):
    known = replace(laptop.records()[0], original_at="s3://photos/orange.png")
    laptop.store.update(known)
    assert cluster.take(laptop.export(THUMBNAILS)) == {"new": 5}
    assert not any(cluster.store.has_original(record) for record in laptop.records())
    assert [record.original_at for record in cluster.library.browse(0, 2)] == ["s3://photos/orange.png", NOT_KEPT]


def test_a_pack_of_vectors_alone_needs_the_pictures_to_be_there(laptop, cluster):
    pack = laptop.export(VECTORS)
    assert cluster.take(pack) == {"skipped": 5}
    shared = laptop.records()[1]
    cluster.store.add(shared, None, laptop.store.thumbnail(shared.content_id))
    assert cluster.take(pack) == {"new": 1, "skipped": 4}
    assert cluster.library.count_rows() == 1


def test_a_repeated_import_changes_nothing(laptop, cluster):
    pack = laptop.export()
    cluster.take(pack)
    assert cluster.take(pack) == {"duplicate": 5}
    assert str(cluster.receipts[0].reason) == "The same picture as orange.png."
    assert cluster.library.count_rows() == 5


def test_a_picture_that_is_there_keeps_its_own_record(laptop, cluster):
    own = replace(laptop.records()[0], name="mine.png", metadata={"stars": 5})
    cluster.store.add(own, None, laptop.store.thumbnail(own.content_id))
    assert cluster.take(laptop.export(THUMBNAILS)) == {"new": 5}
    assert cluster.library.record(own.content_id) == own
    assert own in [hit.record for hit in cluster.library.search(Query.of("red", limit=5)).hits]


def test_originals_are_added_to_pictures_that_came_without(laptop, cluster):
    laptop.store.update(replace(laptop.records()[0], original_at="/photos/orange.png"))
    cluster.take(laptop.export(THUMBNAILS, "light"))
    pack = laptop.export(ALL)
    assert cluster.take(pack) == {"new": 5}
    assert {str(receipt.reason) for receipt in cluster.receipts} == {"The picture was there; its original was added."}
    assert all(cluster.store.has_original(record) for record in laptop.records())
    assert cluster.library.browse(0, 1)[0].original_at == ""
    assert cluster.take(pack) == {"duplicate": 5}


def test_a_row_that_is_there_twice_counts_once(laptop, cluster):
    pack = laptop.export()
    replace_table(pack, lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    assert cluster.take(pack) == {"new": 5, "duplicate": 1}
    assert cluster.library.count_rows() == 5


def test_an_import_that_was_cut_off_is_finished_by_the_next(laptop, cluster, monkeypatch):
    monkeypatch.setattr("library.ingest.pack_export.BATCH_ROWS", 2)
    monkeypatch.setattr("db.files.packs.BATCH_ROWS", 2)
    pack = laptop.export()
    collection = cluster.database.collection(Encoder.info)
    whole, calls = collection.upsert, iter([True, False])

    def upsert(records, vectors):
        if not next(calls, True):
            raise IndexUnavailable("away")
        whole(records, vectors)

    monkeypatch.setattr(collection, "upsert", upsert)
    with pytest.raises(IndexUnavailable):
        cluster.take(pack)
    assert (cluster.store.count(), cluster.library.count_rows()) == (4, 2)  # files first, then rows
    assert cluster.take(pack) == {"new": 3, "duplicate": 2}
    assert (cluster.store.count(), cluster.library.count_rows()) == (5, 5)


def test_a_store_that_fails_gets_no_rows(laptop, cluster, monkeypatch):
    def fail(*_):
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(cluster.store, "add", fail)
    with pytest.raises(StoreUnavailable, match="disk is full"):
        cluster.take(laptop.export())
    assert cluster.library.count_rows() == 0


def test_a_stopped_import_ends_after_its_batch(laptop, cluster, monkeypatch):
    monkeypatch.setattr("db.files.packs.BATCH_ROWS", 2)
    pack = open_pack(str(laptop.export()))
    stops = chain([False, False], repeat(True))  # before its one file, before the first batch, after it
    receipts = list(cluster.library.packs.import_from(pack, lambda: next(stops)))
    assert [receipt.status for receipt in receipts] == ["new", "new"]


def test_a_pack_of_the_chosen_model_goes_to_it_while_a_stand_in_answers(laptop):
    cluster = Cluster()
    models = Models(ModelSource("some/colour", Blind), ModelSource("colour", ColourEncoder))
    models.answer_with(ColourEncoder(), "not yet encoded")
    cluster.library = ImageLibrary(cluster.store, models, cluster.database)
    cluster.take(laptop.export())
    assert cluster.database.collection(Blind.info).count() == 5


def test_a_pack_of_the_chosen_model_says_why_that_cannot_be_had(laptop):
    def away():
        raise ModelUnavailable("Connect once.")

    models = Models(ModelSource("some/colour", away))
    models.answer_with(ColourEncoder(), "away")
    library = ImageLibrary(MemoryStore(), models, MemoryDatabase())
    with pytest.raises(ModelUnavailable, match="Connect once"):
        list(library.packs.import_from(open_pack(str(laptop.export()))))


# What is refused


def damage(pack: Path) -> None:
    path = pack / "pictures-00000.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


def cut_short(pack: Path) -> None:
    path = pack / "pictures-00000.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def without_column(pack: Path) -> None:
    replace_table(pack, lambda table: table.drop_columns("thumbnail"))


def with_lists(pack: Path) -> None:
    replace_table(
        pack, lambda table: table.set_column(11, "vector", table.column("vector").cast(pa.list_(pa.float32())))
    )


def one_row_less(pack: Path) -> None:
    [file] = json.loads((pack / "manifest.json").read_text())["files"]
    claim(pack, count=4, files=[file | {"rows": 4}])


def another_file(pack: Path) -> None:
    shutil.copy(pack / "pictures-00000.parquet", pack.parent / "pictures-00000.parquet")
    [file] = json.loads((pack / "manifest.json").read_text())["files"]
    claim(pack, files=[file | {"name": "../pictures-00000.parquet"}])


def the_same_file_twice(pack: Path) -> None:
    files = json.loads((pack / "manifest.json").read_text())["files"]
    claim(pack, count=10, files=[*files, *files])


LIES = {
    "a folder that is not there": (shutil.rmtree, "There is no folder"),
    "a pack cut short": (lambda pack: (pack / "manifest.json").unlink(), "manifest.json, which is written last"),
    "no JSON": (lambda pack: (pack / "manifest.json").write_text("{"), "manifest.json is not that of a pack"),
    "something else": (lambda pack: (pack / "manifest.json").write_text('{"a": 1}'), "not that of a pack: likeness"),
    "a later version": (lambda pack: claim(pack, version=2), "format version 2; this app reads 1"),
    "a false dimension": (lambda pack: claim(pack, dimension=512), "vectors of 512 numbers, pictures-.* vectors of 3"),
    "a dimension that is none": (lambda pack: claim(pack, dimension="3"), "dimension: "),
    "a false count": (lambda pack: claim(pack, count=6), "a count of 6, and files of 5 rows"),
    "a false number of rows": (one_row_less, "pictures-00000.parquet has 5 rows, not 4"),
    "a missing file": (lambda pack: (pack / "pictures-00000.parquet").unlink(), "pictures-00000.parquet is missing"),
    "a file twice": (the_same_file_twice, "names a file twice"),
    "a file cut short": (cut_short, "pictures-00000.parquet is cut short"),
    "a damaged file": (damage, "pictures-00000.parquet is damaged"),
    "a file elsewhere": (another_file, "files.0.name"),
    "a missing column": (without_column, "no column thumbnail of binary"),
    "lists of any length": (with_lists, "no column vector of float32"),
    "another model": (
        lambda pack: claim(pack, model="other/model"),
        r"of other/model .*here answers some/colour .*CLIP_MODEL=other/model takes it",
    ),
    "another model without an owner": (
        lambda pack: claim(pack, model="clip"),
        "CLIP_MODEL=clip, or a folder of that name",
    ),
    "another revision": (lambda pack: claim(pack, revision="1" * 12), "takes that revision of the model"),
    "another preprocessing": (
        lambda pack: claim(pack, preprocessing={"size": {"height": 32}, "mean": [0.5, 0.25]}),
        "prepared otherwise .*: size {'height': 32} / {'height': 64}",
    ),
    "a model that is no line": (lambda pack: claim(pack, model="a\x1b[2Jb"), "not one line of text"),
}


@pytest.mark.parametrize(("lie", "message"), LIES.values(), ids=LIES.keys())
def test_a_pack_that_lies_is_refused_in_one_line_before_anything_is_written(laptop, cluster, lie, message):
    pack = laptop.export()
    lie(pack)
    with pytest.raises(InvalidPack, match=message) as refused:
        cluster.take(pack)
    assert len(str(refused.value).splitlines()) == 1
    assert cluster.store.count() == 0
    assert not cluster.database.holds(Encoder.info)


BAD_ROWS = {
    "no unit length": ("vector", [1.0, 1.0, 1.0], "not finite and of unit length"),
    "no number": ("vector", [np.nan, 0.0, 1.0], "not finite and of unit length"),
    "a huge number": ("vector", [3e38, 3e38, 3e38], "not finite and of unit length"),
    "a missing number": ("vector", [None, 0.0, 1.0], "not finite and of unit length"),
    "no vector": ("vector", None, "not finite and of unit length"),
    "no name": ("name", None, "It has no name."),
    "no ID": ("content_id", "../../etc/passwd", "not a content ID"),
    "the ID of another picture": ("content_id", "0" * 64, "path is not that of its content ID"),
    "a path that climbs": ("img_path", "images/../../../etc/cron.d/x.png", "path is not that of its content ID"),
    "another ending": ("format", "JPEG", "path is not that of its content ID"),
    "an unknown format": ("format", "EXE", "no format of pictures"),
    "no pixels": ("width", 0, "not the pixels of a picture"),
    "too many pixels": ("height", 2**31 - 1, "not the pixels of a picture"),
    "too many bytes": ("bytes", 2**62, "not the number of bytes"),
    "a time to come": ("added", datetime.now(UTC) + timedelta(days=400), "Nothing can have been added"),
    "another original": ("original", b"other bytes", "original is not the picture of its content ID"),
    "no thumbnail": ("thumbnail", None, "neither in the image store nor in this pack"),
    "a thumbnail that is none": ("thumbnail", b"<script>", "thumbnail is not a JPEG"),
    "metadata that are no JSON": ("metadata", "{", "not JSON that can be kept"),
    "metadata without end": ("metadata", "[" * 100_000, "not JSON that can be kept"),
    "metadata that are a list": ("metadata", "[1]", "not names and values"),
    "a number that is none": ("metadata", '{"a": NaN}', "not JSON that can be kept"),
    "an endless number": ("metadata", '{"a": 1e999}', "not JSON that can be kept"),
    "a number too large": ("metadata", '{"a": 9223372036854775808}', "not JSON that can be kept"),
    "half a character": ("metadata", '{"a": "\\ud800"}', "not text"),
    "too much metadata": ("metadata", json.dumps({"a": "x" * 70_000}), "65,536 are the most"),
    "far too much metadata": ("metadata", json.dumps({"a": "x" * 700_000}), "too long"),
}


@pytest.mark.parametrize(("column", "value", "reason"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_bad_row_stays_out_and_the_rest_goes_in(laptop, cluster, column, value, reason):
    pack = laptop.export()
    replace_table(pack, with_first(column, value))
    counts = cluster.take(pack)
    assert counts in ({"rejected": 1, "new": 4}, {"skipped": 1, "new": 4})
    assert cluster.receipts[0].path == "pictures-00000.parquet row 1"
    assert reason in str(cluster.receipts[0].reason)
    assert (cluster.store.count(), cluster.library.count_rows()) == (4, 4)


def test_a_time_that_no_calendar_has_is_a_bad_row(laptop, cluster):
    def change(table):
        times = pa.array([2**62] + [0] * (table.num_rows - 1), pa.int64()).cast(RECORD_COLUMNS["added"])
        return table.set_column(table.schema.get_field_index("added"), "added", times)

    pack = laptop.export()
    replace_table(pack, change)
    assert cluster.take(pack) == {"rejected": 1, "new": 4}
    assert str(cluster.receipts[0].reason) == "It has no added."


def test_a_name_becomes_one_that_any_screen_can_show(laptop, cluster):
    pack = laptop.export()
    replace_table(pack, with_first("name", "../../a\x1b[2J\n.png"))
    cluster.take(pack)
    assert cluster.library.browse(0, 1)[0].name == "a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}.png"


# With the real rooms


def assert_alike(one: ImageLibrary, other: ImageLibrary) -> None:
    first, second = (library.search(Query.of(UNEQUAL, limit=5, exact=True)).hits for library in (one, other))
    assert [hit.record for hit in first] == [hit.record for hit in second]
    assert [hit.score for hit in first] == pytest.approx([hit.score for hit in second], abs=1e-5)


@pytest.fixture
def real_laptop(picture, tmp_path):
    milvus = Milvus(tmp_path / "laptop.db")
    library = ImageLibrary(LocalImageStore(tmp_path / "laptop"), ready(Encoder()), milvus)
    list(library.add([item(f"{each}.png", picture(each), metadata={"colour": each}) for each in COLOURS]))
    yield library
    milvus.close()


def test_a_library_moves_from_lite_to_lite(real_laptop, tmp_path):
    with new_pack(str(tmp_path / "pack"), ALL) as writer:
        assert list(real_laptop.packs.export_to(writer)) == ["packed"] * 5
    milvus = Milvus(tmp_path / "other.db")
    other = ImageLibrary(LocalImageStore(tmp_path / "other"), ready(Blind()), milvus)
    for status in ("new", "duplicate"):
        receipts = list(other.packs.import_from(open_pack(str(tmp_path / "pack"))))
        assert {receipt.status for receipt in receipts} == {status}
    assert_alike(other, real_laptop)
    milvus.close()
    files = [path.relative_to(tmp_path / "laptop") for path in (tmp_path / "laptop").rglob("*.*")]
    assert len(files) == 15
    assert all((tmp_path / "other" / path).read_bytes() == (tmp_path / "laptop" / path).read_bytes() for path in files)


def test_a_library_moves_from_lite_to_a_server(real_laptop, tmp_path, milvus_server):
    with new_pack(str(tmp_path / "pack"), THUMBNAILS) as writer:
        list(real_laptop.packs.export_to(writer))
    milvus = Milvus(milvus_server.uri)
    cluster = ImageLibrary(LocalImageStore(tmp_path / "cluster"), ready(Blind()), milvus)
    receipts = list(cluster.packs.import_from(open_pack(str(tmp_path / "pack"))))
    assert {receipt.status for receipt in receipts} == {"new"}
    assert_alike(cluster, real_laptop)
    milvus.close()
