import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.errors import InvalidQuery, ModelUnavailable, NotAllowed, RejectedImage, UnknownPicture
from library.image_library import ImageLibrary
from library.images import content_id
from library.permissions import require
from library.records import Record, clean_name
from library.search.query import Query
from testing.fakes import MemoryDatabase, MemoryStore, loading
from testing.pictures import item, record


@pytest.fixture
def colours(library, picture):
    list(library.add([item(f"{colour}.png", picture(colour)) for colour in ("red", "green", "blue")]))
    return library


def names(answer):
    return [hit.record.name for hit in answer.hits]


def test_words_find_the_matching_picture_first(colours):
    answer = colours.search(Query.of("blue"))
    assert names(answer)[0] == "blue.png"
    assert answer.hits[0].score == pytest.approx(1, abs=1e-3)


def test_a_picture_finds_itself_first(colours, picture):
    assert names(colours.search(Query.of(image=picture("green"))))[0] == "green.png"


def test_words_and_a_picture_together_lie_between_both(colours, picture):
    answer = colours.search(Query.of("red", image=picture("blue")))
    assert set(names(answer)[:2]) == {"red.png", "blue.png"}
    assert answer.hits[0].score == pytest.approx(np.sqrt(0.5), abs=1e-2)


def test_similar_pictures_come_without_the_picture_itself(colours, picture):
    answer = colours.search(Query.of(similar_to=content_id(picture("red")), limit=2))
    assert [each.name for each in answer.pictures] == ["red.png"]
    assert set(names(answer)) == {"green.png", "blue.png"}
    assert answer.timings.encode == 0


def test_a_minimum_score_leaves_the_rest_out(colours):
    assert names(colours.search(Query.of("red", min_score=0.9))) == ["red.png"]


def test_the_stages_add_up(colours):
    timings = colours.search(Query.of("red")).timings
    assert timings.total == pytest.approx(timings.encode + timings.load + timings.search)


def test_a_text_that_is_cut_is_told(colours):
    (note,) = colours.search(Query.of("red " * 9)).notes
    assert str(note) == ("The text is longer than the model reads: its end was left out.")
    assert colours.search(Query.of("red " * 8)).notes == []


@pytest.mark.parametrize("text", ["", " \n\t ", "\0\x07\x1b", "\u2028", "\u200b \u202e"])
def test_nothing_asked_is_explained(colours, text):
    with pytest.raises(InvalidQuery, match="Describe a picture"):
        colours.search(Query.of(text))


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 201}, {"nprobe": 0}, {"min_score": 2}])
def test_a_number_out_of_range_is_explained(wrong):
    with pytest.raises(InvalidQuery, match=r"possible|asked for"):
        Query.of("red", **wrong)


def test_a_query_picture_that_is_none_is_rejected(colours):
    with pytest.raises(RejectedImage):
        colours.search(Query.of(image=b"text"))


def test_browsing_shows_the_newest_first(colours):
    assert [each.name for each in colours.browse(0, 2)] == ["blue.png", "green.png"]
    assert [each.name for each in colours.browse(2, 2)] == ["red.png"]


def test_a_deleted_picture_is_gone_everywhere(colours, picture):
    id = content_id(picture("red"))
    [deleted] = colours.delete([id])
    assert deleted.name == "red.png"
    assert "red.png" not in names(colours.search(Query.of("red")))
    for ask in (colours.record, colours.original, colours.thumbnail, colours.pictures.preview):
        with pytest.raises(UnknownPicture):
            ask(id)


def test_an_unknown_id_among_known_ones_deletes_nothing(colours, picture):
    with pytest.raises(UnknownPicture):
        colours.delete([content_id(picture("red")), record(1).content_id])
    assert colours.status().pictures == 3


def test_a_stored_picture_without_a_row_says_how_to_finish_it(colours, database, picture):
    kept = colours.record(content_id(picture("red")))
    database.delete([kept.img_path])
    with pytest.raises(UnknownPicture, match="Add it again"):
        colours.search(Query.of(similar_to=kept.content_id))


def test_the_status_never_waits_for_the_model():
    status = ImageLibrary(MemoryStore(), loading(), MemoryDatabase()).status()
    assert (status.pictures, status.model.name, status.model.info, status.index) == (0, "some/model", None, None)


def test_a_model_that_failed_is_explained_in_status_and_search():
    models = loading()
    models.fail(ModelUnavailable("No network."))
    library = ImageLibrary(MemoryStore(), models, MemoryDatabase())
    assert str(library.status().model.problem) == "No network."
    with pytest.raises(ModelUnavailable):
        library.search(Query.of("red"))


@given(st.text())
def test_a_clean_name_fits_a_screen_and_a_field(name):
    cleaned = clean_name(name)
    assert 0 < len(cleaned) <= 255
    assert "\n" not in cleaned and "/" not in cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("C:\\photos\\a.jpg", "a.jpg"),
        ("a\nb.jpg", "a�b.jpg"),
        ("${alert(1)}<img onerror=x>.jpg", "${alert(1)}<img onerror=x>.jpg"),
        ("caf\udce9.jpg", "caf?.jpg"),
        ("../..", ".."),
        ("", "unnamed"),
    ],
)
def test_hostile_names_become_plain_text(name, cleaned):
    assert clean_name(name) == cleaned


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text())))
def test_a_record_survives_its_json(metadata):
    kept = record(1, metadata=metadata)
    try:
        text = kept.to_json()
        text.encode()
    except UnicodeEncodeError:
        return
    assert Record.from_json(text) == kept


def test_records_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        record(1).name = "other"


@pytest.mark.parametrize(
    ("edits", "adds", "deletes"), [("all", True, True), ("add", True, False), ("none", False, False)]
)
def test_rights(edits, adds, deletes):
    for needed, allowed in (("add", adds), ("all", deletes)):
        if allowed:
            require(edits, needed)
        else:
            with pytest.raises(NotAllowed, match=f"EDITS={edits}"):
                require(edits, needed)


def test_a_missing_thumbnail_is_made_anew(library, store, picture):
    [receipt] = library.add([item("red.png", picture("red"))])
    present = library.thumbnail(receipt.content_id)

    def missing(id):
        raise UnknownPicture("This picture is no longer in the library.")

    store.thumbnail = missing
    assert library.thumbnail(receipt.content_id) == present
    with pytest.raises(UnknownPicture):
        library.thumbnail(content_id(b""))
