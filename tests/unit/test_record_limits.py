"""Holds that one record's fault is that record's: its neighbours go in, and it gets a receipt with the reason."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.errors import RejectedImage
from library.image_library import ImageLibrary
from library.ingest.record_limits import MAX_DEPTH, MAX_ROW_BYTES, check_metadata, check_record, row_bytes
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.pictures import item, record
from testing.properties import EXAMPLES

HALF_AN_EMOJI = "\ud83d"
BAD = {
    "half of a character": HALF_AN_EMOJI,
    "a NUL": "a\0b",
    "half of a character inside": {"a": [HALF_AN_EMOJI]},
    "a name that cannot be kept": {HALF_AN_EMOJI: 1},
    "a name that is no text": {1: 2},
    "a whole number too large": 2**63,
    "a whole number too small": -(2**63) - 1,
    "no number": math.nan,
    "an endless number": -math.inf,
    "bytes": b"x",
    "a set": {1},
}


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_a_value_that_cannot_be_kept_is_refused_with_the_name_of_its_field(value):
    with pytest.raises(RejectedImage, match="The metadata field caption"):
        check_record(record(1, metadata={"caption": value}))


def test_a_field_whose_name_cannot_be_kept_is_refused():
    with pytest.raises(RejectedImage, match="holds text that cannot be kept"):
        check_record(record(1, metadata={HALF_AN_EMOJI: "x"}))


def test_a_field_that_only_another_row_has_is_no_fault():
    check_metadata({HALF_AN_EMOJI: None, "a": 1})


def test_values_may_be_nested_so_deep_and_no_deeper():
    check_record(record(1, metadata={"a": nested(MAX_DEPTH - 1)}))
    with pytest.raises(RejectedImage, match="nested more than 32 levels"):
        check_record(record(1, metadata={"a": nested(MAX_DEPTH)}))
    with pytest.raises(RejectedImage, match="nested more than 32 levels"):
        check_record(record(1, metadata={"a": nested(5_000)}))


def test_a_record_may_be_as_large_as_a_row_of_a_server_and_no_larger():
    room = MAX_ROW_BYTES - row_bytes(record(1, metadata={"caption": ""}))
    check_record(record(1, metadata={"caption": "x" * room}))
    with pytest.raises(RejectedImage, match="65,536 are the most"):
        check_record(record(1, metadata={"caption": "x" * (room + 1)}))
    with pytest.raises(RejectedImage, match="65,536 are the most"):
        check_record(record(1, metadata={"caption": "é" * (room // 2 + 1)}))


def added(library, metadata, picture):
    items = [
        item("before.png", picture("red")),
        item("odd.png", picture("green"), metadata=metadata),
        item("after.png", picture("blue")),
    ]
    return [(receipt.path, receipt.status) for receipt in library.add(items)]


def test_its_neighbours_go_in_and_a_second_run_changes_nothing(library, picture):
    for _ in range(2):
        statuses = added(library, {"caption": HALF_AN_EMOJI}, picture)
        assert statuses[1] == ("odd.png", "rejected")
    assert [status for _, status in statuses] == ["duplicate", "rejected", "duplicate"]


def test_metadata_that_cannot_be_kept_leave_a_known_picture_as_it_was(library, picture):
    list(library.add([item("a.png", picture("red"), metadata={"stars": 5})]))
    [receipt] = library.add([item("a.png", picture("red"), metadata={"stars": 2**64})])
    assert receipt.status == "rejected" and "64 bits" in str(receipt.reason)
    assert library.browse(0, 1)[0].metadata == {"stars": 5}


def test_a_copy_that_says_what_cannot_be_kept_is_rejected_in_every_run(library, picture):
    for first in ("new", "duplicate"):
        copy = item("copy.png", picture("red"), metadata={"caption": HALF_AN_EMOJI})
        receipts = list(library.add([item("a.png", picture("red")), copy]))
        assert [receipt.status for receipt in receipts] == [first, "rejected"]


def test_a_row_after_one_about_the_same_picture_that_is_refused_goes_in(library, picture):
    for first in ("new", "duplicate"):
        bad = item("bad.png", picture("red"), metadata={"caption": HALF_AN_EMOJI})
        good = item("good.png", picture("red"), metadata={"caption": "x"})
        assert [receipt.status for receipt in library.add([bad, good])] == ["rejected", first]
        assert library.browse(0, 1)[0].metadata == {"caption": "x"}


def test_what_a_copy_says_of_a_picture_that_nothing_was_said_of_is_kept_in_the_same_run(library, picture):
    for first in ("new", "duplicate"):
        receipts = list(library.add([item("a.png", picture("red")), item("b.png", picture("red"), metadata={"n": 1})]))
        assert [receipt.status for receipt in receipts] == [first, "duplicate"]
        assert library.browse(0, 1)[0].metadata == {"n": 1}


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None) | st.sampled_from([HALF_AN_EMOJI, "\0"]))
    | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@EXAMPLES
@given(metadata=st.dictionaries(st.text(st.characters(codec=None), max_size=8), ANYTHING, max_size=4))
def test_no_metadata_end_a_run_and_every_file_gets_one_receipt(picture, metadata):
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    before, odd, after = added(library, metadata, picture)
    assert (before, after) == (("before.png", "new"), ("after.png", "new"))
    assert odd in (("odd.png", "new"), ("odd.png", "rejected"))
    for each in library.browse(0, 3):
        check_record(each)
