"""Checks near-duplicates as the page and the command line get them, and rights where something is decided."""

import json

import pytest

from library.duplicates.job import DuplicateReview
from library.image_library import ImageLibrary
from library.images import content_id
from testing.fakes import ColourEncoder, MemoryCollection, MemoryDatabase, MemoryStore, ready
from testing.pictures import item
from ui.handlers.duplicates import DuplicateHandlers

REDS = ("#c83c3c", "#c93c3c", "#ca3d3c")


@pytest.fixture
def filled(picture):
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    reds = [item(f"red {n}.png", picture(colour, (40 + n, 30))) for n, colour in enumerate(REDS)]
    blues = [item(f"blue {n}.png", picture(colour)) for n, colour in enumerate(("#0000c8", "#0000c9"))]
    list(library.add([*reds, *blues]))
    return library


@pytest.fixture
def finder(filled):
    return DuplicateReview(filled)


@pytest.fixture
def handlers(filled, finder):
    return DuplicateHandlers(filled, finder, "all")


def looked(handlers, finder):
    handlers.look()
    assert finder.latest.over.wait(60)
    return json.loads(json.dumps(handlers.view()))


def names(value):
    return sorted([picture["name"] for picture in group["pictures"]] for group in value["groups"])


def reds_of(value):
    return next(group for group in value["groups"] if group["count"] == 3)


def test_nothing_is_looked_for_until_somebody_asks(handlers):
    value = handlers.view()
    assert (value["state"], value["groups"], value["may"], value["too_small"]) == ("none", None, True, False)


def test_groups_are_told_with_the_best_picture_first(handlers, finder):
    value = looked(handlers, finder)
    assert (value["state"], value["found"], value["current"]) == ("done", 2, True)
    assert ["red 2.png", "red 1.png", "red 0.png"] in names(value)
    assert reds_of(value)["pictures"][0] | {"id": "", "bytes": 0, "score": 1} == {
        "id": "",
        "name": "red 2.png",
        "width": 42,
        "height": 30,
        "bytes": 0,
        "format": "PNG",
        "score": 1,
        "detail": None,
        "enlarged_from": None,
    }
    assert reds_of(value)["reason"] == "pixels"


def test_keeping_one_deletes_the_others_and_the_group_is_gone(handlers, finder, filled):
    group = reds_of(looked(handlers, finder))
    kept = group["pictures"][1]["id"]
    value = handlers.decide({"key": group["key"], "decision": "keep", "id": kept})
    assert sorted(value["removed"]) == sorted(each["id"] for each in group["pictures"] if each["id"] != kept)
    assert value["notice"] == {"key": "duplicates.kept_one", "values": {"name": "red 1.png", "count": 2}}
    assert filled.status().pictures == 3
    assert (value["found"], value["current"]) == (1, True)


def test_keeping_all_lasts(handlers, finder, filled):
    group = reds_of(looked(handlers, finder))
    assert handlers.decide({"key": group["key"], "decision": "all"})["found"] == 1
    assert looked(handlers, finder)["found"] == 1
    assert filled.status().pictures == 5


def test_one_that_is_no_duplicate_leaves_its_group(handlers, finder):
    group = reds_of(looked(handlers, finder))
    handlers.decide({"key": group["key"], "decision": "apart", "id": group["pictures"][0]["id"]})
    assert ["red 1.png", "red 0.png"] in names(looked(handlers, finder))


def test_a_group_that_has_changed_meanwhile_is_not_decided_about(handlers, finder, filled):
    group = reds_of(looked(handlers, finder))
    ids = [picture["id"] for picture in group["pictures"]]
    handlers.decide({"key": group["key"], "decision": "apart", "id": ids[2]})
    value = handlers.decide({"key": group["key"], "decision": "keep", "id": ids[0]})
    assert "has changed meanwhile" in value["problem"]
    assert filled.status().pictures == 5


def test_what_was_deleted_elsewhere_leaves_its_group(handlers, finder, filled):
    group = reds_of(looked(handlers, finder))
    filled.delete([group["pictures"][0]["id"]])
    value = handlers.view()
    assert ["red 1.png", "red 0.png"] in names(value)
    assert value["current"] is False


@pytest.mark.parametrize(
    "data",
    [
        None,
        3,
        {},
        {"key": "x", "decision": "all"},
        {"key": [], "decision": "keep", "id": "0" * 64},
        {"decision": "keep", "id": "../x"},
    ],
)
def test_whatever_a_client_sends_nothing_is_deleted(handlers, finder, filled, data):
    looked(handlers, finder)
    assert handlers.decide(data)["problem"]
    assert filled.status().pictures == 5


def test_no_picture_of_another_group_is_kept_for_this_one(handlers, finder, filled):
    group = reds_of(looked(handlers, finder))
    other = content_id(filled.original(next(each.content_id for each in filled.browse(0, 9) if "blue" in each.name)))
    value = handlers.decide({"key": group["key"], "decision": "keep", "id": other})
    assert value["problem"].startswith("This picture is not in the group.")
    assert filled.status().pictures == 5


@pytest.mark.parametrize("edits", ["add", "none"])
def test_without_all_rights_they_are_only_looked_at(filled, finder, edits):
    visitors = DuplicateHandlers(filled, finder, edits)
    group = reds_of(looked(visitors, finder))
    for decision in ("keep", "all", "apart"):
        value = visitors.decide({"key": group["key"], "decision": decision, "id": group["pictures"][0]["id"]})
        assert f"EDITS={edits}" in value["problem"]
    assert f"EDITS={edits}" in visitors.stop()["problem"]
    first = finder.latest
    assert "nothing new to find" in visitors.look()["problem"]
    assert finder.latest is first and filled.status().pictures == 5


def test_an_index_that_is_away_is_told_in_one_sentence(handlers, finder, monkeypatch):
    monkeypatch.setattr(MemoryCollection, "nearest", lambda self, vectors, limit: [{} for _ in vectors])
    value = looked(handlers, finder)
    assert value["state"] == "failed" and value["problem"].startswith("Milvus answered without any hits")


def test_a_library_of_one_picture_is_too_small(picture):
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    list(library.add([item("red.png", picture("red"))]))
    assert DuplicateHandlers(library, DuplicateReview(library), "all").view()["too_small"] is True
