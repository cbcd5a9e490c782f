"""Checks the trash: what was deleted comes back whole and searchable, expires, and survives a kill."""

import os
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import db.images.local
from db.files.dropped_files import DroppedFiles
from db.images.local import LocalImageStore
from library.errors import IndexUnavailable, NotAllowed, UnknownCollection, UnknownPicture
from library.image_library import ImageLibrary
from library.images import content_id
from library.permissions import require
from library.ports import EncoderInfo
from library.search.query import Query
from library.trash.entries import LONG_AGO, Trashed
from testing.fakes import ColourEncoder, MemoryDatabase, ready
from testing.pictures import item, record, unit_vectors
from ui.handlers.removal import RemovalHandlers
from ui.handlers.trash import TrashHandlers
from ui.trash_api import TrashApi


class BlindEncoder(ColourEncoder):
    """Encodes one batch of pictures, and fails after that."""

    used = False

    def encode_images(self, images):
        assert not self.used, "encoded again"
        return super().encode_images(images)


@pytest.fixture
def encoder():
    return BlindEncoder()


@pytest.fixture
def library(store, database, encoder):
    return ImageLibrary(store, ready(encoder), database)


@pytest.fixture
def red(library, filled, encoder):
    encoder.used = True
    return filled["red"]


def found(library, text):
    return [hit.record.name for hit in library.search(Query.of(text, min_score=0.9)).hits]


def aged(store, id, days):
    """Makes an entry of the trash older."""
    (entry,) = store.find_trashed([id])
    moment = datetime.now(UTC) - timedelta(days=days)
    store.note_trashed(Trashed(entry.record, moment.isoformat(), entry.thumbnail, entry.vectors))


def test_a_restored_picture_is_found_at_once_without_being_encoded(library, store, red):
    before = (store.find(red), store.original(red), store.thumbnail(red))
    library.delete([red])
    assert store.find(red) is None and found(library, "red") == []
    with pytest.raises(UnknownPicture):
        library.original(red)
    assert [each.record.content_id for each in library.trash.pictures(0, 9)] == [red]
    assert [each.name for each in library.trash.restore([red])] == ["red.png"]
    assert (store.find(red), store.original(red), store.thumbnail(red)) == before
    assert found(library, "red") == ["red.png"]
    assert library.trash.count() == 0


def test_all_collections_get_their_vectors_back(library, database, filled):
    other = database.collection(EncoderInfo("other", "1" * 12, 5, "", ""))
    record_of_red = library.record(filled["red"])
    (vector,) = unit_vectors(1, 5)
    other.upsert([record_of_red], np.stack([vector]))
    library.delete([filled["red"]])
    library.trash.restore([filled["red"]])
    with other.loaded() as index:
        assert np.array_equal(index.vectors([record_of_red.img_path])[filled["red"]], vector)


def test_what_is_not_in_the_trash_restores_nothing(library, filled):
    library.delete([filled["red"]])
    with pytest.raises(UnknownPicture, match="not in the trash"):
        library.trash.restore([filled["red"], filled["blue"]])
    assert library.trash.count() == 1


def test_what_has_expired_is_neither_listed_nor_restored_and_then_removed(library, store, filled):
    red = filled["red"]
    library.delete([red])
    aged(store, red, 30)
    assert library.trash.count() == 0
    with pytest.raises(UnknownPicture):
        library.trash.restore([red])
    assert library.trash.sweep() == 1
    assert store.trashed() == {}


def test_a_young_entry_is_left_by_the_sweep(library, store, filled):
    library.delete([filled["red"]])
    aged(store, filled["red"], 29)
    assert library.trash.sweep() == 0
    assert library.trash.count() == 1


def test_without_days_a_delete_is_at_once(store, database, picture):
    library = ImageLibrary(store, ready(ColourEncoder()), database, trash_days=0)
    list(library.add([item("red.png", picture("red"))]))
    library.delete([content_id(picture("red"))])
    assert store.trashed() == {} and store.count() == 0
    with pytest.raises(UnknownPicture):
        library.trash.restore([content_id(picture("red"))])


def test_the_sweep_of_another_process_leaves_a_delete_in_hand_alone(tmp_path, database, picture, monkeypatch):
    store = LocalImageStore(tmp_path)
    libraries = [ImageLibrary(store, ready(ColourEncoder()), database, trash_days=0) for _ in range(2)]
    list(libraries[0].add([item("red.png", picture("red"))]))
    delete = database.delete

    def delete_and_sweep(paths):
        delete(paths)
        libraries[1].trash.sweep()

    monkeypatch.setattr(database, "delete", delete_and_sweep)
    libraries[0].delete([content_id(picture("red"))])
    assert list(store.files()) == [] and libraries[1].doctor.examine().findings == []


def test_a_delete_that_fails_on_the_index_leaves_the_picture(library, database, red, monkeypatch):
    def away(paths):
        raise IndexUnavailable("milvus_loading")

    with monkeypatch.context() as patch:
        patch.setattr(database, "delete", away)
        with pytest.raises(IndexUnavailable):
            library.delete([red])
    assert library.record(red) and library.trash.count() == 0


def test_a_picture_that_is_added_again_leaves_the_trash(library, store, filled, picture):
    library.delete([filled["red"]])
    list(library.add([item("again.png", picture("red"))]))
    assert library.trash.count() == 0
    aged(store, filled["red"], 1)
    list(library.add([item("again.png", picture("red"))]))
    library.trash.sweep()
    assert store.trashed() == {} and library.original(filled["red"]) == picture("red")


def test_the_sweep_makes_whole_what_a_killed_delete_or_restore_has_left(library, store, database, red):
    entry_of = library.record(red)
    library.delete([red])
    aged(store, red, 1)
    (entry,) = store.find_trashed([red])
    store.add(entry.record, None, entry.thumbnail)  # as far as a restore comes that is killed before the rows
    assert found(library, "red") == []
    library.trash.sweep()
    assert found(library, "red") == ["red.png"] and store.trashed() == {}
    assert library.record(red) == entry_of


def test_a_dropped_collection_comes_back_with_the_pictures_that_are_there(library, database, filled, tmp_path):
    for dropped in (library.trash._dropped, DroppedFiles(tmp_path)):
        library.trash._dropped = dropped
        other = database.collection(EncoderInfo("other", "1" * 12, 3, "", ""))
        records = [library.record(id) for id in filled.values()]
        vectors = np.stack(unit_vectors(len(records), 3))
        other.upsert([*records, record(7)], np.stack([*vectors, vectors[0]]))
        name = database.name_of(EncoderInfo("other", "1" * 12, 3, "", ""))
        library.collections.drop(name)
        assert name not in [each.name for each in database.stored()]
        (kept,) = library.trash.collections()
        assert kept.collection.rows == 4
        library.trash.restore_collection(kept.key)
        with database.named(name).loaded() as index:
            again = index.vectors([each.img_path for each in records])
            assert index.count() == 3
        assert all(np.array_equal(again[each.content_id], row) for each, row in zip(records, vectors, strict=True))
        assert library.trash.collections() == []
        with pytest.raises(UnknownCollection, match="in the trash"):
            library.trash.restore_collection(kept.key)


def test_a_key_of_a_collection_names_no_file_elsewhere(tmp_path):
    for key in ("../../etc/passwd", "a/b.1", "", "a.1\n", "."):
        with pytest.raises(UnknownCollection):
            list(DroppedFiles(tmp_path).rows(key))
        with pytest.raises(UnknownCollection):
            DroppedFiles(tmp_path).remove(key)


def test_a_damaged_file_of_a_dropped_collection_is_passed_over(tmp_path):
    for at, damage in enumerate((b"", b"{", b"[]\n", b'{"deleted": 3, "collection": {}}\n', b"\xff\n")):
        (tmp_path / f"a.{at}.vectors").write_bytes(damage)
    assert DroppedFiles(tmp_path).listed() == []


def test_emptying_removes_everything(library, store, filled):
    library.delete(list(filled.values()))
    assert library.trash.empty() == 3
    assert store.trashed() == {} and library.trash.count() == 0


def test_what_is_being_removed_is_no_longer_listed(library, store, filled):
    library.delete([filled["red"]])
    (entry,) = store.find_trashed([filled["red"]])
    store.note_trashed(Trashed(entry.record, LONG_AGO, b""))
    assert library.trash.count() == 0


def test_emptying_again_removes_what_a_killed_removal_has_left(library, store, filled):
    library.delete([filled["red"]])
    [entry] = library.trash.pictures(0, 9)
    store.note_trashed(Trashed(entry.record, LONG_AGO, b""))
    library.trash.empty()
    assert store.trashed() == {} and filled["red"] not in {file.id for file in store.files()}


def test_only_who_may_delete_sees_and_uses_the_trash(library, filled):
    library.delete([filled["red"]])
    for edits in ("none", "add"):
        handlers, api = TrashHandlers(library, edits), TrashApi(library, edits)
        for answer in (handlers.view(), handlers.restore({"ids": [filled["red"]]}), handlers.empty()):
            assert answer["problem"] and answer["pictures"] == [] and answer["count"] == 0
        assert handlers.undo({"ids": [filled["red"]]})["state"] == "error"
        for call in (
            api.trash,
            lambda api=api: api.restore([filled["red"]]),
            lambda api=api: api.delete([filled["blue"]]),
        ):
            with pytest.raises(Exception, match="EDITS"):
                call()
        with pytest.raises(NotAllowed):
            require(edits, "all")
    assert library.trash.count() == 1 and library.record(filled["blue"])


def test_the_page_undoes_a_delete_and_restores_from_the_panel(library, filled):
    removal, handlers = RemovalHandlers(library, "all"), TrashHandlers(library, "all")
    told = removal.remove({"id": filled["red"]})
    assert told["undo"] is True
    assert handlers.undo({"ids": [told["removed"]]})["restored"] == 1
    removal.remove_all({"ids": [filled["red"], filled["blue"]]})
    shown = handlers.view()
    assert shown["count"] == 2 and all(each["image"].startswith("data:image/jpeg") for each in shown["pictures"])
    shown = handlers.restore({"ids": [filled["red"]]})
    assert (shown["restored"], shown["count"], shown["problem"]) == (1, 1, None)
    assert handlers.restore({"ids": ["nonsense"]})["problem"]
    assert handlers.empty()["count"] == 0


def test_the_page_hears_of_what_others_have_deleted_or_brought_back_meanwhile(library, filled):
    removal, handlers = RemovalHandlers(library, "all"), TrashHandlers(library, "all")
    red, blue = filled["red"], filled["blue"]
    library.delete([red, blue])
    assert removal.remove({"id": red})["lost"] == [red]
    assert removal.remove_all({"ids": [red, blue]})["lost"] == [red, blue]
    library.trash.restore([red])
    told = handlers.undo({"ids": [red]})
    assert (told["restored"], told["there"]) == (0, 1) and "state" not in told
    told = handlers.undo({"ids": [red, blue]})
    assert (told["restored"], told["there"]) == (1, 1)


def test_a_program_deletes_lists_and_restores(library, filled):
    api = TrashApi(library, "all")
    assert api.delete([filled["red"]]) == {"deleted": 1}
    (entry,) = api.trash()["pictures"]
    assert (entry["content_id"], entry["name"]) == (filled["red"], "red.png")
    assert api.restore([filled["red"]]) == {"restored": [filled["red"]]}


class Killed(BaseException):
    """Ends a delete as a kill would, wherever it is."""


def killing(monkeypatch, target, name, at):
    """Makes the call of that number of a function the last thing that happens."""
    real, calls = getattr(target, name), []

    def call(*arguments, **options):
        calls.append(name)
        if len(calls) == at:
            raise Killed
        return real(*arguments, **options)

    monkeypatch.setattr(target, name, call)


def test_a_delete_that_is_killed_anywhere_leaves_whole_pictures_and_no_orphans(tmp_path, picture, monkeypatch):
    data = picture("red")
    steps = [(target, at) for target, most in (("write", 2), ("unlink", 6), ("rows", 2)) for at in range(1, most + 1)]
    for number, ((target, at), days) in enumerate((step, days) for step in steps for days in (30, 0)):
        store, database = LocalImageStore(tmp_path / str(number)), MemoryDatabase()
        library = ImageLibrary(store, ready(ColourEncoder()), database, trash_days=days)
        list(library.add([item("red.png", data)]))
        place = {
            "write": (db.images.local, "write_atomically"),
            "unlink": (Path, "unlink"),
            "rows": (database, "delete"),
        }
        with monkeypatch.context() as patch:
            killing(patch, *place[target], at)
            with suppress(Killed):
                library.delete([content_id(data)])
        for path in (tmp_path / str(number)).rglob("*.trash"):
            os.utime(path, (min(time.time() - 3600, path.stat().st_mtime),) * 2)
        again = ImageLibrary(store, ready(ColourEncoder()), database, trash_days=days)
        again.trash.sweep()
        if again.trash.count():
            assert again.pictures.count() == 0
            again.trash.restore([content_id(data)])
        if again.pictures.count():
            assert again.original(content_id(data)) == data and again.thumbnail(content_id(data))
            assert found(again, "red") == ["red.png"]
            assert again.doctor.examine().findings == []
        else:
            assert days == 0 and [path for path in (tmp_path / str(number)).rglob("*") if path.is_file()] == []
