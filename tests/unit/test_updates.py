"""Adds a known picture again with something new to say about it."""

import pytest

from library.errors import IndexUnavailable
from library.image_library import ImageLibrary
from library.images import content_id
from library.ingest.items import Item
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryDatabase, ready
from testing.pictures import item


class Unused(ColourEncoder):
    def encode_images(self, images):
        raise AssertionError("nothing had to be encoded")


@pytest.fixture
def filled(store, database, picture):
    """Returns two pictures with metadata; whoever adds to it must not encode."""
    first = ImageLibrary(store, ready(ColourEncoder()), database)
    list(first.add(rows(picture, red={"stars": 1, "place": "Oslo"}, blue={"stars": 2})))
    return ImageLibrary(store, ready(Unused()), database)


def rows(picture, **metadata):
    return [item(f"{colour}.png", picture(colour), metadata=fields) for colour, fields in metadata.items()]


def statuses(receipts):
    return [receipt.status for receipt in receipts]


def metadata_of(library, colour):
    """Returns the metadata as the store has it and as a search finds it."""
    best = library.search(Query.of(colour)).hits[0].record
    assert library.record(best.content_id) == best
    return best.metadata


def test_a_changed_table_updates_without_encoding(filled, picture):
    receipts = list(filled.add(rows(picture, red={"stars": 5, "new": True}, blue={"stars": 2})))
    assert statuses(receipts) == ["updated", "duplicate"]
    assert str(receipts[0].reason) == "What is kept with it has changed."
    assert metadata_of(filled, "red") == {"stars": 5, "place": "Oslo", "new": True}


def test_an_emptied_cell_takes_the_field_away(filled, picture):
    assert statuses(filled.add(rows(picture, red={"place": None}))) == ["updated"]
    assert metadata_of(filled, "red") == {"stars": 1}


def test_empty_cells_of_a_new_picture_are_no_fields(library, picture):
    list(library.add(rows(picture, red={"stars": None})))
    assert metadata_of(library, "red") == {}


def test_the_same_table_again_changes_nothing(filled, picture):
    table = rows(picture, red={"stars": 5, "place": None}, blue={"stars": 7})
    assert [statuses(filled.add(table)) for _ in range(2)] == [["updated"] * 2, ["duplicate"] * 2]


def test_of_two_rows_about_one_picture_the_first_counts_in_every_run(library, picture):
    table = [item("a.png", picture("red"), metadata={"n": 1}), item("b.png", picture("red"), metadata={"n": 2})]
    assert [statuses(library.add(table)) for _ in range(3)] == [["new", "duplicate"], *[["duplicate"] * 2] * 2]
    assert metadata_of(library, "red") == {"n": 1}


def test_a_picture_that_lacks_its_row_gets_it_with_what_is_new(library, store, database, picture):
    list(library.add(rows(picture, red={"stars": 1})))
    database.delete([store.find(content_id(picture("red"))).img_path])
    assert statuses(library.add(rows(picture, red={"stars": 5}))) == ["new"]
    assert metadata_of(library, "red") == {"stars": 5}


def test_a_dry_run_updates_nothing(filled, picture):
    assert statuses(filled.add(rows(picture, red={"stars": 5}), dry_run=True)) == ["updated"]
    assert metadata_of(filled, "red") == {"stars": 1, "place": "Oslo"}


class Away(MemoryDatabase):
    def update(self, records):
        raise IndexUnavailable("Milvus does not answer.")


def test_an_update_that_milvus_did_not_take_is_done_by_the_next_run(store, picture):
    away = Away()
    library = ImageLibrary(store, ready(ColourEncoder()), away)
    list(library.add(rows(picture, red={"stars": 1})))
    receipts = []
    with pytest.raises(IndexUnavailable):
        for receipt in library.add(rows(picture, red={"stars": 5})):
            receipts.append(receipt)
    assert statuses(receipts) == ["rejected"]
    again = MemoryDatabase()
    again._collections = away._collections
    assert statuses(ImageLibrary(store, ready(Unused()), again).add(rows(picture, red={"stars": 5}))) == ["updated"]


def test_a_picture_deleted_meanwhile_does_not_come_back(filled, store, picture, monkeypatch):
    red = content_id(picture("red"))
    listed = filled.add(rows(picture, red={"stars": 5}))
    update = MemoryDatabase.update

    def delete_first(database, records):
        store.delete(red)
        update(database, records)

    monkeypatch.setattr(MemoryDatabase, "update", delete_first)
    assert statuses(listed) == ["rejected"]
    assert store.find(red) is None


@pytest.fixture
def places():
    """Returns what lies outside the library, by place."""
    return {}


@pytest.fixture
def referring(store, database, places):
    def read(place):
        if place not in places:
            raise FileNotFoundError(place)
        return places[place]

    return ImageLibrary(store, ready(ColourEncoder()), database, read)


def lying(places, place, data):
    places[place] = data
    return Item(place, "red.png", lambda: data, "holiday/red.png", original_at=place)


def test_in_place_keeps_a_reference_and_no_copy(referring, store, places, picture):
    [receipt] = referring.add([lying(places, "/far/red.png", picture("red"))], in_place=True)
    assert store._pictures[receipt.content_id][1] is None
    assert referring.original(receipt.content_id) == picture("red")
    assert referring.thumbnail(receipt.content_id).startswith(b"\xff\xd8")
    assert referring.pictures.preview(receipt.content_id).startswith(b"\xff\xd8")


def test_what_cannot_be_read_again_is_copied_all_the_same(referring, picture):
    [receipt] = referring.add([item("red.png", picture("red"))], in_place=True)
    assert referring.original(receipt.content_id) == picture("red")


def test_deleting_a_reference_leaves_the_source(referring, places, picture):
    [receipt] = referring.add([lying(places, "/far/red.png", picture("red"))], in_place=True)
    referring.delete([receipt.content_id])
    assert places == {"/far/red.png": picture("red")}


def test_another_place_replaces_the_reference(referring, store, places, picture):
    list(referring.add([lying(places, "/far/red.png", picture("red"))], in_place=True))
    [receipt] = referring.add([lying(places, "/near/red.png", picture("red"))], in_place=True)
    assert (receipt.status, str(receipt.reason)) == ("updated", "The place of its original has changed.")
    assert store.find(receipt.content_id).original_at == "/near/red.png"


def test_taken_in_once_more_without_in_place_it_is_copied(referring, store, places, picture):
    for _ in range(2):
        [receipt] = referring.add([lying(places, "/far/red.png", picture("red"))], in_place=True)
    assert receipt.status == "duplicate"
    [receipt] = referring.add([lying(places, "/far/red.png", picture("red"))])
    places.clear()
    assert receipt.status == "updated"
    assert referring.original(receipt.content_id) == picture("red")


def test_reindexing_reads_from_the_place_and_keeps_the_reference(store, database, places, referring, picture):
    [receipt] = referring.add([lying(places, "/far/red.png", picture("red"))], in_place=True)
    database.delete([store.find(receipt.content_id).img_path])
    assert statuses(referring.reindex()) == ["new"]
    assert store.find(receipt.content_id).original_at == "/far/red.png"
