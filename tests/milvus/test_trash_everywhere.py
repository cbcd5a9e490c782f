"""Holds that the trash, the doctor and backups do the same over the fake, Milvus Lite and a real Milvus server."""

import time

import pytest

from db.files.backup_folder import new_backup, open_backup
from db.images.local import LocalImageStore
from db.milvus.database import Milvus
from library.image_library import ImageLibrary
from library.images import content_id
from library.ports import EncoderInfo
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.pictures import item, unit_vectors


@pytest.fixture
def lite(tmp_path):
    milvus = Milvus(tmp_path / "milvus.db")
    yield milvus
    milvus.close()


@pytest.fixture
def server(milvus_server):
    milvus = Milvus(milvus_server.uri)
    yield milvus
    milvus.close()


@pytest.fixture(params=["memory", "lite", "server"])
def database(request):
    return MemoryDatabase() if request.param == "memory" else request.getfixturevalue(request.param)


def found(library):
    return [hit.record.name for hit in library.search(Query.of("red", min_score=0.9)).hits]


def test_deleted_restored_dropped_backed_up_and_checked(database, picture, tmp_path):
    library = ImageLibrary(LocalImageStore(tmp_path / "images"), ready(ColourEncoder()), database)
    list(library.add([item(f"{colour}.png", picture(colour)) for colour in ("red", "green")]))
    red, other = content_id(picture("red")), EncoderInfo("other", "1" * 12, 5, "cpu", "float32")
    database.collection(other).upsert([library.record(red)], unit_vectors(1, 5))

    library.delete([red])
    for _ in range(50):  # a loaded collection of a server shows a deleted row for a moment
        if not found(library):
            break
        time.sleep(0.1)
    assert found(library) == []
    library.trash.restore([red])
    assert found(library) == ["red.png"]
    library.collections.drop(database.name_of(other))
    library.trash.restore_collection(library.trash.collections()[0].key)
    with database.named(database.name_of(other)).loaded() as index:
        assert index.present([library.record(red).img_path]) == {red}

    [thumbnail] = (tmp_path / "images").rglob(f"{red}.thumb.jpg")
    thumbnail.unlink()
    assert [each.kind for each in library.doctor.examine().findings] == ["thumbnail_missing", "row_missing"]
    assert [each.kind for each in library.doctor.repaired(library.doctor.examine()).findings] == ["row_missing"]

    with new_backup(tmp_path / "backup", []) as place:
        list(library.backups.write(place))
    empty = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    list(empty.backups.restore(open_backup(tmp_path / "backup", [])[0]))
    assert found(empty) == ["red.png"]
    assert [each.rows for each in empty.collections.stored()] == [2, 1]
