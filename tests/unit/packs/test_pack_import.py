"""Checks what a pack brings, in memory and with the real rooms."""

from dataclasses import replace
from itertools import chain, repeat

import pyarrow as pa
import pytest

from db.files.pack_reader import open_pack
from db.files.pack_writer import new_pack
from db.images.local import LocalImageStore
from db.milvus.database import Milvus
from library.errors import IndexUnavailable, ModelUnavailable, StoreUnavailable
from library.image_library import ImageLibrary
from library.models import Models, ModelSource
from library.records import NOT_KEPT
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.packs import ALL, COLOURS, THUMBNAILS, UNEQUAL, VECTORS, Blind, Cluster, Encoder, replace_table
from testing.pictures import item


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
    monkeypatch.setattr("db.files.pack_reader.BATCH_ROWS", 2)
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
    monkeypatch.setattr("db.files.pack_reader.BATCH_ROWS", 2)
    pack = open_pack(str(laptop.export()))
    stops = chain([False, False], repeat(True))  # before its one file, before the first batch, after it
    receipts = list(cluster.library.packs.import_from(pack, lambda: next(stops)))
    assert [receipt.status for receipt in receipts] == ["new", "new"]


def test_a_pack_of_the_chosen_model_goes_to_it_while_the_fallback_answers(laptop):
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
